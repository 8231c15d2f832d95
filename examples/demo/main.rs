//! What `make demo` shows: a server starts, a real-looking history is applied to it, a second run does
//! nothing; a hotfix goes straight to production, is found, named and written back; row-level security goes onto 46 tables while an
//! application works on them; and all of it is gone at the end.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo speaks to whoever runs it"
)]

#[path = "../../benches/support/live/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the bench uses more of it")]
mod live;
mod rollout;
mod shell;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail, ensure};
use rlsctl::pg::scratch::{Scratch, ScratchOptions};
use shell::Shell;

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo() -> anyhow::Result<()> {
    let binary = binary()?;
    let project = tempfile::Builder::new()
        .prefix("rlsctl-demo-")
        .tempdir()
        .context("no temporary folder")?;
    let files = copy_history(&project.path().join("migrations"))?;

    say("A throwaway Postgres server, from the programs that are installed here:");
    let options = ScratchOptions {
        settings: live::server_settings(),
        ..ScratchOptions::default()
    };
    let server = Scratch::start(&options).context("no server")?;
    println!(
        "PostgreSQL {} in {}",
        server.bin().version(),
        server.socket_dir().display()
    );
    // Two databases of the same application.
    for name in ["local", "production"] {
        sql(&server, "postgres", &format!("create database {name}"))?;
    }
    write_config(project.path(), &server)?;
    let shell = Shell {
        binary: &binary,
        project: project.path(),
    };

    say(&format!(
        "Half a year of a multi-tenant application, {files} files, two of which can not run in a transaction:"
    ));
    shell.rlsctl(&["--target", "local", "migrate"], 0)?;

    say("What the database now says about itself; the head is one hash over all that was applied:");
    shell.rlsctl(&["--target", "local", "status"], 0)?;

    say("Once more. Every file is hashed and compared with what was applied, and nothing is left to do:");
    let before = sql(&server, "local", COUNT)?;
    shell.rlsctl(&["--target", "local", "migrate"], 0)?;
    ensure!(
        before == sql(&server, "local", COUNT)?,
        "the second run has changed the database"
    );

    say("What was made, by the catalog's own count:");
    println!("{before}");

    say("Production has the same history. One night somebody applies a hotfix to it, from a folder of their own:");
    shell.rlsctl(&["--target", "production", "--quiet", "migrate"], 0)?;
    shell.hotfix()?;

    say("Both databases are now at the same number, and every other tool would call them equal. Their heads differ:");
    shell.rlsctl(&["--target", "local", "drift-check", "--against", "production"], 1)?;

    say("The ledger of production has kept the hotfix. It is written back to a file, and production is clean:");
    shell.rlsctl(&["--target", "production", "drift-check", "--write-missing"], 0)?;

    say("The file is applied where it is missing, and the two databases are the same again:");
    shell.rlsctl(&["--target", "local", "migrate", "--allow-out-of-order"], 0)?;
    shell.rlsctl(&["--target", "local", "drift-check", "--against", "production"], 0)?;

    rollout::show(&binary, &server)?;

    server.stop().context("the server does not stop")?;
    say("The server and its files are gone again. Yours next: rlsctl init");
    Ok(())
}

/// Tables, those with forced row-level security, policies, indexes that are valid, and rows.
const COUNT: &str = "
    select format('%s tables, %s of them under row-level security, %s policies, %s valid indexes, %s tasks of %s tenants',
        (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace
         where nspname in ('public', 'app') and relkind = 'r'),
        (select count(*) from pg_catalog.pg_class where relrowsecurity and relforcerowsecurity),
        (select count(*) from pg_catalog.pg_policy),
        (select count(*) from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = indrelid
         join pg_catalog.pg_namespace n on n.oid = relnamespace where nspname in ('public', 'app') and indisvalid),
        (select count(*) from public.tasks), (select count(*) from public.tenants))";

fn say(text: &str) {
    println!("\n\u{2500}\u{2500} {text}");
}

/// The release binary, which is beside the folder of this example.
fn binary() -> anyhow::Result<PathBuf> {
    let me = std::env::current_exe().context("this program has no path")?;
    let folder = me
        .parent()
        .and_then(Path::parent)
        .context("this program is in no target folder")?;
    let binary = folder.join("rlsctl");
    ensure!(binary.is_file(), "{} is not built; run `make demo`", binary.display());
    Ok(binary)
}

/// Copies the fixture, so that what is shown is a project like any other; returns the number of files.
fn copy_history(to: &Path) -> anyhow::Result<usize> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo/migrations");
    fs_err::create_dir_all(to)?;
    let mut files = 0;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        fs_err::copy(entry.path(), to.join(entry.file_name()))?;
        files += 1;
    }
    Ok(files)
}

/// Asks the server by psql, so that the answer does not come from rlsctl itself.
fn sql(server: &Scratch, dbname: &str, sql: &str) -> anyhow::Result<String> {
    let mut command = Command::new(server.bin().tool("psql"));
    command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &server.dsn(dbname), "-c", sql]);
    let output = command.output().context("cannot run psql")?;
    if !output.status.success() {
        bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes down the two databases under their names, as a project does.
fn write_config(project: &Path, server: &Scratch) -> anyhow::Result<()> {
    let target = |name: &str| format!("[targets.{name}]\nurl = \"{}\"\n\n", server.url(name));
    let config = format!(
        "[migrations]\ndir = \"migrations\"\n\n{}{}",
        target("local"),
        target("production")
    );
    fs_err::write(project.join("rlsctl.toml"), config)?;
    Ok(())
}
