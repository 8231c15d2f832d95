//! What keeps a ledger from being adopted: each found, named by its own object, all at once, and nothing written.

use serde_json::json;

use super::{FIRST, Migrated, SECOND, SQLX, pairs, sqlx};
use crate::support::db::TestDb;
use crate::support::project::Project;

#[test]
fn edited_missing_and_late_files_are_all_listed() {
    let migrated = sqlx();
    migrated
        .project
        .migration("0_early.sql", "CREATE TABLE early (id int);\n")
        .migration("1_first_one.sql", "CREATE TABLE t (id bigint);\n")
        .remove("migrations/2_second.sql");
    assert_eq!(
        migrated.refused(&[]),
        pairs(&[("drift.gap", "0"), ("drift.edited", "1"), ("drift.missing-file", "2")])
    );
    let run = migrated.project.on(&migrated.db, &["adopt"]).run().exits(6);
    insta::assert_snapshot!(run.snapshot(), @r"
    exit: 6
    ----- stdout -----
    ----- stderr -----
    error [drift.gap] 0 is not applied, but newer ones are, says public._sqlx_migrations
      at migrations/0_early.sql:1:1
      ledger: public._sqlx_migrations
      help: give it a newer version; or leave it pending with `rlsctl adopt --allow-out-of-order`, and run it where it is with `rlsctl migrate --allow-out-of-order`
    error [drift.edited] 1 was edited after sqlx applied it
      at migrations/1_first_one.sql:1:1
      ledger: public._sqlx_migrations
      stored: e1cc0b49a7d453bb345d9fc52670c0bfd4a694b2befb7061a9bad55916701e1ef4ddd22ee7cb1c80b4317a1b5780422c
      help: restore the file as it was applied (git log shows who changed it), and put the change into a new migration
    error [drift.missing-file] 2 (second) is applied, but has no file
      ledger: public._sqlx_migrations
      stored: e3434c5aefc5bf3e93476932c3bce80ffdfa607bca3e12c74a84654042a3ffacc17c5e4d4dd4064ee12778b4e31fe21d
      help: get the file back (git log --diff-filter=D shows who removed it), or name its new version with `--map`
    error: refused before anything ran: 3 findings
      state: nothing was changed
      next: mend what is listed above, then run `rlsctl adopt` again
    ");
    assert_eq!(migrated.db.psql("select to_regnamespace('rlsctl') is null"), "t");
}

#[test]
fn a_gap_may_be_left_open() {
    let migrated = sqlx();
    migrated
        .project
        .migration("0_early.sql", "CREATE TABLE early (id int);\n");
    assert_eq!(migrated.refused(&[]), pairs(&[("drift.gap", "0")]));
    let document = migrated.run(&["adopt", "--allow-out-of-order"], 0);
    assert_eq!(
        (&document["findings"][0]["code"], &document["findings"][0]["severity"]),
        (&json!("drift.gap"), &json!("warning"))
    );
    assert_eq!(
        migrated.db.psql("select to_regclass('early') is null"),
        "t",
        "it was run"
    );
    migrated.run(&["migrate", "--allow-out-of-order"], 0);
    assert_eq!(migrated.db.psql("select to_regclass('early') is null"), "f");
}

#[test]
fn swapped_files_are_named_with_one_another() {
    let migrated = sqlx();
    migrated
        .project
        .migration("1_first_one.sql", SECOND)
        .migration("2_second.sql", FIRST);
    assert_eq!(
        migrated.refused(&[]),
        pairs(&[("drift.edited", "1"), ("drift.edited", "2")])
    );
    let document = migrated.run(&["adopt"], 6);
    assert_eq!(
        document["findings"][0]["evidence"]["content_in"],
        "migrations/2_second.sql"
    );
    assert_eq!(
        document["findings"][1]["evidence"]["content_in"],
        "migrations/1_first_one.sql"
    );
}

#[test]
fn restamped_by_content_then_mapped() {
    // A hosted tool stamped the rows with its own time; the second file was renamed too.
    let migrated = Migrated::new(
        "supabase",
        &[("20240101000000_first.sql", FIRST), ("20240102000000_other_name.sql", SECOND)],
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
        insert into supabase_migrations.schema_migrations values
          ('20240105111111', array['alter table t add x int'], 'second'), ('20240105000000', array['create table t (id int)'], 'first')",
    );
    assert_eq!(
        migrated.refused(&[]),
        pairs(&[
            ("drift.restamped", "20240105000000"),
            ("drift.restamped", "20240105111111")
        ])
    );
    let run = migrated.project.on(&migrated.db, &["adopt"]).run().exits(6);
    let maps = [
        "--map",
        "20240105111111=20240102000000",
        "--map",
        "20240105000000=20240101000000",
    ];
    assert!(
        run.stderr.contains(&format!("rlsctl adopt {}", maps.join(" "))),
        "{}",
        run.stderr
    );
    assert_eq!(
        migrated.refused(&maps[..2]),
        pairs(&[("drift.restamped", "20240105000000")])
    );
    let document = migrated.run(&[&["adopt"], &maps[..]].concat(), 0);
    assert_eq!(document["summary"]["verified"], 2);
    let rows = migrated.db.psql("select l.version, l.origin, e.detail ->> 'row' from rlsctl.ledger l join rlsctl.event e using (version) order by 1");
    assert_eq!(
        rows,
        "20240101000000|adopt|20240105000000\n20240102000000|adopt|20240105111111"
    );
    assert_eq!(migrated.run(&["status"], 0)["findings"], json!([]));
    // It is remembered which row is which file.
    assert_eq!(migrated.run(&["adopt"], 0)["summary"]["already"], 2);
}

#[test]
fn many_that_are_restamped_are_taken_by_their_content() {
    let name = |number: u32, version: u32| format!("{version}_{number}.sql");
    let text = |number: u32| format!("CREATE TABLE t{number} (id int);\n");
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(SQLX);
    for number in 1..=40 {
        project.migration(&name(number, number), text(number));
        db.psql(&format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
            values ({}, '{number}', true, sha384(convert_to('{}', 'UTF8')), 1)",
            1000 - number,
            text(number)
        ));
    }
    let run = project.on(&db, &["adopt"]).run().exits(6);
    assert_eq!(run.stderr.matches("error [drift.restamped]").count(), 40);
    assert!(run.stderr.contains("`rlsctl adopt --map-by-content`"), "{}", run.stderr);
    project.on(&db, &["adopt", "--map-by-content"]).run().exits(0);
    assert_eq!(
        db.psql("select count(*) from rlsctl.event where (detail ->> 'row')::int + version::int = 1000"),
        "40"
    );
    let status = project.on(&db, &["status", "--format", "json"]).run().exits(0).json();
    assert_eq!(
        (&status["findings"], &status["summary"]["pending"]),
        (&json!([]), &json!(0))
    );
}

#[test]
fn restamped_by_name_where_there_is_no_content() {
    let migrated = Migrated::new(
        "plain",
        &[("1_first.sql", FIRST), ("3_second.sql", SECOND)],
        "create table knex_migrations (id serial primary key, name varchar(255), batch int, migration_time timestamptz);
        insert into knex_migrations (name, batch) values ('1_first.js', 1), ('2_second.js', 1)",
    );
    assert_eq!(migrated.refused(&[]), pairs(&[("drift.restamped", "2_second.js")]));
    let document = migrated.run(&["adopt", "--map", "2=3"], 0);
    assert_eq!(
        (&document["migrations"][1]["version"], &document["migrations"][1]["why"]),
        (&json!("3"), &json!("somebody said so"))
    );
    assert_eq!(migrated.run(&["adopt"], 0)["summary"]["already"], 2);
}

#[test]
fn a_map_does_not_excuse_other_content() {
    let migrated = sqlx();
    migrated
        .project
        .remove("migrations/2_second.sql")
        .migration("3_second.sql", "ALTER TABLE t ADD y int;\n");
    assert_eq!(migrated.refused(&["--map", "2=3"]), pairs(&[("drift.edited", "3")]));
    assert_eq!(
        migrated.refused(&["--map", "2=3", "--map", "7=8"]),
        pairs(&[
            ("drift.edited", "3"),
            ("adopt.no-such-row", "7"),
            ("files.no-such-version", "8")
        ])
    );
    let run = migrated
        .project
        .on(&migrated.db, &["adopt", "--map", "2"])
        .run()
        .exits(2);
    assert!(run.stderr.contains("--map OLD=NEW"), "{}", run.stderr);
}

#[test]
fn a_hotfix_is_told_from_a_lost_file() {
    let migrated = Migrated::new(
        "supabase",
        &[("20240101000000_first.sql", FIRST)],
        "create schema supabase_migrations; create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text, created_by text);
        insert into supabase_migrations.schema_migrations values ('20240101000000', array['create table t (id int)'], 'first', null),
          ('20240102000000', array['alter table t add x int'], 'lost', null), ('20240103000000', array['alter table t add y int'], 'quick', 'me@example.com')",
    );
    assert_eq!(
        migrated.refused(&[]),
        pairs(&[
            ("drift.missing-file", "20240102000000"),
            ("drift.hotfix", "20240103000000")
        ])
    );
    // What the help names is the file.
    let document = migrated.run(&["adopt"], 6);
    let help = document["findings"][1]["help"].as_str().unwrap();
    let query = help.split("or: ").nth(1).unwrap().trim_end_matches(')');
    let lost = migrated.db.psql("select array_to_string(statements, E';\\n') from supabase_migrations.schema_migrations where version = '20240102000000'");
    let query = query.replace("20240103000000", "20240102000000");
    assert_eq!(migrated.db.psql(&query), lost);
    migrated
        .project
        .migration("20240102000000_lost.sql", lost + ";\n")
        .migration("20240103000000_quick.sql", "alter table t add y int;\n");
    assert_eq!(migrated.adopt().len(), 3);
}

#[test]
fn content_that_our_own_ledger_has_otherwise() {
    let migrated = sqlx();
    migrated.adopt();
    let other = "create table t (id int, y int);\n";
    migrated.project.migration("1_first_one.sql", other);
    migrated.db.psql(&format!(
        "update _sqlx_migrations set checksum = sha384(convert_to('{other}', 'UTF8')) where version = 1"
    ));
    assert_eq!(migrated.refused(&[]), pairs(&[("drift.edited", "1")]));
}

#[test]
fn one_edit_under_atlas_is_one_finding() {
    let migrated = Migrated::new(
        "plain",
        &[("1_first.sql", "CREATE TABLE t (id bigint);\n"), ("2_second.sql", SECOND), ("3_third.sql", "SELECT 1;\n")],
        "create table atlas_schema_revisions (version varchar primary key, description varchar, type bigint, applied bigint, total bigint, executed_at timestamptz,
          execution_time bigint, error text, error_stmt text, hash varchar, partial_hashes jsonb, operator_version varchar);
        insert into atlas_schema_revisions (version, description, type, applied, total, hash) values ('1', 'first', 2, 1, 1, 'a'), ('2', 'second', 2, 1, 1, 'b'), ('3', 'third', 2, 1, 1, 'c')",
    );
    assert_eq!(migrated.refused(&[]), pairs(&[("drift.edited", "1")]));
}

#[test]
fn the_characters_that_sqlx_ignores() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(&format!(
        "{SQLX}; insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (1, 'a', true, sha384('createtablea();'), 1)"
    ));
    project
        .migration("1_a.up.sql", "create table a ();\n")
        .migration("1_a.down.sql", "");
    project.on(&db, &["adopt"]).run().exits(6);
    project.file("sqlx.toml", "[migrate]\nignored-chars = [\" \", \"\\n\"]\n");
    let document = project.on(&db, &["adopt", "--format", "json"]).run().exits(0).json();
    assert_eq!(document["summary"]["verified"], 1);
}
