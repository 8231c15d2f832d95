//! The search for a server that lets us in.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio_postgres::{Config, NoTls};

use super::error::{Attempt, ConnectError};
use super::failure::{Failure, TlsFailure};
use super::session::{Session, Work};
use super::standby;
use crate::pg::settings::{
    ChannelBinding, Endpoint, Host, LoadBalanceHosts, Settings, SslMode, SslNegotiation, TargetSessionAttrs,
};
use crate::pg::tls::{self, Connector};

/// How much later the limit of a whole attempt comes than the limit of reaching the server, so that the latter, which is
/// the more telling, is the one that is reported.
const GRACE: Duration = Duration::from_millis(250);

/// Opens a session for some work.
///
/// Tries each host, each of its addresses, and with `sslmode=allow` or `prefer` each with and without TLS, until a server
/// lets us in or says no.
///
/// # Errors
///
/// [`ConnectError`], with every attempt and why it failed.
pub async fn connect(settings: &Settings, work: Work) -> Result<Session, ConnectError> {
    let mut search = Search {
        settings,
        work,
        connector: None,
        attempts: Vec::new(),
    };
    for wanted in standby::rounds(settings.target_session_attrs) {
        match search.round(*wanted).await {
            Outcome::Found(session) => return Ok(session.made_from(settings)),
            Outcome::NotFound => {}
            Outcome::Over => break,
        }
    }
    Err(ConnectError::new(search.attempts, settings))
}

/// How a part of the search ended.
enum Outcome {
    /// With a session.
    Found(Box<Session>),
    /// Without; the next may do better.
    NotFound,
    /// With an answer that the others need not be asked after.
    Over,
}

/// Where exactly to connect to.
enum Target<'a> {
    Address(&'a str, IpAddr),
    Socket(&'a Path),
}

/// Whether one attempt uses TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    None,
    IfOffered,
    Required,
}

struct Search<'a> {
    settings: &'a Settings,
    work: Work,
    connector: Option<Connector>,
    attempts: Vec<Attempt>,
}

impl Search<'_> {
    /// Tries every host once.
    async fn round(&mut self, wanted: TargetSessionAttrs) -> Outcome {
        for endpoint in shuffled(&self.settings.hosts, self.settings) {
            let outcome = self.host(endpoint, wanted).await;
            if !matches!(outcome, Outcome::NotFound) {
                return outcome;
            }
        }
        Outcome::NotFound
    }

    /// Tries every address of a host.
    async fn host(&mut self, endpoint: &Endpoint, wanted: TargetSessionAttrs) -> Outcome {
        let name = match &endpoint.host {
            Host::Socket(directory) => {
                return self.target(endpoint, &Target::Socket(directory), wanted).await;
            }
            Host::Tcp(name) => name,
        };
        let addresses = match self.resolve(endpoint, name).await {
            Ok(addresses) => addresses,
            Err(failure) => return self.note(endpoint, None, false, failure),
        };
        for address in shuffled(&addresses, self.settings) {
            let outcome = self.target(endpoint, &Target::Address(name, *address), wanted).await;
            if !matches!(outcome, Outcome::NotFound) {
                return outcome;
            }
        }
        Outcome::NotFound
    }

    async fn resolve(&self, endpoint: &Endpoint, name: &str) -> Result<Vec<IpAddr>, Failure> {
        if let Some(address) = endpoint.hostaddr {
            return Ok(vec![address]);
        }
        let lookup = tokio::net::lookup_host((name, endpoint.port));
        let found = match self.settings.connect_timeout {
            None => lookup.await,
            Some(limit) => match tokio::time::timeout(limit, lookup).await {
                Ok(found) => found,
                Err(_) => return Err(Failure::TimedOut { after: limit }),
            },
        };
        let mut addresses: Vec<IpAddr> = found
            .map_err(|error| not_resolved(&error))?
            .map(|address: SocketAddr| address.ip())
            .collect();
        // Resolvers may give an address once for each kind of socket.
        let mut seen = Vec::new();
        addresses.retain(|address| {
            let is_new = !seen.contains(address);
            seen.push(*address);
            is_new
        });
        if addresses.is_empty() {
            return Err(Failure::NotResolved {
                reason: "it has no address".to_owned(),
            });
        }
        Ok(addresses)
    }

    /// Tries one address with and without TLS, as `sslmode` has it.
    async fn target(&mut self, endpoint: &Endpoint, target: &Target<'_>, wanted: TargetSessionAttrs) -> Outcome {
        let (first, second) = self.plan(target);
        let failure = match self.once(endpoint, target, wanted, first).await {
            Ok(session) => return Outcome::Found(Box::new(session)),
            Err(failed) => failed,
        };
        let second = second.filter(|_| is_worth_a_second_try(first, &failure));
        let outcome = self.note(endpoint, Some(target), failure.over_tls, failure.failure);
        let Some(second) = second else {
            return outcome;
        };
        match self.once(endpoint, target, wanted, second).await {
            Ok(session) => Outcome::Found(Box::new(session)),
            Err(failed) => self.note(endpoint, Some(target), failed.over_tls, failed.failure),
        }
    }

    fn plan(&self, target: &Target<'_>) -> (Encryption, Option<Encryption>) {
        if matches!(target, Target::Socket(_)) {
            return (Encryption::None, None);
        }
        match self.settings.sslmode {
            SslMode::Disable => (Encryption::None, None),
            SslMode::Allow => (Encryption::None, Some(Encryption::Required)),
            // Without TLS there is nothing to bind to.
            SslMode::Prefer if self.settings.channel_binding == ChannelBinding::Require => (Encryption::Required, None),
            SslMode::Prefer => (Encryption::IfOffered, Some(Encryption::None)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Encryption::Required, None),
        }
    }

    /// Makes one attempt.
    async fn once(
        &mut self,
        endpoint: &Endpoint,
        target: &Target<'_>,
        wanted: TargetSessionAttrs,
        encryption: Encryption,
    ) -> Result<Session, Failed> {
        let connector = match encryption {
            Encryption::None => None,
            Encryption::IfOffered | Encryption::Required => Some(self.connector()?),
        };
        let config = self.config(endpoint, target, encryption)?;
        let limit = self.settings.connect_timeout;
        let attempt = async {
            let started = match &connector {
                None => config
                    .connect(NoTls)
                    .await
                    .map(|(client, connection)| Session::start(client, connection, None, limit)),
                Some(connector) => config
                    .connect(connector.clone())
                    .await
                    .map(|(client, connection)| Session::start(client, connection, Some(connector.clone()), limit)),
            };
            let session = started.map_err(|error| sort(&error, target, limit))?;
            standby::check(&session, wanted).await?;
            Ok(session)
        };
        let outcome = match limit {
            None => attempt.await,
            Some(limit) => tokio::time::timeout(limit + GRACE, attempt)
                .await
                .unwrap_or(Err(Failure::TimedOut { after: limit })),
        };
        outcome.map_err(|failure| Failed {
            failure,
            over_tls: connector.as_ref().is_some_and(Connector::was_used),
        })
    }

    /// Returns a connector of its own for one attempt; the files are read the first time.
    fn connector(&mut self) -> Result<Connector, Failure> {
        let connector = match self.connector.take() {
            Some(connector) => connector,
            None => tls::build(self.settings)?,
        };
        let fresh = connector.fresh();
        self.connector = Some(connector);
        Ok(fresh)
    }

    /// Fills the driver's own settings for one attempt. They hold the password in the clear, so they live no longer.
    fn config(&self, endpoint: &Endpoint, target: &Target<'_>, encryption: Encryption) -> Result<Config, Failure> {
        let settings = self.settings;
        let mut config = Config::new();
        config
            .user(&settings.user)
            .dbname(&settings.dbname)
            .port(endpoint.port)
            .application_name(
                settings
                    .application_name
                    .as_deref()
                    .unwrap_or(self.work.application_name()),
            )
            .ssl_mode(match encryption {
                Encryption::None => tokio_postgres::config::SslMode::Disable,
                Encryption::IfOffered => tokio_postgres::config::SslMode::Prefer,
                Encryption::Required => tokio_postgres::config::SslMode::Require,
            })
            .ssl_negotiation(match settings.sslnegotiation {
                SslNegotiation::Postgres => tokio_postgres::config::SslNegotiation::Postgres,
                SslNegotiation::Direct => tokio_postgres::config::SslNegotiation::Direct,
            })
            .channel_binding(match settings.channel_binding {
                ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
                ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
                ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
            });
        match target {
            Target::Socket(directory) => {
                config.host_path(directory);
            }
            Target::Address(name, address) => {
                config.host(self.tls_name(name, *address)?).hostaddr(*address);
            }
        }
        if let Some(password) = settings.password_for(endpoint) {
            config.password(password.expose_secret());
        }
        if let Some(options) = &settings.options {
            config.options(options);
        }
        self.network(&mut config);
        Ok(config)
    }

    fn network(&self, config: &mut Config) {
        let settings = self.settings;
        config.keepalives(settings.keepalives.enabled);
        if let Some(idle) = settings.keepalives.idle {
            config.keepalives_idle(idle);
        }
        if let Some(interval) = settings.keepalives.interval {
            config.keepalives_interval(interval);
        }
        if let Some(count) = settings.keepalives.count {
            config.keepalives_retries(count);
        }
        if let Some(limit) = settings.tcp_user_timeout {
            config.tcp_user_timeout(limit);
        }
        if let Some(limit) = settings.connect_timeout {
            config.connect_timeout(limit);
        }
    }

    /// Returns the name that the handshake is for. Where it counts for nothing, the address stands in for a name that
    /// cannot be in a certificate, as those of containers with odd characters.
    fn tls_name(&self, name: &str, address: IpAddr) -> Result<String, Failure> {
        if ServerName::try_from(name).is_ok() {
            return Ok(name.to_owned());
        }
        if self.settings.sslmode == SslMode::VerifyFull {
            return Err(TlsFailure::NameNotVerifiable(name.to_owned()).into());
        }
        Ok(address.to_string())
    }

    /// Remembers a failed attempt, and tells whether the search goes on.
    fn note(&mut self, endpoint: &Endpoint, target: Option<&Target<'_>>, over_tls: bool, failure: Failure) -> Outcome {
        let outcome = if failure.lets_others_try() {
            Outcome::NotFound
        } else {
            Outcome::Over
        };
        let address = match target {
            Some(Target::Address(name, address)) => Some(address.to_string()).filter(|address| address != name),
            Some(Target::Socket(_)) | None => None,
        };
        self.attempts.push(Attempt {
            endpoint: endpoint.to_string(),
            address,
            over_tls,
            failure,
        });
        outcome
    }
}

struct Failed {
    failure: Failure,
    over_tls: bool,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            over_tls: false,
        }
    }
}

/// Tells whether the same address may do better with, or without, TLS.
///
/// As libpq: without TLS if the handshake failed, or the server's rules want none; with TLS if the server said no without.
/// Unlike libpq, a wrong password is not sent a second time in the clear.
fn is_worth_a_second_try(first: Encryption, failed: &Failed) -> bool {
    match first {
        Encryption::Required => false,
        Encryption::IfOffered => {
            failed.over_tls
                && matches!(
                    failed.failure,
                    Failure::Tls(_) | Failure::NotAllowed(_) | Failure::Closed
                )
        }
        Encryption::None => matches!(
            failed.failure,
            Failure::NotAllowed(_) | Failure::Server(_) | Failure::Closed
        ),
    }
}

fn sort(error: &tokio_postgres::Error, target: &Target<'_>, limit: Option<Duration>) -> Failure {
    let failure = Failure::from_driver(error, limit);
    match (&failure, target) {
        (Failure::Network(error), Target::Socket(_)) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Failure::NoSocket,
            io::ErrorKind::PermissionDenied => Failure::SocketForbidden,
            _ => failure,
        },
        _ => failure,
    }
}

fn not_resolved(error: &io::Error) -> Failure {
    let words = error.to_string();
    // The standard library's own words come first and say nothing.
    let reason = words
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&words);
    Failure::NotResolved {
        reason: reason.to_owned(),
    }
}

fn shuffled<'a, T>(items: &'a [T], settings: &Settings) -> Vec<&'a T> {
    let mut items: Vec<&T> = items.iter().collect();
    if settings.load_balance_hosts == LoadBalanceHosts::Random {
        fastrand::shuffle(&mut items);
    }
    items
}
