//! `retrofit init`: what the catalog speaks for is proposed with its reason, and what has two answers is left open.

use rlsctl::retrofit::{Found, Part, Proposal, propose};
use rlsctl::script::RelationName;
use rlsctl::tenancy::{Identity, Tenancy, UserSource, Which, tenancy};

use super::planned;
use crate::schema::schema;
use crate::support::db::TestDb;
use crate::support::project::Project;

/// Tables with the column, below them, beside them, and with no way to it.
const SHOP: &str = "
  create table organizations (id uuid primary key, name text);
  create table customers (id int primary key, organization_id uuid not null references organizations on delete cascade);
  create table orders (id int primary key, organization_id uuid not null references organizations, customer_id int references customers);
  create table lines (id int primary key, order_id int not null references orders on delete cascade);
  create table links (id int primary key, from_id int not null references orders, to_id int not null references orders on delete cascade);
  create table notes (id int primary key, link_id int not null references links);
  create table payments (id int primary key, org_id uuid not null references organizations);
  create table countries (code text primary key);
  create table addresses (id int primary key, customer_id int not null references customers, country text references countries);
  create table schema_migrations (version text primary key);
  create schema auth; create table auth.sessions (id int primary key, organization_id uuid);";

fn proposed(db: &TestDb) -> Proposal {
    propose(&schema(db)).unwrap()
}

/// Reads the lines as `rlsctl.toml` is read.
fn read_back(proposal: &Proposal) -> Tenancy {
    let text = proposal.to_toml();
    let table: toml::Table = toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let table = table["tenancy"].as_table().unwrap();
    assert_eq!(*table, proposal.to_table());
    tenancy(table).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn app(db: &TestDb) -> String {
    let app = format!("{}_app", db.name());
    db.psql(&format!(
        "create role {app} login; grant select, insert, update, delete on all tables in schema public to {app}"
    ));
    app
}

fn gone(db: &TestDb, role: &str) {
    db.psql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn tables_are_told_apart_and_the_lines_can_be_read_back() {
    let db = TestDb::new();
    db.psql(SHOP);
    let app = app(&db);
    let proposal = proposed(&db);
    let found: Vec<(&str, Found)> = proposal
        .tables
        .iter()
        .map(|it| (it.table.name.as_str(), it.found))
        .collect();
    assert_eq!(
        found,
        [
            ("addresses", Found::FromParent),
            ("countries", Found::NoWay),
            ("customers", Found::Has),
            ("lines", Found::FromParent),
            ("links", Found::Choose),
            ("notes", Found::AfterChoice),
            ("orders", Found::Has),
            ("organizations", Found::Tenants),
            ("payments", Found::OtherName),
            ("schema_migrations", Found::Shared),
        ]
    );
    let counts = proposal.counts();
    assert_eq!((counts.with_column, counts.from_parent, counts.open), (4, 2, 3));
    // Of the two ways the one that goes with its parent, and only as a comment.
    let text = proposal.to_toml();
    assert!(
        text.contains("# [tenancy.tables.\"public.links\"]\n# backfill = { from = [\"to_id\"] }\n"),
        "{text}"
    );
    let model = read_back(&proposal);
    assert_eq!(
        (model.column.as_str(), model.data_type.as_deref()),
        ("organization_id", Some("uuid"))
    );
    assert_eq!(
        (&model.app_roles, &model.schemas),
        (&vec![app.clone()], &vec!["public".to_owned()])
    );
    assert!(matches!(&model.identity, Identity::Setting { name } if name == "app.tenant_id"));
    assert_eq!(model.tables.len(), 2, "{:?}", model.tables);
    let payments = model.table(&RelationName::qualified("public", "payments"));
    assert_eq!(payments.column.as_deref(), Some("org_id"));
    // The plan asks for what was left open, and for nothing else.
    let asked = |model: &Tenancy| {
        let findings = planned(&db, model).findings;
        let open = findings.into_iter().filter(|finding| finding.code != "retrofit.unset");
        let mut objects: Vec<String> = open.map(|finding| finding.object).collect();
        objects.sort();
        objects
    };
    assert_eq!(asked(&model), ["public.countries", "public.links"]);
    // Once the comments are taken away nothing is left to ask.
    let chosen = text
        .replace("# [tenancy.tables", "[tenancy.tables")
        .replace("# shared", "shared")
        .replace("# backfill", "backfill");
    let chosen: toml::Table = toml::from_str(&chosen).unwrap();
    let chosen = tenancy(chosen["tenancy"].as_table().unwrap()).unwrap();
    assert_eq!(asked(&chosen), [] as [String; 0]);
    gone(&db, &app);
}

#[test]
fn the_column_is_the_one_that_keeps_most_tables_apart() {
    let db = TestDb::new();
    let column = || proposed(&db).column;
    // Nothing is shared: a word of our own, which is then called after what looks like tenants.
    db.psql("create table notes (id int primary key)");
    assert_eq!(column(), "tenant_id");
    db.psql(
        "create table companies (id bigint primary key); alter table notes add column company int references companies",
    );
    let after = proposed(&db);
    assert_eq!(
        (after.column.as_str(), after.data_type.as_deref()),
        ("company_id", Some("bigint"))
    );
    // A foreign key that most tables have, whatever it is called.
    db.psql("create table posts (id int primary key, company int references companies)");
    assert_eq!(column(), "company");
    // A known name beats it; what is often below a tenant, only on many more tables.
    db.psql(
        "create table teams (id int primary key); create table projects (id int primary key, team_id int references teams);
         create table a (id int primary key, project_id int references projects);
         create table b (id int primary key, project_id int references projects)",
    );
    assert_eq!(column(), "team_id");
    db.psql("create table c (id int primary key, project_id int); create table d (id int primary key, project_id int)");
    let below = proposed(&db);
    assert_eq!(below.column, "project_id");
    assert!(
        below
            .column_reasons
            .iter()
            .any(|it| it.contains("team_id, which is above project_id")),
        "{:?}",
        below.column_reasons
    );
}

#[test]
fn names_in_other_letters_come_back_as_they_are() {
    let db = TestDb::new();
    db.psql(
        "create schema \"My App\";
         create table \"My App\".\"Tenant\" (id int primary key);
         create table \"My App\".\"Post\" (id int primary key, \"tenantId\" int not null references \"My App\".\"Tenant\");
         create table \"My App\".\"Tag\" (id int primary key, \"tenantId\" int not null references \"My App\".\"Tenant\");
         create table \"My App\".\"a \"\"quoted\"\"\\ttable\" (id int primary key, tenant_id int not null)",
    );
    let app = format!("{}_app", db.name());
    db.psql(&format!(
        "create role {app} login; grant insert on all tables in schema \"My App\" to {app}"
    ));
    let model = read_back(&proposed(&db));
    assert_eq!(
        (model.column.as_str(), &model.schemas),
        ("tenantId", &vec!["My App".to_owned()])
    );
    let odd = model.table(&RelationName::qualified("My App", "a \"quoted\"\\ttable"));
    assert_eq!(odd.column.as_deref(), Some("tenant_id"));
    gone(&db, &app);
}

#[test]
fn roles_are_told_apart_by_what_they_may_do() {
    let db = TestDb::new();
    db.psql("create table a (id int primary key, tenant_id int); create table b (id int primary key, tenant_id int)");
    let [owner, group, login, reader, free, idle] =
        ["owner", "group", "login", "reader", "free", "idle"].map(|role| format!("{}_{role}", db.name()));
    db.psql(&format!(
        "create role {owner} login; create role {group}; create role {login} login in role {group}; create role {reader} login;
         create role {free} login bypassrls; create role {idle};
         alter table a owner to {owner}; alter table b owner to {owner}"
    ));
    let alone = proposed(&db);
    assert_eq!(
        alone
            .roles
            .iter()
            .map(|role| (role.name.as_str(), role.part))
            .collect::<Vec<_>>(),
        [(owner.as_str(), Part::Open)]
    );
    // Without a role there is no model, and the lines say so where they are read.
    assert!(alone.to_toml().contains(&format!("# app_roles = [\"{owner}\"]")));
    assert_eq!(tenancy(&alone.to_table()).unwrap_err().key, "app_roles");
    db.psql(&format!(
        "grant insert on a to {group}; grant select on a, b to {reader}, {free}; grant select on a to {idle}"
    ));
    let proposal = proposed(&db);
    let mut parts: Vec<(&str, Part)> = proposal
        .roles
        .iter()
        .map(|role| (role.name.as_str(), role.part))
        .collect();
    parts.sort_by_key(|(name, _)| *name);
    assert_eq!(
        parts,
        [
            (free.as_str(), Part::Escapes),
            (group.as_str(), Part::App),
            (idle.as_str(), Part::Open),
            (reader.as_str(), Part::ReadOnly),
        ]
    );
    let model = read_back(&proposal);
    assert_eq!(
        (model.app_roles, model.read_only_roles),
        (vec![group.clone()], vec![reader.clone()])
    );
    db.psql(&format!(
        "drop table a, b; drop role {login}, {group}, {reader}, {free}, {idle}, {owner}"
    ));
}

#[test]
fn what_is_in_use_says_how_a_session_tells_whose_it_is() {
    let db = TestDb::new();
    db.psql(
        "create table tenants (id uuid primary key);
         create table a (id int primary key, tenant_id uuid references tenants);
         create table b (id int primary key, tenant_id uuid references tenants)",
    );
    let app = app(&db);
    let identity = || read_back(&proposed(&db)).identity;
    assert!(matches!(identity(), Identity::Setting { name } if name == "app.tenant_id"));
    // A gateway's token.
    db.psql("create schema auth; create function auth.uid() returns uuid language sql as 'select null::uuid'");
    assert!(matches!(identity(), Identity::Claim { path, .. } if path == ["app_metadata", "tenant_id"]));
    // Members, whom the gateway names.
    db.psql("create table members (tenant_id uuid references tenants, user_id uuid, primary key (tenant_id, user_id))");
    let Identity::Membership(membership) = identity() else {
        panic!()
    };
    assert_eq!(
        (membership.user_column.as_str(), membership.which),
        ("user_id", Which::All)
    );
    assert!(matches!(membership.user, UserSource::Function { name } if name.to_string() == "auth.uid"));
    // A claim that a function asks for.
    db.psql(
        "create function current_tenant() returns text language sql as
         $$ select current_setting('request.jwt.claims', true)::json -> 'app_metadata' ->> 'org_id' $$",
    );
    assert!(matches!(identity(), Identity::Claim { path, .. } if path == ["app_metadata", "org_id"]));
    // A setting that a policy asks for.
    db.psql(
        "create policy p on a using (tenant_id = current_setting('shop.current_tenant', true)::uuid);
         create function who() returns text language sql as $$ select current_setting('shop.user_id') $$; drop function auth.uid()",
    );
    assert!(matches!(identity(), Identity::Setting { name } if name == "shop.current_tenant"));
    let proposal = proposed(&db);
    assert!(
        proposal.to_toml().contains("# user = { setting = \"shop.user_id\" }"),
        "{}",
        proposal.to_toml()
    );
    assert_eq!(proposal.with_policies, [RelationName::qualified("public", "a")]);
    gone(&db, &app);
}

#[test]
fn what_is_above_tenants_and_who_invites_is_told_apart() {
    let db = TestDb::new();
    db.psql(
        "create table orgs (id int primary key); create table users (id int primary key);
         create table projects (id int primary key, org_id int references orgs);
         create table invitations (id int primary key, project_id int references projects, invited_by_user_id int references users);
         create table member_invitations (id int primary key, project_id int references projects, user_id int references users);
         create table project_members (project_id int references projects, user_id int references users, primary key (project_id, user_id));
         create table quotas (project_id int primary key references projects)",
    );
    let app = app(&db);
    let proposal = proposed(&db);
    let Identity::Membership(membership) = read_back(&proposal).identity else {
        panic!()
    };
    assert_eq!(membership.table, RelationName::qualified("public", "project_members"));
    let of = |name: &str| {
        let table = proposal.tables.iter().find(|it| it.table.name == name).unwrap();
        (table.found, table.reason.as_str())
    };
    assert_eq!(of("projects").0, Found::Tenants);
    assert_eq!(of("quotas"), (Found::Has, "it has the column"));
    assert_eq!(of("invitations"), (Found::Has, "it has the column, which may be null"));
    assert!(
        of("orgs").0 == Found::NoWay && of("orgs").1.contains("above them"),
        "{:?}",
        of("orgs")
    );
    assert!(of("users").1.contains("people"), "{:?}", of("users"));
    gone(&db, &app);
}

#[test]
fn rows_of_users_have_an_owner() {
    let db = TestDb::new();
    db.psql(
        "create schema auth; create table auth.users (id uuid primary key);
         create function auth.uid() returns uuid language sql as 'select null::uuid';
         create table notes (id int primary key, user_id uuid not null references auth.users, edited_by uuid references auth.users);
         create table lists (id int primary key, user_id uuid not null references auth.users, edited_by uuid references auth.users)",
    );
    let app = app(&db);
    let model = read_back(&proposed(&db));
    assert_eq!(model.column, "user_id");
    assert!(
        matches!(&model.identity, Identity::Owner(UserSource::Function { name }) if name.to_string() == "auth.uid")
    );
    assert!(!planned(&db, &model).is_stopped());
    gone(&db, &app);
}

#[test]
fn it_is_added_to_the_configuration_and_never_over_one() {
    let (db, project) = (TestDb::new(), Project::new());
    let empty = project.on(&db, &["retrofit", "init"]).run().exits(6);
    assert!(empty.stderr.contains("no tables"), "{}", empty.stderr);
    db.psql(SHOP);
    let app = app(&db);
    let none = project.on(&db, &["retrofit", "init", "--write"]).run().exits(6);
    assert!(none.stderr.contains("rlsctl init"), "{}", none.stderr);
    let before = "# mine\r\n[migrations]\r\ndir = 'migrations' # here";
    project.migration("0001_a.sql", "select 1;").config(before);
    let shown = project.on(&db, &["retrofit", "init"]).run().exits(0);
    assert_eq!(project.read("rlsctl.toml"), before);
    assert!(shown.stderr.contains("2 things to decide"), "{}", shown.stderr);

    let written = project
        .on(&db, &["retrofit", "init", "--write", "--format", "json"])
        .run()
        .exits(0)
        .json();
    assert_eq!(written["summary"]["written"], true);
    assert_eq!(written["tenancy"]["app_roles"], serde_json::json!([app]));
    assert_eq!(written["toml"], shown.stdout);
    let after = project.read("rlsctl.toml");
    assert_eq!(after, format!("{before}\r\n\r\n{}", shown.stdout.replace('\n', "\r\n")));
    let plan = project
        .on(&db, &["retrofit", "plan", "--format", "json"])
        .run()
        .exits(1)
        .json();
    assert_eq!(plan["summary"]["errors"], 2, "{plan:#}");

    for taken in [after.as_str(), "[tenancy]\n", "tenancy.column = 'a'\n"] {
        project.config(taken);
        let again = project.on(&db, &["retrofit", "init", "--write"]).run().exits(6);
        assert!(again.stderr.contains("has [tenancy] already"), "{}", again.stderr);
        assert_eq!(project.read("rlsctl.toml"), taken);
    }
    assert_eq!(db.psql("select to_regnamespace('rlsctl') is null"), "t");
    gone(&db, &app);
}

#[test]
fn the_guides_examples_can_be_read() {
    let guide = include_str!("../../docs/guide.md");
    let (_, section) = guide.split_once("## Retrofit\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut identities = std::collections::HashSet::new();
    for block in section.split("```toml\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        let table: toml::Table = toml::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
        let mut table = table
            .get("tenancy")
            .and_then(|it| it.as_table().cloned())
            .unwrap_or(table);
        table
            .entry("app_roles")
            .or_insert_with(|| toml::Value::from(vec!["app"]));
        let model = tenancy(&table).unwrap_or_else(|error| panic!("{error}\n{block}"));
        identities.insert(std::mem::discriminant(&model.identity));
    }
    assert_eq!(identities.len(), 4, "an example for each");
}
