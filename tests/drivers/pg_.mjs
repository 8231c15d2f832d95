import { asTenant, pool, tasks } from "./pg.mjs";
import { scenario } from "./scenario.mjs";

const add = "insert into tasks (id, project_id, tenant_id, title) values ($1, $2, $3, 'new')";
const state = "select (select count(*) from tasks)::int as rows, current_setting('app.tenant_id', true) as setting";
await scenario({
  asTenant,
  tasks,
  insert: (as, id, project, tenant) => asTenant(as, (client) => client.query(add, [id, project, tenant])),
  bare: async () => (await pool.query(state)).rows[0],
  fail: (as) => asTenant(as, (client) => client.query("select 1 / 0")),
  close: () => pool.end(),
});
