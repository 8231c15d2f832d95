//! `--fix`: what is written is applied with `migrate`, and what it says is mended is gone.

use super::{audited, built, told};

const BROKEN: &str = "
  create table t (id int primary key, tenant_id uuid not null, title text);
  create index on t (tenant_id);
  alter table t enable row level security;
  create function tenant() returns uuid language sql immutable parallel safe as
    $$ select nullif(pg_catalog.current_setting('app.tenant_id', true), '')::uuid $$;
  create policy p on t to {app} using (tenant_id = (select tenant()));
  grant select, insert, update, delete, truncate on t to {app};
  create table unused (id int primary key, tenant_id uuid not null);
  create index on unused (tenant_id);
  create policy p on unused to {app} using ({mine});
  grant select on unused to {app};
  create table owned (id int primary key, tenant_id uuid not null);
  create index on owned (tenant_id);
  alter table owned enable row level security;
  create policy p on owned to {app} using ({mine});
  alter table owned owner to {app};
  create view open as select id, title from t;
  grant select on open to {app};
  create view \"Filtered\" as select id, title from t where {mine};
  grant select on \"Filtered\" to {app};
  create function says(one text) returns boolean language plpgsql immutable leakproof as $$ begin raise notice '%', one; return true; end $$;
  create table parent (tenant_id uuid not null, at date) partition by range (at);
  create index on parent (tenant_id);
  create table part partition of parent for values from ('2026-01-01') to ('2027-01-01');
  alter table parent enable row level security;
  create policy p on parent to {app} using ({mine});
  grant select on parent, part to {app};
  create table decided (tenant_id uuid not null);
  grant select on decided to {app};";

#[test]
fn what_is_mended_is_gone_and_nothing_new_is_there() {
    let (db, project) = built(BROKEN);
    project.migration("0001_first.sql", "select 1;");
    let before = told(&audited(&project, &db, &[]).exits(1).json());
    assert_eq!(
        before,
        [
            "error leak.immutable public.t",
            "error leak.leakproof public.says(text)",
            "error leak.owner-not-forced public.owned",
            "error leak.partition public.part",
            "error leak.rls-disabled public.decided",
            "error leak.rls-disabled public.unused",
            "error leak.truncate public.t",
            "error leak.view public.open",
            "error leak.view-barrier public.\"Filtered\"",
            "error rls.policies-unused public.unused",
        ]
    );
    let run = audited(&project, &db, &["--fix"]).exits(1);
    assert!(
        run.stderr
            .contains("wrote migrations/0002_audit_fixes.sql with 8 statements"),
        "{}",
        run.stderr
    );
    let document = run.json();
    assert_eq!(document["fixes"].as_array().unwrap().len(), 8);
    let migration = project.read("migrations/0002_audit_fixes.sql");
    for sql in [
        "alter function public.tenant() stable;",
        "alter function public.says(text) not leakproof;",
        "alter table public.owned force row level security;",
        "alter table public.unused enable row level security;",
        "alter view public.open set (security_invoker = true);",
        "alter view public.\"Filtered\" set (security_barrier = true);",
    ] {
        assert!(migration.contains(&format!("\n{sql}\n")), "{sql}\n{migration}");
    }
    project.on(&db, &["migrate"]).run().exits(0);
    let after = told(&audited(&project, &db, &["--fix"]).exits(1).json());
    assert_eq!(after, ["error leak.rls-disabled public.decided"]);
    assert!(!project.path().join("migrations/0003_audit_fixes.sql").exists());
}

#[test]
fn a_fix_that_would_open_something_else_is_not_proposed() {
    // Enabled, the policy would show everything: what it should say is a person's to decide.
    let (db, project) = built(
        "create table t (tenant_id uuid not null); create index on t (tenant_id); create policy p on t using (true);
         grant select on t to {app};
         create table hidden (id int, tenant_id uuid not null); create index on hidden (tenant_id);
         alter table hidden enable row level security; create policy p on hidden to {app} using ({mine});
         create view v as select id from hidden; grant select on v to {app};",
    );
    let run = audited(&project, &db, &["--fix", "fixes.sql"]).exits(1);
    // The view would ask with rights that the application does not have.
    assert!(
        run.stderr.contains("nothing of it can be mended without a decision"),
        "{}",
        run.stderr
    );
    assert!(!project.path().join("fixes.sql").exists());
}

#[test]
fn what_is_allowed_stays_and_keeps_nothing_else_from_being_mended() {
    let (db, project) = built(
        "create table t (id int primary key, tenant_id uuid not null); create index on t (tenant_id);
         alter table t enable row level security; create policy p on t to {app} using ({mine});
         grant select, truncate on t to {app}; create view v as select id from t; grant select on v to {app};",
    );
    let allow = "[[audit.allow]]\ncode = 'leak.view'\nobject = 'public.v'\nreason = 'ids are public'\n";
    project.config(&format!("{}{allow}", super::tenancy(&db)));
    audited(&project, &db, &["--fix", "fixes.sql"]).exits(1);
    let written = project.read("fixes.sql");
    assert!(
        written.contains("revoke truncate") && !written.contains("alter view"),
        "{written}"
    );
}

#[test]
fn a_file_that_is_there_is_never_written_over() {
    let (db, project) = built("create table t (tenant_id uuid not null); create index on t (tenant_id); alter table t enable row level security;
      create policy p on t to {app} using ({mine}); grant select, truncate on t to {app};");
    project.file("fixes.sql", "mine");
    let run = project.on(&db, &["audit", "--fix", "fixes.sql"]).run().exits(3);
    assert!(run.stderr.contains("nothing was written"), "{}", run.stderr);
    assert_eq!(project.read("fixes.sql"), "mine");
    project.on(&db, &["audit", "--fix", "other.sql"]).run().exits(1);
    assert!(
        project
            .read("other.sql")
            .contains("revoke truncate on table public.t from")
    );
}

#[test]
fn many_tables_are_sections() {
    let mut schema = String::new();
    for number in 1..=7 {
        schema.push_str(&format!(
            "create table t{number} (tenant_id uuid not null); create index on t{number} (tenant_id);
             alter table t{number} enable row level security; create policy p on t{number} to {{app}} using ({{mine}});
             grant select, truncate on t{number} to {{app}};"
        ));
    }
    let (db, project) = built(&schema);
    project.migration("0001_first.sql", "select 1;");
    audited(&project, &db, &["--fix"]).exits(1);
    assert_eq!(
        project
            .read("migrations/0002_audit_fixes.sql")
            .matches("-- rlsctl: section public.t")
            .count(),
        7
    );
    project.on(&db, &["migrate"]).run().exits(0);
    audited(&project, &db, &[]).exits(0);
}

#[test]
fn roles_and_functions_are_mended_too() {
    let (db, project) = built(
        "create table t (id int primary key, tenant_id uuid not null); create index on t (tenant_id);
         alter table t enable row level security; create policy p on t to {app} using ({mine});
         create role {app}_group; grant {app}_group to {app};
         grant select on t to {app}; grant truncate on t to {app}_group, public;
         create role {app}_jobs bypassrls;
         create function counted() returns bigint language sql stable security definer set search_path = public as
           $$ select count(*) from t where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid $$;",
    );
    let jobs = format!("{}_app_jobs", db.name());
    let config = super::tenancy(&db).replace("_app\"]", &format!("_app\", \"{jobs}\"]"));
    project.config(&config).migration("0001_first.sql", "select 1;");
    let before = told(&audited(&project, &db, &[]).exits(1).json());
    assert_eq!(
        before,
        [
            format!("error leak.bypass {jobs}"),
            "error leak.search-path public.counted()".to_owned(),
            "error leak.truncate public.t".to_owned(),
        ]
    );
    audited(&project, &db, &["--fix"]).exits(1);
    project.on(&db, &["migrate"]).run().exits(0);
    assert_eq!(told(&audited(&project, &db, &[]).exits(0).json()), [""; 0]);
    assert_eq!(
        db.psql("select proconfig from pg_proc where proname = 'counted'"),
        "{\"search_path=public, pg_temp\"}"
    );
}
