//! The example for sqlx, asked what the others are asked.

use serde_json::{Value, json};
use sqlx::{PgPool, Row as _};

use super::sqlx_example::{as_tenant, tasks};
use super::{A, B, both_ways};
use crate::support::run;

const C: &str = "cccccccc-0000-4000-8000-00000000000c";

/// Returns the SQLSTATE.
pub(super) fn outcome<T>(result: sqlx::Result<T>) -> String {
    match result {
        Ok(_) => "accepted".to_owned(),
        Err(sqlx::Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
        Err(other) => other.to_string(),
    }
}

async fn ids(pool: &PgPool, tenant: &str) -> Vec<i32> {
    let tasks = tasks(pool, tenant).await.expect("the tenant's tasks");
    tasks.into_iter().map(|(id, _)| id).collect()
}

async fn insert(pool: &PgPool, tenant: &str, id: i32, project: i32, owner: Option<&str>) -> sqlx::Result<()> {
    let mut tx = as_tenant(pool, tenant).await?;
    let sql = if owner.is_some() {
        "insert into tasks (id, project_id, title, tenant_id) values ($1, $2, 'new', $3::text::uuid)"
    } else {
        "insert into tasks (id, project_id, title) values ($1, $2, 'new')"
    };
    let query = sqlx::query(sql).bind(id).bind(project);
    let query = match owner {
        Some(owner) => query.bind(owner),
        None => query,
    };
    query.persistent(false).execute(&mut *tx).await?;
    tx.commit().await
}

async fn fail(pool: &PgPool) -> sqlx::Result<()> {
    let mut tx = as_tenant(pool, A).await?;
    sqlx::query("select 1 / 0")
        .persistent(false)
        .execute(&mut *tx)
        .await
        .map(|_| ())
}

async fn bare(pool: &PgPool) -> Value {
    let state = "select (select count(*) from tasks) as rows, current_setting('app.tenant_id', true) as setting";
    // In one message: a pooler may change the connection between two.
    let row = sqlx::raw_sql(state).fetch_one(pool).await.expect("a row");
    json!({"rows": row.get::<i64, _>("rows"), "setting": row.get::<Option<String>, _>("setting")})
}

async fn scenario(url: &str) -> Value {
    let pool = PgPool::connect(url).await.expect("a pool");
    let mut after = Vec::new();
    let mut seen = json!({
        "tenants": [ids(&pool, A).await, ids(&pool, B).await, ids(&pool, C).await],
        "nobody": ids(&pool, "").await,
        "malformed": outcome(tasks(&pool, "a").await),
        "own": outcome(insert(&pool, A, 14, 1, Some(A)).await),
        "filled": outcome(insert(&pool, A, 15, 1, None).await),
        "foreign": outcome(insert(&pool, A, 24, 2, Some(B)).await),
        "after_insert": ids(&pool, A).await,
        "failed": outcome(fail(&pool).await),
    });
    for _ in 0..10 {
        after.push(bare(&pool).await);
    }
    let together = (0..30).map(|at| {
        let (pool, tenant) = (pool.clone(), [A, B, C][at % 3]);
        async move {
            let ids: Vec<String> = ids(&pool, tenant).await.iter().map(i32::to_string).collect();
            format!("{}: {}", &tenant[..1], ids.join(","))
        }
    });
    let mut together = futures_util::future::join_all(together).await;
    together.sort();
    together.dedup();
    seen["after"] = after.into();
    seen["together"] = together.into();
    pool.close().await;
    seen
}

#[test]
fn sqlx() {
    both_ways("sqlx", "postgresql", &|reach| run(scenario(&reach.url)));
}
