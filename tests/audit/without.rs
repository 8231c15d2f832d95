//! Without `[tenancy]`, without a role, without privileges.

use super::{audited, built, told};

const SCHEMA: &str = "
  create table open (id int, tenant_id uuid); grant select on open to {app};
  create table policies (id int); create policy p on policies using (id = 1);
  create table wide (id int); alter table wide enable row level security; create policy p on wide using (true); grant insert on wide to {app};
  create function f() returns int language sql security definer as 'select 1';";

#[test]
fn without_tenancy_it_says_what_can_be_said() {
    let (db, project) = built(SCHEMA);
    project.config("");
    let run = audited(&project, &db, &[]).exits(1);
    assert!(
        run.stderr.contains("`rlsctl retrofit init` proposes one"),
        "{}",
        run.stderr
    );
    let document = run.json();
    assert_eq!(document["summary"]["tenancy"], false);
    assert_eq!(
        told(&document),
        [
            "info function.search-path public.f()",
            "warning rls.always-true public.wide",
            "warning rls.disabled public.open",
            "warning rls.policies-unused public.policies",
        ]
    );
    // That alone is no reason to fail.
    db.psql("drop table open, policies, wide; drop function f()");
    let run = project.on(&db, &["audit"]).run().exits(0);
    assert!(
        run.stdout.contains("nothing found that can be told without [tenancy]"),
        "{}",
        run.stdout
    );
    let run = project.on(&db, &["audit", "--fix"]).run().exits(3);
    assert!(run.stderr.contains("retrofit init"), "{}", run.stderr);
}

#[test]
fn a_role_that_is_not_there_is_no_good_sign() {
    let (db, project) = built("");
    project.config("[tenancy]\napp_roles = [\"nobody_of_that_name\"]\n");
    assert_eq!(
        told(&audited(&project, &db, &[]).exits(1).json()),
        ["warning audit.role-missing nobody_of_that_name"]
    );
}

#[test]
fn what_may_not_be_read_is_said() {
    let (db, project) = built("create table a (tenant_id uuid not null); grant select on a to {app};");
    let reader = format!("{}_reader", db.name());
    db.psql(&format!(
        "create role {reader} login; revoke select on pg_catalog.pg_policy from public"
    ));
    let run = project
        .rlsctl(&["--format", "json", "audit"])
        .env("DATABASE_URL", db.url_as(&reader))
        .run()
        .exits(1);
    let document = run.json();
    assert_eq!(
        told(&document),
        ["error leak.rls-disabled public.a", "warning audit.not-seen policies"]
    );
    assert_eq!(document["not_seen"], serde_json::json!(["policies"]));
}

#[test]
fn nothing_is_written_on_the_server() {
    let (db, project) = built("create table a (tenant_id uuid not null); grant select on a to {app};");
    let before = db.catalog();
    db.psql(&format!(
        "alter database {} set default_transaction_read_only = on",
        db.name()
    ));
    audited(&project, &db, &[]).exits(1);
    assert_eq!(db.catalog(), before);
}
