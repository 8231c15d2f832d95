//! What stands beside tenants' rows.

use super::{audited, built, found, told};

/// A table with tenants' rows that is as it should be.
const GOOD: &str = "
  create table t (id int primary key, tenant_id uuid not null);
  create index on t (tenant_id);
  alter table t enable row level security;
  create policy p on t to {app} using ({mine});
  grant select, insert, update, delete on t to {app};";

fn with(more: &str) -> Vec<String> {
    found(&format!("{GOOD}{more}"))
}

const NONE: [&str; 0] = [];

#[test]
fn a_table_as_it_should_be() {
    assert_eq!(with(""), NONE);
}

#[test]
fn tables_without_row_security() {
    let open = "create table c (code text, name text); grant select on c to {app};";
    assert_eq!(with(open), ["info rls.disabled public.c"]);
    assert_eq!(with("create table c (code text)"), NONE);
    let secret = "create table c (code text, \"API-Key\" text); grant select on c to {app};";
    assert_eq!(
        with(secret),
        ["info rls.disabled public.c", "warning rls.sensitive-columns public.c"]
    );
    let hidden = "create table c (code text, api_key text); grant select (code) on c to {app};";
    assert_eq!(with(hidden), ["info rls.disabled public.c"]);
    let on = format!("{open} alter table c enable row level security; create policy r on c for select using (true);");
    assert_eq!(with(&on), NONE);
    let policies = "create table c (code text); create policy r on c using (code = 'a'); grant select on c to {app};";
    assert_eq!(with(policies), ["warning rls.policies-unused public.c"]);
    assert_eq!(
        with("create table c (); alter table c enable row level security"),
        ["info rls.no-policy public.c"]
    );
}

#[test]
fn what_is_everybodys_on_purpose_is_said_once() {
    let (db, project) = built("create table c (code text, password text); grant select on c to {app};");
    let config = format!("{}[tenancy.tables.\"public.c\"]\nshared = true\n", super::tenancy(&db));
    project.config(&config);
    assert_eq!(told(&audited(&project, &db, &[]).exits(0).json()), NONE);
}

#[test]
fn policies_that_let_everybody_write() {
    let table = "create table c (code text); alter table c enable row level security; grant select, insert, delete on c to {app};";
    assert_eq!(
        with(&format!("{table} create policy w on c using (true);")),
        ["info rls.always-true public.c"]
    );
    assert_eq!(
        with(&format!("{table} create policy w on c for insert with check (true);")),
        ["info rls.always-true public.c"]
    );
    for fine in [
        "create policy w on c for select using (true);",
        "create policy w on c for update using (true);",
        "create policy w on c to pg_monitor using (true);",
        "create policy w on c using (true); create policy n on c as restrictive using (code = 'a');",
        "create policy w on c using (code = 'a');",
    ] {
        assert_eq!(with(&format!("{table}{fine}")), NONE, "{fine}");
    }
}

#[test]
fn what_a_user_says_of_itself() {
    let table = "create table c (code text); alter table c enable row level security; grant select on c to {app};";
    let claim = |key: &str| {
        format!(
            "{table} create policy r on c for select using (code = current_setting('request.jwt.claims', true)::json -> '{key}' ->> 'code');"
        )
    };
    assert_eq!(with(&claim("user_metadata")), ["warning rls.user-metadata public.c"]);
    assert_eq!(with(&claim("app_metadata")), NONE);
}

#[test]
fn views_on_the_gateways_users() {
    let users = "create schema auth; create table auth.users (id uuid, email text);
      create function auth.uid() returns uuid language sql stable as $$ select nullif(current_setting('app.user', true), '')::uuid $$;";
    let view = format!("{users} create view people as select * from auth.users; grant select on people to {{app}};");
    assert_eq!(with(&view), ["warning view.auth-users public.people"]);
    let behind = format!(
        "{users} create view inner_ as select * from auth.users; create view people as select * from inner_; grant select on people to {{app}};"
    );
    assert_eq!(with(&behind), ["warning view.auth-users public.people"]);
    let own = format!(
        "{users} create view people as select * from auth.users where id = auth.uid(); grant select on people to {{app}};"
    );
    assert_eq!(with(&own), ["info view.auth-users public.people"]);
    let unreached = format!("{users} create view people as select * from auth.users;");
    assert_eq!(with(&unreached), NONE);
}

#[test]
fn what_can_have_no_policies() {
    let matview =
        "create table c (code text); create materialized view m as select * from c; grant select on m to {app};";
    assert_eq!(with(matview), ["info view.materialized public.m"]);
    let leaking = "create materialized view m as select * from t; grant select on m to {app};";
    assert_eq!(with(leaking), ["error leak.materialized-view public.m"]);
    let foreign = "create foreign data wrapper {app}_w; create server {app}_s foreign data wrapper {app}_w;
      create foreign table f (code text) server {app}_s; grant select on f to {app};";
    assert_eq!(with(foreign), ["info view.foreign-table public.f"]);
}

#[test]
fn functions_with_their_owners_rights() {
    let open = "create function f() returns int language sql security definer as 'select 1';";
    assert_eq!(with(open), ["info function.search-path public.f()"]);
    assert_eq!(with(&open.replace("as", "set search_path = '' as")), NONE);
    assert_eq!(with(&open.replace("security definer", "")), NONE);
    let named =
        "create function f() returns bigint language sql security definer as 'select count(*) from t where false';";
    assert!(!with(named).contains(&"info function.search-path public.f()".to_owned()));
}

#[test]
fn what_is_given_away() {
    assert_eq!(
        with("alter default privileges in schema public grant select, truncate on tables to {app};"),
        ["info grants.default-privileges postgres"]
    );
    assert_eq!(
        with("alter default privileges in schema public grant usage on sequences to {app};"),
        NONE
    );
    assert_eq!(
        with("create sequence s; grant select on sequence s to {app};"),
        ["info grants.sequence public.s"]
    );
    assert_eq!(with("create sequence s; grant usage on sequence s to {app};"), NONE);
    assert_eq!(
        with("create publication {app}_all for table t;"),
        ["info grants.publication db_app_all"]
    );
    assert_eq!(
        with("create table c (); create publication {app}_all for table c;"),
        NONE
    );
}
