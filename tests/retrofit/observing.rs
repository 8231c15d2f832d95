//! `--observe` and `--enforce`: what would be denied is counted and let pass; what nothing is counted of is enforced.

use fs_err as fs;
use serde_json::Value;

use super::{built, fingerprint};
use crate::support::db::TestDb;
use crate::support::poll::eventually;
use crate::support::project::Project;

/// Three tenants' rows in tables that know their tenant, all of which are observed.
pub(super) struct Observed {
    pub(super) db: TestDb,
    pub(super) app: String,
    pub(super) project: Project,
}

impl Observed {
    /// Builds and observes; `config` goes into `[tenancy]`.
    pub(super) fn new(config: &str) -> Self {
        let (db, app) = built();
        db.psql(
            "insert into tenants values (3, 'three'); insert into projects values (3, 3, 'c');
             update tasks set project_id = 1 + id % 3",
        );
        let project = Project::new();
        project
            .migration("0001_first.sql", "create table first (id int); drop table first;")
            .config(&format!(
                "[migrations]\ndir = 'migrations'\n[tenancy]\napp_roles = ['{app}']\n{config}"
            ));
        project.on(&db, &["migrate"]).run().exits(0);
        Self { db, app, project }
    }

    pub(super) fn observe(self) -> Self {
        self.retrofit(&["apply", "--observe"], 0);
        self
    }

    pub(super) fn retrofit(&self, args: &[&str], code: i32) -> String {
        let args: Vec<&str> = ["retrofit"].iter().chain(args).copied().collect();
        let run = self.project.on(&self.db, &args).run().exits(code);
        run.stdout.clone() + &run.stderr
    }

    /// Runs statements as the application, in a session of its own.
    pub(super) fn acts(&self, tenant: &str, sql: &str) -> String {
        self.db.psql(&format!(
            "set session authorization {}; set app.tenant_id = '{tenant}'; {sql}",
            self.app
        ))
    }

    pub(super) fn status(&self, code: i32) -> Value {
        let args = ["retrofit", "status", "--format", "json"];
        self.project.on(&self.db, &args).run().exits(code).json()
    }

    /// Returns what is known of a table.
    pub(super) fn of(&self, table: &str) -> Value {
        let status = self.status(1);
        let mut tables = status["tables"].as_array().unwrap().iter();
        tables.find(|it| it["table"] == table).unwrap()["observed"].clone()
    }

    /// Returns what the counters of a table show: command, how often, and how often of it without a tenant.
    pub(super) fn counted(&self, table: &str) -> Vec<(String, u64, u64)> {
        let of = self.of(table);
        let counted = of["denied"].as_array().unwrap().iter().map(|denied| {
            (
                denied["command"].as_str().unwrap().to_owned(),
                denied["count"].as_u64().unwrap(),
                denied["without_tenant"].as_u64().unwrap(),
            )
        });
        counted.collect()
    }

    /// Runs a statement, and waits until it has been counted as often as it should, beyond what has been already.
    pub(super) fn counts(&self, before: &mut Vec<(String, u64)>, tenant: &str, sql: &str, expected: &[(&str, u64)]) {
        self.acts(tenant, sql);
        for (command, count) in expected {
            match before.iter_mut().find(|(found, _)| found == command) {
                Some((_, sum)) => *sum += count,
                None => before.push(((*command).to_owned(), *count)),
            }
        }
        before.sort();
        let mut last = Vec::new();
        eventually(&format!("{sql}: {expected:?}"), || {
            last = self.raw();
            last == *before
        });
    }

    /// Returns the sums by command over all tables, from the server's own view.
    pub(super) fn raw(&self) -> Vec<(String, u64)> {
        let rows = self.db.psql(
            "select d ->> 'command', sum(seq_scan - 1) from (
               select seq_scan, substr(obj_description(relid, 'pg_class'), 16)::json d from pg_stat_all_tables where schemaname = 'rlsctl_observe') c
             where d ->> 'command' is not null group by 1 having sum(seq_scan - 1) > 0 order by 1",
        );
        let pair = |line: &str| {
            let (command, sum) = line.split_once('|').unwrap();
            (command.to_owned(), sum.parse().unwrap())
        };
        rows.split('\n').filter(|line| !line.is_empty()).map(pair).collect()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let _ = self
            .db
            .try_psql(&format!("drop owned by {0} cascade; drop role {0}", self.app));
    }
}

#[test]
fn there_and_back_and_there_again() {
    let it = Observed::new("");
    let before = fingerprint(&it.db);
    let plan = it.retrofit(&["plan", "--observe"], 0);
    assert!(plan.contains("retrofit observed"), "{plan}");
    assert_eq!(fingerprint(&it.db), before, "a plan changes nothing");
    it.retrofit(&["apply", "--observe"], 0);
    let observed = fingerprint(&it.db);
    let status = it.status(1);
    assert_eq!(status["summary"]["observed"], 4);
    assert_eq!(status["summary"]["enforced"], 0);
    // Nobody is held back, by what they say or by being nobody.
    assert_eq!(it.acts("", "select count(*) from comments"), "100");
    let files = names(&it.project);
    it.retrofit(&["apply", "--observe"], 0);
    assert_eq!(names(&it.project), files, "a second time there is nothing to do");

    // What takes the enforced policies back leads to the observing ones.
    it.retrofit(&["apply"], 0);
    assert_eq!(it.status(0)["summary"]["enforced"], 4);
    assert_eq!(it.acts("", "select count(*) from comments"), "0");
    let relations = "select count(*) from pg_namespace where nspname = 'rlsctl_observe'";
    assert_eq!(it.db.psql(relations), "0");
    for table in ["tenants", "projects", "tasks", "comments"] {
        let table = format!("public.{table}");
        it.retrofit(&["undo", &table], 0);
        it.retrofit(&["undo", &table], 0);
    }
    assert_eq!(fingerprint(&it.db), observed);
    assert_eq!(it.status(1)["summary"]["observed"], 4);

    it.retrofit(&["undo", "--all"], 0);
    assert_eq!(fingerprint(&it.db), before);
    it.retrofit(&["apply", "--observe"], 0);
    assert_eq!(it.of("public.tasks")["count"], 0);
}

fn names(project: &Project) -> Vec<String> {
    let entries = fs::read_dir(project.path().join("migrations")).unwrap();
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn only_what_has_been_quiet_is_enforced() {
    let it = Observed::new("").observe();
    it.acts("1", "select count(*) from tasks");
    eventually("it is counted", || it.of("public.tasks")["count"] == 1);
    let too_soon = it.retrofit(&["apply", "--enforce"], 6);
    assert!(too_soon.contains("of 24 h"), "{too_soon}");
    assert_eq!(it.status(1)["summary"]["observed"], 4);
    let says_when = it
        .db
        .psql("select current_setting('server_version_num')::int >= 160000")
        == "t";
    let required = if says_when { "1h" } else { "0" };
    if !says_when {
        let enforced = it.retrofit(&["apply", "--enforce", "--quiet-for", required], 0);
        assert!(
            enforced.contains("retrofit.not-quiet") && enforced.contains("public.tasks"),
            "{enforced}"
        );
        assert_eq!(it.status(1)["summary"]["enforced"], 3);
        assert_eq!(it.acts("1", "select count(*) from comments"), "33");
        assert_eq!(it.acts("1", "select count(*) from tasks"), "100");
        // The one that is left is begun with anew.
        it.retrofit(&["apply", "--enforce", "--quiet-for", "0"], 6);
        it.retrofit(&["undo", "public.tasks"], 0);
        it.retrofit(&["apply", "--observe"], 0);
        assert_eq!(it.of("public.tasks")["count"], 0);
        assert_eq!(it.status(1)["summary"]["enforced"], 3, "what is enforced stays so");
    }
    it.retrofit(&["apply", "--enforce", "--quiet-for", "0"], 0);
    assert_eq!(it.status(0)["summary"]["enforced"], 4);
    assert_eq!(it.acts("1", "select count(*) from tasks"), "33");
    let files = names(&it.project);
    it.retrofit(&["apply", "--enforce", "--quiet-for", "0"], 0);
    assert_eq!(names(&it.project), files);
}

#[test]
fn counts_that_were_lost_are_not_taken_for_none() {
    let it = Observed::new("[tenancy.observe]\nquiet_for = '0'\n").observe();
    it.db.psql("select pg_stat_reset()");
    assert_eq!(it.of("public.tasks")["is_lost"], true);
    let refused = it.retrofit(&["write", "--enforce"], 6);
    assert!(refused.contains("lost"), "{refused}");
    it.retrofit(&["undo", "public.tasks"], 0);
    it.retrofit(&["apply", "--observe"], 0);
    assert_eq!(it.of("public.tasks")["is_lost"], false);
    it.retrofit(&["apply", "--enforce"], 0);
    assert_eq!(it.status(1)["summary"]["enforced"], 1);
}

#[test]
fn tables_that_hold_back_already_are_left_alone() {
    let it = Observed::new("existing = 'keep'\n");
    it.db.psql(
        "create table closed (id int primary key, tenant_id int not null); alter table closed enable row level security;
         create table asleep (id int primary key, tenant_id int not null);
         create policy nobody on asleep as restrictive using (false)",
    );
    it.db.psql(&format!(
        "insert into closed values (1, 1); grant select on closed, asleep to {}",
        it.app
    ));
    let it = it.observe();
    assert_eq!(it.acts("1", "select count(*) from closed"), "0");
    assert_eq!(
        it.db
            .psql("select relrowsecurity from pg_class where relname = 'asleep'"),
        "f"
    );
    let plan = it
        .project
        .on(&it.db, &["retrofit", "plan", "--observe", "--format", "json"])
        .run()
        .exits(0)
        .json();
    let left: Vec<&str> = (plan["findings"].as_array().unwrap().iter())
        .filter(|finding| finding["code"] == "retrofit.not-observed")
        .map(|finding| finding["object"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["public.asleep", "public.closed"]);
    assert_eq!(it.status(1)["summary"]["enforced"], 0);
}

#[test]
fn files_that_are_pending_are_gone_on_with_as_what_they_are() {
    let it = Observed::new("");
    it.retrofit(&["write", "--observe"], 0);
    let texts = || -> Vec<String> {
        let texts = names(&it.project).into_iter().skip(1);
        texts
            .map(|name| it.project.read(format!("migrations/{name}")))
            .collect()
    };
    let (before, first) = (fingerprint(&it.db), texts());
    for name in names(&it.project).into_iter().skip(1) {
        it.project.remove(format!("migrations/{name}"));
    }
    it.retrofit(&["write", "--observe"], 0);
    assert_eq!(texts(), first, "the same catalog, the same bytes");
    // What a run leaves that was killed between the counters and the policies: no mark of how the catalog was then.
    let counters = names(&it.project)
        .into_iter()
        .find(|name| name.contains("counters"))
        .unwrap();
    it.project
        .on(&it.db, &["migrate", "--to", counters.split('_').next().unwrap()])
        .run()
        .exits(0);
    it.db
        .psql("delete from rlsctl.schema_mark where taken_at = (select max(taken_at) from rlsctl.schema_mark)");
    it.retrofit(&["apply"], 0);
    assert_eq!(it.status(1)["summary"]["observed"], 4);
    it.retrofit(&["undo", "--all"], 0);
    assert_eq!(fingerprint(&it.db), before);
}
