//! Policies that somebody has altered since `retrofit` made them.

use super::applying::{gone, project};
use super::built;

#[test]
fn an_altered_policy_is_seen_and_made_again() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    let began = db.catalog();
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    project.on(&db, &["retrofit", "status"]).run().exits(0);
    let policies = || {
        db.psql("select schemaname, tablename, policyname, permissive, roles, cmd, qual, with_check from pg_policies order by 2, 3")
    };
    let before = policies();
    for change in ["using (true)", "with check (tenant_id is not null)", "to public"] {
        db.psql(&format!("alter policy tenant_isolation on tasks {change}"));
        let status = project
            .on(&db, &["retrofit", "status", "--format", "json"])
            .run()
            .exits(1)
            .json();
        let findings = status["findings"].as_array().unwrap().iter();
        let altered: Vec<&str> = findings
            .filter(|it| it["code"] == "retrofit.altered")
            .map(|it| it["object"].as_str().unwrap())
            .collect();
        assert_eq!(altered, ["public.tasks"], "{change}");
        assert_eq!(status["summary"]["enforced"], 3, "{change}");
        project.on(&db, &["retrofit", "apply"]).run().exits(0);
        assert_eq!(policies(), before, "{change}");
        project.on(&db, &["retrofit", "status"]).run().exits(0);
    }
    project.on(&db, &["retrofit", "undo", "--all"]).run().exits(0);
    assert_eq!(db.catalog(), began);
    gone(&db, &app);
}

#[test]
fn policies_of_every_form_are_known_again() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    db.psql(&format!(
        "create role {app}_reader; create role {app}_admin; create schema auth; grant usage on schema auth to {app};
         create function auth.uid() returns int language sql stable as 'select 1';
         create table members (user_id int, tenant_id int not null, primary key (user_id, tenant_id))"
    ));
    let member = "identity = 'membership'\nuser = { function = 'auth.uid' }\nmembership = { table = 'public.members', user = 'user_id', tenant = 'tenant_id'";
    for identity in [
        "policies = 'per-command'",
        "identity = 'jwt'",
        &format!("{member} }}"),
        &format!("{member}, all = true }}"),
        "identity = 'owner'\ncolumn = 'tenant_id'\nuser = { function = 'auth.uid' }",
    ] {
        project.config(&format!(
            "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['{app}']\nread_only_roles = ['{app}_reader']\nadmin_roles = ['{app}_admin']\n{identity}\n"
        ));
        project.on(&db, &["retrofit", "apply"]).run().exits(0);
        // Wherever names are looked up.
        for path in ["public", "auth, public", "pg_catalog"] {
            db.psql(&format!("alter database {} set search_path = {path}", db.name()));
            project.on(&db, &["retrofit", "status"]).run().exits(0);
        }
        db.psql(&format!("alter database {} reset search_path", db.name()));
    }
    db.psql(&format!(
        "drop owned by {app}_reader, {app}_admin; drop role {app}_reader, {app}_admin"
    ));
    gone(&db, &app);
}
