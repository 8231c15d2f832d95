//! What the page says goes wrong does.

use std::path::Path;

use super::{A, B, Enforced, folder, kit};
use crate::support::pgbouncer::PgBouncer;
use crate::support::session::Session;
use serde_json::json;

const COUNT: &str = "select count(*) from tasks";

fn set(local: bool) -> String {
    format!("select set_config('app.tenant_id', '{A}', {local})")
}

/// Two of the application's clients of a pooler that has one connection.
fn two_clients(enforced: &Enforced, pooler: &PgBouncer) -> [Session; 2] {
    let url = enforced.reach(&pooler.place(), "postgresql").url;
    [Session::connect(&url), Session::connect(&url)]
}

#[test]
fn outside_of_a_transaction_the_tenant_is_gone_before_the_next_statement() {
    let enforced = Enforced::new();
    let server = enforced.db.server();
    let place = (server.socket_dir().to_owned(), server.port());
    let session = Session::connect(&enforced.reach(&place, "postgresql").url);
    assert_eq!(session.ok("select current_setting('app.tenant_id', true) is null"), "t");
    session.ok(&set(true));
    assert_eq!(session.ok(COUNT), "0");
    // Empty, not NULL, from here on; the policy takes both for nobody, a bare cast would not.
    assert_eq!(session.ok("select current_setting('app.tenant_id', true) = ''"), "t");
    session.ok("begin");
    session.ok(&set(true));
    assert_eq!(session.ok(COUNT), "3");
    session.ok("commit");
    assert_eq!(session.ok(COUNT), "0");
    let refused = session
        .run("select current_setting('app.tenant_id')::uuid")
        .unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("22P02"));
}

#[test]
fn what_comes_back() {
    let enforced = Enforced::new();
    let server = enforced.db.server();
    let place = (server.socket_dir().to_owned(), server.port());
    let session = Session::connect(&enforced.reach(&place, "postgresql").url);
    let outcome = |tenant: &str, sql: &str| {
        session.ok("begin");
        session.ok(&format!("select set_config('app.tenant_id', '{tenant}', true)"));
        let outcome = session.run(&format!("with done as ({sql} returning 1) select count(*) from done"));
        session.ok("rollback");
        outcome.unwrap_or_else(|refused| refused.code.unwrap_or(refused.message))
    };
    for (tenant, sql, expected) in [
        (A, "update tasks set title = 'x' where id = 21", "0"),
        (A, "delete from tasks where id > 20", "0"),
        (A, "update tasks set title = 'x'", "3"),
        (A, &format!("update tasks set tenant_id = '{B}' where id = 11"), "42501"),
        (
            A,
            &format!("insert into tasks (id, project_id, title, tenant_id) values (1, 2, 'x', '{B}')"),
            "42501",
        ),
        (A, "insert into tasks (id, project_id, title) values (1, 1, 'x')", "1"),
        (
            "",
            "insert into tasks (id, project_id, title) values (1, 1, 'x')",
            "42501",
        ),
        (
            "",
            &format!("insert into tasks (id, project_id, title, tenant_id) values (1, 1, 'x', '{A}')"),
            "42501",
        ),
        // A row that the tenant cannot see.
        (
            A,
            "insert into tasks (id, project_id, title) values (21, 1, 'x')",
            "23505",
        ),
    ] {
        assert_eq!(outcome(tenant, sql), expected, "{tenant} {sql}");
    }
}

#[test]
fn what_a_session_keeps_the_pooler_hands_to_the_next_client() {
    let enforced = Enforced::new();
    let pooler = enforced.pooler();
    let [one, two] = two_clients(&enforced, &pooler);
    assert_eq!(two.ok(COUNT), "0");
    one.ok(&set(false));
    assert_eq!(two.ok(COUNT), "3");
    one.ok("reset app.tenant_id");
    // SET LOCAL, or true, is safe there.
    one.ok("begin");
    one.ok(&set(true));
    one.ok("commit");
    assert_eq!(two.ok(COUNT), "0");
}

#[test]
fn a_savepoints_end_does_not_end_the_tenant() {
    let enforced = Enforced::new();
    let pooler = enforced.pooler();
    let [session, _] = two_clients(&enforced, &pooler);
    session.ok("begin");
    session.ok("savepoint inner_block");
    session.ok(&set(true));
    session.ok("release savepoint inner_block");
    assert_eq!(session.ok(COUNT), "3");
    session.ok("rollback");
    session.ok("begin");
    session.ok("savepoint inner_block");
    session.ok(&set(true));
    session.ok("rollback to savepoint inner_block");
    assert_eq!(session.ok(COUNT), "0");
    session.ok("rollback");
}

#[test]
fn discard_all_is_not_run_between_transactions() {
    // server_reset_query is the pooler's for sessions only, unless server_reset_query_always is set.
    let enforced = Enforced::new();
    let pooler = enforced.pooler();
    let [one, two] = two_clients(&enforced, &pooler);
    one.ok(&set(false));
    drop(one);
    assert_eq!(two.ok(COUNT), "3");
}

#[test]
fn names_of_prepared_statements_collide_behind_the_pooler() {
    let Some(program) = kit::sqlx("named") else { return };
    let enforced = Enforced::new();
    // A name stays with the server's connection: each has a pooler and so a connection of its own.
    for (capacity, persistent, second) in [
        ("100", "true", "42P05"),
        // sqlx 0.9 names what it does not keep, too.
        ("0", "true", "42P05"),
        ("100", "false", "accepted"),
    ] {
        let pooler = enforced.pooler();
        let env = enforced.reach(&pooler.place(), "postgresql").env;
        let outcomes = kit::printed(Path::new("/"), &program, &[capacity, persistent], &env);
        assert_eq!(outcomes, json!(["accepted", second]), "{capacity} {persistent}");
    }
}

#[test]
fn so_do_those_of_python() {
    let Some(packages) = kit::python("named") else { return };
    let enforced = Enforced::new();
    let folder = folder(&["named.py"]);
    for driver in ["psycopg", "asyncpg"] {
        for (cached, second) in [("True", "42P05"), ("False", "fine")] {
            let pooler = enforced.pooler();
            let mut env = enforced.reach(&pooler.place(), "postgresql").env;
            env.push(("PYTHONPATH", packages.clone().into()));
            let one = || kit::printed(&folder.path(), "python3", &["named.py", driver, cached], &env);
            assert_eq!([one(), one()], [json!("fine"), json!(second)], "{driver} {cached}");
        }
    }
}

#[test]
fn so_do_those_of_node() {
    let Some(modules) = kit::node("named") else { return };
    let enforced = Enforced::new();
    let pooler = PgBouncer::with_user(enforced.db.server(), 2, &enforced.app);
    let folder = folder(&["named.mjs"]);
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    let env = enforced.reach(&pooler.place(), "postgres").env;
    let seen = kit::printed(&folder.path(), "node", &["named.mjs"], &env);
    assert_eq!(
        seen,
        json!({"pg": ["accepted", "42P05"], "postgres true": [["accepted", "26000"], [51]], "postgres false": [["accepted", "accepted"], [61, 62]]})
    );
}
