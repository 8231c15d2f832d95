//! The recipes of docs/reap-idle.md work as they are printed.

use std::path::Path;
use std::process::Command;

use super::{dead, lives, open, role};
use crate::support::db::TestDb;
use crate::support::project::Project;
use crate::support::rlsctl::{Rlsctl, Run};

const DOCUMENT: &str = include_str!("../../docs/reap-idle.md");

/// Returns the block behind `<!-- recipe: NAME -->`.
fn recipe(name: &str) -> &'static str {
    let (_, rest) = DOCUMENT
        .split_once(&format!("<!-- recipe: {name} -->\n```"))
        .unwrap_or_else(|| panic!("no recipe {name}"));
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```\n").unwrap().0
}

/// A database with somebody dead in it, and the account of the recipes, with its files.
struct World {
    db: TestDb,
    project: Project,
    reaper: String,
    app: String,
}

impl World {
    fn new() -> Self {
        let (db, project) = (TestDb::new(), Project::new());
        let (app, reaper) = (role(&db, "app", &[]), format!("reaper_{}", db.name()));
        db.admin(&recipe("grants").replace("reaper", &reaper));
        let url = db.url_as(&reaper);
        project
            .file(
                "env",
                recipe("env").replace("postgres://reaper@db.example.com/app", &url),
            )
            .config(&recipe("toml").replace("24h", "1s"));
        Self {
            db,
            project,
            reaper,
            app,
        }
    }

    /// Puts the places of this machine where those of the recipe are.
    fn here(&self, text: &str) -> String {
        let path = self.project.path().display().to_string();
        text.replace("/usr/local/bin/rlsctl", env!("CARGO_BIN_EXE_rlsctl"))
            .replace("/var/lib/node_exporter/textfile", &path)
            .replace("/etc/rlsctl", &path)
    }

    fn sh(&self, script: &str) -> Run {
        Rlsctl::new("/bin/sh", &self.project, &["-c", script]).run()
    }

    /// Whether a script ends the dead, and them alone.
    fn ends_the_dead(&self, script: &str) -> Run {
        let session = dead(&self.db, Some(&self.app), "worker", "select 1");
        let idle = open(&self.db, Some(&self.app), "idle");
        let run = self.sh(&self.here(script)).exits(0);
        assert!(
            !lives(&self.db, &session) && lives(&self.db, &idle),
            "{}{}",
            run.stdout,
            run.stderr
        );
        run
    }
}

/// Returns the value of a key in an ini file.
fn value<'a>(ini: &'a str, key: &str) -> &'a str {
    let mut lines = ini.split('\n');
    lines
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {key}"))
}

#[test]
fn the_line_for_cron() {
    let world = World::new();
    let line = recipe("cron").trim_end().rsplit('\n').next().unwrap();
    let fields: Vec<&str> = line.splitn(7, char::is_whitespace).collect();
    assert_eq!((&fields[..5], fields.len()), (&["*/10", "*", "*", "*", "*"][..], 7));
    assert!(!line.contains('%'), "cron would take it for a line end");
    let (account, command) = fields[6].trim_start().split_once(' ').unwrap();
    assert_eq!(account, "reaper");
    let run = world.ends_the_dead(command);
    assert!(
        run.stderr.is_empty() && run.stdout.starts_with("ended "),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(world.project.read("rlsctl.prom").contains("target=\"prod\""));
    let run = world.sh(&world.here(command)).exits(0);
    assert_eq!(
        (run.stdout, run.stderr),
        (String::new(), String::new()),
        "no mail without a reason"
    );
}

#[test]
fn the_systemd_service() {
    let world = World::new();
    let service = recipe("service");
    let script = format!(
        "cd {} && set -a && . {} && {}",
        value(service, "WorkingDirectory"),
        value(service, "EnvironmentFile"),
        value(service, "ExecStart")
    );
    world.ends_the_dead(&script);
    assert_eq!(value(recipe("timer"), "OnCalendar"), "*:0/10");
    // Where it is installed, systemd itself says whether it understands them.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let service = world.here(&service.replace("User=reaper", "User=root"));
    let paths = [file("r.service", &service), file("r.timer", recipe("timer"))];
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").args(&paths).output() else {
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = said
        .split('\n')
        .filter(|line| line.contains("r.service:") || line.contains("r.timer:"))
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn the_kubernetes_job() {
    let world = World::new();
    let yaml = recipe("kubernetes");
    let (_, args) = yaml.split_once("args: ").unwrap();
    let args: Vec<String> = serde_json::from_str(args.split_once('\n').unwrap().0).unwrap();
    let args: Vec<String> = args.iter().map(|arg| arg.replace("24h", "1s")).collect();
    assert!(yaml.contains("- name: DATABASE_URL\n"));
    let url = world.db.url_as(&world.reaper);
    let run = world.ends_the_dead(&format!(
        "DATABASE_URL='{url}' /usr/local/bin/rlsctl {}",
        args.join(" ")
    ));
    assert_eq!(run.json()["summary"]["ended"], 1);
}

/// The part of `pg_cron` that the recipe uses.
const CRON: &str = "create schema cron;
    create table cron.job (name text, schedule text, command text, database text, username text default current_user);
    create function cron.schedule_in_database(text, text, text, text) returns int language sql
      as 'insert into cron.job values ($1, $2, $3, $4); select 1';
    grant usage on schema cron to public; grant insert on cron.job to public;";

#[test]
fn the_job_for_pg_cron() {
    let world = World::new();
    let db = &world.db;
    db.psql(CRON);
    world
        .project
        .config("[reap]\nprotect_roles = ['keep_*', 'x%']\nprotect_applications = [\"it's 100%\\\\*\", 'pg_dump']\n");
    let binaries = Path::new(env!("CARGO_BIN_EXE_rlsctl")).parent().unwrap().display();
    let psql = db.server().bin().tool("psql");
    let tools = psql.parent().unwrap().display();
    let script = recipe("pg_cron").replace("24h", "1s");
    let script = format!(
        "PATH={binaries}:{tools}:$PATH; CRON_DATABASE_URL='{}'\n{script}",
        db.url_as(&world.reaper)
    );
    world.sh(&script).exits(0);
    assert_eq!(
        db.psql("select name, schedule, database from cron.job"),
        "rlsctl-reap-idle|*/10 * * * *|app"
    );

    let command = db.psql("select command from cron.job");
    assert!(command.contains("secs => 1)"), "{command}");
    let keeper = role(db, "keep", &[]);
    let protected = [
        dead(db, Some(&keeper), "worker", "select 1"),
        dead(db, Some(&world.app), "pg_dump", "select 1"),
        dead(db, Some(&world.app), "it\\'s 100%\\\\ x", "select 1"),
        dead(db, None, "a superuser", "select 1"),
        open(db, Some(&world.app), "idle"),
    ];
    let like = dead(db, Some(&world.app), "it is 100 x", "select 1");
    let worker = dead(db, Some(&world.app), "worker", "select 1");
    let elsewhere = TestDb::new();
    let there = dead(&elsewhere, Some(&world.app), "worker", "select 1");
    let cron = open(db, Some(&world.reaper), "pg_cron");
    let ended = cron.ok(&command);
    let mut pids: Vec<i32> = ended
        .split('\n')
        .map(|line| line.split('|').next().unwrap().parse().unwrap())
        .collect();
    pids.sort_unstable();
    let mut expected = [like.pid(), worker.pid()];
    expected.sort_unstable();
    assert_eq!(pids, expected, "{ended}");
    crate::support::poll::eventually("they are gone", || !lives(db, &like) && !lives(db, &worker));
    for session in &protected {
        assert!(lives(db, session));
    }
    assert!(lives(&elsewhere, &there));
    assert_eq!(cron.ok(&command), "", "twice does no harm");
}

#[test]
fn filters_and_limits_of_the_printed_statement() {
    let (db, project) = (TestDb::new(), Project::new());
    db.psql("create table a (id int)");
    let harmless = dead(&db, None, "harmless", "select 1");
    let holder = dead(&db, None, "holder", "select from a");
    let waiter = open(&db, None, "waiter");
    let _pending = waiter.start("select from a for update; lock table a");
    let scheduler = open(&db, None, "scheduler");
    let ended = |args: &[&str]| {
        let args = [&["reap-idle", "--older-than", "1s", "--print-sql"], args].concat();
        let sql = project.rlsctl(&args).run().exits(0).stdout;
        scheduler.ok("begin");
        let dry = sql.replace("pg_catalog.pg_terminate_backend(d.pid)", "true");
        assert_ne!(dry, sql);
        let ended = scheduler.ok(&dry);
        scheduler.ok("rollback");
        ended.split('|').next().unwrap().to_owned()
    };
    assert_eq!(ended(&["--limit", "1"]), harmless.pid().to_string());
    assert_eq!(ended(&["--application", "h*r"]), holder.pid().to_string());
    assert_eq!(ended(&["--role", "no*"]), "");
    let blocked = open(&db, None, "blocked");
    let _waits = blocked.start("alter table a add column x int");
    db.until_waiting_for_lock(blocked.pid());
    assert_eq!(ended(&["--only-blocking"]), holder.pid().to_string());
}

#[test]
fn the_grants_are_all_that_is_needed() {
    let world = World::new();
    let db = &world.db;
    let migrations = Project::new();
    migrations.migration("0001_a.sql", "create table a (id int);");
    migrations.on(db, &["migrate"]).run().exits(0);
    db.psql(&recipe("ledger grants").replace("reaper", &world.reaper));
    let session = dead(db, Some(&world.app), "worker", "select 1");
    let run = world.project.rlsctl(&["reap-idle", "--older-than", "1s"]);
    let run = run.env("DATABASE_URL", db.url_as(&world.reaper)).run().exits(0);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert!(!lives(db, &session));
    let recorded = db.psql("select by_role, detail ->> 'pid' from rlsctl.event where kind = 'session ended'");
    assert_eq!(recorded, format!("{}|{}", world.reaper, session.pid()));
    let reaper = open(db, Some(&world.reaper), "reaper");
    for forbidden in [
        "select * from a",
        "select * from rlsctl.event",
        "delete from rlsctl.event",
        "create table t ()",
    ] {
        let code = reaper.run(forbidden).map_err(|error| error.code);
        let is_forbidden = matches!(&code, Err(Some(code)) if code == "42501");
        assert!(
            is_forbidden || (forbidden.starts_with("create") && code.is_ok()),
            "{forbidden}: {code:?}"
        );
    }
}
