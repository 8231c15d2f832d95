import { asTenant, prisma, tasks } from "./prisma.mjs";
import { scenario } from "./scenario.mjs";

await scenario({
  asTenant,
  tasks,
  insert: (as, id, project, tenant) => asTenant(as, (tx) => tx.task.create({ data: { id, project, tenant, title: "new" } })),
  bare: async () =>
    (await prisma.$queryRaw`select (select count(*) from tasks)::int as rows, current_setting('app.tenant_id', true) as setting`)[0],
  fail: (as) => asTenant(as, (tx) => tx.$queryRaw`select 1 / 0`),
  // The other form of $transaction takes a list; it is one transaction as well.
  more: async (tenant) => {
    const set = prisma.$queryRaw`select set_config('app.tenant_id', ${tenant}, true)`;
    return { list: (await prisma.$transaction([set, prisma.task.findMany()]))[1].length };
  },
  close: () => prisma.$disconnect(),
});
