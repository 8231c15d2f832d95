//! Whole resolutions: layers over layers, files, defaults. What needs a server is in `tests/connect.rs`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;

/// A home directory and what is in it.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }

    fn file(&self, name: &str, mode: u32, content: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the home")).expect("a directory");
        std::fs::write(&path, content).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("its mode");
        path
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::empty();
        environment.home = Some(self.0.path().to_owned());
        environment.os_user = Some("osuser".to_owned());
        environment
    }
}

fn resolved(dsn: &str, environment: &Environment) -> Settings {
    Settings::resolve(Some(dsn), environment).unwrap_or_else(|error| panic!("{dsn}: {error}"))
}

fn refused(dsn: &str, environment: &Environment) -> String {
    match Settings::resolve(Some(dsn), environment) {
        Ok(settings) => panic!("{dsn} gave {settings:?}"),
        Err(error) => error.to_string(),
    }
}

fn password(settings: &Settings) -> Option<&str> {
    settings
        .password_for(&settings.hosts[0])
        .map(ExposeSecret::expose_secret)
}

#[test]
fn nothing_given_means_libpqs_defaults() {
    let settings = Settings::resolve(None, &Home::new().environment()).expect("defaults suffice");
    assert_eq!(settings.describe(), "localhost/osuser as osuser");
    assert_eq!(settings.hosts[0].port, 5432);
    assert_eq!(settings.sslmode, SslMode::Prefer);
    assert_eq!(settings.channel_binding, ChannelBinding::Prefer);
    assert_eq!(settings.connect_timeout, Some(Duration::from_secs(10)));
    assert_eq!(settings.target_session_attrs, TargetSessionAttrs::Any);
    assert!(settings.password.is_none() && settings.options.is_none() && settings.application_name.is_none());
    assert!(settings.warnings.is_empty());
}

#[test]
fn no_user_at_all_is_an_error() {
    let message = Settings::resolve(None, &Environment::empty())
        .expect_err("there is no user")
        .to_string();
    assert!(message.contains("PGUSER"), "{message}");
}

#[test]
fn a_socket_that_is_there_is_the_default_host() {
    let home = Home::new();
    let socket = home.file(".s.PGSQL.5433", 0o600, "");
    let directory = socket.parent().expect("it is in the home").to_owned();
    let mut environment = home.environment();
    environment.socket_directories = vec![PathBuf::from("/nonexistent"), directory.clone()];
    let settings = resolved("port=5433", &environment);
    assert_eq!(settings.hosts[0].host, Host::Socket(directory.clone()));
    assert_eq!(
        settings.describe(),
        format!("[local:{}]:5433/osuser as osuser", directory.display())
    );
    assert_eq!(
        resolved("", &environment).hosts[0].host,
        Host::Tcp("localhost".to_owned())
    );
}

#[test]
fn the_string_beats_the_service_file_beats_the_environment() {
    let home = Home::new();
    home.file(
        ".pg_service.conf",
        0o644,
        "[app]\nhost=service\nport=2\ndbname=service\n",
    );
    let environment = home
        .environment()
        .with("PGHOST", "env")
        .with("PGPORT", "3")
        .with("PGDATABASE", "env")
        .with("PGUSER", "env");
    assert_eq!(
        resolved("host=dsn service=app", &environment).describe(),
        "dsn:2/service as env"
    );
    assert_eq!(resolved("", &environment).describe(), "env:3/env as env");
    let by_variable = environment.with("PGSERVICE", "app");
    assert_eq!(
        resolved("postgres://dsn", &by_variable).describe(),
        "dsn:2/service as env"
    );
    // An empty value hides what is below; an empty part of a URL does not.
    assert_eq!(
        resolved("host='' dbname=''", &by_variable).describe(),
        "localhost:2/env as env"
    );
    assert_eq!(
        resolved("postgres:///", &by_variable).describe(),
        "service:2/service as env"
    );
}

#[test]
fn service_files_are_found_where_libpq_looks() {
    let home = Home::new();
    let named = home.file("named.conf", 0o644, "[app]\nhost=named\n");
    home.file("system/pg_service.conf", 0o644, "[system]\nhost=system\n");
    let system = home.0.path().join("system");
    let environment = home.environment();
    let by_variable = environment.clone().with("PGSERVICEFILE", named.as_os_str());
    assert_eq!(resolved("service=app", &by_variable).hosts[0].to_string(), "named:5432");
    let by_keyword = format!("service=app servicefile={}", named.display());
    assert_eq!(resolved(&by_keyword, &environment).hosts[0].to_string(), "named:5432");
    let with_system = environment.clone().with("PGSYSCONFDIR", system.as_os_str());
    assert_eq!(
        resolved("service=system", &with_system).hosts[0].to_string(),
        "system:5432"
    );
    let missing = refused("service=none", &with_system);
    assert!(
        missing.contains("no service \"none\" in") && missing.contains("system/pg_service.conf"),
        "{missing}"
    );
    let nowhere = refused("service=none", &environment);
    assert!(nowhere.contains("there is neither"), "{nowhere}");
    let unreadable = refused("service=app", &environment.with("PGSERVICEFILE", "/nonexistent"));
    assert!(
        unreadable.contains("could not read the service file /nonexistent"),
        "{unreadable}"
    );
}

#[test]
fn passwords_come_from_the_string_then_the_variable_then_the_file() {
    let home = Home::new();
    let file = home.file(".pgpass", 0o600, "h:*:*:*:from file\nlocalhost:*:*:*:for localhost\n");
    let environment = home.environment();
    let with_variable = environment.clone().with("PGPASSWORD", "from env");
    for (dsn, environment, expected) in [
        ("postgres://u:from%20dsn@h", &with_variable, Some("from dsn")),
        ("host=h", &with_variable, Some("from env")),
        ("host=h", &environment, Some("from file")),
        ("host=h password=''", &environment, Some("from file")),
        ("host=other", &environment, None),
        ("host=other hostaddr=127.0.0.1", &environment, None),
        ("", &environment, Some("for localhost")),
        ("host=/var/run/postgresql", &environment, Some("for localhost")),
        ("host=/elsewhere", &environment, None),
        ("host=h passfile=/nonexistent", &environment, None),
    ] {
        assert_eq!(password(&resolved(dsn, environment)), expected, "{dsn}");
    }
    let moved = environment.with("PGPASSFILE", file.as_os_str());
    assert_eq!(password(&resolved("host=h", &moved)), Some("from file"));
}

#[test]
fn each_host_has_its_own_password_from_the_file() {
    let home = Home::new();
    home.file(".pgpass", 0o600, "a:1:*:*:one\nb:2:*:*:two\n");
    let settings = resolved("postgres://a:1,b:2/db", &home.environment());
    let passwords: Vec<_> = settings
        .hosts
        .iter()
        .map(|host| settings.password_for(host).map(ExposeSecret::expose_secret))
        .collect();
    assert_eq!(passwords, [Some("one"), Some("two")]);
}

#[test]
fn a_password_file_that_others_may_read_is_passed_over_aloud() {
    let home = Home::new();
    home.file(".pgpass", 0o640, "*:*:*:*:secret\n");
    let settings = resolved("host=h", &home.environment());
    assert_eq!(password(&settings), None);
    assert!(settings.warnings[0].contains("chmod 0600"), "{:?}", settings.warnings);
    let directory = home.environment().with("PGPASSFILE", home.0.path().as_os_str());
    let settings = resolved("host=h", &directory);
    assert!(settings.warnings[0].contains("not a plain file"));
}

#[test]
fn hosts_addresses_and_ports_are_paired_up() {
    let environment = Home::new().environment();
    for (dsn, expected) in [
        ("host=a,b port=1,2", "a:1 b:2"),
        ("host=a,b port=1", "a:1 b:1"),
        ("host=a,b", "a:5432 b:5432"),
        ("host=a,b port=1,", "a:1 b:5432"),
        ("postgres://a,b:2", "a:5432 b:2"),
        ("host=a, hostaddr=,127.0.0.1", "a:5432 127.0.0.1:5432"),
        ("hostaddr=::1", "[::1]:5432"),
        ("host=a hostaddr=::1", "a:5432"),
        ("host=/s,a", "/s/.s.PGSQL.5432 a:5432"),
    ] {
        let hosts: Vec<String> = resolved(dsn, &environment)
            .hosts
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(hosts.join(" "), expected, "{dsn}");
    }
    for (dsn, words) in [
        ("host=a,b,c port=1,2", "2 ports for 3 hosts"),
        ("host=a,b hostaddr=127.0.0.1", "1 host addresses for 2 hosts"),
        ("port=1,2", "2 ports for 1 hosts"),
        (
            "host=a port=x",
            "invalid value \"x\" for port in the connection string: expected a number from 1",
        ),
        ("host=a port=0", "from 1 to 65535"),
        ("host=a port=70000", "from 1 to 65535"),
        ("hostaddr=localhost", "expected an IPv4 or IPv6 address"),
        ("host=@abstract", "abstract"),
    ] {
        let message = refused(dsn, &environment);
        assert!(message.contains(words), "{dsn}: {message}");
    }
}

#[test]
fn values_that_are_wrong_name_keyword_and_origin() {
    let home = Home::new();
    home.file(".pg_service.conf", 0o644, "[app]\nsslmode=verify\n");
    let environment = home.environment();
    let in_variable = environment.clone().with("PGSSLMODE", "requre");
    for (dsn, environment, words) in [
        (
            "",
            &in_variable,
            "\"requre\" for sslmode in the environment variable PGSSLMODE",
        ),
        ("", &in_variable, "did you mean require?"),
        ("service=app", &environment, ".pg_service.conf:2: expected disable"),
        (
            "connect_timeout=soon",
            &environment,
            "connect_timeout in the connection string: expected a whole number",
        ),
        ("target_session_attrs=master", &environment, "prefer-standby"),
        ("client_encoding=latin1", &environment, "UTF8"),
        (
            "sslsni=yes",
            &environment,
            "invalid value \"yes\" for sslsni in the connection string: expected 1 or 0",
        ),
        ("user=a\0b", &environment, "NUL"),
    ] {
        let message = refused(dsn, environment);
        assert!(message.contains(words), "{dsn}: {message}");
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_unless_it_asks_for_nothing() {
    let environment = Home::new().environment();
    for harmless in [
        "gssencmode=disable",
        "gssencmode=prefer",
        "krbsrvname=postgres",
        "replication=off",
        "requirepeer=''",
        "sslcompression=0",
        "sslcertmode=allow",
        "min_protocol_version=3.0",
        "max_protocol_version=latest",
        "client_encoding=utf-8",
        "client_encoding=auto",
    ] {
        resolved(harmless, &environment);
    }
    for refused_setting in [
        "gssencmode=require",
        "replication=database",
        "requirepeer=postgres",
        "require_auth=scram-sha-256",
        "sslcertmode=require",
        "sslcrldir=/x",
        "sslkeylogfile=/x",
        "min_protocol_version=3.2",
        "oauth_issuer=https://x",
        "scram_client_key=x",
    ] {
        let message = refused(refused_setting, &environment);
        assert!(message.contains("cannot be honoured"), "{message}");
    }
}

#[test]
fn an_encoding_from_the_environment_only_warns() {
    let environment = Home::new().environment().with("PGCLIENTENCODING", "latin1");
    let settings = resolved("", &environment);
    assert!(settings.warnings[0].contains("PGCLIENTENCODING"));
    let usual = Home::new().environment().with("PGCLIENTENCODING", "UTF-8");
    assert!(resolved("", &usual).warnings.is_empty());
}

#[test]
fn tls_settings_that_cannot_work_are_refused_early() {
    let environment = Home::new().environment();
    for (dsn, words) in [
        ("host=h sslmode=verify-full", "~/.postgresql/root.crt"),
        ("host=h sslmode=require sslrootcert=system", "sslmode=verify-full"),
        ("host=h sslnegotiation=direct", "sslmode=require"),
        (
            "host=h ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "above",
        ),
        ("host=h ssl_max_protocol_version=TLSv1.1", "expected TLSv1.2 or TLSv1.3"),
    ] {
        let message = refused(dsn, &environment);
        assert!(message.contains(words), "{dsn}: {message}");
    }
    assert_eq!(
        resolved("host=h sslrootcert=system", &environment).sslmode,
        SslMode::VerifyFull
    );
    // TLS is not for sockets, whatever sslmode says.
    resolved("host=/tmp sslmode=verify-full", &environment);
    let old = Home::new().environment().with("PGREQUIRESSL", "1");
    assert_eq!(resolved("host=h", &old).sslmode, SslMode::Require);
    assert_eq!(resolved("host=h sslmode=disable", &old).sslmode, SslMode::Disable);
}

#[test]
fn certificates_in_the_home_are_found() {
    let home = Home::new();
    let environment = home.environment();
    let nothing = resolved("host=h", &environment);
    assert_eq!(nothing.sslrootcert, SslRootCert::Absent);
    assert_eq!((nothing.sslcert, nothing.sslkey), (None, None));
    let root = home.file(".postgresql/root.crt", 0o644, "");
    let crl = home.file(".postgresql/root.crl", 0o644, "");
    let cert = home.file(".postgresql/postgresql.crt", 0o644, "");
    let found = resolved("host=h", &environment);
    assert_eq!(found.sslrootcert, SslRootCert::File(root));
    assert_eq!(found.sslcrl, Some(crl));
    assert_eq!(found.sslcert, Some(cert));
    assert!(
        found
            .sslkey
            .is_some_and(|key| key.ends_with(".postgresql/postgresql.key"))
    );
    let without = resolved("host=h sslcertmode=disable", &environment);
    assert_eq!((without.sslcert, without.sslkey), (None, None));
    let missing = resolved("host=h sslcert=/nonexistent", &environment);
    assert_eq!(missing.sslcert, None);
    assert!(missing.warnings[0].contains("/nonexistent does not exist"));
}

#[test]
fn timeouts_and_keepalives_have_units() {
    let environment = Home::new().environment();
    let settings = resolved(
        "connect_timeout=3 keepalives_idle=4 keepalives_interval=5 keepalives_count=6 tcp_user_timeout=7",
        &environment,
    );
    assert_eq!(settings.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(settings.tcp_user_timeout, Some(Duration::from_millis(7)));
    assert_eq!(
        settings.keepalives,
        Keepalives {
            enabled: true,
            idle: Some(Duration::from_secs(4)),
            interval: Some(Duration::from_secs(5)),
            count: Some(6),
        }
    );
    for endless in ["connect_timeout=0", "connect_timeout=-1"] {
        assert_eq!(resolved(endless, &environment).connect_timeout, None);
    }
    assert!(!resolved("keepalives=0", &environment).keepalives.enabled);
}

#[test]
fn other_tools_urls_are_understood_or_explained() {
    let environment = Home::new().environment();
    let prisma = "postgresql://u:p@h:6543/db?pgbouncer=true&connection_limit=1&schema=public&connect_timeout=15";
    let settings = resolved(prisma, &environment);
    assert_eq!(settings.describe(), "h:6543/db as u");
    assert_eq!(settings.connect_timeout, Some(Duration::from_secs(15)));
    assert_eq!(settings.warnings.len(), 3);
    let neon = "postgresql://u:p@ep-x.eu.neon.tech/db?sslmode=require&channel_binding=require&options=endpoint%3Dep-x";
    let settings = resolved(neon, &environment);
    assert_eq!(settings.channel_binding, ChannelBinding::Require);
    assert_eq!(settings.options.as_deref(), Some("endpoint=ep-x"));
    for (dsn, words) in [
        ("postgresql+psycopg2://u:p@h/db", "without the name of a driver"),
        ("jdbc:postgresql://h/db", "without the name of a driver"),
        ("mysql://u:p@h/db", "expected postgresql:// or postgres://"),
        ("u:p@h/db", "neither a URL"),
        ("h:5432", "neither a URL"),
    ] {
        let message = refused(dsn, &environment);
        assert!(message.contains(words) && !message.contains("u:p"), "{message}");
    }
    assert_eq!(resolved("mydb", &environment).dbname, "mydb");
    assert_eq!(resolved(" postgres://h/db\n", &environment).dbname, "db");
}

#[test]
fn descriptions_show_everything_but_the_password() {
    let environment = Home::new().environment();
    for (dsn, expected) in [
        ("postgres://u:secret@h/db", "h/db as u"),
        ("postgres://u:secret@h:1,i/db", "h:1,i/db as u"),
        ("postgres://u:secret@[::1]:1/db", "[::1]:1/db as u"),
        ("host=/var/run/postgresql dbname=db user=u", "[local]/db as u"),
        ("host=/var/run/postgresql port=1 dbname=db user=u", "[local]:1/db as u"),
        ("host=/srv/pg dbname=db user=u", "[local:/srv/pg]/db as u"),
    ] {
        assert_eq!(resolved(dsn, &environment).describe(), expected);
    }
}

#[test]
fn debug_shows_no_password() {
    let home = Home::new();
    home.file(".pgpass", 0o600, "*:*:*:*:hunter2\n");
    let environment = home.environment().with("PGPASSWORD", "hunter2");
    for settings in [
        resolved("postgres://u:hunter2@h", &Home::new().environment()),
        resolved("host=h", &environment),
        resolved("host=h", &home.environment()),
    ] {
        assert_eq!(password(&settings), Some("hunter2"));
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
    assert!(!format!("{environment:?}").contains("hunter2"));
}

#[test]
fn a_variable_that_is_not_utf8_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let value = std::ffi::OsString::from_vec(b"secr\xff".to_vec());
    let environment = Home::new().environment().with("PGPASSWORD", value);
    let message = Settings::resolve(None, &environment)
        .expect_err("it is not UTF-8")
        .to_string();
    assert!(message.contains("PGPASSWORD") && !message.contains("secr"), "{message}");
}

#[test]
fn the_process_has_an_environment() {
    let environment = Environment::from_process();
    assert!(environment.os_user.is_some());
    assert!(environment.socket_directories.contains(&Path::new("/tmp").to_owned()));
}
