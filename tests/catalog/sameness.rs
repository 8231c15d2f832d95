//! Whatever is built from the same files is the same, wherever and however it is looked at.

use std::path::Path;
use std::process::Command;

use fs_err as fs;
use rlsctl::catalog::{ObjectKind, Snapshot, differences, unified};
use rlsctl::pg::{self, CatalogError};

use super::{open, run, snapshot, taken};
use crate::support::db::TestDb;

/// Builds one of every kind of object; returns the role whose name begins that of all its roles.
fn everything(db: &TestDb) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/catalog/everything.sql");
    let role = db.name().to_owned();
    db.psql(&fs::read_to_string(path).unwrap().replace("ROLE", &role));
    role
}

fn same(one: &Snapshot, two: &Snapshot) {
    let text = |snapshot: &Snapshot, id| snapshot.objects.get(id).cloned().unwrap_or_default();
    let told: Vec<String> = differences(&one.mark(), &two.mark())
        .iter()
        .map(|it| format!("{} {}", it.id, unified(&text(one, &it.id), &text(two, &it.id))))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert_eq!(one, two);
}

#[test]
fn every_kind_is_told() {
    let db = TestDb::new();
    everything(&db);
    let snapshot = snapshot(&db);
    let told: Vec<ObjectKind> = snapshot.objects.keys().map(|id| id.kind).collect();
    // Those need a library or another server.
    let not_here = [ObjectKind::Language, ObjectKind::Subscription];
    for kind in ObjectKind::ALL.iter().filter(|kind| !not_here.contains(kind)) {
        assert!(told.contains(kind), "no {kind}");
    }
    assert!(
        snapshot
            .objects
            .values()
            .all(|text| text.is_empty() || text.ends_with('\n'))
    );
}

#[test]
fn no_secret_is_told() {
    let db = TestDb::new();
    everything(&db);
    db.psql("create subscription x connection 'host=127.0.0.1 password=hunter5' publication p with (connect = false, slot_name = none)");
    let text = snapshot(&db).to_json().to_string();
    db.psql("drop subscription x");
    assert!(text.contains("subscription x") && text.contains("option password sha256"));
    for secret in ["hunter", "secret.example"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[test]
fn a_restored_dump_is_the_same() {
    let (one, two) = (TestDb::new(), TestDb::new());
    everything(&one);
    let dump = Command::new(one.server().bin().tool("pg_dump"))
        .args(["-d", &one.dsn()])
        .output()
        .unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    two.psql(&String::from_utf8(dump.stdout).unwrap());
    same(&snapshot(&one), &snapshot(&two));
}

#[test]
fn what_the_server_does_to_its_files_changes_nothing() {
    let db = TestDb::new();
    everything(&db);
    let before = snapshot(&db);
    let name = db.name();
    db.psql("refresh materialized view app.stored; insert into app.tenants (name) values ('x')");
    db.psql("vacuum full");
    db.psql(&format!("analyze; reindex database {name}; checkpoint"));
    same(&before, &snapshot(&db));
}

#[test]
fn neither_session_nor_role_change_the_text() {
    let db = TestDb::new();
    let role = everything(&db);
    let before = snapshot(&db);
    let plain = format!("{role}_plain");
    db.psql(&format!("create role {plain} login"));
    let others = [
        "set search_path = app, public, pg_catalog",
        "set search_path = nowhere",
        "set datestyle = 'German, DMY'; set intervalstyle = 'iso_8601'; set timezone = 'Asia/Tokyo'",
        "set bytea_output = 'escape'; set extra_float_digits = -10; set quote_all_identifiers = on",
        "set lc_monetary = 'de_DE.UTF-8'; set lc_numeric = 'de_DE.UTF-8'",
        "set default_transaction_isolation = 'serializable'; set default_transaction_read_only = on; set standard_conforming_strings = off",
        "set row_security = off; set xmlbinary = hex; set array_nulls = off",
    ];
    run(async {
        for settings in others {
            let session = open(&db, None).await;
            // A locale that this machine lacks is refused, and then there is nothing to be seen.
            let _ = session.rows(settings).await;
            let path = session.rows("show search_path").await.unwrap();
            same(&before, &taken(&session).await);
            assert_eq!(session.rows("show search_path").await.unwrap(), path, "{settings}");
        }
        same(&before, &taken(&open(&db, Some(&plain)).await).await);
    });
}

#[test]
fn two_databases_from_the_same_files_are_the_same() {
    let (one, two) = (TestDb::new(), TestDb::new());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/migrations");
    let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    for file in files {
        let sql = fs::read_to_string(file).unwrap();
        one.psql(&sql);
        two.psql(&sql);
    }
    // Numbers of other objects between ours do not show.
    two.psql("create table gone (id serial primary key, t text); drop table gone");
    let (one, two) = (snapshot(&one), snapshot(&two));
    assert!(one.objects.len() > 100);
    same(&one, &two);
}

#[test]
fn a_locked_table_is_waited_for_and_named() {
    let db = TestDb::new();
    db.psql("create table t (id int); create view v as select * from t");
    let blocker = db.session();
    blocker.ok("begin; lock table t in access exclusive mode");
    run(async {
        let session = open(&db, None).await;
        let error = pg::snapshot(&session, 150_000, pg::Sessions::Two).await.unwrap_err();
        assert!(matches!(error, CatalogError::Blocked { .. }), "{error}");
        // The session is in no transaction and can be used again.
        assert!(session.rows("show search_path").await.is_ok());
    });
}
