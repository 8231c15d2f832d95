//! A password is shown nowhere: not in what can be formatted, not in an error, not in a warning.

use std::error::Error;
use std::fmt::Debug;

use rlsctl::pg::connect::{Work, connect, pool};
use rlsctl::pg::settings::Settings;
use tempfile::TempDir;

use super::surroundings::{bare, server, settings};

/// What is looked for in every output.
const MARK: &str = "hunter2";

fn shown(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The password in every place where it can be mistyped into.
#[test]
fn no_error_of_a_mangled_string_repeats_the_password() {
    for dsn in [
        "postgres://u:hunter2@h@i/db",
        "postgres://u:x@hunter2@h/db",
        "postgres://u:x/hunter2@h/db",
        "postgres://u:1/hunter2?x@h/db",
        "postgres://u:1/x?hunter2=x@h/db",
        "postgres://u:1/x?y=hunter2@h/db",
        "postgres://u:1/x?sslmode=hunter2@h/db",
        "postgres://u:1/x?port=hunter2@h/db",
        "postgres://u:hunter2",
        "postgres://u:hunter2/db",
        "postgres://u:%zzhunter2@h",
        "postgres://u:hunter2%@h",
        "postgres://u:hunter2%00@h",
        "postgres://u:hunter2@h:port/db",
        "postgres://u:hunter2@[h/db",
        "postgres://u:hunter2 x@h",
        "postgres://h/db?password=hunter2&x",
        "postgres://h/db?password=x=hunter2",
        "postgres://h/db?password=%zzhunter2",
        "postgres://h/db?password=hunter2&port=x",
        "mysql://u:hunter2@h/db",
        "u:hunter2://h/db",
        "u:hunter2@h/db",
        "hunter2@h",
        "password='hunter2",
        "password=x hunter2 host=h",
        "password=x hunter2=y",
        "password=x hunter2",
        "password=hunter2 port=x",
        "password=hunter2 hots=x",
        "sslpassword=hunter2 sslmode=x",
        "scram_client_key=hunter2",
        "oauth_client_secret=hunter2",
        "password='hunter2\0'",
    ] {
        let error = Settings::resolve(Some(dsn), &bare()).expect_err(dsn);
        let text = with_causes(&error);
        assert!(!text.contains(MARK), "{dsn}: {text}");
    }
}

#[test]
fn no_error_of_a_file_or_variable_repeats_the_password() {
    let home = TempDir::new().unwrap();
    let service = |content: &str| {
        std::fs::write(home.path().join("services"), content).unwrap();
        bare()
            .with("PGSERVICEFILE", home.path().join("services").as_os_str())
            .with("PGSERVICE", "app")
    };
    for environment in [
        service("[app]\npassword=hunter2\nport=x\n"),
        service("[app]\npassword hunter2\n"),
        service("[app]\npassword=hunter2\nservice=x\n"),
        bare().with("PGPASSWORD", "hunter2").with("PGPORT", "x"),
        bare().with("PGPASSWORD", "hunter2\0"),
    ] {
        let error = Settings::resolve(None, &environment).expect_err("each has a mistake in it");
        let text = format!("{}{}", with_causes(&error), shown(&environment));
        assert!(!text.contains(MARK), "{text}");
    }
}

#[tokio::test]
async fn nothing_that_can_be_formatted_shows_the_password() {
    let refused = settings("postgres://u:hunter2@127.0.0.1:1/db");
    let server = server();
    let wrong = settings(&format!("{} user=scram password=hunter2", server.tcp()));
    let right = settings(&format!("{} user=trusted password=hunter2", server.tcp()));
    for settings in [&refused, &wrong, &right] {
        let text = format!("{}{}{:?}", shown(settings), settings.describe(), settings.warnings);
        assert!(!text.contains(MARK), "{text}");
        let text = shown(&pool(settings, Work::Reader, 1));
        assert!(!text.contains(MARK), "{text}");
    }
    for settings in [&refused, &wrong] {
        let error = connect(settings, Work::Reader).await.unwrap_err();
        let text = format!("{}{:?}{}", with_causes(&error), error.advice(), shown(&error));
        assert!(!text.contains(MARK), "{text}");
        let pooled = pool(settings, Work::Reader, 1).ask("select 1").await.unwrap_err();
        let text = format!("{}{}", with_causes(&pooled), shown(&pooled));
        assert!(!text.contains(MARK), "{text}");
    }
    let session = connect(&right, Work::Reader).await.unwrap();
    let text = format!("{}{}", shown(&session), shown(&session.canceller()));
    assert!(!text.contains(MARK), "{text}");
}
