//! The rollout that hung: row-level security onto 46 tables of an application at work, behind three dead sessions.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rlsctl::pg::scratch::Scratch;

use crate::live::{self, AGE, Application, Figures, OWNER, PROTECTED_ROLE, Performance, Scene, TABLES};
use crate::shell::Shell;
use crate::{say, sql};

/// How long somebody waits for psql before they press Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long the report takes that reads one of the tables.
const REPORT: Duration = Duration::from_secs(5);

/// What a person sees of the dead.
const DEAD: &str = "
    select format('pid %s, %s, %s, with locks on %s of these tables', pid, application_name, state, count(distinct relation))
    from pg_catalog.pg_stat_activity
    join pg_catalog.pg_locks using (pid)
    join pg_catalog.pg_class c on c.oid = relation and relkind = 'r' and relnamespace = 'public'::pg_catalog.regnamespace
    where application_name = 'crashed worker'
    group by pid, application_name, state
    order by pid";

/// Plays it with psql and with rlsctl.
pub(crate) fn show(binary: &Path, server: &Scratch) -> anyhow::Result<()> {
    let project = tempfile::Builder::new().prefix("rlsctl-demo-rollout-").tempdir()?;
    prepare(binary, server, project.path())?;
    let scene = Scene {
        dead: true,
        living: Some(REPORT),
        ..Scene::default()
    };

    say(&format!(
        "Now the rollout that hung: row-level security onto {TABLES} tables while the application works on them, with {} \
         statements a second. A worker has crashed, and its sessions are idle in transaction:",
        live::RATE
    ));
    let application = Application::start(&server.dsn("before"), scene);
    println!("{}", sql(server, "before", DEAD)?);

    say(&format!(
        "As one would do it, all in one transaction. Nothing seems to happen; after {} seconds somebody presses Ctrl-C:",
        PATIENCE.as_secs()
    ));
    let script = project.path().join("tenants.sql");
    fs_err::write(&script, live::script(TABLES, ""))?;
    let started = application.begin();
    println!("$ psql -f tenants.sql");
    psql(server, &script)?;
    let (before, _) = stop(server, "before", application, started)?;

    say(
        "The same with rlsctl, a section for each table. Who was idle in transaction for more than three seconds may be ended:",
    );
    let application = Application::start(&server.dsn("busy"), scene);
    let started = application.begin();
    let shell = Shell {
        binary,
        project: project.path(),
    };
    let age = format!("{}s", AGE.as_secs());
    shell.rlsctl(&["--target", "busy", "migrate", "--end-blockers-older-than", &age], 0)?;
    println!(
        "It took {:.1} s; a report read one of the tables for {} s.",
        started.elapsed().as_secs_f64(),
        REPORT.as_secs()
    );
    let (with, performance) = stop(server, "busy", application, started)?;
    tell_fates(&performance)?;
    ensure!(
        with.failed() == 0,
        "statements of the application failed: {:?}",
        with.errors
    );
    println!(
        "\nThe application's longest wait: {} with psql, {} with rlsctl",
        wait(&before),
        wait(&with)
    );
    Ok(())
}

/// Makes two databases with the tables, and the project whose next migration is the rollout.
fn prepare(binary: &Path, server: &Scratch, project: &Path) -> anyhow::Result<()> {
    sql(server, "postgres", live::ROLES)?;
    let superuser = format!("//{}@", Scratch::superuser());
    let mut config = format!("[migrations]\ndir = \"migrations\"\n\n[reap]\nprotect_roles = [\"{PROTECTED_ROLE}\"]\n");
    let migrations = project.join("migrations");
    fs_err::create_dir_all(&migrations)?;
    fs_err::write(migrations.join("0001_tables.sql"), live::tables())?;
    for name in ["before", "busy"] {
        sql(server, "postgres", &format!("create database {name} owner {OWNER}"))?;
        // Before version 15 it is the superuser's.
        sql(server, name, &format!("alter schema public owner to {OWNER}"))?;
        let url = server.url(name).replace(&superuser, &format!("//{OWNER}@"));
        config.push_str(&format!("\n[targets.{name}]\nurl = \"{url}\"\n"));
    }
    fs_err::write(project.join("rlsctl.toml"), config)?;
    for name in ["before", "busy"] {
        let mut command = Command::new(binary);
        command
            .args(["--target", name, "--quiet", "migrate"])
            .current_dir(project);
        let output = command.output().context("cannot run rlsctl")?;
        ensure!(
            output.status.success(),
            "rlsctl: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    fs_err::write(migrations.join("0002_tenants.sql"), live::sections())?;
    Ok(())
}

/// Runs psql, and interrupts it as Ctrl-C does.
fn psql(server: &Scratch, script: &Path) -> anyhow::Result<()> {
    let superuser = format!("user={}", Scratch::superuser());
    let dsn = server.dsn("before").replace(&superuser, &format!("user={OWNER}"));
    let mut command = Command::new(server.bin().tool("psql"));
    command
        .args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", &dsn, "-f"])
        .arg(script);
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run psql")?;
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() && Instant::now() < deadline {
        sleep(Duration::from_millis(10));
    }
    // The shell's own kill: kill(1) is a package of its own.
    let interrupt = format!("kill -s INT {}", child.id());
    Command::new("/bin/sh").args(["-c", &interrupt]).status()?;
    child.wait()?;
    println!("^C");
    Ok(())
}

/// Says how the application fared since a moment.
fn stop(
    server: &Scratch,
    dbname: &str,
    application: Application,
    since: Instant,
) -> anyhow::Result<(Figures, Performance)> {
    // What still queues behind us belongs to us.
    sleep(Duration::from_millis(300));
    let done = sql(server, dbname, live::DONE)?;
    let performance = application.stop();
    let figures = Figures::of(&performance.samples, since);
    println!("{done} of {TABLES} tables are under row-level security.");
    println!(
        "The application's longest wait was {}; {} of its {} statements failed.",
        wait(&figures),
        figures.failed(),
        figures.statements
    );
    Ok((figures, performance))
}

fn wait(figures: &Figures) -> String {
    let longest = figures.longest;
    if longest < Duration::from_secs(1) {
        format!("{} ms", live::milliseconds(longest))
    } else {
        format!("{:.1} s", longest.as_secs_f64())
    }
}

/// Says who was ended and who was spared, as their clients saw it: nobody has to take our word for it.
fn tell_fates(performance: &Performance) -> anyhow::Result<()> {
    for (word, ended) in [("Ended", true), ("Spared", false)] {
        let names: Vec<_> = performance
            .fates
            .iter()
            .filter(|it| it.ended == ended)
            .map(|it| it.who)
            .collect();
        println!("{word}:");
        for group in names.chunk_by(|one, two| one == two) {
            println!("  {} {}", group.len(), group[0]);
        }
    }
    let wrong: Vec<_> = performance.fates.iter().filter(|it| it.ended != it.dead).collect();
    ensure!(wrong.is_empty(), "the wrong sessions were ended or spared: {wrong:?}");
    Ok(())
}
