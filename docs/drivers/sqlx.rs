use sqlx::postgres::PgPool;
use sqlx::{Postgres, Transaction};

/// Returns a transaction that is one tenant's. Commit it; dropped, it rolls back.
pub async fn as_tenant(pool: &PgPool, tenant: &str) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    let set = sqlx::query("select set_config('app.tenant_id', $1, true)").bind(tenant);
    set.persistent(false).execute(&mut *tx).await?;
    Ok(tx)
}

/// `persistent(false)`: a statement without a name, for the sake of a pooler in transaction mode.
pub async fn tasks(pool: &PgPool, tenant: &str) -> sqlx::Result<Vec<(i32, String)>> {
    let mut tx = as_tenant(pool, tenant).await?;
    let tasks = sqlx::query_as("select id, title from tasks order by id");
    let tasks = tasks.persistent(false).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(tasks)
}
