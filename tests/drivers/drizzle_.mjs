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
  more: async (tenant) => {
    // A transaction inside of one, that is another tenant's.
    const other = "bbbbbbbb-0000-4000-8000-00000000000b";
    const nested = await asTenant(tenant, async (tx) => {
      await tx.transaction((inner) => inner.execute(sql`select set_config('app.tenant_id', ${other}, true)`));
      return tx.select({ id: task.id }).from(task).orderBy(task.id);
    });
    // Two at once take two connections of the pool, and each gives the name.
    const named = () => asTenant(tenant, (tx) => tx.select({ id: task.id }).from(task).prepare("mine").execute());
    const outcomes = await Promise.all([named(), named()].map((it) => it.then(() => "accepted", (error) => error.cause.code)));
    return { nested: nested.map((row) => row.id), named: outcomes.sort() };
  },
  close: () => db.$client.end(),
});
