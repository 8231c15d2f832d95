import postgres from "postgres";

// Without names for prepared statements, for the sake of a pooler in transaction mode.
export const sql = postgres(process.env.DATABASE_URL, { prepare: false });

// begin() holds one connection for the transaction; only tx is on it, sql is not.
export const asTenant = (tenant, work) =>
  sql.begin(async (tx) => {
    await tx`select set_config('app.tenant_id', ${tenant}, true)`;
    return work(tx);
  });

export const tasks = (tenant) => asTenant(tenant, (tx) => tx`select id, title from tasks order by id`);
