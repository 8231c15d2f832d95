//! Every way in which connecting fails, told apart.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use rlsctl::pg::connect::Failure;

use super::surroundings::{PASSWORD, open, pair, refusal, runtime, server};
use crate::support::proxy::{Proxy, Upstream};
use crate::support::servers::full_server;

/// A port where each client gets the same answer to whatever it says first.
fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        while let Ok((mut client, _)) = listener.accept() {
            let mut question = [0; 1024];
            let _ = client.read(&mut question);
            let _ = client.write_all(answer);
        }
    });
    port
}

/// A port where nobody listens.
fn deserted() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// An `ErrorResponse` with severity, SQLSTATE and message, as a server that is starting sends it.
pub(super) const STARTING: &[u8] = b"E\0\0\0\x31SFATAL\0VFATAL\0C57P03\0Mstarting up, patience\0\0";

/// A connection string, what kind of failure it leads to, and words of the advice.
type Case = (&'static str, fn(&Failure) -> bool, &'static str);

const CASES: &[Case] = &[
    (
        "host=127.0.0.1 port={deserted}",
        |it| matches!(it, Failure::Refused),
        "listen_addresses",
    ),
    (
        "host={dir} port=1",
        |it| matches!(it, Failure::NoSocket),
        "unix_socket_directories",
    ),
    (
        "host=/nonexistent",
        |it| matches!(it, Failure::NoSocket),
        "/nonexistent/.s.PGSQL.5432",
    ),
    ("host={long}", |it| matches!(it, Failure::Network(_)), ""),
    (
        "host=no.such.host.invalid",
        |it| matches!(it, Failure::NotResolved { .. }),
        "spelling",
    ),
    (
        "host='no such host'",
        |it| matches!(it, Failure::NotResolved { .. }),
        "spelling",
    ),
    (
        "{tcp} user=scram",
        |it| matches!(it, Failure::PasswordMissing),
        "PGPASSWORD",
    ),
    (
        "{tcp} user=md5ed",
        |it| matches!(it, Failure::PasswordMissing),
        "PGPASSWORD",
    ),
    (
        "{tcp} user=clear",
        |it| matches!(it, Failure::PasswordMissing),
        "PGPASSWORD",
    ),
    (
        "{tcp} user=scram password=hunter2",
        |it| matches!(it, Failure::PasswordWrong(_)),
        "percent-encode",
    ),
    (
        "{tcp} user=ghost password=hunter2",
        |it| matches!(it, Failure::PasswordWrong(_)),
        "ghost",
    ),
    (
        "{tcp} user=certified sslmode=disable",
        |it| matches!(it, Failure::NotAllowed(_)),
        "sslmode=require",
    ),
    (
        "{tcp} user=certified sslmode=require",
        |it| matches!(it, Failure::NotAllowed(_)),
        "sslcert",
    ),
    (
        "{tcp} user=unknown sslmode=disable",
        |it| matches!(it, Failure::NotAllowed(_)),
        "pg_hba.conf",
    ),
    (
        "{tcp} user=nologin {right}",
        |it| matches!(it, Failure::NoSuchRole(_)),
        "nologin",
    ),
    (
        "{tcp} user=trusted dbname=nothing",
        |it| matches!(it, Failure::NoSuchDatabase(_)),
        "createdb nothing",
    ),
    (
        "host={dir} port={port} user=limited dbname=app",
        |it| matches!(it, Failure::TooManyConnections(_)),
        "max_connections",
    ),
    (
        "{tcp} user=trusted target_session_attrs=standby",
        |it| matches!(it, Failure::WrongSession { .. }),
        "target_session_attrs",
    ),
    (
        "{tcp} user=trusted options='-c nonsense=1'",
        |it| matches!(it, Failure::Server(_)),
        "",
    ),
    (
        "{tcp} user=clear channel_binding=require {right}",
        |it| matches!(it, Failure::Authentication(_)),
        "scram-sha-256",
    ),
    (
        "host=127.0.0.1 port={no tls} sslmode=require",
        |it| matches!(it, Failure::TlsNotOffered),
        "ssl = on",
    ),
    (
        "host=127.0.0.1 port={starting} sslmode=disable",
        |it| matches!(it, Failure::NotAccepting(_)),
        "Wait",
    ),
    (
        "host=127.0.0.1 port={silent} sslmode=disable",
        |it| matches!(it, Failure::Closed),
        "log",
    ),
    (
        "host=127.0.0.1 port={http} sslmode=disable",
        |it| matches!(it, Failure::NotPostgres { .. }),
        "port",
    ),
    (
        "host=127.0.0.1 port={http}",
        |it| matches!(it, Failure::NotPostgres { .. }),
        "port",
    ),
];

fn filled(template: &str) -> String {
    let server = server();
    let mut dsn = template.to_owned();
    for (name, answer) in [
        ("{no tls}", &b"N"[..]),
        ("{starting}", STARTING),
        ("{silent}", b""),
        ("{http}", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ] {
        if template.contains(name) {
            dsn = dsn.replace(name, &answering(answer).to_string());
        }
    }
    dsn.replace("{tcp}", &server.tcp())
        .replace("{dir}", &server.scratch.socket_dir().display().to_string())
        .replace("{port}", &server.scratch.port().to_string())
        .replace("{right}", &pair("password", PASSWORD))
        .replace("{deserted}", &deserted().to_string())
        .replace("{long}", &format!("/{}", "long".repeat(30)))
}

#[tokio::test]
async fn each_failure_is_told_apart_and_comes_with_advice() {
    for (template, check, advice) in CASES {
        let dsn = filled(template);
        let error = refusal(&dsn).await;
        let failure = error.failure().unwrap();
        assert!(check(failure), "{dsn}: {failure:?}");
        let all = error.advice().join("\n");
        assert!(all.contains(advice), "{dsn}: {all}");
        assert!(!format!("{error} {error:?} {all}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn a_full_server_says_so() {
    let (full, _sessions) = full_server();
    let error = runtime().block_on(refusal(&full.dsn("postgres")));
    assert!(
        matches!(error.failure(), Some(Failure::TooManyConnections(_))),
        "{error}"
    );
    assert!(error.to_string().contains("SQLSTATE 53300"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = refusal(&format!("host=127.0.0.1 port={port} connect_timeout=1")).await;
    assert!(matches!(error.failure(), Some(Failure::TimedOut { .. })), "{error}");
    assert!(error.to_string().contains("no answer within 1 second"), "{error}");
}

#[tokio::test]
async fn every_host_is_tried_until_one_answers() {
    let server = server();
    let (silent, starting) = (deserted(), answering(STARTING));
    let several = format!(
        "host=no.such.host.invalid,127.0.0.1,127.0.0.1,127.0.0.1 port=1,{silent},{starting},{} user=trusted dbname=app sslmode=disable",
        server.scratch.port()
    );
    open(&several).await;
    let none = format!("host=127.0.0.1,127.0.0.1 port={silent},{starting} user=me dbname=app sslmode=disable");
    let error = refusal(&none).await;
    assert_eq!(error.attempts().len(), 2);
    assert_eq!(
        error.to_string(),
        format!(
            "could not connect to database \"app\" as \"me\": 127.0.0.1:{silent}: connection refused; \
             127.0.0.1:{starting}: starting up, patience (SQLSTATE 57P03)"
        )
    );
}

#[tokio::test]
async fn a_server_that_says_no_ends_the_search() {
    let server = server();
    let port = server.scratch.port();
    let error = refusal(&format!(
        "host=127.0.0.1,127.0.0.1 port={port},{port} user=trusted dbname=nothing"
    ))
    .await;
    assert_eq!(error.attempts().len(), 1, "{error}");
}

#[tokio::test]
async fn a_session_of_the_wrong_kind_does_not_end_the_search() {
    let server = server();
    let port = server.scratch.port();
    let dsn = format!("host=127.0.0.1,127.0.0.1 port={port},{port} user=trusted dbname=app");
    let error = refusal(&format!("{dsn} target_session_attrs=standby")).await;
    assert_eq!(error.attempts().len(), 2, "{error}");
    open(&format!("{dsn} target_session_attrs=prefer-standby")).await;
    let read_only = "options='-c default_transaction_read_only=on'";
    open(&format!("{dsn} target_session_attrs=read-only {read_only}")).await;
    let error = refusal(&format!("{dsn} target_session_attrs=read-write {read_only}")).await;
    assert!(matches!(error.failure(), Some(Failure::WrongSession { .. })), "{error}");
}

/// What psql does with one connection is done with one here, too; and a wrong password is not sent twice.
#[tokio::test]
async fn no_connection_is_made_in_vain() {
    let server = server();
    let proxy = Proxy::start(Upstream::Tcp(server.scratch.port()));
    let tcp = format!("host=127.0.0.1 port={} dbname=app", proxy.port());
    for (dsn, connections) in [
        (format!("{tcp} user=trusted sslmode=disable"), 1),
        (format!("{tcp} user=trusted sslmode=allow"), 1),
        (format!("{tcp} user=trusted"), 1),
        (format!("{tcp} user=trusted sslmode=require"), 1),
        (format!("{tcp} user=needs_plain"), 2),
        (format!("{tcp} user=needs_tls sslmode=allow"), 2),
    ] {
        proxy.reset();
        open(&dsn).await.close().await;
        assert_eq!(proxy.counts().connections, connections, "{dsn}");
    }
    proxy.reset();
    refusal(&format!("{tcp} user=scram password=wrong")).await;
    assert_eq!(proxy.counts().connections, 1);
    // Without TLS and password, one question is enough.
    proxy.reset();
    open(&format!(
        "{tcp} user=trusted sslmode=disable target_session_attrs=read-write"
    ))
    .await;
    assert_eq!(proxy.counts().round_trips, 1);
}
