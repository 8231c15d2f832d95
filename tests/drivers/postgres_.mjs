import { asTenant, sql, tasks } from "./postgres.mjs";
import { scenario } from "./scenario.mjs";

await scenario({
  asTenant,
  tasks,
  insert: (as, id, project, tenant) =>
    asTenant(as, (tx) => tx`insert into tasks ${tx({ id, project_id: project, ...(tenant && { tenant_id: tenant }), title: "new" })}`),
  bare: async () => (await sql`select (select count(*) from tasks)::int as rows, current_setting('app.tenant_id', true) as setting`)[0],
  fail: (as) => asTenant(as, (tx) => tx`select 1 / 0`),
  close: () => sql.end(),
});
