//! `rlsctl blockers`: who waits for whom, and what ending one would free.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::session::{Pending, Session};

fn open(db: &TestDb, application: &str) -> Session {
    Session::connect(&format!("{} application_name='{application}'", db.dsn()))
}

/// Starts a statement, and returns when it waits.
fn waits(db: &TestDb, session: &Session, sql: &str) -> Pending {
    let pending = session.start(sql);
    db.until_waiting_for_lock(session.pid());
    pending
}

fn picture(db: &TestDb, args: &[&str]) -> Value {
    let args = [&["blockers", "--format", "json"], args].concat();
    Project::new().on(db, &args).run().exits(0).json()
}

fn of(picture: &Value, pid: i32) -> &Value {
    let sessions = picture["sessions"].as_array().unwrap();
    sessions
        .iter()
        .find(|session| session["pid"] == pid)
        .unwrap_or_else(|| panic!("no {pid} in {picture:#}"))
}

#[test]
fn the_incident_is_seen_at_a_glance() {
    let (db, project) = (TestDb::new(), Project::new());
    let run = project.on(&db, &["blockers"]).run().exits(0);
    assert!(run.stdout.ends_with("waiting nobody\n"), "{}", run.stdout);
    db.psql("create table orders (id int); create table other (id int)");
    let (dead, migrator, web) = (open(&db, "worker"), open(&db, "migrator"), open(&db, "web"));
    dead.ok("begin; select from orders where 'secret' = ''; select from other");
    let altering = waits(&db, &migrator, "alter table orders add column x int default 4711");
    let reading = waits(&db, &web, "select from orders");
    let text = project.on(&db, &["blockers"]).run().exits(0).stdout;
    let text = text
        .replace(&dead.pid().to_string(), "11")
        .replace(&migrator.pid().to_string(), "12");
    let text = text.replace(&web.pid().to_string(), "13");
    let ages = regex::Regex::new(r"\d+(\.\d+)? (ms|s)\b").unwrap();
    let text = ages.replace_all(&text, "1 s");
    let (_, tree) = text.split_once('\n').unwrap();
    insta::assert_snapshot!(tree, @r"
    waiting 2 sessions, the longest for 1 s

    11 idle in transaction for 1 s
    │ worker as postgres: begin; select from orders where ? = ?; select from other
    │ holds ACCESS SHARE on public.orders
    │ ending it frees 2 sessions, on public.orders
    └─ 12 waits 1 s for ACCESS EXCLUSIVE on public.orders
       │ migrator as postgres: alter table orders add column x int default ?
       └─ 13 waits 1 s for ACCESS SHARE on public.orders
            web as postgres: select from orders
    ");
    let seen = picture(&db, &[]);
    assert_eq!(seen["summary"]["waiting"], 2, "{seen:#}");
    let root = of(&seen, dead.pid());
    assert_eq!(root["state"], "idle in transaction");
    assert_eq!(root["blocks"], json!([migrator.pid()]));
    assert_eq!(
        root["holds"],
        json!([{"mode": "ACCESS SHARE", "relation": "public.orders"}])
    );
    assert_eq!(root["ending_it_frees"]["relations"], json!(["public.orders"]));
    let behind = of(&seen, web.pid());
    assert_eq!(behind["waits_for"]["blocked_by"], json!([migrator.pid()]));
    assert_eq!(behind["waits_for"]["mode"], "ACCESS SHARE");
    // And it is true.
    db.psql(&format!("select pg_terminate_backend({})", dead.pid()));
    altering.finish().unwrap();
    reading.finish().unwrap();
}

#[test]
fn tables_show_everybody_who_uses_them_also_where_nobody_waits() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create schema s; create table s.\"Odd\" (id int primary key); create table b (id int); create view v as select 1");
    let (reader, elsewhere) = (open(&db, "reader"), open(&db, "elsewhere"));
    reader.ok("begin; select from s.\"Odd\"");
    elsewhere.ok("begin; select from b");
    let seen = picture(&db, &["s.\"Odd\""]);
    assert_eq!(seen["tables"], json!(["s.\"Odd\""]));
    assert_eq!(seen["sessions"].as_array().unwrap().len(), 1, "{seen:#}");
    assert_eq!(of(&seen, reader.pid())["waits_for"], Value::Null);
    let text = project.on(&db, &["blockers", "s.\"Odd\"", "b"]).run().exits(0).stdout;
    assert!(
        text.contains("holds ACCESS SHARE on s.\"Odd\"") && text.contains("elsewhere"),
        "{text}"
    );
    assert!(text.contains("waiting nobody"), "{text}");
    for wrong in ["nothing", "v", "a.b.c.d", "s.Odd"] {
        let run = project.on(&db, &["blockers", wrong]).run().exits(3);
        assert!(run.stdout.is_empty() && run.stderr.contains("next:"), "{}", run.stderr);
    }
}

#[test]
fn a_prepared_transaction_has_a_name_and_no_process() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int primary key, n int); insert into a values (1, 1)");
    let (preparing, altering, updating) = (open(&db, "p"), open(&db, "altering"), open(&db, "updating"));
    let gid = format!("it's {}", db.name());
    let quoted = gid.replace('\'', "''");
    preparing.ok(&format!("begin; update a set n = 2; prepare transaction '{quoted}'"));
    let row = waits(&db, &updating, "update a set n = 3");
    let seen = picture(&db, &[]);
    assert_eq!(
        of(&seen, updating.pid())["waits_for"]["blocked_by"],
        json!([gid]),
        "{seen:#}"
    );
    assert_eq!(of(&seen, updating.pid())["waits_for"]["what"], "a row of public.a");
    let table = waits(&db, &altering, "alter table a add column x int");
    let seen = picture(&db, &[]);
    let blocked_by = &of(&seen, altering.pid())["waits_for"]["blocked_by"];
    assert!(blocked_by.as_array().unwrap().contains(&json!(gid)), "{seen:#}");
    let root = seen["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|session| session["gid"] == gid)
        .unwrap();
    assert_eq!(
        (&root["pid"], &root["kind"]),
        (&Value::Null, &json!("prepared transaction"))
    );
    assert_eq!(root["role"], "postgres");
    assert_eq!(
        root["ending_it_frees"]["sessions"].as_array().unwrap().len(),
        2,
        "{root:#}"
    );
    let text = project.on(&db, &["blockers"]).run().exits(0).stdout;
    assert!(
        text.contains(&format!("COMMIT PREPARED '{quoted}'; or ROLLBACK PREPARED '{quoted}';")),
        "{text}"
    );
    db.psql(&format!("rollback prepared '{quoted}'"));
    row.finish().unwrap();
    table.finish().unwrap();
}

#[test]
fn an_index_that_is_built_concurrently_waits_for_an_old_snapshot() {
    let db = TestDb::new();
    db.psql("create table a (id int)");
    let (old, building) = (open(&db, "old"), open(&db, "building"));
    old.ok("begin isolation level repeatable read; select 1");
    let pending = waits(&db, &building, "create index concurrently a_id on a (id)");
    let seen = picture(&db, &[]);
    let wait = &of(&seen, building.pid())["waits_for"];
    assert_eq!(wait["phase"], "waiting for old snapshots", "{seen:#}");
    assert_eq!(
        (&wait["relation"], &wait["blocked_by"]),
        (&json!("public.a"), &json!([old.pid()]))
    );
    assert_eq!(
        wait["what"],
        "older transactions, for an index on public.a: waiting for old snapshots"
    );
    // It is also told of the table that is asked for, since the index is built there.
    assert_eq!(of(&picture(&db, &["a"]), old.pid())["blocks"], json!([building.pid()]));
    old.ok("commit");
    pending.finish().unwrap();
}

#[test]
fn advisory_locks_and_who_waits_for_several() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let (one, two) = (open(&db, "one"), open(&db, "two"));
    let (table, advisory) = (open(&db, "table"), open(&db, "advisory"));
    one.ok("begin; select from a; select pg_advisory_lock(4611686018427387905); select pg_advisory_lock(7, 9)");
    two.ok("begin; select from a");
    let first = waits(&db, &table, "drop table a");
    let second = waits(&db, &advisory, "select pg_advisory_lock(4611686018427387905)");
    let seen = picture(&db, &[]);
    assert_eq!(
        of(&seen, advisory.pid())["waits_for"]["what"],
        "advisory lock 4611686018427387905",
        "{seen:#}"
    );
    assert_eq!(
        of(&seen, one.pid())["ending_it_frees"]["sessions"],
        json!([advisory.pid()])
    );
    assert_eq!(
        of(&seen, one.pid())["ending_it_frees"]["still_waiting"],
        json!([table.pid()])
    );
    let text = project.on(&db, &["blockers"]).run().exits(0).stdout;
    assert!(
        text.contains("ending it frees 1 session; 1 more wait for others too"),
        "{text}"
    );
    assert!(
        text.contains("ending it alone frees nobody: 1 behind it waits for others too"),
        "{text}"
    );
    assert_eq!(text.matches("waits for this one too, see above").count(), 1, "{text}");
    one.ok("commit; select pg_advisory_unlock_all()");
    two.ok("commit");
    first.finish().unwrap();
    second.finish().unwrap();
}

#[test]
fn a_circle_does_not_hang_it() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int); create table b (id int)");
    let (one, two) = (open(&db, "one"), open(&db, "two"));
    one.ok("set deadlock_timeout = '10min'; begin; lock table a");
    two.ok("set deadlock_timeout = '10min'; begin; lock table b");
    let first = waits(&db, &one, "lock table b");
    let second = waits(&db, &two, "lock table a");
    let text = project.on(&db, &["blockers"]).run().exits(0).stdout;
    assert!(
        text.contains("a circle, which the server's deadlock check breaks"),
        "{text}"
    );
    let seen = picture(&db, &[]);
    assert_eq!(
        (&seen["summary"]["waiting"], &seen["summary"]["in_the_way"]),
        (&json!(2), &json!(0)),
        "{seen:#}"
    );
    db.psql(&format!("select pg_terminate_backend({})", one.pid()));
    second.finish().unwrap();
    assert!(first.finish().is_err());
}

#[test]
fn without_the_privilege_it_shows_what_it_may_and_names_the_grant() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let role = format!("looks_{}", db.name());
    db.admin(&format!("create role {role} login"));
    let (holder, waiter) = (open(&db, "holder"), open(&db, "waiter"));
    holder.ok("begin; select from a");
    let pending = waits(&db, &waiter, "alter table a add x int");
    let run = project
        .rlsctl(&["blockers"])
        .env("DATABASE_URL", db.url_as(&role))
        .run()
        .exits(0);
    assert!(
        run.stderr.contains(&format!("GRANT pg_read_all_stats TO {role};")),
        "{}",
        run.stderr
    );
    assert!(
        run.stdout.contains(&format!("{} what it does is hidden", holder.pid())),
        "{}",
        run.stdout
    );
    holder.ok("commit");
    pending.finish().unwrap();
}

/// Runs on a terminal of some size until `until` has been drawn, then presses Ctrl-C. Returns all that was sent to the terminal.
fn watched(db: &TestDb, size: &str, args: &str, until: &str) -> String {
    // A shell that is not told to go on ends by the same Ctrl-C.
    let script = format!(
        "trap : INT; stty {size}; {} {args}; echo \"exit $?\"",
        env!("CARGO_BIN_EXE_rlsctl")
    );
    let mut child = Command::new("script")
        .args(["-qec", &script, "/dev/null"])
        .env("DATABASE_URL", db.url())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut seen, mut chunk) = (String::new(), [0; 4096]);
    let mut is_told = false;
    while let Ok(length @ 1..) = screen.read(&mut chunk) {
        seen.push_str(&String::from_utf8_lossy(&chunk[..length]));
        if !is_told && seen.contains(until) {
            is_told = true;
            keys.write_all(b"\x03").unwrap();
        }
    }
    child.wait().unwrap();
    seen
}

#[test]
fn watching_fits_the_terminal_and_gives_it_back() {
    let db = TestDb::new();
    db.psql("create table a (id int)");
    let (holder, waiter) = (open(&db, "an application with a long name"), open(&db, "waiter"));
    holder.ok("begin; select from a");
    let sql = format!("alter table a add column {} int", "long_name_".repeat(6));
    let pending = waits(&db, &waiter, &sql);
    let seen = watched(
        &db,
        "cols 40 rows 8",
        "blockers --watch --interval 100ms",
        "until Ctrl-C",
    );
    let (_, drawn) = seen.split_once("\u{1b}[?1049h").unwrap_or_else(|| panic!("{seen:?}"));
    let (drawn, after) = drawn.split_once("\u{1b}[?1049l").unwrap_or_else(|| panic!("{seen:?}"));
    assert!(after.contains("exit 130"), "{after:?}");
    let codes = regex::Regex::new("\u{1b}\\[[0-9;?]*[a-zA-Z]").unwrap();
    let frame = drawn.split("\u{1b}[H").nth(1).unwrap_or_default();
    let plain = codes.replace_all(frame, "").replace("\r\n", "\n");
    let lines: Vec<&str> = plain.split_terminator('\n').collect();
    assert!(
        lines.len() <= 8 && lines.iter().all(|line| line.chars().count() <= 40),
        "{plain}"
    );
    assert!(plain.contains('…') && plain.contains("more lines"), "{plain}");
    // Another size, and colours switched off.
    let seen = watched(&db, "cols 140 rows 40", "--color never blockers a --watch", "waits");
    assert!(
        seen.contains("ending it frees 1 session, on public.a") && !seen.contains("\u{1b}[31m"),
        "{seen:?}"
    );
    holder.ok("commit");
    pending.finish().unwrap();
}

#[test]
fn without_a_terminal_it_watches_only_if_it_is_told_how_often() {
    let (db, project) = (TestDb::new(), Project::new());
    let run = project.on(&db, &["blockers", "--watch"]).run().exits(2);
    assert!(
        run.stderr.contains("needs a terminal") && run.stderr.contains("--interval"),
        "{}",
        run.stderr
    );
    project
        .on(&db, &["blockers", "--watch", "--format", "json"])
        .run()
        .exits(2);
    project.on(&db, &["blockers", "--interval", "5s"]).run().exits(2);
    project
        .on(&db, &["blockers", "--watch", "--interval", "1ms"])
        .run()
        .exits(2);
    let mut running = project.on(&db, &["blockers", "--watch", "--interval", "100ms"]).spawn();
    running.until_stdout("waiting nobody\n\ntarget");
    assert!(!running.has_ended());
    running.signal("INT");
    assert_eq!(running.wait().code(), 130);
}

#[test]
fn a_server_that_goes_away_ends_it_with_a_reason() {
    let server = crate::support::servers::server_with(&[]);
    let project = Project::new();
    let url = server.url("postgres");
    let running = project
        .rlsctl(&["blockers", "--watch", "--interval", "100ms"])
        .env("DATABASE_URL", url)
        .spawn();
    running.until_stdout("waiting nobody");
    server.stop().unwrap();
    let run = running.wait().exits(3);
    assert!(run.stderr.contains("error:"), "{}", run.stderr);
}

#[test]
fn an_autovacuum_in_the_way_is_told_as_one() {
    let server = crate::support::servers::server_with(&[
        ("autovacuum_naptime", "1s"),
        ("autovacuum_vacuum_cost_delay", "100ms"),
        ("autovacuum_vacuum_cost_limit", "1"),
        ("deadlock_timeout", "10min"),
    ]);
    let session = || Session::connect(&server.dsn("postgres"));
    let (writer, altering, looking) = (session(), session(), session());
    writer.ok(
        "create table a (id int, t text) with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)",
    );
    writer.ok("insert into a select n, repeat('x', 500) from generate_series(1, 20000) n; delete from a");
    let vacuuming = "select count(*) from pg_stat_progress_vacuum where relid = 'a'::regclass";
    eventually("an autovacuum is at work", || {
        // Before 15 a session tells what it has done only when it goes on.
        writer.ok("select 1");
        looking.ok(vacuuming) == "1"
    });
    let _pending = altering.start("alter table a add column x int");
    let waiting = format!(
        "select count(*) from pg_locks where not granted and pid = {}",
        altering.pid()
    );
    eventually("it waits", || looking.ok(&waiting) == "1");
    let project = Project::new();
    let run = project
        .rlsctl(&["blockers"])
        .env("DATABASE_URL", server.url("postgres"))
        .run()
        .exits(0);
    assert!(
        run.stdout.contains(" autovacuum for ") && run.stdout.contains("it leaves by itself"),
        "{}",
        run.stdout
    );
    server.stop().unwrap();
}
