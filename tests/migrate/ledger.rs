//! The ledger that is there, is not ours, is older, newer, or not for us to write.

use super::{has_table, no_ledger_rows};
use crate::support::db::TestDb;
use crate::support::project::Project;

#[test]
fn another_tools_ledger_is_not_passed_over() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table _sqlx_migrations (version bigint primary key, description text, installed_on timestamptz, success boolean, checksum bytea, execution_time bigint)");
    project
        .migration("1_a.up.sql", "create table a (id int);")
        .migration("1_a.down.sql", "drop table a;");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(run.stderr.contains("public._sqlx_migrations"), "{}", run.stderr);
    no_ledger_rows(&db);
    assert_eq!(
        db.psql("select to_regnamespace('rlsctl') is null"),
        "t",
        "nothing was made"
    );
    project.on(&db, &["migrate", "--ignore-other-ledger"]).run().exits(0);
    assert!(has_table(&db, "a"));
}

#[test]
fn a_newer_ledger_is_refused_and_an_older_one_upgraded() {
    let (db, project) = (TestDb::new(), Project::new());
    project.migration("1_a.sql", "create table a (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    let fresh = db.psql("select string_agg(table_name || '.' || column_name, ',' order by table_name, column_name) from information_schema.columns where table_schema = 'rlsctl'");
    db.psql("drop table rlsctl.schema_mark; update rlsctl.meta set format = 1");
    project.migration("2_b.sql", "create table b (id int);");
    project.on(&db, &["migrate"]).run().exits(0);
    let upgraded = db.psql("select string_agg(table_name || '.' || column_name, ',' order by table_name, column_name) from information_schema.columns where table_schema = 'rlsctl'");
    assert_eq!(upgraded, fresh);
    let silent = db.psql("select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 where n.nspname = 'rlsctl' and c.relkind = 'r' and col_description(c.oid, a.attnum) is null");
    assert_eq!(silent, "0", "every column of the ledger has a comment");
    db.psql("update rlsctl.meta set format = 99; alter table rlsctl.ledger rename column checksum to hash");
    let run = project.on(&db, &["migrate"]).run().exits(6);
    assert!(run.stderr.contains("format 99"), "{}", run.stderr);
}

#[test]
fn missing_privileges_name_the_grant() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql(&format!(
        "create role plain_{0} login; revoke create on database {0} from public",
        db.name()
    ));
    project.migration("1_a.sql", "select 1;");
    let url = db.url().replace("postgres@", &format!("plain_{}@", db.name()));
    let run = project.rlsctl(&["migrate"]).env("DATABASE_URL", &url).run().exits(3);
    assert!(
        run.stderr.contains(&format!("GRANT CREATE ON DATABASE {}", db.name())),
        "{}",
        run.stderr
    );
    project.on(&db, &["migrate"]).run().exits(0);
    let run = project.rlsctl(&["migrate"]).env("DATABASE_URL", &url).run().exits(3);
    assert!(run.stderr.contains("GRANT USAGE ON SCHEMA rlsctl"), "{}", run.stderr);
    db.admin(&format!("drop role plain_{}", db.name()));
}
