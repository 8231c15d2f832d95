//! The typed schema: what is there is told, by its own type.

use rlsctl::activity::Oid;
use rlsctl::pg::{self, Environment, Settings, Work};
use rlsctl::schema::{Action, Command, Kind, Schema, Volatility};
use rlsctl::script::RelationName;

use crate::support::db::TestDb;
use crate::support::run;

/// Reads the schema of a database.
pub(crate) fn schema(db: &TestDb) -> Schema {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(&db.dsn()), &environment).unwrap();
    run(async {
        let session = pg::connect(&settings, Work::Reader).await.unwrap();
        pg::schema(&session).await.unwrap()
    })
}

#[test]
fn tables_are_read_with_all_that_belongs_to_them() {
    let db = TestDb::new();
    db.psql(
        "create table parents (id bigint generated always as identity, tenant_id uuid not null, primary key (id), unique (tenant_id, id));
         create table children (id int primary key, parent_id bigint references parents on delete cascade, size int default 3 check (size > 0));
         create index on children (parent_id) where size > 1;
         create index on children (parent_id, lower(id::text));
         alter table children enable row level security;
         create policy p on children for update to public using (size > 1);
         create view shown with (security_barrier) as select id from children;
         create function now_stable() returns int language sql stable security definer set search_path = '' as 'select 1';
         insert into children (id) values (1);
         analyze children;",
    );
    let schema = schema(&db);
    let parents = schema.relation(&RelationName::qualified("public", "parents")).unwrap();
    let children = schema.relation(&RelationName::qualified("public", "children")).unwrap();
    assert_eq!(
        (parents.kind, parents.rows, children.rows),
        (Kind::Table, None, Some(1))
    );
    assert_eq!(parents.keys.len(), 2);
    assert_eq!(parents.primary_key().unwrap().columns, ["id"]);
    assert!(parents.column("tenant_id").unwrap().not_null && parents.column("id").unwrap().is_identity);
    let key = &children.foreign_keys[0];
    assert_eq!((key.references, key.on_delete), (parents.oid, Action::Cascade));
    assert_eq!(
        (&key.columns[..], &key.referenced_columns[..]),
        (&["parent_id".to_owned()][..], &["id".to_owned()][..])
    );
    assert_eq!(children.checks[0].columns, ["size"]);
    assert_eq!(children.column("size").unwrap().default.as_deref(), Some("3"));
    assert!(children.row_security && !children.force_row_security);
    assert_eq!(
        (children.policies[0].command, &children.policies[0].roles[..]),
        (Command::Update, &[String::new()][..])
    );
    // One is for some rows only; the other one goes on with an expression.
    assert!(children.has_index_on(&["parent_id"]) && !children.has_index_on(&["parent_id", "id"]));
    assert_eq!(children.indexes.iter().filter(|index| index.is_partial).count(), 1);
    let shown = schema.relation(&RelationName::qualified("public", "shown")).unwrap();
    assert_eq!(
        (shown.kind, &shown.reads[..], shown.is_security_invoker()),
        (Kind::View, &[children.oid][..], false)
    );
    let function = schema
        .functions
        .values()
        .find(|function| function.name == "now_stable")
        .unwrap();
    assert_eq!(
        (function.volatility, function.is_security_definer),
        (Volatility::Stable, true)
    );
    assert_eq!(schema.referencing(parents.oid).count(), 1);
    assert_eq!(schema.referencing(Oid(0)).count(), 0);
}

#[test]
fn who_is_held_back_is_what_the_server_says() {
    let db = TestDb::new();
    let [owner, member, app, free] = ["owner", "member", "app", "free"].map(|role| format!("{}_{role}", db.name()));
    db.psql(&format!(
        "create role {owner}; create role {member} in role {owner}; create role {app}; create role {free} bypassrls;
         create table t (id int);
         alter table t owner to {owner};
         grant select on t to {member}, {app}, {free};
         insert into t values (1);
         alter table t enable row level security"
    ));
    for force in ["no force", "force"] {
        db.psql(&format!("alter table t {force} row level security"));
        let schema = schema(&db);
        let t = schema.relation(&RelationName::qualified("public", "t")).unwrap();
        for role in [&owner, &member, &app, &free] {
            let seen = db.psql(&format!("set role {role}; select count(*) from t"));
            assert_eq!(schema.binds(t, role), seen == "0", "{role} with {force}: {seen}");
            assert!(schema.may(role, "SELECT", &t.grants));
        }
        assert!(!schema.may(&app, "DELETE", &t.grants));
    }
    db.psql(&format!("drop table t; drop role {member}, {owner}, {app}, {free}"));
}
