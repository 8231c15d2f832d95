//! What each template costs: prepared statements of the application, beside the same with the same filter and without row security.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::common::db::psql;
use crate::common::templates::{TEMPLATES, Template, says, schema, uuid};

use super::place::Place;

/// How many tenants share the rows.
const TENANTS: usize = 1000;
/// The tenant that is asked for: neither among the largest, nor the first of an index.
const TENANT: usize = 507;
/// How many blocks of each of the two, in turn.
const BLOCKS: usize = 41;
/// How many times a statement is run in a block.
const RUNS: usize = 200;
const APP: &str = "bench_app";
/// Row security does not hold it back: the plan is that of a table without.
const FREE: &str = "bench_free";

/// A statement, `{column}` being what the template compares.
struct Asked {
    name: &'static str,
    sql: &'static str,
}

const ASKED: [Asked; 5] = [
    Asked {
        name: "select 50",
        sql: "select id, title, created_at from tasks where {column} = '{value}' limit 50",
    },
    Asked {
        name: "top 50",
        sql: "select id, title, created_at from tasks where {column} = '{value}' order by created_at desc limit 50",
    },
    Asked {
        name: "count",
        sql: "select count(*) from tasks where {column} = '{value}' and created_at > now() - interval '30 minutes'",
    },
    Asked {
        name: "point",
        sql: "select id, title, created_at from tasks where {column} = '{value}' and id = 9",
    },
    Asked {
        name: "insert",
        sql: "insert into tasks (tenant_id, owner_id, title, created_at) values ('{value}', '{value}', 'new', now())",
    },
];

/// How many percent a template may cost on PostgreSQL 15.
fn target(template: &str, asked: &str) -> Option<f64> {
    match (template, asked) {
        ("setting", "select 50" | "top 50" | "insert") => Some(1.10),
        ("setting", "count") => Some(1.20),
        ("jwt", "select 50" | "top 50") => Some(1.25),
        _ => None,
    }
}

/// Measures all templates on a table of `rows` rows, and prints a table. `apply` runs rlsctl in the project with this `rlsctl.toml`.
///
/// # Panics
/// When a template is not enforced, or a statement fails.
pub(crate) fn run(rows: usize, apply: impl Fn(&Place, &str, &[&str]) -> (Option<i32>, String)) {
    let settings = [("shared_buffers", "512MB"), ("autovacuum", "off"), ("jit", "off")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let place = Place::with(false, settings.to_vec());
    let server = place.server();
    let all = format!("create role {APP} login; create role {FREE} login bypassrls; create database live");
    psql(server, &server.dsn("postgres"), &all).unwrap();
    psql(server, &server.dsn("live"), &schema(APP, rows, TENANTS)).unwrap();
    let free = format!("grant select, insert on tasks to {FREE}");
    psql(server, &server.dsn("live"), &free).unwrap();
    println!(
        "PostgreSQL {}, fsync off; {rows} rows of {TENANTS} tenants; medians of {BLOCKS} blocks of {RUNS} prepared statements, in turn",
        server.bin().version()
    );
    println!(
        "{:16} {:10} {:>8} {:>8} {:>7}  target",
        "template", "statement", "without", "with", "ratio"
    );
    for template in &TEMPLATES {
        let config = template.project(APP);
        for args in [&["migrate"][..], &["retrofit", "apply"]] {
            let (exit, said) = apply(&place, &config, args);
            assert_eq!(exit, Some(0), "{said}");
        }
        psql(server, &server.dsn("live"), "vacuum analyze").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(one(&server.dsn("live"), template));
    }
}

async fn one(dsn: &str, template: &Template) {
    let (free, app) = (client(dsn, FREE).await, client(dsn, APP).await);
    for asked in &ASKED {
        let sql = asked
            .sql
            .replace("{column}", template.column)
            .replace("{value}", &uuid(TENANT));
        let statements = (free.prepare(&sql).await.unwrap(), app.prepare(&sql).await.unwrap());
        let (mut without, mut with) = (Vec::new(), Vec::new());
        // The first block of each fills what is kept.
        for block in 0..=BLOCKS {
            let times = (
                block_of(&free, &statements.0).await,
                block_of(&app, &statements.1).await,
            );
            if block > 0 {
                without.push(times.0);
                with.push(times.1);
            }
        }
        tell(template, asked, median(without), median(with));
    }
}

async fn client(dsn: &str, role: &str) -> Client {
    let mut config = Config::from_str(dsn).unwrap();
    config.user(role);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&says(TENANT)).await.unwrap();
    client
}

/// Returns how long one statement of a block takes. What is written is rolled back.
async fn block_of(client: &Client, statement: &Statement) -> Duration {
    client.batch_execute("begin").await.unwrap();
    let started = Instant::now();
    for _ in 0..RUNS {
        client.query(statement, &[]).await.unwrap();
    }
    let took = started.elapsed() / u32::try_from(RUNS).unwrap();
    client.batch_execute("rollback").await.unwrap();
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn tell(template: &Template, asked: &Asked, without: Duration, with: Duration) {
    let ratio = with.as_secs_f64() / without.as_secs_f64();
    let target = target(template.name, asked.name).map(|target| {
        let reached = if ratio <= target { "yes" } else { "NO" };
        format!("{target:.2}: {reached}")
    });
    println!(
        "{:16} {:10} {:>5.1} us {:>5.1} us {ratio:>7.2}  {}",
        template.name,
        asked.name,
        without.as_secs_f64() * 1e6,
        with.as_secs_f64() * 1e6,
        target.unwrap_or_default()
    );
}
