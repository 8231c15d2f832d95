import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text, uuid } from "drizzle-orm/pg-core";

export const task = pgTable("tasks", {
  id: integer("id").primaryKey(),
  project: integer("project_id").notNull(),
  tenant: uuid("tenant_id"), // filled by the database in new rows
  title: text("title").notNull(),
});

export const db = drizzle(process.env.DATABASE_URL);

// Only tx is inside the transaction; db takes another connection of the pool.
export const asTenant = (tenant, work) =>
  db.transaction(async (tx) => {
    await tx.execute(sql`select set_config('app.tenant_id', ${tenant}, true)`);
    return work(tx);
  });

export const tasks = (tenant) =>
  asTenant(tenant, (tx) => tx.select({ id: task.id, title: task.title }).from(task).orderBy(task.id));
