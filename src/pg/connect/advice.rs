//! What to check, for each way in which connecting fails.

use super::error::{Attempt, ConnectError};
use super::failure::{Failure, TlsFailure};

/// Returns advice for each attempt, without repeating itself.
pub(super) fn for_error(error: &ConnectError) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    for attempt in error.attempts() {
        for sentence in for_attempt(error, attempt) {
            if !advice.contains(&sentence) {
                advice.push(sentence);
            }
        }
    }
    advice
}

fn for_attempt(error: &ConnectError, attempt: &Attempt) -> Vec<String> {
    let endpoint = &attempt.endpoint;
    match &attempt.failure {
        Failure::Refused => vec![format!(
            "Check that Postgres runs and listens at {endpoint} (listen_addresses, port): pg_isready tells"
        )],
        Failure::NoSocket => vec![format!(
            "Check that Postgres runs on this machine and makes its socket at {endpoint} (unix_socket_directories, port), or give a host"
        )],
        Failure::SocketForbidden => vec![format!(
            "Check who may use {endpoint} (unix_socket_permissions), or connect over TCP with host=localhost"
        )],
        Failure::NotResolved { .. } => vec![format!(
            "Check the spelling of the host in {endpoint}, and that this machine's resolver knows it"
        )],
        Failure::TimedOut { .. } => vec![
            format!("Check that {endpoint} can be reached from here (firewall, security group, VPN)"),
            "Raise connect_timeout if the server is only slow".to_owned(),
        ],
        Failure::Closed | Failure::Network(_) => vec![format!(
            "Check the server's log, and any proxy or load balancer between here and {endpoint}"
        )],
        Failure::NotPostgres { .. } => vec![format!(
            "Check the port: whatever listens at {endpoint} is no Postgres server, or expects TLS from the first byte (sslnegotiation=direct)"
        )],
        Failure::TlsSetup(_) => {
            vec!["Check sslrootcert, sslcert, sslkey and sslcrl, and the files in ~/.postgresql".to_owned()]
        }
        Failure::TlsNotOffered => {
            vec!["Turn TLS on at the server (ssl = on), or write sslmode=prefer if the way there is safe".to_owned()]
        }
        Failure::Tls(failure) => for_tls(failure),
        Failure::WrongSession { .. } => {
            vec!["Add the host that is wanted to the connection string, or drop target_session_attrs".to_owned()]
        }
        Failure::Driver(_) => Vec::new(),
        other => for_refusal(error, attempt, other),
    }
}

fn for_tls(failure: &TlsFailure) -> Vec<String> {
    let sentences: &[&str] = match failure {
        TlsFailure::Expired => &["Renew the server's certificate, and check this machine's clock"],
        TlsFailure::NotYetValid => &["Check the clocks of this machine and the server"],
        TlsFailure::WrongName { .. } | TlsFailure::NameNotVerifiable(_) => &[
            "Connect by a name the certificate is for (with hostaddr for the address), or write sslmode=verify-ca to check the authority only",
        ],
        TlsFailure::UnknownAuthority => &[
            "Name the file with the authority's certificate in sslrootcert, or write sslrootcert=system for a public one",
        ],
        TlsFailure::Revoked => &["Check sslcrl and ~/.postgresql/root.crl"],
        TlsFailure::Certificate(_) => &[
            "Give the server a certificate of X.509 version 3 for its host name, or write sslmode=require to encrypt without checking it",
        ],
        TlsFailure::Alert(_) => {
            &["Check the server's log; if it wants a client certificate, name it in sslcert and sslkey"]
        }
        TlsFailure::Other(_) => {
            &["Check the server's log and its ssl_min_protocol_version; TLS 1.2 and 1.3 are spoken here"]
        }
    };
    sentences.iter().map(|&sentence| sentence.to_owned()).collect()
}

/// Advice for a server that answered and said no.
fn for_refusal(error: &ConnectError, attempt: &Attempt, failure: &Failure) -> Vec<String> {
    let (user, database) = (error.user(), error.database());
    match failure {
        Failure::PasswordMissing => vec![
            "Set PGPASSWORD, or add a line for this host to ~/.pgpass (mode 0600)".to_owned(),
        ],
        Failure::PasswordWrong(_) if error.had_password() => vec![
            format!("Check the password of \"{user}\" and where it comes from: the connection string first, then PGPASSWORD, then ~/.pgpass"),
            "In a URL, percent-encode special characters of the password (@ is %40, / is %2F)".to_owned(),
        ],
        Failure::PasswordWrong(_) => {
            vec![format!("Check that the role \"{user}\" exists and may log in")]
        }
        Failure::NotAllowed(_) => {
            let mut sentences = vec![format!(
                "Check that pg_hba.conf lets \"{user}\" into \"{database}\" from this machine"
            )];
            if attempt.over_tls {
                sentences.push("If the server wants a client certificate, name it in sslcert and sslkey".to_owned());
            } else if !attempt.endpoint.starts_with('/') {
                sentences.push("If the server wants TLS, write sslmode=require".to_owned());
            }
            sentences
        }
        Failure::NoSuchRole(_) => vec![format!(
            "Check the role: \"{user}\" does not exist there or may not log in (user=, PGUSER)"
        )],
        Failure::NoSuchDatabase(_) => vec![format!(
            "Check the database's name (dbname=, PGDATABASE), or create it: createdb {database}"
        )],
        Failure::TooManyConnections(_) => vec![
            "Wait for connections to end, or raise max_connections or the limit of the role or database".to_owned(),
        ],
        Failure::NotAccepting(_) => vec!["Wait until the server is up, and try again".to_owned()],
        Failure::Authentication(_) => vec![
            "Check what pg_hba.conf asks for; password, md5 and scram-sha-256 are supported, and channel_binding=require needs scram-sha-256 over TLS".to_owned(),
        ],
        Failure::Server(message) => message.hint.iter().cloned().collect(),
        _ => Vec::new(),
    }
}
