//! Rows that row-level security hides from the role that migrates.

use super::{has_table, ledger, no_ledger_rows};
use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::proxy::Proxy;

/// A database whose tables belong to a role that may log in and is bound by FORCE.
struct World {
    db: TestDb,
    owner: String,
}

impl World {
    fn new() -> Self {
        let db = TestDb::new();
        let owner = format!("owner_{}", db.name());
        db.admin(&format!(
            "create role {owner} login; grant create on database {} to {owner}",
            db.name()
        ));
        db.psql(&format!(
            "grant all on schema public to {owner}; set role {owner};
             create table t (id int primary key, tenant int, n int not null default 0);
             insert into t select i, i % 3 from generate_series(1, 9) i;
             create table free (id int, n int not null default 0); insert into free values (1);
             create policy mine on t using (tenant = nullif(current_setting('app.tenant', true), '')::int);
             alter table t enable row level security, force row level security"
        ));
        Self { db, owner }
    }

    fn written(&self) -> String {
        self.db.psql("select sum(n) from t")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.db.psql(&format!("drop owned by {}", self.owner));
        self.db.admin(&format!("drop owned by {0}; drop role {0}", self.owner));
    }
}

fn project(sql: &str) -> Project {
    let project = Project::new();
    project
        .migration("1_first.sql", "create table first (id int);")
        .migration("2_rows.sql", sql);
    project
}

#[test]
fn a_statement_that_would_pass_over_rows_is_refused_before_anything_runs() {
    let world = World::new();
    for (sql, tag, line) in [
        ("-- all of them\nupdate t set n = n + 1;", "UPDATE", 2),
        ("delete from public.t;", "DELETE", 1),
        ("select 1;\nupdate free set n = t.n from t;", "UPDATE", 2),
        ("insert into free select id from t;", "INSERT", 1),
        ("with x as (select 1) update t set n = 1;", "UPDATE", 1),
        (
            "-- rlsctl: repeat until 0 rows\nupdate t set n = 1 where n = 0;",
            "UPDATE",
            2,
        ),
    ] {
        let project = project(sql);
        let before = world.db.catalog();
        for args in [&["migrate"][..], &["migrate", "--plan"]] {
            let run = project
                .rlsctl(args)
                .env("DATABASE_URL", world.db.url_as(&world.owner))
                .run()
                .exits(6);
            for said in ["files.rows-hidden", "public.t", "FORCE is set", "scope=all", tag] {
                assert!(run.stderr.contains(said), "{sql}: {said} in\n{}", run.stderr);
            }
            assert!(run.stderr.contains(&format!("2_rows.sql:{line}:1")), "{}", run.stderr);
        }
        no_ledger_rows(&world.db);
        assert!(!has_table(&world.db, "first"));
        assert_eq!((world.written().as_str(), world.db.catalog()), ("0", before));
    }
}

#[test]
fn a_file_that_says_what_it_means_runs() {
    for (sql, sum) in [
        ("-- rlsctl: scope=all\nupdate t set n = n + 1;", "0"),
        ("-- rlsctl: scope=tenants are moved later\nupdate t set n = n + 1;", "0"),
        ("set local app.tenant = '1';\nupdate t set n = n + 1;", "3"),
        (
            "select set_config('app.tenant', '2', true);\nupdate t set n = n + 1;",
            "3",
        ),
        ("insert into free values (2);\nupdate free set n = 1;", "0"),
        (
            "create schema s; create table s.t (n int); set local search_path = s;\nupdate t set n = 1;",
            "0",
        ),
        (
            "-- rlsctl: repeat until 0 rows\n-- rlsctl: scope=all\nupdate t set n = 1 where n = 0;",
            "0",
        ),
    ] {
        let (world, project) = (World::new(), project(sql));
        project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", world.db.url_as(&world.owner))
            .run()
            .exits(0);
        assert_eq!(world.written(), sum, "{sql}");
    }
}

#[test]
fn who_is_not_bound_is_not_refused() {
    let world = World::new();
    let project = project("update t set n = n + 1;");
    project.on(&world.db, &["migrate"]).run().exits(0);
    assert_eq!(world.written(), "9");
    let world = World::new();
    world.db.psql("alter table t no force row level security");
    let run = project.rlsctl(&["migrate"]);
    run.env("DATABASE_URL", world.db.url_as(&world.owner)).run().exits(0);
    assert_eq!(world.written(), "9");
    let world = World::new();
    world.db.admin(&format!("alter role {} bypassrls", world.owner));
    let run = project.rlsctl(&["migrate"]);
    run.env("DATABASE_URL", world.db.url_as(&world.owner)).run().exits(0);
    assert_eq!(world.written(), "9");
}

#[test]
fn a_role_that_only_has_privileges_is_bound_without_force() {
    let world = World::new();
    let other = format!("other_{}", world.db.name());
    world.db.admin(&format!(
        "create role {other} login; grant create on database {} to {other}",
        world.db.name()
    ));
    world.db.psql(&format!(
        "alter table t no force row level security; grant all on t to {other}; grant all on schema public to {other}"
    ));
    let project = project("update t set n = n + 1;");
    let run = project.rlsctl(&["migrate"]);
    let run = run.env("DATABASE_URL", world.db.url_as(&other)).run().exits(6);
    assert!(run.stderr.contains("is not its owner"), "{}", run.stderr);
    assert_eq!(world.written(), "0");
    world.db.psql(&format!("drop owned by {other}"));
    world.db.admin(&format!("drop owned by {other}; drop role {other}"));
}

#[test]
fn rounds_that_would_miss_rows_fail_though_it_could_not_be_seen_beforehand() {
    let world = World::new();
    world.db.psql("alter table t no force row level security");
    let project = Project::new();
    project
        .migration("1_force.sql", "alter table t force row level security;")
        .migration(
            "2_rows.sql",
            "-- rlsctl: repeat until 0 rows\nupdate t set n = 1 where n = 0;",
        );
    let run = project
        .rlsctl(&["migrate"])
        .env("DATABASE_URL", world.db.url_as(&world.owner))
        .run()
        .exits(5);
    assert!(
        run.stderr.contains("42501") && run.stderr.contains("2_rows.sql:2"),
        "{}",
        run.stderr
    );
    assert_eq!(
        (world.written().as_str(), ledger(&world.db).as_str()),
        ("0", "1 force true")
    );
}

#[test]
fn nothing_is_asked_where_no_file_writes_rows() {
    let asks = |sql: &str| {
        let db = TestDb::new();
        let proxy = Proxy::before(db.server());
        let project = project(sql);
        project
            .rlsctl(&["migrate"])
            .env("DATABASE_URL", proxy.url(db.name()))
            .run()
            .exits(0);
        proxy.sql().iter().any(|sql| sql.contains("row_security_active"))
    };
    assert!(!asks("alter table first add n int;"));
    assert!(!asks("insert into first values (1);"));
    assert!(asks("update first set id = 1;"));
}
