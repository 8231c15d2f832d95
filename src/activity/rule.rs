//! Which backends may be ended: only those that are dead, and never one about which there is a doubt.

use std::fmt;
use std::time::Duration;

use crate::duration::human_duration;

use super::backend::{Backend, Kind, Signal};

/// A name, in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Returns the pattern.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether a name is meant.
    pub fn matches(&self, name: &str) -> bool {
        let Some((first, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let Some(mut name) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = rest.split('*').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            let Some(at) = name.find(part) else { return false };
            name = &name[at + part.len()..];
        }
        name.ends_with(last)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// Who may be ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Idle in a transaction for at least this long.
    pub older_than: Duration,
    /// Never a session of one of these roles.
    pub protect_roles: Vec<NamePattern>,
    /// Never one of these applications.
    pub protect_applications: Vec<NamePattern>,
}

/// Why a backend is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// It runs a statement.
    Active,
    /// It is not in a transaction.
    Idle,
    /// It has been idle for less than the age.
    Young {
        /// For how long.
        idle: Duration,
        /// The age.
        older_than: Duration,
    },
    /// Its role is protected.
    ProtectedRole,
    /// Its application is protected.
    ProtectedApplication,
    /// It holds none of the tables that are needed.
    HoldsNothing {
        /// But an old picture of the database.
        but_a_snapshot: bool,
    },
    /// A prepared transaction.
    Prepared {
        /// Its name.
        gid: String,
    },
    /// An autovacuum.
    Autovacuum {
        /// It must not be interrupted.
        wraparound: bool,
    },
    /// Replication.
    Walsender,
    /// Another process of the server.
    NoClient(String),
    /// A superuser's session.
    Superuser,
    /// Another role's session, and `pg_signal_backend` is missing.
    NotGranted,
    /// `pg_read_all_stats` is missing.
    Hidden,
    /// Ending sessions was switched off.
    Kept,
    /// It was no longer what it was when we looked.
    Changed,
    /// Another run is ending it at this moment.
    Elsewhere,
}

impl Rule {
    /// Returns the rule by which everybody who is idle in a transaction may be ended: what is not, is not for what it is.
    pub fn everybody() -> Self {
        Self {
            older_than: Duration::ZERO,
            protect_roles: Vec::new(),
            protect_applications: Vec::new(),
        }
    }

    /// Says whether a backend may be ended, or why not.
    ///
    /// # Errors
    /// Why it is left alone.
    pub fn judge(&self, backend: &Backend) -> Result<(), Spared> {
        match &backend.kind {
            Kind::Client => {}
            Kind::Autovacuum { wraparound } => {
                return Err(Spared::Autovacuum {
                    wraparound: *wraparound,
                });
            }
            Kind::Walsender => return Err(Spared::Walsender),
            Kind::Prepared { gid } => return Err(Spared::Prepared { gid: gid.clone() }),
            Kind::Other(name) => return Err(Spared::NoClient(name.clone())),
            Kind::Hidden => return Err(Spared::Hidden),
        }
        let (Some(state), Some(idle)) = (backend.state, backend.in_state) else {
            return Err(Spared::Hidden);
        };
        if !state.is_idle_in_transaction() {
            let is_idle = state == super::SessionState::Idle;
            return Err(if is_idle { Spared::Idle } else { Spared::Active });
        }
        if idle < self.older_than {
            return Err(Spared::Young {
                idle,
                older_than: self.older_than,
            });
        }
        let is_one_of = |patterns: &[NamePattern], name: &Option<String>| {
            let name = name.as_deref().unwrap_or_default();
            patterns.iter().any(|pattern| pattern.matches(name))
        };
        if is_one_of(&self.protect_roles, &backend.role) {
            return Err(Spared::ProtectedRole);
        }
        if is_one_of(&self.protect_applications, &backend.application) {
            return Err(Spared::ProtectedApplication);
        }
        match backend.signal {
            Signal::Allowed => Ok(()),
            Signal::Superuser => Err(Spared::Superuser),
            Signal::NotGranted => Err(Spared::NotGranted),
        }
    }
}

impl Spared {
    /// Whether it is a process that serves no client.
    pub const fn is_of_the_server(&self) -> bool {
        matches!(self, Self::Autovacuum { .. } | Self::Walsender | Self::NoClient(_))
    }

    /// Returns the privilege that is missing, if that is why.
    pub const fn missing_role(&self) -> Option<&'static str> {
        match self {
            Self::NotGranted => Some("pg_signal_backend"),
            Self::Hidden => Some("pg_read_all_stats"),
            _ => None,
        }
    }
}

impl fmt::Display for Spared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => formatter.write_str("it is at work"),
            Self::Idle => formatter.write_str("it is not in a transaction"),
            Self::Young { older_than, .. } => write!(formatter, "idle for less than {}", human_duration(*older_than)),
            Self::ProtectedRole => formatter.write_str("its role is protected"),
            Self::ProtectedApplication => formatter.write_str("its application is protected"),
            Self::HoldsNothing { but_a_snapshot: false } => formatter.write_str("it holds no table that is needed"),
            Self::HoldsNothing { but_a_snapshot: true } => {
                formatter.write_str("it holds no table that is needed, only an old snapshot")
            }
            Self::Prepared { gid } => write!(formatter, "a prepared transaction, `{gid}`"),
            Self::Autovacuum { wraparound: true } => {
                formatter.write_str("an autovacuum that prevents wraparound does not leave")
            }
            Self::Autovacuum { wraparound: false } => formatter.write_str("an autovacuum"),
            Self::Walsender => formatter.write_str("it replicates"),
            Self::NoClient(name) => write!(formatter, "a process of the server, {name}"),
            Self::Superuser => formatter.write_str("a superuser's session, which only a superuser may end"),
            Self::NotGranted => {
                formatter.write_str("another role's session, which a member of pg_signal_backend may end")
            }
            Self::Hidden => formatter.write_str("what it does is hidden without pg_read_all_stats"),
            Self::Kept => formatter.write_str("ending sessions is switched off"),
            Self::Changed => formatter.write_str("it went on meanwhile"),
            Self::Elsewhere => formatter.write_str("another run of rlsctl is ending it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pid, ServerTime, SessionState};
    use super::*;

    fn dead() -> Backend {
        Backend {
            pid: Some(Pid(1)),
            kind: Kind::Client,
            role: Some("app".to_owned()),
            application: Some("worker 7".to_owned()),
            client: None,
            database: None,
            backend_start: Some(ServerTime(String::new())),
            xact_start: None,
            state: Some(SessionState::IdleInTransaction),
            in_state: Some(Duration::from_secs(3600)),
            in_transaction: None,
            query: None,
            has_snapshot: false,
            signal: Signal::Allowed,
            locks: Vec::new(),
        }
    }

    fn rule() -> Rule {
        Rule {
            older_than: Duration::from_secs(3600),
            protect_roles: vec![NamePattern::new("replicator"), NamePattern::new("admin_*")],
            protect_applications: vec![NamePattern::new("pg_dump")],
        }
    }

    #[test]
    fn only_the_dead_are_ended() {
        assert_eq!(rule().judge(&dead()), Ok(()));
        let spared = |change: &dyn Fn(&mut Backend)| {
            let mut backend = dead();
            change(&mut backend);
            rule().judge(&backend).unwrap_err()
        };
        assert_eq!(spared(&|b| b.state = Some(SessionState::Active)), Spared::Active);
        assert_eq!(spared(&|b| b.state = Some(SessionState::Idle)), Spared::Idle);
        assert_eq!(spared(&|b| b.state = None), Spared::Hidden);
        assert_eq!(spared(&|b| b.role = Some("admin_x".to_owned())), Spared::ProtectedRole);
        assert_eq!(
            spared(&|b| b.application = Some("pg_dump".to_owned())),
            Spared::ProtectedApplication
        );
        assert_eq!(spared(&|b| b.signal = Signal::Superuser), Spared::Superuser);
        assert_eq!(spared(&|b| b.signal = Signal::NotGranted), Spared::NotGranted);
        assert_eq!(spared(&|b| b.kind = Kind::Walsender), Spared::Walsender);
        assert_eq!(spared(&|b| b.kind = Kind::Hidden), Spared::Hidden);
        let wraparound = true;
        let vacuum = spared(&|b| b.kind = Kind::Autovacuum { wraparound });
        assert_eq!(vacuum, Spared::Autovacuum { wraparound });
        let young = spared(&|b| b.in_state = Some(Duration::from_secs(3599)));
        assert!(matches!(young, Spared::Young { .. }));
    }

    #[test]
    fn stars_stand_for_anything() {
        let cases = [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("*", "", true),
            ("aa*aa", "aaa", false),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(NamePattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }
}
