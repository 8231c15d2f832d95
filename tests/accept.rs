//! `rlsctl accept`.

use crate::support::db::TestDb;
use crate::support::project::Project;

fn edited() -> (TestDb, Project) {
    let (db, project) = (TestDb::new(), Project::new());
    project
        .migration("1_a.sql", "create table a (id int);\n")
        .migration("2_b.sql", "create table b (id int);\n");
    project.on(&db, &["migrate"]).run().exits(0);
    project.migration("1_a.sql", "create table a (id bigint);\n");
    (db, project)
}

#[test]
fn an_edit_is_accepted_and_what_was_there_is_kept() {
    let (db, project) = edited();
    project.on(&db, &["migrate"]).run().exits(6);
    let accept = ["accept", "1", "--reason", "the table's type was \"wrong\", o'clock"];
    let before = db.psql("select * from rlsctl.ledger");
    let run = project.on(&db, &[&accept[..], &["--dry-run"]].concat()).run().exits(0);
    assert!(run.stdout.starts_with("would accept 1 a"), "{}", run.stdout);
    assert_eq!(db.psql("select * from rlsctl.ledger"), before);
    project.on(&db, &accept).run().exits(0);
    assert_eq!(
        db.psql("select origin, sql, checksum = encode(sha256(convert_to(sql, 'UTF8')), 'hex') from rlsctl.ledger where version = '1'"),
        "accept|create table a (id bigint);\n|t"
    );
    assert_eq!(
        db.psql(
            "select kind, version, by_role, detail ->> 'reason', detail ->> 'sql_before', detail ->> 'origin_before' \
             from rlsctl.event where kind = 'accepted'"
        ),
        "accepted|1|postgres|the table's type was \"wrong\", o'clock|create table a (id int);\n|migrate"
    );
    // Nothing of it was run.
    assert_eq!(
        db.psql("select atttypid::regtype from pg_attribute where attrelid = 'a'::regclass and attnum = 1"),
        "integer"
    );
    project.on(&db, &["drift-check", "--strict"]).run().exits(0);
    let run = project.on(&db, &accept).run().exits(0);
    assert!(run.stdout.contains("say the same about 1 already"), "{}", run.stdout);
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where kind = 'accepted'"),
        "1"
    );
}

#[test]
fn what_cannot_be_accepted_is_refused() {
    let (db, project) = edited();
    project.remove("migrations/2_b.sql").migration("3_c.sql", "select 1;\n");
    for (args, exit, said) in [
        (
            &["accept", "2", "--reason", "x"][..],
            6,
            "2 has no file that could be accepted",
        ),
        (&["accept", "3", "--reason", "x"], 6, "3 is not applied"),
        (&["accept", "1", "--reason", "  "], 2, "--reason is empty"),
        (&["accept", "x", "--reason", "x"], 2, "`x` is no version"),
        (&["accept", "1"], 2, "--reason"),
    ] {
        let run = project.on(&db, args).run().exits(exit);
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert_eq!(db.psql("select count(*) from rlsctl.event"), "0");
}

#[test]
fn a_missing_privilege_is_named() {
    let (db, project) = edited();
    let role = format!("{}_reader", db.name());
    db.admin(&format!("create role {role} login"));
    db.psql(&format!(
        "grant usage on schema rlsctl to {role}; grant select on all tables in schema rlsctl to {role}"
    ));
    let run = project
        .rlsctl(&["accept", "1", "--reason", "x"])
        .env("DATABASE_URL", db.url_as(&role))
        .run()
        .exits(3);
    let grant = format!("GRANT SELECT, UPDATE ON rlsctl.ledger TO {role}; GRANT INSERT ON rlsctl.event TO {role};");
    assert!(run.stderr.contains(&grant), "{}", run.stderr);
    db.psql(&grant);
    project
        .rlsctl(&["accept", "1", "--reason", "x"])
        .env("DATABASE_URL", db.url_as(&role))
        .run()
        .exits(0);
}
