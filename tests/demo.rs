//! The demo's histories are SQL that the server takes, in the order of its names.

#[path = "../benches/support/live/schema.rs"]
#[allow(dead_code, reason = "the bench uses more of it")]
mod live;

use std::path::Path;

use fs_err as fs;

use crate::support::db::TestDb;

#[test]
fn its_history_applies_with_psql_and_protects_every_table_with_a_tenant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/migrations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let db = TestDb::new();
    for file in &files {
        if let Err(error) = db.try_psql(&fs::read_to_string(file).unwrap()) {
            panic!("{}: {error}", file.display());
        }
    }
    let unprotected = "
        select string_agg(attrelid::regclass::text, ', ')
        from pg_attribute
        join pg_class on pg_class.oid = attrelid and relkind = 'r' and relnamespace = 'public'::regnamespace
        where attname = 'tenant_id' and not (relrowsecurity and relforcerowsecurity)";
    assert_eq!(db.psql(unprotected), "");
    // As the application sees it: one tenant's rows, and none without a tenant.
    let counts = "set role app_user; select count(*) from tasks;
                  set app.tenant_id = '22222222-2222-4222-8222-222222222222';
                  select count(*), count(distinct tenant_id) from tasks; select count(*) from task_overview";
    assert_eq!(db.psql(counts), "0\n4000|1\n4000");
    assert_eq!(db.psql("select count(*) from pg_index where not indisvalid"), "0");
}

#[test]
fn its_rollout_applies_with_psql_in_sections_and_as_a_script() {
    for rollout in [live::sections(), live::script(8, "")] {
        let db = TestDb::new();
        // Roles are the whole server's, and other tests have theirs.
        let own = |sql: &str| {
            ["app", "nightly_export"].iter().fold(sql.to_owned(), |sql, role| {
                sql.replace(&format!("to {role}"), "to public")
                    .replace(&format!(", {role}"), "")
            })
        };
        db.psql(&own(&live::tables()));
        assert_eq!(db.psql(live::DONE), "0");
        db.psql(&rollout);
        assert_eq!(db.psql(live::DONE), live::TABLES.to_string());
    }
}
