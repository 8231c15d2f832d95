//! TLS: which certificate is taken under which `sslmode`.

use rlsctl::pg::connect::{Failure, TlsFailure};

use super::certificates::{Authority, SERVER_NUMBER, of_the_manual, version_1};
use super::surroundings::{PASSWORD, TlsServer, open, pair, refusal, row, server};

const ENCRYPTION: &str = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()";

fn root(server: &TlsServer) -> String {
    let path = server.file("root.crt", &server.authority.certificate_pem());
    pair("sslrootcert", &path.to_string_lossy())
}

#[tokio::test]
async fn each_mode_gets_what_it_asks_for() {
    let server = server();
    let tcp = format!("{} user=trusted", server.tcp());
    let root = root(server);
    for (setting, encrypted) in [
        ("sslmode=disable", false),
        ("sslmode=allow", false),
        ("", true),
        ("sslmode=prefer", true),
        ("sslmode=require", true),
        (&format!("sslmode=require {root}"), true),
        (&format!("sslmode=verify-ca {root}"), true),
        (&format!("sslmode=verify-full {root}"), true),
        (&format!("sslmode=verify-full host=localhost {root}"), true),
        (&format!("sslmode=verify-full sslsni=0 {root}"), true),
    ] {
        let session = open(&format!("{tcp} {setting}")).await;
        assert_eq!(session.is_encrypted(), encrypted, "{setting}");
        let answer = row(&session, ENCRYPTION).await;
        assert_eq!(answer, if encrypted { "t|TLSv1.3" } else { "f|" }, "{setting}");
    }
    let old = open(&format!("{tcp} sslmode=require ssl_max_protocol_version=TLSv1.2")).await;
    assert_eq!(row(&old, ENCRYPTION).await, "t|TLSv1.2");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_for_verify_ca_only() {
    let server = server();
    let tcp = format!(
        "{} user=trusted host=db.example hostaddr=127.0.0.1 {}",
        server.tcp(),
        root(server)
    );
    assert!(open(&format!("{tcp} sslmode=verify-ca")).await.is_encrypted());
    let error = refusal(&format!("{tcp} sslmode=verify-full")).await;
    match error.failure() {
        Some(Failure::Tls(TlsFailure::WrongName { expected, valid })) => {
            assert_eq!(expected, "db.example");
            assert!(valid.contains(&"localhost".to_owned()), "{valid:?}");
        }
        other => panic!("{other:?}"),
    }
    let message = error.to_string();
    assert!(
        message.contains("db.example:") && message.contains("(127.0.0.1) over TLS"),
        "{message}"
    );
    assert!(error.advice()[0].contains("hostaddr"), "{:?}", error.advice());
}

#[tokio::test]
async fn a_stranger_is_refused_wherever_there_is_a_root_file() {
    let server = server();
    let stranger = server.file("stranger.crt", &Authority::new("somebody else").certificate_pem());
    let root = pair("sslrootcert", &stranger.to_string_lossy());
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refusal(&format!("{} user=trusted sslmode={mode} {root}", server.tcp())).await;
        assert!(
            matches!(error.failure(), Some(Failure::Tls(TlsFailure::UnknownAuthority))),
            "{mode}: {error}"
        );
    }
    // Nothing is asked of the certificate here, and refusing it would mean no encryption at all.
    let session = open(&format!("{} user=trusted sslmode=prefer {root}", server.tcp())).await;
    assert!(session.is_encrypted());
    let system = refusal(&format!("{} user=trusted sslrootcert=system", server.tcp())).await;
    assert!(
        matches!(
            system.failure(),
            Some(Failure::Tls(TlsFailure::UnknownAuthority) | Failure::TlsSetup(_))
        ),
        "{system}"
    );
}

#[tokio::test]
async fn files_that_are_missing_or_empty_are_named() {
    let server = server();
    let tcp = format!("{} user=trusted", server.tcp());
    let empty = server.file("empty.crt", "");
    for (setting, words) in [
        (
            "sslmode=verify-ca sslrootcert=/nonexistent".to_owned(),
            "root certificates /nonexistent does not exist",
        ),
        (
            format!("sslmode=require sslrootcert={}", empty.display()),
            "holds no root certificate",
        ),
        (
            format!("sslmode=verify-ca {} sslcrl={}", root(server), empty.display()),
            "holds no revocation list",
        ),
    ] {
        let error = refusal(&format!("{tcp} {setting}")).await;
        assert!(error.to_string().contains(words), "{error}");
        assert!(matches!(error.failure(), Some(Failure::TlsSetup(_))));
    }
    let folder = refusal(&format!("{tcp} sslmode=verify-ca sslrootcert=/tmp")).await;
    let cause = std::error::Error::source(&folder).unwrap().to_string();
    assert!(
        folder.to_string().contains("could not read") && cause.contains("directory"),
        "{folder}: {cause}"
    );
    // As in libpq, `require` with a file that is not there asks for no more than encryption.
    let session = open(&format!("{tcp} sslmode=require sslrootcert=/nonexistent")).await;
    assert!(session.is_encrypted());
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let server = server();
    let tcp = format!("{} user=trusted sslmode=verify-full{}", server.tcp(), root(server));
    let harmless = server.file("harmless.crl", &server.authority.revocation_list(&[SERVER_NUMBER + 1]));
    let revoking = server.file("revoking.crl", &server.authority.revocation_list(&[SERVER_NUMBER]));
    let strange = server.file("strange.crl", &Authority::new("somebody else").revocation_list(&[]));
    assert!(
        open(&format!("{tcp} sslcrl={}", harmless.display()))
            .await
            .is_encrypted()
    );
    for list in [revoking, strange] {
        let error = refusal(&format!("{tcp} sslcrl={}", list.display())).await;
        assert!(
            matches!(error.failure(), Some(Failure::Tls(TlsFailure::Revoked))),
            "{error}"
        );
    }
}

#[tokio::test]
async fn client_certificates_are_sent() {
    let server = server();
    let (certificate, key) = server.authority.client("certified");
    let certificate = server.file("client.crt", &certificate);
    let key = server.file("client.key", &key);
    let tcp = format!("{} user=certified sslmode=require", server.tcp());
    let with = format!("{tcp} sslcert={} sslkey={}", certificate.display(), key.display());
    let session = open(&with).await;
    assert_eq!(row(&session, "select current_user").await, "certified");
    let without = refusal(&tcp).await;
    assert!(matches!(without.failure(), Some(Failure::NotAllowed(_))), "{without}");

    let open_key = server.file("open.key", &std::fs::read_to_string(&key).unwrap());
    std::process::Command::new("chmod")
        .arg("0644")
        .arg(&open_key)
        .status()
        .unwrap();
    let encrypted = server.file(
        "encrypted.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let (_, other) = server.authority.client("other");
    let other = server.file("other.key", &other);
    for (path, words) in [
        (open_key.display().to_string(), "chmod 0600"),
        (encrypted.display().to_string(), "is encrypted"),
        ("/nonexistent".to_owned(), "no private key for it at /nonexistent"),
        (other.display().to_string(), "cannot be used"),
        (certificate.display().to_string(), "holds no private key"),
    ] {
        let error = refusal(&format!("{tcp} sslcert={} sslkey={path}", certificate.display())).await;
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_client_certificate_of_a_stranger_is_refused_by_the_server() {
    let server = server();
    let (certificate, key) = Authority::new("somebody else").client("certified");
    let certificate = server.file("strange.crt", &certificate);
    let key = server.file("strange.key", &key);
    let error = refusal(&format!(
        "{} user=certified sslmode=require sslcert={} sslkey={}",
        server.tcp(),
        certificate.display(),
        key.display()
    ))
    .await;
    // The alert may be overtaken by the end of the connection.
    assert!(
        matches!(
            error.failure(),
            Some(Failure::Tls(TlsFailure::Alert(_)) | Failure::Closed)
        ),
        "{error}"
    );
}

#[tokio::test]
async fn the_manuals_self_signed_certificate_is_taken_as_psql_takes_it() {
    let (certificate, key) = of_the_manual("localhost", false);
    let server = TlsServer::start(&certificate, &key, Authority::new("clients"));
    let root = server.file("root.crt", &certificate);
    let tcp = format!("{} user=trusted sslrootcert={}", server.tcp(), root.display());
    for setting in [
        "sslmode=verify-ca",
        "sslmode=require",
        "sslmode=verify-full host=localhost hostaddr=127.0.0.1",
    ] {
        assert!(open(&format!("{tcp} {setting}")).await.is_encrypted(), "{setting}");
    }
    for host in ["127.0.0.1", "db.example", "localhost.example"] {
        let error = refusal(&format!("{tcp} sslmode=verify-full host={host} hostaddr=127.0.0.1")).await;
        assert!(
            matches!(error.failure(), Some(Failure::Tls(TlsFailure::WrongName { .. }))),
            "{host}: {error}"
        );
    }
    // The same name and key would not do: it is this very certificate that is trusted.
    let (namesake, _) = of_the_manual("localhost", false);
    let namesake = server.file("namesake.crt", &namesake);
    let error = refusal(&format!(
        "{} user=trusted sslmode=verify-ca sslrootcert={}",
        server.tcp(),
        namesake.display()
    ))
    .await;
    assert!(matches!(error.failure(), Some(Failure::Tls(_))), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_refused_even_if_it_is_its_own_root() {
    let (certificate, key) = of_the_manual("localhost", true);
    let server = TlsServer::start(&certificate, &key, Authority::new("clients"));
    let root = server.file("root.crt", &certificate);
    let tcp = format!("{} user=trusted", server.tcp());
    for mode in ["require", "verify-ca"] {
        let error = refusal(&format!("{tcp} sslmode={mode} sslrootcert={}", root.display())).await;
        assert!(
            matches!(error.failure(), Some(Failure::Tls(TlsFailure::Expired))),
            "{mode}: {error}"
        );
    }
    assert!(open(&format!("{tcp} sslmode=require")).await.is_encrypted());
}

#[tokio::test]
async fn a_certificate_of_version_1_will_do_where_nobody_checks_it() {
    let (certificate, key) = version_1("localhost");
    let server = TlsServer::start(&certificate, &key, Authority::new("clients"));
    let tcp = format!("{} user=trusted sslmode=require", server.tcp());
    for setting in ["", "ssl_max_protocol_version=TLSv1.2"] {
        assert!(open(&format!("{tcp} {setting}")).await.is_encrypted(), "{setting}");
    }
    let scram = format!(
        "{} user=scram sslmode=require channel_binding=require{}",
        server.tcp(),
        pair("password", PASSWORD)
    );
    assert!(open(&scram).await.is_encrypted());
    let root = server.file("root.crt", &certificate);
    let error = refusal(&format!("{tcp} sslrootcert={}", root.display())).await;
    assert!(matches!(error.failure(), Some(Failure::Tls(_))), "{error}");
}

#[tokio::test]
async fn channel_binding_is_used_where_the_certificate_allows() {
    let server = server();
    let tcp = format!(
        "{} user=scram sslmode=require{}",
        server.tcp(),
        pair("password", PASSWORD)
    );
    for binding in ["disable", "prefer", "require"] {
        open(&format!("{tcp} channel_binding={binding}")).await;
    }
    let (certificate, key) = Authority::ed25519(&["localhost"]);
    let without_digest = TlsServer::start(&certificate, &key, Authority::new("clients"));
    let tcp = format!(
        "{} user=scram sslmode=require{}",
        without_digest.tcp(),
        pair("password", PASSWORD)
    );
    open(&format!("{tcp} channel_binding=disable")).await;
    let error = refusal(&format!("{tcp} channel_binding=require")).await;
    assert!(matches!(error.failure(), Some(Failure::Authentication(_))), "{error}");
}
