import pg from "pg";

export const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

// One connection, one transaction, one tenant.
export async function asTenant(tenant, work) {
  const client = await pool.connect();
  let broken;
  try {
    await client.query("begin");
    await client.query("select set_config('app.tenant_id', $1, true)", [tenant]);
    const result = await work(client);
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((lost) => (broken = lost));
    throw error;
  } finally {
    // A connection that could not roll back is closed, not handed on.
    client.release(broken);
  }
}

export const tasks = (tenant) =>
  asTenant(tenant, async (client) => (await client.query("select id, title from tasks order by id")).rows);
