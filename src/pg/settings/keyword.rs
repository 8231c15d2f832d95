//! The keywords of libpq, closed: what each is called, where the environment has it, and whether it is a secret.

use std::fmt;

/// A connection keyword which libpq 18 knows (manual, "Parameter Key Words").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is named as in the manual, which is its documentation")]
pub enum Keyword {
    ApplicationName,
    Authtype,
    ChannelBinding,
    ClientEncoding,
    ConnectTimeout,
    Dbname,
    FallbackApplicationName,
    Gssdelegation,
    Gssencmode,
    Gsslib,
    Host,
    Hostaddr,
    Keepalives,
    KeepalivesCount,
    KeepalivesIdle,
    KeepalivesInterval,
    Krbsrvname,
    LoadBalanceHosts,
    MaxProtocolVersion,
    MinProtocolVersion,
    OauthClientId,
    OauthClientSecret,
    OauthIssuer,
    OauthScope,
    Options,
    Passfile,
    Password,
    Port,
    Replication,
    RequireAuth,
    Requirepeer,
    ScramClientKey,
    ScramServerKey,
    Service,
    Servicefile,
    Sslcert,
    Sslcertmode,
    Sslcompression,
    Sslcrl,
    Sslcrldir,
    Sslkey,
    Sslkeylogfile,
    SslMaxProtocolVersion,
    SslMinProtocolVersion,
    Sslmode,
    Sslnegotiation,
    Sslpassword,
    Sslrootcert,
    Sslsni,
    TargetSessionAttrs,
    TcpUserTimeout,
    User,
}

/// Keyword, its name, and the environment variable that libpq reads it from.
const TABLE: &[(Keyword, &str, Option<&str>)] = &[
    (Keyword::ApplicationName, "application_name", Some("PGAPPNAME")),
    (Keyword::Authtype, "authtype", None),
    (Keyword::ChannelBinding, "channel_binding", Some("PGCHANNELBINDING")),
    (Keyword::ClientEncoding, "client_encoding", Some("PGCLIENTENCODING")),
    (Keyword::ConnectTimeout, "connect_timeout", Some("PGCONNECT_TIMEOUT")),
    (Keyword::Dbname, "dbname", Some("PGDATABASE")),
    (Keyword::FallbackApplicationName, "fallback_application_name", None),
    (Keyword::Gssdelegation, "gssdelegation", Some("PGGSSDELEGATION")),
    (Keyword::Gssencmode, "gssencmode", Some("PGGSSENCMODE")),
    (Keyword::Gsslib, "gsslib", Some("PGGSSLIB")),
    (Keyword::Host, "host", Some("PGHOST")),
    (Keyword::Hostaddr, "hostaddr", Some("PGHOSTADDR")),
    (Keyword::Keepalives, "keepalives", None),
    (Keyword::KeepalivesCount, "keepalives_count", None),
    (Keyword::KeepalivesIdle, "keepalives_idle", None),
    (Keyword::KeepalivesInterval, "keepalives_interval", None),
    (Keyword::Krbsrvname, "krbsrvname", Some("PGKRBSRVNAME")),
    (
        Keyword::LoadBalanceHosts,
        "load_balance_hosts",
        Some("PGLOADBALANCEHOSTS"),
    ),
    (
        Keyword::MaxProtocolVersion,
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
    ),
    (
        Keyword::MinProtocolVersion,
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
    ),
    (Keyword::OauthClientId, "oauth_client_id", None),
    (Keyword::OauthClientSecret, "oauth_client_secret", None),
    (Keyword::OauthIssuer, "oauth_issuer", None),
    (Keyword::OauthScope, "oauth_scope", None),
    (Keyword::Options, "options", Some("PGOPTIONS")),
    (Keyword::Passfile, "passfile", Some("PGPASSFILE")),
    (Keyword::Password, "password", Some("PGPASSWORD")),
    (Keyword::Port, "port", Some("PGPORT")),
    (Keyword::Replication, "replication", None),
    (Keyword::RequireAuth, "require_auth", Some("PGREQUIREAUTH")),
    (Keyword::Requirepeer, "requirepeer", Some("PGREQUIREPEER")),
    (Keyword::ScramClientKey, "scram_client_key", None),
    (Keyword::ScramServerKey, "scram_server_key", None),
    (Keyword::Service, "service", Some("PGSERVICE")),
    (Keyword::Servicefile, "servicefile", Some("PGSERVICEFILE")),
    (Keyword::Sslcert, "sslcert", Some("PGSSLCERT")),
    (Keyword::Sslcertmode, "sslcertmode", Some("PGSSLCERTMODE")),
    (Keyword::Sslcompression, "sslcompression", Some("PGSSLCOMPRESSION")),
    (Keyword::Sslcrl, "sslcrl", Some("PGSSLCRL")),
    (Keyword::Sslcrldir, "sslcrldir", Some("PGSSLCRLDIR")),
    (Keyword::Sslkey, "sslkey", Some("PGSSLKEY")),
    (Keyword::Sslkeylogfile, "sslkeylogfile", None),
    (
        Keyword::SslMaxProtocolVersion,
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
    ),
    (
        Keyword::SslMinProtocolVersion,
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
    ),
    (Keyword::Sslmode, "sslmode", Some("PGSSLMODE")),
    (Keyword::Sslnegotiation, "sslnegotiation", Some("PGSSLNEGOTIATION")),
    (Keyword::Sslpassword, "sslpassword", None),
    (Keyword::Sslrootcert, "sslrootcert", Some("PGSSLROOTCERT")),
    (Keyword::Sslsni, "sslsni", Some("PGSSLSNI")),
    (
        Keyword::TargetSessionAttrs,
        "target_session_attrs",
        Some("PGTARGETSESSIONATTRS"),
    ),
    (Keyword::TcpUserTimeout, "tcp_user_timeout", None),
    (Keyword::User, "user", Some("PGUSER")),
];

impl Keyword {
    /// Returns the keyword of that name; libpq compares names exactly, and so does this.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|(_, known, _)| *known == name)
            .map(|(keyword, _, _)| *keyword)
    }

    /// Returns the name as the manual writes it.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Returns the environment variable which stands in for the keyword, if there is one.
    pub fn variable(self) -> Option<&'static str> {
        self.row().2
    }

    /// Tells whether the value may never be shown.
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Password | Self::Sslpassword | Self::OauthClientSecret | Self::ScramClientKey | Self::ScramServerKey
        )
    }

    /// Returns every keyword, in the order of their names.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(keyword, _, _)| *keyword)
    }

    fn row(self) -> &'static (Self, &'static str, Option<&'static str>) {
        TABLE
            .iter()
            .find(|(keyword, _, _)| *keyword == self)
            .expect("every keyword has its row, which the test of this module counts")
    }
}

impl fmt::Display for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the candidate that `word` is most likely a slip of, or nothing if none is near.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let tolerated = if word.len() <= 4 { 1 } else { 2 };
    candidates
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the number of insertions, deletions, replacements and swaps of neighbours between two words.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before_previous = vec![0; right.len() + 1];
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut current = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = previous[j] + usize::from(l != r);
            let mut best = replaced.min(previous[j + 1] + 1).min(current[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before_previous[j - 1] + 1);
            }
            current.push(best);
        }
        before_previous = std::mem::replace(&mut previous, current);
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_has_one_row_and_rows_are_sorted() {
        // `User` is the last variant, so its number is the count of all before it.
        assert_eq!(TABLE.len(), Keyword::User as usize + 1);
        for (position, (keyword, name, _)) in TABLE.iter().enumerate() {
            assert_eq!(*keyword as usize, position, "{name}");
            assert_eq!(Keyword::from_name(name), Some(*keyword));
            assert_eq!(keyword.name(), *name);
        }
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let names = || TABLE.iter().map(|(_, name, _)| *name);
        for (slip, meant) in [
            ("hots", Some("host")),
            ("sslmod", Some("sslmode")),
            ("dbnam", Some("dbname")),
            ("ssl_mode", Some("sslmode")),
            ("USER", Some("user")),
            ("passwrod", Some("password")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(slip, names()), meant, "{slip}");
        }
    }
}
