//! What it costs a statement that its table is observed: `cargo bench --bench observe`.
//!
//! One table three times, the third as it is, the others observed and enforced by `rlsctl retrofit`. Statements are prepared and run in
//! the server, so that no client's time is in it; of several rounds the quickest counts.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::exit,
    reason = "a bench prints its numbers, and has nobody to hand an error to"
)]

#[path = "../tests/support/mod.rs"]
mod common;

use common::db::TestDb;
use common::project::Project;

/// How often each figure is taken.
const ROUNDS: usize = 9;
/// How many statements a round has.
const STATEMENTS: usize = 20_000;

const TABLE: &str = "
    create table {table} (id int primary key, tenant_id uuid not null, body text);
    insert into {table} select n, ('00000000-0000-0000-0000-' || lpad((n % 1000)::text, 12, '0'))::uuid, repeat('x', 100)
      from generate_series(1, 500000) n;
    create index on {table} (tenant_id, id);
    analyze {table};";

/// One statement is timed by running it over and over where its plan is kept.
const TIMED: &str = "
    set role {role};
    set app.tenant_id = '{tenant}';
    do $$ declare began timestamptz; t text; begin
      for i in 1..2000 loop {statement}; end loop;
      began := clock_timestamp();
      for i in 1..{count} loop {statement}; end loop;
      raise exception '%', round((extract(epoch from clock_timestamp() - began) * 1e6 / {count})::numeric, 2);
    end $$;";

fn main() {
    let tables = ["plain", "observed", "enforced"];
    let (db, project) = (TestDb::new(), Project::new());
    let app = format!("{}_app", db.name());
    db.psql(&format!("create role {app}; grant usage on schema public to {app}"));
    for table in tables {
        db.psql(&TABLE.replace("{table}", table));
    }
    db.psql(&format!("grant all on all tables in schema public to {app}"));
    // A table at a time: the others are called shared meanwhile.
    for (table, args) in [
        ("observed", &["retrofit", "apply", "--observe"][..]),
        ("enforced", &["retrofit", "apply"][..]),
    ] {
        let others = tables.iter().filter(|other| **other != table);
        let shared: Vec<String> = others
            .map(|other| format!("[tenancy.tables.\"public.{other}\"]\nshared = true\n"))
            .collect();
        let shared = shared.concat();
        project.file("migrations/.keep", "").config(&format!(
            "[migrations]\ndir = 'migrations'\nlayout = 'plain'\n[tenancy]\napp_roles = ['{app}']\n{shared}"
        ));
        project.on(&db, args).run().exits(0);
    }
    println!("PostgreSQL {}", db.psql("show server_version"));
    println!("| | plain | observed | enforced |\n| --- | --- | --- | --- |");
    let own = "00000000-0000-0000-0000-000000000005";
    let read = "select body into t from {table} where id = 5";
    let insert = format!("insert into {{table}} values (-i, '{own}', 'x') on conflict (id) do nothing");
    let other = "00000000-0000-0000-0000-000000000006";
    for (what, tenant, statement) in [
        ("a row of its own by its key", own, read),
        ("a row of another tenant's", other, read),
        ("a row, without a tenant", "", read),
        ("an insert", own, insert.as_str()),
    ] {
        let mut quickest = [f64::MAX; 3];
        for _ in 0..ROUNDS {
            for (quickest, table) in quickest.iter_mut().zip(tables) {
                *quickest = quickest.min(timed(&db, &app, tenant, &statement.replace("{table}", table)));
            }
        }
        let figures: Vec<String> = quickest.iter().map(|figure| format!("{figure:.1}")).collect();
        println!("| {what} | {} |", figures.join(" | "));
    }
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

/// Returns the microseconds of a statement.
fn timed(db: &TestDb, app: &str, tenant: &str, statement: &str) -> f64 {
    let sql = TIMED
        .replace("{role}", app)
        .replace("{tenant}", tenant)
        .replace("{statement}", statement)
        .replace("{count}", &STATEMENTS.to_string());
    let said = db.try_psql(&sql).unwrap_err();
    let figure = said
        .split("P0001: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    figure.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}
