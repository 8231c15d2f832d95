//! `--format json`: one document on stdout, however the command ends, as `docs/json.md` describes it.

use std::path::Path;

use fs_err as fs;
use serde_json::{Value, json};

use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;
use crate::support::rlsctl::Run;
use crate::support::session::Session;

/// What every document has.
fn is_a_document(run: &Run, schema: &str) -> Value {
    let document = run.json();
    assert_eq!(document["schema"], format!("rlsctl.{schema}/1"), "{document:#}");
    assert_eq!(document["exit_code"], run.code(), "{document:#}");
    assert_eq!(document["ok"], run.code() == 0, "{document:#}");
    assert!(document["summary"].is_object(), "{document:#}");
    assert!(document["target"].is_null() || document["target"]["description"].is_string());
    for finding in document["findings"].as_array().unwrap() {
        let keys: Vec<_> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["code", "evidence", "help", "location", "message", "object", "severity"];
        assert_eq!(keys, expected, "{finding:#}");
    }
    let is_error = !matches!(run.code(), 0 | 1);
    assert_eq!(document.get("error").is_some(), is_error, "{document:#}");
    assert!(run.stdout.ends_with("}\n"));
    document
}

/// Projects and databases in every state that a document can tell of; each is asked for once.
struct World {
    db: TestDb,
    project: Project,
}

impl World {
    fn new() -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        project
            .migration("0001_orders.sql", "create table orders (id int);\n")
            .migration(
                "0002_index.sql",
                "create index concurrently orders_id on orders (id);\n",
            );
        Self { db, project }
    }

    fn run(&self, args: &[&str]) -> Run {
        self.project.on(&self.db, args).arg("--format").arg("json").run()
    }

    /// Opens a session with a name.
    fn session(&self, application: &str) -> Session {
        Session::connect(&format!("{} application_name={application}", self.db.dsn()))
    }

    /// Somebody waits.
    fn blockers(&self) -> Run {
        self.db.psql("create table orders (id int)");
        let (holder, waiter) = (self.session("worker"), self.session("psql"));
        holder.ok("begin; select from orders where id = 17");
        let pending = waiter.start("alter table orders add total int");
        self.db.until_waiting_for_lock(waiter.pid());
        let run = self.run(&["blockers"]).exits(0);
        holder.ok("commit");
        pending.finish().unwrap();
        run
    }

    /// Somebody is dead.
    fn reap_idle(&self) -> Run {
        self.db.psql("create table orders (id int)");
        let dead = self.session("worker");
        dead.ok("begin; select from orders where id = 17");
        let age = "select clock_timestamp() - state_change > '1.1 s' from pg_stat_activity where pid = ";
        eventually("it is old", || self.db.psql(&format!("{age}{}", dead.pid())) == "t");
        self.run(&["reap-idle", "--older-than", "1s"]).exits(0)
    }

    /// Two tables of tenants and one of nobody's, and a role that uses them.
    fn tenants(&self, command: &str) -> Run {
        self.db.psql(
            "create table tenants (id int primary key);
             create table invoices (id int primary key, tenant_id int not null references tenants);
             create table countries (code text primary key);
             drop role if exists shop_app; create role shop_app login;
             grant select, insert on all tables in schema public to shop_app",
        );
        self.project.config(
            "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['shop_app']\n[tenancy.tables.'public.countries']\nshared = true\n",
        );
        self.project
            .migration("0001_orders.sql", "select 1;\n")
            .migration("0002_index.sql", "select 2;\n");
        self.run(&["migrate"]).exits(0);
        let args: Vec<&str> = command.split(' ').collect();
        let run = self.run(&args).exits(0);
        self.db.psql("drop owned by shop_app; drop role shop_app");
        run
    }

    fn tenancy(&self, name: &str) -> (Run, &'static str) {
        match name {
            "prove" => (self.prove(), "prove"),
            _ => (self.tenants(name), "retrofit"),
        }
    }

    /// A table whose policy is too wide.
    fn prove(&self) -> Run {
        self.db.psql(
            "create table invoices (id int primary key, tenant_id int not null);
             insert into invoices values (1, 1), (2, 2);
             drop role if exists shop_user; create role shop_user;
             alter table invoices enable row level security;
             create policy apart on invoices for select using (tenant_id >= current_setting('app.tenant_id')::int);
             grant select on invoices to shop_user",
        );
        self.project.config("[tenancy]\napp_roles = ['shop_user']\n");
        let run = self.run(&["prove"]).exits(1);
        self.db.psql("drop owned by shop_user; drop role shop_user");
        run
    }

    /// Something leaks, something is allowed, and something can be mended.
    fn audit(&self) -> Run {
        self.db.psql(
            "create role billing_app login;
             create table invoices (id int primary key, tenant_id uuid not null);
             create index on invoices (tenant_id);
             alter table invoices enable row level security;
             create policy tenant on invoices using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
             create view totals as select tenant_id, count(*) from invoices group by tenant_id;
             grant select, truncate on invoices to billing_app;
             grant select on totals to billing_app",
        );
        self.project.config(
            "[tenancy]\napp_roles = ['billing_app']\nsetting = 'app.tenant_id'\n
             [[audit.allow]]\ncode = 'leak.view'\nobject = 'public.totals'\nreason = 'counts are public'\nuntil = 9999-12-31\n",
        );
        let run = self.run(&["audit", "--fix", "fixes.sql"]).exits(1);
        self.db.psql("drop owned by billing_app; drop role billing_app");
        run
    }

    #[allow(clippy::too_many_lines, reason = "an arm for each example")]
    /// Returns the example of that name in the documentation: how the command ended, as which document.
    fn example(name: &str) -> (Run, &'static str) {
        let world = Self::new();
        let project = &world.project;
        let applied = || drop(world.run(&["migrate"]).exits(0));
        match name {
            "init" => (world.run(&["init"]).exits(0), "init"),
            "new" => (world.run(&["new", "add tenant"]).exits(0), "new"),
            "status" => {
                drop(world.run(&["migrate", "--to", "0001"]).exits(0));
                (world.run(&["status"]).exits(0), "status")
            }
            "status with drift" => {
                applied();
                project.migration("0001_orders.sql", "create table orders (id bigint);\n");
                (world.run(&["status"]).exits(1), "status")
            }
            "migrate" => {
                project.migration("0003_later.sql", "select 1;\n");
                (world.run(&["migrate", "--to", "0002"]).exits(0), "migrate")
            }
            "plan" => (world.run(&["migrate", "--plan"]).exits(0), "plan"),
            "failed" => {
                applied();
                project.migration(
                    "0003_total.sql",
                    "alter table orders\n  add total numeric default 1/0;\n",
                );
                (world.run(&["migrate"]).exits(5), "migrate")
            }
            "refused" => {
                project.migration("0003_total.sql", "create table total (id int);\ncommit;\n");
                (world.run(&["migrate"]).exits(6), "migrate")
            }
            "adopt" => {
                project.remove("migrations/0002_index.sql");
                world.db.psql(
                    "create table orders (id int); create table schema_migrations (version text primary key);
                    insert into schema_migrations values ('0001')",
                );
                (world.run(&["adopt"]).exits(0), "adopt")
            }
            "drift-check" => {
                applied();
                world.db.psql("alter table orders add column by_hand int");
                (world.run(&["drift-check"]).exits(1), "drift-check")
            }
            "accept" => {
                applied();
                project.migration("0001_orders.sql", "create table orders (id bigint);\n");
                let reason = ["accept", "0001", "--reason", "the type was wrong"];
                (world.run(&reason).exits(0), "accept")
            }
            "blockers" => (world.blockers(), "blockers"),
            "reap-idle" => (world.reap_idle(), "reap-idle"),
            "split" => {
                let tables = ["a", "b", "c", "d", "e", "f"];
                let each = |sql: &str| tables.map(|table| sql.replace("{}", table)).concat();
                project
                    .remove("migrations/0002_index.sql")
                    .migration("0001_orders.sql", each("create table {} (id int);\n"))
                    .migration(
                        "0002_wide.sql",
                        format!("do $$ begin end $$;\n{}", each("alter table {} add total int;\n")),
                    )
                    .config("[limits]\ntables_per_batch = 4\n");
                (world.run(&["split", "0002"]).exits(0), "split")
            }
            "prove" | "retrofit init" | "retrofit plan" | "retrofit write" => world.tenancy(name),
            "audit" => (world.audit(), "audit"),
            "usage" => (world.run(&["migrate", "--single"]).exits(2), "usage"),
            other => panic!("docs/json.md has an example `{other}` that nobody makes"),
        }
    }
}

/// Replaces what is different on each machine and in each run.
fn normalized(value: &mut Value, key: &str) {
    match (key, &mut *value) {
        ("description", Value::String(text)) => "db.example.com/app as migrator".clone_into(text),
        ("mark_taken_at", Value::String(text)) => "2026-11-21 09:30:00.123456+00".clone_into(text),
        ("catalog", Value::String(text)) => {
            if let Some((before, _)) = text.rsplit_once(", at ") {
                *text = format!("{before}, at 2026-11-21 09:30:00.123456+00");
            }
        }
        ("duration_ms", Value::Number(_)) => *value = json!(4.2),
        ("in_state_ms" | "in_transaction_ms", Value::Number(_)) => *value = json!(259_200_000),
        ("since_ms" | "longest_wait_ms", Value::Number(_)) => *value = json!(12_000),
        ("database" | "role", Value::String(text)) => "app".clone_into(text),
        ("message", Value::String(text)) if text.contains(" was applied at ") || text.contains("applied at ") => {
            if let Some((before, _)) = text.split_once(" at ") {
                *text = format!("{before} at 2026-11-21 09:30:00+00 by migrator");
            }
        }
        (_, Value::Array(items)) => items.iter_mut().for_each(|item| normalized(item, key)),
        (_, Value::Object(map)) => map.iter_mut().for_each(|(key, value)| normalized(value, key)),
        _ => {}
    }
}

/// Gives the sessions of a document process ids in the order in which they are told.
fn renumbered(document: &mut Value) {
    let mut pids = Vec::new();
    pids_of(document, &mut pids);
    let text = pids.iter().enumerate().fold(document.to_string(), |text, (at, pid)| {
        let number = regex::Regex::new(&format!(r"\b{pid}\b")).unwrap();
        number.replace_all(&text, format!("{}", 4711 + at)).into_owned()
    });
    *document = serde_json::from_str(&text).unwrap();
}

fn pids_of(value: &Value, pids: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| pids_of(item, pids)),
        Value::Object(map) => {
            let pid = map.get("pid").filter(|pid| pid.is_number()).map(ToString::to_string);
            pids.extend(pid);
            map.values().for_each(|item| pids_of(item, pids));
        }
        _ => {}
    }
}

const OPEN: &str = "<!-- example: ";

#[test]
fn the_examples_in_the_documentation_are_the_programs_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let text = fs::read_to_string(&path).unwrap();
    let mut parts = text.split(OPEN);
    let mut made = parts.next().unwrap().to_owned();
    let mut names = Vec::new();
    for part in parts {
        let (name, rest) = part.split_once(" -->").unwrap();
        let (_, rest) = rest.split_once("```json\n").unwrap();
        let (_, rest) = rest.split_once("```\n").unwrap();
        let (run, schema) = World::example(name);
        let mut document = is_a_document(&run, schema);
        normalized(&mut document, "");
        renumbered(&mut document);
        every_key_is_explained(&text, &document);
        made.push_str(&format!("{OPEN}{name} -->\n```json\n{document:#}\n```\n{rest}"));
        names.push(name.to_owned());
    }
    assert!(names.len() >= 10, "{names:?}");
    if std::env::var_os("RLSCTL_WRITE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    assert!(
        written == made,
        "docs/json.md is not what the program says: RLSCTL_WRITE=1 cargo test --test all json"
    );
}

/// Every key stands in a table, in backticks. Keys of `evidence` are open: they depend on the finding.
fn every_key_is_explained(text: &str, value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| every_key_is_explained(text, item)),
        Value::Object(map) => {
            for (key, value) in map {
                let is_explained = text.contains(&format!("| `{key}` |"));
                assert!(is_explained, "docs/json.md does not explain `{key}`");
                if key != "evidence" {
                    every_key_is_explained(text, value);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn there_is_one_document_however_a_command_ends() {
    let world = World::new();
    let without_database = |args: &[&str]| {
        let run = world.project.rlsctl(args).arg("--format=json");
        run.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing").run()
    };
    for (args, schema) in [
        (&["status"][..], "status"),
        (&["migrate"], "migrate"),
        (&["migrate", "--plan"], "migrate"),
        (&["adopt"], "adopt"),
        (&["blockers"], "blockers"),
        (&["reap-idle"], "reap-idle"),
    ] {
        let run = without_database(args).exits(3);
        let document = is_a_document(&run, schema);
        assert_eq!(
            document["target"]["description"], "127.0.0.1:1/nothing as nobody",
            "{document:#}"
        );
        assert!(!document["error"]["causes"].as_array().unwrap().is_empty());
        let next = document["error"]["next"][0].as_str().unwrap();
        assert!(next.starts_with("check that Postgres runs"), "{next}");
    }
    for command in ["status", "migrate", "new", "init"] {
        let mut args = vec!["--dir", "nope", command];
        args.extend((command == "new").then_some("x"));
        let run = world.run(&args).exits(6);
        let document = is_a_document(&run, command);
        assert_eq!(document["findings"][0]["code"], "files.directory-missing");
        assert_eq!(document["findings"][0]["object"], "nope");
        let document = is_a_document(
            &world.run(&[&["--config", "nope.toml", "--target", "x"], &args[2..]].concat()),
            command,
        );
        // `init` would write that file; its target is only looked at.
        assert_eq!(document["exit_code"], if command == "init" { 0 } else { 3 });
    }
    for usage in [
        &["nope"][..],
        &["status", "--nope"],
        &["new"],
        &[],
        &["-q", "status", "-v"],
    ] {
        let run = world.run(usage).exits(2);
        let document = is_a_document(&run, "usage");
        assert!(
            document["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{document:#}"
        );
        assert!(!run.stdout.contains('\u{1b}'));
    }
    // Help is not a document, and no error.
    let run = world.run(&["status", "--help"]).exits(0);
    assert!(run.stdout.contains("Usage:"), "{}", run.stdout);
}

#[test]
fn findings_are_complete_and_in_order() {
    let world = World::new();
    for number in 1..=30 {
        let name = format!("{number}_x.sql");
        world
            .project
            .migration(&name, format!("select {number};\ncommit;\nrollback;\n"));
    }
    world
        .project
        .remove("migrations/0001_orders.sql")
        .remove("migrations/0002_index.sql");
    let document = is_a_document(&world.run(&["migrate"]).exits(6), "migrate");
    let places: Vec<(u64, u64)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let version = finding["object"].as_str().unwrap().parse().unwrap();
            (version, finding["location"]["line"].as_u64().unwrap())
        })
        .collect();
    let expected: Vec<_> = (1..=30).flat_map(|version| [(version, 2), (version, 3)]).collect();
    assert_eq!(places, expected);
}

#[test]
fn a_run_that_stops_says_what_it_did_before() {
    let world = World::new();
    world
        .project
        .migration("0003_c.sql", "select 1/0;")
        .migration("0004_d.sql", "select 1;");
    let document = is_a_document(&world.run(&["migrate"]).exits(5), "migrate");
    let applied: Vec<_> = document["applied"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["version"])
        .collect();
    assert_eq!(applied, ["0001", "0002"]);
    assert_eq!(document["pending"], json!(["0003", "0004"]));
    assert_eq!(document["error"]["server"]["sqlstate"], "22012");
    assert_eq!(document["error"]["location"]["path"], "migrations/0003_c.sql");
    // A run over edited comments says so where machines look.
    let world = World::new();
    world.run(&["migrate"]).exits(0);
    world
        .project
        .migration("0001_orders.sql", "-- x\ncreate table orders (id int);\n");
    let document = is_a_document(&world.run(&["migrate"]).exits(0), "migrate");
    assert_eq!(document["findings"][0]["code"], "drift.cosmetic");
}
