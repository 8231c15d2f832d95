//! `prove`: what leaks is found, what does not is proven, and nothing of either stays behind.

mod breaking;
mod odd;
mod seeding;
mod sessions;
mod telling;

use serde_json::Value;

use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::Run;

/// Two tenants whose rows are apart. `$app` is the application's role.
const APART: &str = "
  create table tenants (id int primary key, name text);
  create table notes (id int primary key, tenant_id int not null references tenants, body text, rank int unique);
  create table lines (id bigint generated always as identity primary key, note_id int not null references notes on delete cascade, words text,
    size int generated always as (length(words)) stored);
  insert into tenants values (1, 'one'), (2, 'two');
  insert into notes select n, 1 + n % 2, 'note ' || n, n from generate_series(1, 20) n;
  insert into lines (note_id, words) select n, 'line' from generate_series(1, 20) n;
  create role $app;
  grant usage on schema public to $app;
  grant select, insert, update, delete on all tables in schema public to $app;
  alter table tenants enable row level security;
  alter table notes enable row level security;
  alter table lines enable row level security;
  create policy apart on tenants to $app using (id = nullif(current_setting('app.tenant_id', true), '')::int);
  create policy apart on notes to $app using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::int);
  create policy apart on lines to $app using (exists (select from notes n where n.id = note_id));";

/// A database, its application's role, and what `rlsctl.toml` says of it.
struct Bench {
    db: TestDb,
    app: String,
    toml: String,
}

impl Bench {
    fn new() -> Self {
        let db = TestDb::new();
        let app = format!("{}_app", db.name());
        let bench = Self {
            toml: format!("app_roles = ['{app}']\n"),
            app,
            db,
        };
        bench.sql(APART);
        bench
    }

    /// Another database that is like this one, with the same role.
    fn again(&self) -> Self {
        Self {
            db: TestDb::copy_of(&self.db),
            app: self.app.clone(),
            toml: self.toml.clone(),
        }
    }

    fn sql(&self, sql: &str) -> String {
        self.db.psql(&sql.replace("$app", &self.app))
    }

    /// Runs `prove`, and sees that it has left nothing behind.
    fn run(&self, args: &[&str]) -> Run {
        let project = Project::new();
        project.config(&format!("[tenancy]\n{}", self.toml));
        let before = self.picture();
        let run = project.on(&self.db, &[&["prove"], args].concat()).run();
        assert_eq!(self.picture(), before, "{}", run.stdout);
        run
    }

    fn json(&self, code: i32) -> Value {
        self.run(&["--format", "json"]).exits(code).json()
    }

    /// Every row, sequence and object.
    fn picture(&self) -> String {
        let rows = self.db.psql(
            "select n.nspname, c.relname, query_to_xml(format('select * from %I.%I', n.nspname, c.relname), true, false, '')::text
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2;
             select schemaname, sequencename, last_value from pg_sequences order by 1, 2",
        );
        format!("{rows}\n{}", self.db.catalog())
    }

    /// Ends the role, which outlives databases otherwise.
    fn gone(self) {
        self.sql("drop owned by $app");
        self.sql("drop role $app");
    }
}

/// The verdicts on an object and a command: session and word.
fn of(document: &Value, object: &str, command: &str) -> Vec<(String, String)> {
    let all = document["verdicts"].as_array().unwrap().iter();
    let fit = all.filter(|it| it["object"] == object && it["command"] == command);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    fit.map(|it| (text(&it["session"]), text(&it["verdict"]))).collect()
}

/// The first verdict of a word on an object and a command.
fn one<'a>(document: &'a Value, object: &str, command: &str, verdict: &str) -> &'a Value {
    let all = document["verdicts"].as_array().unwrap();
    let found = all
        .iter()
        .find(|it| it["object"] == object && it["command"] == command && it["verdict"] == verdict);
    found.unwrap_or_else(|| panic!("{object} {command} is not {verdict}: {document:#}"))
}

fn words(document: &Value) -> Vec<&str> {
    let all = document["verdicts"].as_array().unwrap();
    let mut words: Vec<&str> = all.iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[test]
fn what_retrofit_makes_is_proven_whole() {
    let (db, app) = crate::retrofit::built();
    let project = Project::new();
    project
        .migration("0001_first.sql", "create table first (id int); drop table first;")
        .config(&format!(
            "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['{app}']\n"
        ));
    project.on(&db, &["prove"]).run().exits(1);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    let proof = project.on(&db, &["prove", "--format", "json"]).run().exits(0).json();
    assert_eq!(words(&proof), ["PROVEN"]);
    for object in [
        "public.tenants",
        "public.projects",
        "public.tasks",
        "public.comments",
        "public.open_tasks",
    ] {
        for command in ["select", "insert", "update", "delete"] {
            assert!(!of(&proof, object, command).is_empty(), "{object} {command}");
        }
    }
    let strict = project.on(&db, &["prove", "--strict-control"]).run().exits(0);
    assert!(strict.stdout.contains("0 leaks, 0 unknown"), "{}", strict.stdout);
    for spoil in [
        "do $$ declare p record; begin for p in select * from pg_policies loop execute format('drop policy %I on %I.%I', p.policyname, p.schemaname, p.tablename); end loop; end $$",
        "alter table tasks disable row level security",
        &format!("alter table tasks no force row level security; alter table tasks owner to {app}"),
    ] {
        let spoilt = TestDb::copy_of(&db);
        spoilt.psql(spoil);
        project.on(&spoilt, &["prove"]).run().exits(1);
        spoilt.psql(&format!("reassign owned by {app} to current_user"));
    }
    db.psql(&format!("drop owned by {app}; drop role {app}"));
}

#[test]
fn a_schema_that_keeps_tenants_apart_is_proven() {
    let bench = Bench::new();
    let proof = bench.json(0);
    assert_eq!(words(&proof), ["PROVEN"]);
    assert_eq!(proof["tenants"]["acts"], "1");
    let sessions: Vec<String> = of(&proof, "public.notes", "select")
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(
        sessions,
        [
            "cached plan",
            "no context",
            "spent context",
            "tenant",
            "values like the tenant's"
        ]
    );
    let sessions: Vec<String> = of(&proof, "public.lines", "update")
        .into_iter()
        .map(|it| it.0)
        .collect();
    assert_eq!(sessions, ["no context", "spent context", "tenant"]);
    bench.gone();
}
