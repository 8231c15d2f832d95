//! Each way to say whose a session is.

use super::{Bench, of, one, words};
use crate::support::project::Project;

#[test]
fn claims_and_those_that_users_write_themselves() {
    let mut bench = Bench::new();
    bench.toml.push_str("identity = 'jwt'\n");
    let policy = |way: &str| format!("(nullif(current_setting('request.jwt.claims', true), '')::json {way})::int");
    let app = policy("-> 'app_metadata' ->> 'tenant_id'");
    let all = |claim: &str| {
        format!(
            "alter policy apart on notes using (tenant_id = {claim}); alter policy apart on tenants using (id = {claim})"
        )
    };
    bench.sql(&all(&app));
    assert_eq!(words(&bench.json(0)), ["PROVEN"]);
    let user = policy("-> 'user_metadata' ->> 'tenant_id'");
    bench.sql(&all(&format!("coalesce({user}, {app})")));
    let proof = bench.json(1);
    let leaks = of(&proof, "public.notes", "select");
    let leaks: Vec<&str> = leaks
        .iter()
        .filter(|it| it.1 == "LEAK")
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(leaks, ["tenant with extra claims"]);
    bench.gone();
}

#[test]
fn members_and_the_table_that_says_so() {
    let mut bench = Bench::new();
    bench.sql(
        "create table members (user_id int, tenant_id int, primary key (user_id, tenant_id)); insert into members values (10, 1), (10, 3), (20, 2);
         create function active() returns int language sql stable security definer set search_path = '' as $$ select tenant_id from public.members
           where user_id = nullif(current_setting('app.user_id', true), '')::int and tenant_id = nullif(current_setting('app.tenant_id', true), '')::int $$;
         alter table members enable row level security; grant select, insert on members to $app;
         create policy own on members for select to $app using (user_id = nullif(current_setting('app.user_id', true), '')::int and tenant_id = active());
         alter policy apart on notes using (tenant_id = (select active())); alter policy apart on tenants using (id = (select active()))",
    );
    bench.toml.push_str(
        "identity = 'membership'\nuser = { setting = 'app.user_id' }\nmembership = { table = 'public.members', user = 'user_id', tenant = 'tenant_id' }\n",
    );
    assert_eq!(words(&bench.json(0)), ["PROVEN"]);
    // A function that is not told where to look finds the temporary table first.
    let open = bench.again();
    open.sql(
        "create or replace function active() returns int language sql stable security definer as $$ select tenant_id from members
           where user_id = nullif(current_setting('app.user_id', true), '')::int and tenant_id = nullif(current_setting('app.tenant_id', true), '')::int $$",
    );
    let leaks = of(&open.json(1), "public.notes", "select");
    let leaks: Vec<&str> = leaks
        .iter()
        .filter(|it| it.1 == "LEAK")
        .map(|it| it.0.as_str())
        .collect();
    assert_eq!(leaks, ["temporary table of members"]);
    drop(open);
    // Who may write memberships may write itself into any tenant.
    bench.sql("create policy join_all on members for insert to $app with check (true)");
    one(&bench.json(1), "public.members", "insert", "LEAK");
    bench.gone();
}

#[test]
fn what_the_configuration_says_of_sessions_is_said() {
    let mut bench = Bench::new();
    bench.sql(
        "create role $app_gate login noinherit; grant $app to $app_gate;
         alter policy apart on notes using (tenant_id = nullif(current_setting('my.whose', true), '')::int and session_user = '$app_gate');
         alter policy apart on tenants using (id = nullif(current_setting('my.whose', true), '')::int)",
    );
    let bare = bench.json(1);
    assert_eq!(
        one(&bare, "public.notes", "select", "UNKNOWN")["session"],
        "cached plan"
    );
    let app = bench.app.clone();
    let common = bench.toml.clone();
    bench.toml.push_str(&format!(
        "login = '{app}_gate'\nsession = [\"set role {app}\", \"select set_config('my.whose', '{{tenant}}', false)\"]\n"
    ));
    assert_eq!(words(&bench.json(0)), ["PROVEN"]);
    bench.toml = format!("{common}login = '{app}_gate'\n");
    for tenant in ["2", "1"] {
        bench.toml.push_str(&format!(
            "[[tenancy.sessions]]\ntenant = '{tenant}'\nsession = [\"set role {app}\", \"set my.whose = '{tenant}'\"]\n"
        ));
    }
    let proof = bench.json(0);
    assert_eq!(
        (words(&proof), &proof["tenants"]["acts"]),
        (vec!["PROVEN"], &"2".into())
    );
    bench.sql("drop owned by $app_gate; drop role $app_gate");
    bench.gone();
}

#[test]
fn whoever_compares_has_to_see() {
    let bench = Bench::new();
    bench.sql(
        "create role $app_owner login; grant $app to $app_owner; grant usage on schema public to $app_owner;
         alter table notes owner to $app_owner; alter table lines owner to $app_owner; alter table tenants owner to $app_owner",
    );
    let project = Project::new();
    project.config(&format!("[tenancy]\n{}", bench.toml));
    let prove = |args: &[&str]| {
        let owner = format!("{}_owner", bench.app);
        let run = project.rlsctl(&[&["prove"], args].concat());
        run.env("DATABASE_URL", bench.db.url_as(&owner)).run()
    };
    prove(&[]).exits(0);
    bench.sql("alter table notes force row level security");
    let blind = prove(&["--format", "json"]).exits(1).json();
    let reason = one(&blind, "public.notes", "select", "UNKNOWN")["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("BYPASSRLS"), "{reason}");
    bench.sql("alter table notes no force row level security; revoke $app from $app_owner");
    let stranger = prove(&["--format", "json"]).exits(1).json();
    let reason = one(&stranger, "public.notes", "select", "UNKNOWN")["reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("could not begin"), "{reason}");
    bench.sql("reassign owned by $app_owner to current_user; drop owned by $app_owner; drop role $app_owner");
    bench.gone();
}
