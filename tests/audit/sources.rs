//! `--files` and `--dump`: what is judged is made in a throwaway server.

use std::process::Command;

use super::{MINE, built, told};
use crate::support::project::Project;
use crate::support::rlsctl::Run;

const TENANCY: &str = "[tenancy]\napp_roles = [\"app\"]\nsetting = \"app.tenant_id\"\n";

fn audited(project: &Project, more: &[&str]) -> Run {
    let mut args = vec!["--format", "json", "audit"];
    args.extend(more);
    let bin = crate::support::db::server().bin().dir().to_owned();
    project.rlsctl(&args).env("RLSCTL_PG_BIN", bin).run()
}

#[test]
fn files_are_judged_without_a_database_and_their_roles_are_made() {
    let project = Project::new();
    project.config(TENANCY);
    project.migration(
        "0001_a.sql",
        "create table a (tenant_id uuid not null); create index on a (tenant_id); grant select on a to app, \"Other\";",
    );
    let run = audited(&project, &["--files"]).exits(1);
    let document = run.json();
    assert_eq!(told(&document), ["error leak.rls-disabled public.a"]);
    let source = document["source"].as_str().unwrap();
    assert!(
        source.contains("made for it, without login, memberships and attributes: \"Other\", app"),
        "{source}"
    );
    project.migration(
        "0002_b.sql",
        format!("alter table a enable row level security; create policy p on a to app using ({MINE});"),
    );
    assert_eq!(told(&audited(&project, &["--files"]).exits(0).json()), [""; 0]);
}

#[test]
fn what_the_platform_brings_comes_before() {
    let project = Project::new();
    project.config(TENANCY);
    project.migration(
        "0001_a.sql",
        "create table a (tenant_id uuid references auth.users (tenant));",
    );
    let run = audited(&project, &["--files"]).exits(3);
    assert!(run.stdout.contains("--before FILE"), "{}", run.stdout);
    project.file(
        "stub.sql",
        "create role app login; create schema auth; create table auth.users (tenant uuid unique);",
    );
    audited(&project, &["--files", "--before", "stub.sql"]).exits(0);
    audited(&project, &["--before", "stub.sql"]).exits(2);
}

#[test]
fn a_dump_says_what_its_database_says() {
    let (db, project) = built(
        "create table a (tenant_id uuid not null, note text); create index on a (tenant_id); alter table a enable row level security;
         create policy p on a to {app} using ({mine}); grant select on a to {app};
         create view v as select * from a; grant select on v to {app};
         insert into a values (gen_random_uuid(), E'it''s\\n\\\\.');",
    );
    let live = told(&super::audited(&project, &db, &[]).exits(1).json());
    assert_eq!(live, ["error leak.view public.v"]);
    let dump = Command::new(db.server().bin().tool("pg_dump"))
        .args(["-d", &db.dsn()])
        .output()
        .unwrap();
    project.file("dump.sql", dump.stdout);
    assert_eq!(told(&audited(&project, &["--dump", "dump.sql"]).exits(1).json()), live);
    project.file(
        "broken.sql",
        "create table a (tenant_id nothing); create view v as select 1;",
    );
    let document = audited(&project, &["--dump", "broken.sql"]).exits(1).json();
    assert_eq!(
        told(&document)
            .iter()
            .map(|line| line.split(' ').nth(1).unwrap())
            .collect::<Vec<_>>(),
        ["audit.not-restored", "audit.role-missing"]
    );
    audited(&project, &["--dump", "nowhere.sql"]).exits(3);
}
