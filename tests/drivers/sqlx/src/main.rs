//! What is asked of the example for sqlx, and printed as one JSON document; tests/drivers.rs says what has to come out.

#[path = "../../../../docs/drivers/sqlx.rs"]
mod example;

use std::error::Error;

use example::{as_tenant, tasks};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

const A: &str = "aaaaaaaa-0000-4000-8000-00000000000a";
const B: &str = "bbbbbbbb-0000-4000-8000-00000000000b";
const C: &str = "cccccccc-0000-4000-8000-00000000000c";

/// Returns the SQLSTATE.
fn outcome<T>(result: sqlx::Result<T>) -> String {
    let Err(error) = result else {
        return "accepted".to_owned();
    };
    let code = error.as_database_error().and_then(|it| it.code());
    code.map_or_else(|| error.to_string(), |it| it.into_owned())
}

async fn ids(pool: &PgPool, tenant: &str) -> sqlx::Result<Vec<i32>> {
    let tasks = tasks(pool, tenant).await?;
    Ok(tasks.into_iter().map(|(id, _)| id).collect())
}

async fn insert(pool: &PgPool, tenant: &str, id: i32, project: i32, owner: Option<&str>) -> sqlx::Result<()> {
    let mut tx = as_tenant(pool, tenant).await?;
    let query = match owner {
        Some(owner) => {
            sqlx::query("insert into tasks (id, project_id, title, tenant_id) values ($1, $2, 'new', $3::text::uuid)")
                .bind(id)
                .bind(project)
                .bind(owner)
        }
        None => sqlx::query("insert into tasks (id, project_id, title) values ($1, $2, 'new')")
            .bind(id)
            .bind(project),
    };
    query.persistent(false).execute(&mut *tx).await?;
    tx.commit().await
}

async fn fail(pool: &PgPool) -> sqlx::Result<()> {
    let mut tx = as_tenant(pool, A).await?;
    let query = sqlx::query("select 1 / 0").persistent(false);
    query.execute(&mut *tx).await.map(|_| ())
}

async fn bare(pool: &PgPool) -> sqlx::Result<Value> {
    let state = "select (select count(*) from tasks) as rows, current_setting('app.tenant_id', true) as setting";
    // In one message: a pooler may take another connection for a second one.
    let row = sqlx::raw_sql(state).fetch_one(pool).await?;
    Ok(json!({"rows": row.get::<i64, _>("rows"), "setting": row.get::<Option<String>, _>("setting")}))
}

async fn scenario(url: &str) -> sqlx::Result<Value> {
    let pool = PgPool::connect(url).await?;
    let mut seen = json!({
        "tenants": [ids(&pool, A).await?, ids(&pool, B).await?, ids(&pool, C).await?],
        "nobody": ids(&pool, "").await?,
        "malformed": outcome(tasks(&pool, "a").await),
        "own": outcome(insert(&pool, A, 14, 1, Some(A)).await),
        "filled": outcome(insert(&pool, A, 15, 1, None).await),
        "foreign": outcome(insert(&pool, A, 24, 2, Some(B)).await),
        "after_insert": ids(&pool, A).await?,
        "failed": outcome(fail(&pool).await),
    });
    let mut after = Vec::new();
    for _ in 0..10 {
        after.push(bare(&pool).await?);
    }
    let mut running = tokio::task::JoinSet::new();
    for at in 0..30 {
        let (pool, tenant) = (pool.clone(), [A, B, C][at % 3]);
        running.spawn(async move { (tenant, ids(&pool, tenant).await) });
    }
    let mut together = Vec::new();
    for (tenant, ids) in running.join_all().await {
        let ids: Vec<String> = ids?.iter().map(i32::to_string).collect();
        together.push(format!("{}: {}", &tenant[..1], ids.join(",")));
    }
    together.sort();
    together.dedup();
    seen["after"] = after.into();
    seen["together"] = together.into();
    pool.close().await;
    Ok(seen)
}

/// Two clients of a pooler with one connection run the same statement one after the other.
async fn named(url: &str, capacity: usize, persistent: bool) -> sqlx::Result<Value> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.statement_cache_capacity(capacity);
    let mut clients: Vec<PgConnection> = vec![options.connect().await?, options.connect().await?];
    let mut outcomes = Vec::new();
    for client in &mut clients {
        let mut tx = client.begin().await?;
        let query = sqlx::query("select count(*) from tasks where id > $1").bind(0);
        outcomes.push(outcome(query.persistent(persistent).execute(&mut *tx).await));
        tx.rollback().await?;
    }
    Ok(outcomes.into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL")?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let seen = match &args[..] {
        [capacity, persistent] => runtime.block_on(named(&url, capacity.parse()?, persistent.parse()?))?,
        _ => runtime.block_on(scenario(&url))?,
    };
    println!("{seen}");
    Ok(())
}
