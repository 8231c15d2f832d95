//! The settings themselves: plain values, closed where Postgres' are.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// How much TLS is wanted (manual, "SSL Support", table "SSL Mode Descriptions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never TLS.
    Disable,
    /// TLS only if the server refuses to go on without.
    Allow,
    /// TLS if the server has it.
    Prefer,
    /// TLS or nothing; the certificate is checked as under `VerifyCa` if there is a file of root certificates.
    Require,
    /// TLS with a certificate that a known authority signed.
    VerifyCa,
    /// TLS with a certificate that a known authority signed for this very host.
    VerifyFull,
}

/// Who begins with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslNegotiation {
    /// The client asks first, in the protocol of Postgres.
    Postgres,
    /// The handshake begins at once, as with HTTPS; servers from version 17 answer.
    Direct,
}

/// Where the certificates of trusted authorities are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SslRootCert {
    /// Nowhere: none was given, and `~/.postgresql/root.crt` does not exist.
    Absent,
    /// In this file. Only one that was named on purpose may turn out not to exist.
    File(PathBuf),
    /// In the operating system's store.
    System,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

/// Whether the password exchange is tied to the TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If the server offers it.
    Prefer,
    /// Or no connection.
    Require,
}

/// What kind of session will do (manual, `target_session_attrs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Every kind.
    Any,
    /// Transactions may write by default.
    ReadWrite,
    /// Transactions may not write by default.
    ReadOnly,
    /// The server is not in hot standby.
    Primary,
    /// The server is in hot standby.
    Standby,
    /// A standby if one answers, else any.
    PreferStandby,
}

/// In which order hosts are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadBalanceHosts {
    /// As they are written.
    Disable,
    /// In random order, and so the addresses of each.
    Random,
}

/// TCP keepalives. An absent value leaves the operating system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalives {
    /// Whether there are any.
    pub enabled: bool,
    /// Silence before the first.
    pub idle: Option<Duration>,
    /// Time between two.
    pub interval: Option<Duration>,
    /// How many may stay unanswered.
    pub count: Option<u32>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A host name or an address in text.
    Tcp(String),
    /// A directory which holds a Unix-domain socket.
    Socket(PathBuf),
}

/// One host to try.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The host. If only an address was given, that address.
    pub host: Host,
    /// The address to use instead of resolving the name.
    pub hostaddr: Option<IpAddr>,
    /// The port; for a socket, the number at the end of its name.
    pub port: u16,
    /// The password which the password file has for this host; see [`Settings::password_for`].
    pub(super) password: Option<SecretString>,
}

impl fmt::Display for Endpoint {
    /// Writes what a person would look for: `host:port`, or the path of the socket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Tcp(name) if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Host::Tcp(name) => write!(f, "{name}:{}", self.port),
            Host::Socket(directory) => {
                write!(f, "{}", directory.join(format!(".s.PGSQL.{}", self.port)).display())
            }
        }
    }
}

/// Everything that is needed to connect.
///
/// Made by [`Settings::resolve`]. `Debug` shows no password.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hosts, in the order they were written; never empty.
    pub hosts: Vec<Endpoint>,
    /// The role to connect as.
    pub user: String,
    /// The database.
    pub dbname: String,
    /// The password which was given outside the password file.
    pub password: Option<SecretString>,
    /// The name which the user wants the session to have; absent if it is ours to choose.
    pub application_name: Option<String>,
    /// Options for the server's command line, as given.
    pub options: Option<String>,
    /// How much TLS is wanted.
    pub sslmode: SslMode,
    /// Who begins with TLS.
    pub sslnegotiation: SslNegotiation,
    /// The trusted authorities.
    pub sslrootcert: SslRootCert,
    /// The file of revoked certificates, which exists or was named on purpose.
    pub sslcrl: Option<PathBuf>,
    /// Our own certificate, which exists.
    pub sslcert: Option<PathBuf>,
    /// The private key for it. Without `sslcert` it is not used.
    pub sslkey: Option<PathBuf>,
    /// Whether the handshake tells the server the host's name.
    pub sslsni: bool,
    /// The lowest version of TLS.
    pub ssl_min_protocol_version: TlsVersion,
    /// The highest version of TLS.
    pub ssl_max_protocol_version: TlsVersion,
    /// Whether the password exchange is tied to the TLS session.
    pub channel_binding: ChannelBinding,
    /// How long connecting may take for each address of each host; absent means without end.
    pub connect_timeout: Option<Duration>,
    /// TCP keepalives.
    pub keepalives: Keepalives,
    /// How long sent data may stay unacknowledged; absent leaves the operating system's value.
    pub tcp_user_timeout: Option<Duration>,
    /// What kind of session will do.
    pub target_session_attrs: TargetSessionAttrs,
    /// In which order hosts are tried.
    pub load_balance_hosts: LoadBalanceHosts,
    /// What was passed over on the way, for people to read.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Returns the password to use with one of the hosts.
    pub fn password_for<'a>(&'a self, endpoint: &'a Endpoint) -> Option<&'a SecretString> {
        self.password.as_ref().or(endpoint.password.as_ref())
    }

    /// Returns `host/db as role`, for people to check before anything is written. Never a password.
    ///
    /// A port is shown if it is not 5432, several hosts are separated by commas, and a socket is shown as psql's prompt
    /// does: `[local]`, with its directory if that is not one of the usual two.
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(describe_endpoint).collect();
        format!("{}/{} as {}", hosts.join(","), self.dbname, self.user)
    }
}

fn describe_endpoint(endpoint: &Endpoint) -> String {
    let host = match &endpoint.host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]"),
        Host::Tcp(name) => name.clone(),
        Host::Socket(directory) if is_usual_socket_directory(directory) => "[local]".to_owned(),
        Host::Socket(directory) => format!("[local:{}]", directory.display()),
    };
    if endpoint.port == super::endpoints::DEFAULT_PORT {
        host
    } else {
        format!("{host}:{}", endpoint.port)
    }
}

/// Tells whether a server built with the usual defaults puts its socket there.
pub(super) fn is_usual_socket_directory(directory: &std::path::Path) -> bool {
    ["/var/run/postgresql", "/run/postgresql", "/tmp"]
        .iter()
        .any(|usual| directory == std::path::Path::new(usual))
}
