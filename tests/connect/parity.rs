//! The same connection string, the same environment: psql and we end up in the same place.

use std::process::Command;
use std::sync::OnceLock;

use rlsctl::pg::connect::{Work, connect};
use rlsctl::pg::settings::Settings;

use super::surroundings::{PASSWORD, bare, pair, row, server};

const WHERE_AM_I: &str =
    "select current_user, current_database(), inet_server_port(), current_setting('application_name')";

/// Connection strings and variables with which psql connects.
const CONNECTS: &[(&str, &str)] = &[
    ("postgres://trusted@127.0.0.1:{port}/app", ""),
    ("postgresql://trusted@localhost:{port}/app?sslmode=disable", ""),
    ("postgresql://trusted@{%dir}:{port}/app", ""),
    ("postgresql:///app?host={dir}&port={port}&user=trusted", ""),
    ("postgres://trusted@:{port}/app?host={dir}", ""),
    ("postgres://scram:{%password}@127.0.0.1:{port}/app", ""),
    ("postgres://md5ed:{%password}@127.0.0.1:{port}/app?sslmode=disable", ""),
    ("postgres://clear:{%password}@127.0.0.1:{port}/app", ""),
    (
        "postgres://scram:{%password}@127.0.0.1:{port}/app?channel_binding=require",
        "",
    ),
    ("postgres://trusted@127.0.0.1:{port}/%61pp", ""),
    ("postgres://trusted@127.0.0.1:1,127.0.0.1:{port}/app", ""),
    ("host=127.0.0.1,127.0.0.1 port=1,{port} user=trusted dbname=app", ""),
    ("host={dir} port={port} user=trusted dbname=app", ""),
    ("host = 127.0.0.1 port = {port} user = 'trusted' dbname = 'a\\pp'", ""),
    ("hostaddr=127.0.0.1 port={port} user=trusted dbname=app", ""),
    (
        "host=no.such.host hostaddr=127.0.0.1 port={port} user=trusted dbname=app",
        "",
    ),
    ("host=127.0.0.1 port={port} user=scram dbname=app {password}", ""),
    (
        "host=127.0.0.1 port={port} user=trusted dbname=app application_name=mine",
        "",
    ),
    (
        "host=127.0.0.1 port={port} user=trusted dbname=app fallback_application_name=mine",
        "PGAPPNAME=theirs",
    ),
    (
        "host=127.0.0.1 port={port} user=trusted dbname=app target_session_attrs=read-write",
        "",
    ),
    (
        "host=127.0.0.1 port={port} user=trusted dbname=app target_session_attrs=prefer-standby",
        "",
    ),
    (
        "host=127.0.0.1 port={port} user=trusted dbname=app options='-c work_mem=1MB'",
        "",
    ),
    ("host=127.0.0.1 port={port} user=needs_tls dbname=app", ""),
    ("host=127.0.0.1 port={port} user=needs_plain dbname=app", ""),
    ("host=127.0.0.1 port={port} user=needs_tls dbname=app sslmode=allow", ""),
    (
        "host=127.0.0.1 port={port} user=needs_plain dbname=app sslmode=allow",
        "",
    ),
    (
        "host=127.0.0.1 port={port} user=needs_tls dbname=app sslmode=require",
        "",
    ),
    ("", "PGHOST=127.0.0.1 PGPORT={port} PGUSER=trusted PGDATABASE=app"),
    ("app", "PGHOST={dir} PGPORT={port} PGUSER=trusted"),
    (
        "user=trusted dbname=app",
        "PGHOST=no.such.host PGHOSTADDR=127.0.0.1 PGPORT={port} PGSSLMODE=require",
    ),
    (
        "postgres:///app",
        "PGHOST={dir} PGPORT={port} PGUSER=trusted PGAPPNAME=theirs",
    ),
    (
        "postgres://trusted@127.0.0.1:{port}/app",
        "PGPORT=1 PGUSER=nobody PGDATABASE=nothing",
    ),
    (
        "user=scram dbname=app host=127.0.0.1 port={port}",
        "PGPASSFILE={passfile}",
    ),
    (
        "user=scram dbname=app passfile={passfile}",
        "PGHOST=127.0.0.1 PGPORT={port}",
    ),
    (
        "user=scram dbname=app host=no.such.host hostaddr=127.0.0.1 port={port}",
        "PGPASSFILE={passfile}",
    ),
    ("user=scram dbname=app host={dir} port={port}", "PGPASSFILE={passfile}"),
    (
        "user=scram dbname=app host=127.0.0.1,localhost port=1,{port} hostaddr=,127.0.0.1",
        "PGPASSFILE={passfile}",
    ),
    ("service=app", "PGSERVICEFILE={servicefile} PGUSER=nobody PGPORT=1"),
    ("user=needs_tls", "PGSERVICEFILE={servicefile} PGSERVICE=app"),
    ("postgres:///postgres?service=app", "PGSERVICEFILE={servicefile}"),
];

/// Those with which it does not.
const DOES_NOT_CONNECT: &[(&str, &str)] = &[
    ("postgres://trusted@127.0.0.1:{port}/nothing", ""),
    ("postgres://ghost:x@127.0.0.1:{port}/app", ""),
    ("postgres://scram:wrong@127.0.0.1:{port}/app", ""),
    ("postgres://scram@127.0.0.1:{port}/app", ""),
    (
        "postgres://scram:{%password}@127.0.0.1:{port}/app?sslmode=disable&channel_binding=require",
        "",
    ),
    (
        "postgres://clear:{%password}@127.0.0.1:{port}/app?channel_binding=require",
        "",
    ),
    ("postgres://needs_tls@127.0.0.1:{port}/app?sslmode=disable", ""),
    ("postgres://needs_plain@127.0.0.1:{port}/app?sslmode=require", ""),
    (
        "postgres://trusted@127.0.0.1:{port}/app?target_session_attrs=standby",
        "",
    ),
    ("postgres://trusted@127.0.0.1:{port}/app?sslmode=verify-full", ""),
    ("postgres://trusted@127.0.0.1:{port}/app?sslmode=verify", ""),
    ("postgres://trusted@127.0.0.1:{port}/app?sslmodus=require", ""),
    ("postgres://trusted@127.0.0.1:{port},127.0.0.1/app?port=1,2,3", ""),
    (
        "host=127.0.0.1,127.0.0.1,127.0.0.1 port={port},{port} user=trusted dbname=app",
        "",
    ),
    ("host=127.0.0.1 port={port} user=trusted dbname='app", ""),
    ("host=127.0.0.1 port={port} user=trusted dbname=app sslkey", ""),
    ("service=none", "PGHOST=127.0.0.1 PGPORT={port}"),
    (
        "",
        "PGHOST=127.0.0.1 PGPORT={port} PGUSER=trusted PGDATABASE=app PGSSLMODE=requre",
    ),
    (
        "user=scram dbname=app host=127.0.0.1 port={port}",
        "PGPASSFILE={openpassfile}",
    ),
    (
        "user=scram dbname=postgres host=127.0.0.1 port={port}",
        "PGPASSFILE={passfile}",
    ),
    ("service=other", "PGSERVICEFILE={servicefile}"),
    ("service=nested", "PGSERVICEFILE={servicefile}"),
];

/// Runs psql with nothing in its environment but what is given.
fn psql(dsn: &str, variables: &[(String, String)]) -> Result<String, String> {
    let output = Command::new(server().scratch.bin().tool("psql"))
        .args(["-XAtc", WHERE_AM_I, "-d", dsn])
        .env_clear()
        .env("HOME", "/nonexistent")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn ours(dsn: &str, variables: &[(String, String)]) -> Result<String, String> {
    let environment = variables
        .iter()
        .fold(bare(), |environment, (name, value)| environment.with(name, value));
    let settings = Settings::resolve(Some(dsn), &environment).map_err(|error| error.to_string())?;
    let session = connect(&settings, Work::Reader)
        .await
        .map_err(|error| error.to_string())?;
    Ok(row(&session, WHERE_AM_I).await)
}

/// The paths of libpq's own files.
struct Files {
    password: String,
    open_password: String,
    service: String,
}

/// Writes libpq's own files, once.
fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let server = server();
        let (port, escaped) = (
            server.scratch.port(),
            PASSWORD.replace('\\', r"\\").replace(':', r"\:"),
        );
        let directory = server.scratch.socket_dir().display();
        let passwords = format!(
            "# passwords\n127.0.0.1:1:*:*:wrong\n*:*:a\\pp:scram:{escaped}\n{directory}:*:*:scram:wrong\n*:{port}:app:*:wrong\n"
        );
        let services = format!(
            "# services\n[none]\n\n[app]\nhost=127.0.0.1\nport={port}\n# who\nuser=trusted\ndbname=app\n[nested]\nservice=app\n"
        );
        let path = |name: &str, content: &str| server.file(name, content).display().to_string();
        let open_password = path("open", &passwords);
        Command::new("chmod").args(["0644", &open_password]).status().unwrap();
        Files {
            password: path("passwords", &passwords),
            open_password,
            service: path("services", &services),
        }
    })
}

/// Fills in port, socket directory and passwords.
fn filled(template: &str) -> String {
    let files = files();
    let server = &server().scratch;
    let encoded: String = PASSWORD
        .bytes()
        .fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
    let directory = server.socket_dir().display().to_string();
    template
        .replace("{port}", &server.port().to_string())
        .replace("{dir}", &directory)
        .replace("{passfile}", &files.password)
        .replace("{openpassfile}", &files.open_password)
        .replace("{servicefile}", &files.service)
        .replace("{%dir}", &directory.replace('/', "%2F"))
        .replace("{%password}", &encoded)
        .replace("{password}", pair("password", PASSWORD).trim_start())
}

/// Where psql connects, we connect to the same; psql's own `application_name` aside.
#[tokio::test]
async fn where_psql_connects_we_connect_too() {
    for &(dsn, variables) in CONNECTS {
        let (dsn, variables) = (filled(dsn), variables_of(&filled(variables)));
        let theirs = psql(&dsn, &variables).unwrap_or_else(|error| panic!("psql, {dsn}: {error}"));
        let theirs = theirs
            .strip_suffix("|psql")
            .map_or(theirs.clone(), |rest| format!("{rest}|rlsctl read"));
        let found = ours(&dsn, &variables)
            .await
            .unwrap_or_else(|error| panic!("{dsn}: {error}"));
        assert_eq!(found, theirs, "{dsn} {variables:?}");
    }
}

/// What psql refuses we refuse as well: a rule that is laxer here would connect to something that nobody asked for.
#[tokio::test]
async fn where_psql_does_not_connect_we_do_not_either() {
    for &(dsn, variables) in DOES_NOT_CONNECT {
        let (dsn, variables) = (filled(dsn), variables_of(&filled(variables)));
        assert!(psql(&dsn, &variables).is_err(), "psql connects: {dsn}");
        assert!(ours(&dsn, &variables).await.is_err(), "we connect: {dsn}");
    }
}

fn variables_of(text: &str) -> Vec<(String, String)> {
    text.split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
