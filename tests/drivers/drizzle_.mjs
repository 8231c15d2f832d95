import { sql } from "drizzle-orm";
import { asTenant, db, task, tasks } from "./drizzle.mjs";
import { scenario } from "./scenario.mjs";

await scenario({
  asTenant,
  tasks,
  insert: (as, id, project, tenant) => asTenant(as, (tx) => tx.insert(task).values({ id, project, tenant, title: "new" })),
  bare: async () =>
    (await db.execute(sql`select (select count(*) from tasks)::int as rows, current_setting('app.tenant_id', true) as setting`)).rows[0],
  fail: (as) => asTenant(as, (tx) => tx.execute(sql`select 1 / 0`)),
  close: () => db.$client.end(),
});
