import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./client/index.js";

const adapter = new PrismaPg({ connectionString: process.env.DATABASE_URL });
export const prisma = new PrismaClient({ adapter });

// The form of $transaction that takes a function. Only tx is inside; prisma takes another connection.
export const asTenant = (tenant, work) =>
  prisma.$transaction(async (tx) => {
    await tx.$queryRaw`select set_config('app.tenant_id', ${tenant}, true)`;
    return work(tx);
  });

export const tasks = (tenant) =>
  asTenant(tenant, (tx) => tx.task.findMany({ select: { id: true, title: true }, orderBy: { id: "asc" } }));
