//! From the layers to the settings.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::endpoints;
use super::environment::Environment;
use super::error::SettingsError;
use super::keyword::Keyword;
use super::layers::Layers;
use super::passfile::{self, Wanted};
use super::values::{
    ChannelBinding, Endpoint, Host, Keepalives, LoadBalanceHosts, Settings, SslMode, SslNegotiation, SslRootCert,
    TargetSessionAttrs, TlsVersion,
};

/// How long an address may take if the user says nothing. libpq waits for as long as the kernel does, over two minutes.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Settings {
    /// Resolves settings from a connection string and the environment.
    ///
    /// `dsn` is a URL, a key-value string or a bare database name. Files are read (service file, password file), and some
    /// are only looked for (sockets, certificates); nothing is connected to.
    ///
    /// # Errors
    ///
    /// What is wrong, and where it was read. No error holds a password, not even a piece of one from a mangled URL.
    pub fn resolve(dsn: Option<&str>, environment: &Environment) -> Result<Self, SettingsError> {
        let mut warnings = Vec::new();
        let layers = Layers::read(dsn, environment, &mut warnings)?;
        for (keyword, harmless, reason) in NOT_HONOURED {
            layers.refuse(*keyword, harmless, reason)?;
        }
        check_client_encoding(&layers, &mut warnings)?;

        let mut hosts = endpoints::read(&layers, environment)?;
        let user = layers
            .text(Keyword::User)
            .map(str::to_owned)
            .or_else(|| environment.os_user.clone())
            .ok_or(SettingsError::NoUser)?;
        let dbname = layers.text(Keyword::Dbname).unwrap_or(&user).to_owned();
        let password = layers.text(Keyword::Password).map(SecretString::from);
        if password.is_none() {
            read_passfile(&layers, environment, &dbname, &user, &mut hosts, &mut warnings);
        }
        let tls = Tls::read(&layers, environment, &hosts, &mut warnings)?;

        Ok(Self {
            hosts,
            user,
            dbname,
            password,
            application_name: layers
                .text(Keyword::ApplicationName)
                .or_else(|| layers.text(Keyword::FallbackApplicationName))
                .map(str::to_owned),
            options: layers.text(Keyword::Options).map(str::to_owned),
            sslmode: tls.mode,
            sslnegotiation: tls.negotiation,
            sslrootcert: tls.root,
            sslcrl: tls.crl,
            sslcert: tls.cert,
            sslkey: tls.key,
            sslsni: tls.sni,
            ssl_min_protocol_version: tls.lowest,
            ssl_max_protocol_version: tls.highest,
            channel_binding: tls.channel_binding,
            connect_timeout: connect_timeout(&layers)?,
            keepalives: keepalives(&layers)?,
            tcp_user_timeout: layers.duration(Keyword::TcpUserTimeout, Duration::from_millis(1))?,
            target_session_attrs: target_session_attrs(&layers)?,
            load_balance_hosts: layers
                .choice(
                    Keyword::LoadBalanceHosts,
                    &[
                        ("disable", LoadBalanceHosts::Disable),
                        ("random", LoadBalanceHosts::Random),
                    ],
                )?
                .unwrap_or(LoadBalanceHosts::Disable),
            warnings,
        })
    }
}

fn connect_timeout(layers: &Layers) -> Result<Option<Duration>, SettingsError> {
    if layers.get(Keyword::ConnectTimeout).is_none() {
        return Ok(Some(DEFAULT_CONNECT_TIMEOUT));
    }
    layers.duration(Keyword::ConnectTimeout, Duration::from_secs(1))
}

fn keepalives(layers: &Layers) -> Result<Keepalives, SettingsError> {
    let second = Duration::from_secs(1);
    Ok(Keepalives {
        enabled: layers.number(Keyword::Keepalives)? != Some(0),
        idle: layers.duration(Keyword::KeepalivesIdle, second)?,
        interval: layers.duration(Keyword::KeepalivesInterval, second)?,
        count: layers
            .number(Keyword::KeepalivesCount)?
            .and_then(|count| u32::try_from(count).ok())
            .filter(|count| *count > 0),
    })
}

fn target_session_attrs(layers: &Layers) -> Result<TargetSessionAttrs, SettingsError> {
    Ok(layers
        .choice(
            Keyword::TargetSessionAttrs,
            &[
                ("any", TargetSessionAttrs::Any),
                ("read-write", TargetSessionAttrs::ReadWrite),
                ("read-only", TargetSessionAttrs::ReadOnly),
                ("primary", TargetSessionAttrs::Primary),
                ("standby", TargetSessionAttrs::Standby),
                ("prefer-standby", TargetSessionAttrs::PreferStandby),
            ],
        )?
        .unwrap_or(TargetSessionAttrs::Any))
}

const OAUTH: &str = "OAuth is not supported; use a role with a password or a certificate";
const SCRAM_KEY: &str = "SCRAM keys in place of a password are not supported; give the password";

/// Each keyword that libpq would honour and rlsctl cannot, the values that ask for nothing, and what to do.
///
/// GSS names (`krbsrvname`, `gsslib`, `gssdelegation`), `sslcompression`, `authtype` and `sslpassword` only matter where
/// something else is asked for too, so they pass.
const NOT_HONOURED: &[(Keyword, &[&str], &str)] = &[
    (
        Keyword::Gssencmode,
        &["disable", "prefer"],
        "GSSAPI is not supported; remove it, or write gssencmode=disable",
    ),
    (
        Keyword::Replication,
        &["false", "off", "no", "0"],
        "replication connections cannot run migrations; remove it",
    ),
    (
        Keyword::Requirepeer,
        &[],
        "the owner of the server's process is not checked; remove it",
    ),
    (
        Keyword::RequireAuth,
        &[],
        "the method of authentication cannot be chosen; remove it, or write channel_binding=require, which only SCRAM over TLS satisfies",
    ),
    (
        Keyword::Sslcertmode,
        &["allow", "disable"],
        "whether the server asks for a certificate is not checked; write sslcertmode=allow",
    ),
    (
        Keyword::Sslcrldir,
        &[],
        "only a single file of revoked certificates is supported; write sslcrl",
    ),
    (
        Keyword::Sslkeylogfile,
        &[],
        "session keys are never written to a file; remove it",
    ),
    (
        Keyword::MinProtocolVersion,
        &["3.0"],
        "only version 3.0 of the protocol is spoken; remove it",
    ),
    (Keyword::ScramClientKey, &[], SCRAM_KEY),
    (Keyword::ScramServerKey, &[], SCRAM_KEY),
    (Keyword::OauthIssuer, &[], OAUTH),
    (Keyword::OauthClientId, &[], OAUTH),
    (Keyword::OauthClientSecret, &[], OAUTH),
];

/// The driver speaks UTF-8 only. A string that asks for anything else is refused; the environment, which is set for other
/// programs too, gives a warning.
fn check_client_encoding(layers: &Layers, warnings: &mut Vec<String>) -> Result<(), SettingsError> {
    let Some(given) = layers.get(Keyword::ClientEncoding) else {
        return Ok(());
    };
    let folded: String = given
        .value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_lowercase();
    if matches!(folded.as_str(), "utf8" | "unicode" | "auto") {
        return Ok(());
    }
    if let super::error::Origin::Variable(name) = given.origin {
        warnings.push(format!("{name} is passed over: the client encoding is always UTF8"));
        return Ok(());
    }
    Err(given.refused("UTF8, which is the only client encoding that is spoken"))
}

fn read_passfile(
    layers: &Layers,
    environment: &Environment,
    dbname: &str,
    user: &str,
    hosts: &mut [Endpoint],
    warnings: &mut Vec<String>,
) {
    let path = layers
        .text(Keyword::Passfile)
        .map(PathBuf::from)
        .or_else(|| Some(environment.home.as_ref()?.join(".pgpass")));
    let Some(content) = path.and_then(|path| passfile::read(&path, warnings)) else {
        return;
    };
    for endpoint in hosts {
        let wanted = Wanted {
            host: &passfile::host_name(endpoint),
            port: endpoint.port,
            dbname,
            user,
        };
        endpoint.password = passfile::find(&content, &wanted);
    }
}

struct Tls {
    mode: SslMode,
    negotiation: SslNegotiation,
    root: SslRootCert,
    crl: Option<PathBuf>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    sni: bool,
    lowest: TlsVersion,
    highest: TlsVersion,
    channel_binding: ChannelBinding,
}

impl Tls {
    fn read(
        layers: &Layers,
        environment: &Environment,
        hosts: &[Endpoint],
        warnings: &mut Vec<String>,
    ) -> Result<Self, SettingsError> {
        let default = |file: &str| {
            let path = environment.home.as_ref()?.join(".postgresql").join(file);
            path.exists().then_some(path)
        };
        let named = |keyword| layers.text(keyword).map(PathBuf::from);
        let root = match layers.text(Keyword::Sslrootcert) {
            Some("system") => SslRootCert::System,
            Some(path) => SslRootCert::File(path.into()),
            None => default("root.crt").map_or(SslRootCert::Absent, SslRootCert::File),
        };
        let cert = client_certificate(layers, default("postgresql.crt"), warnings);
        let (lowest, highest) = versions(layers)?;
        let tls = Self {
            mode: ssl_mode(layers, &root)?,
            negotiation: layers
                .choice(
                    Keyword::Sslnegotiation,
                    &[
                        ("postgres", SslNegotiation::Postgres),
                        ("direct", SslNegotiation::Direct),
                    ],
                )?
                .unwrap_or(SslNegotiation::Postgres),
            root,
            crl: named(Keyword::Sslcrl).or_else(|| default("root.crl")),
            key: named(Keyword::Sslkey)
                .or_else(|| Some(environment.home.as_ref()?.join(".postgresql/postgresql.key")))
                .filter(|_| cert.is_some()),
            cert,
            sni: layers
                .choice(Keyword::Sslsni, &[("1", true), ("0", false)])?
                .unwrap_or(true),
            lowest,
            highest,
            channel_binding: layers
                .choice(
                    Keyword::ChannelBinding,
                    &[
                        ("disable", ChannelBinding::Disable),
                        ("prefer", ChannelBinding::Prefer),
                        ("require", ChannelBinding::Require),
                    ],
                )?
                .unwrap_or(ChannelBinding::Prefer),
        };
        tls.check(hosts)?;
        Ok(tls)
    }

    /// Refuses what cannot work whatever the server says. Sockets never use TLS, so they mind none of it.
    fn check(&self, hosts: &[Endpoint]) -> Result<(), SettingsError> {
        if self.negotiation == SslNegotiation::Direct && self.mode < SslMode::Require {
            return Err(SettingsError::Conflict(
                "sslnegotiation=direct cannot fall back to a connection without TLS; write sslmode=require or stronger"
                    .to_owned(),
            ));
        }
        if self.root == SslRootCert::System && self.mode != SslMode::VerifyFull {
            return Err(SettingsError::Conflict(
                "sslrootcert=system trusts every public authority, so the host name must be verified too; write sslmode=verify-full"
                    .to_owned(),
            ));
        }
        let has_tcp = hosts.iter().any(|host| matches!(host.host, Host::Tcp(_)));
        if has_tcp && self.mode >= SslMode::VerifyCa && self.root == SslRootCert::Absent {
            return Err(SettingsError::Conflict(
                "sslmode=verify-ca and verify-full need the certificate of the authority: name its file with sslrootcert, \
                 put it at ~/.postgresql/root.crt, or write sslrootcert=system for a server with a public certificate"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

fn ssl_mode(layers: &Layers, root: &SslRootCert) -> Result<SslMode, SettingsError> {
    let given = layers.choice(
        Keyword::Sslmode,
        &[
            ("disable", SslMode::Disable),
            ("allow", SslMode::Allow),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
        ],
    )?;
    Ok(given.unwrap_or(match root {
        SslRootCert::System => SslMode::VerifyFull,
        SslRootCert::Absent | SslRootCert::File(_) => SslMode::Prefer,
    }))
}

/// Returns the file of our own certificate if it is there. As in libpq one that is not there is not used, even if it was
/// named: people name one that does not exist in order to use none. It gives a warning, as a slip would look the same.
fn client_certificate(layers: &Layers, default: Option<PathBuf>, warnings: &mut Vec<String>) -> Option<PathBuf> {
    if layers.text(Keyword::Sslcertmode) == Some("disable") {
        return None;
    }
    let Some(named) = layers.text(Keyword::Sslcert).map(PathBuf::from) else {
        return default;
    };
    if named.exists() {
        return Some(named);
    }
    warnings.push(format!(
        "the client certificate {} does not exist, so none is used",
        named.display()
    ));
    None
}

/// Reads the range of TLS versions. Versions before 1.2 are never spoken, so as a lower bound they ask for nothing.
fn versions(layers: &Layers) -> Result<(TlsVersion, TlsVersion), SettingsError> {
    let lowest = layers
        .choice(
            Keyword::SslMinProtocolVersion,
            &[
                ("TLSv1", TlsVersion::V1_2),
                ("TLSv1.1", TlsVersion::V1_2),
                ("TLSv1.2", TlsVersion::V1_2),
                ("TLSv1.3", TlsVersion::V1_3),
            ],
        )?
        .unwrap_or(TlsVersion::V1_2);
    let highest = layers
        .choice(
            Keyword::SslMaxProtocolVersion,
            &[("TLSv1.2", TlsVersion::V1_2), ("TLSv1.3", TlsVersion::V1_3)],
        )?
        .unwrap_or(TlsVersion::V1_3);
    if lowest > highest {
        return Err(SettingsError::Conflict(
            "ssl_min_protocol_version is above ssl_max_protocol_version".to_owned(),
        ));
    }
    Ok((lowest, highest))
}
