//! Who is due.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use crate::activity::{Backend, Kind, NamePattern, Party, Rule, Spared, Wait};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The age, and who is protected.
    pub rule: Rule,
    /// Sessions of these roles only, if there are some.
    pub roles: Vec<NamePattern>,
    /// Sessions of these applications only, if there are some.
    pub applications: Vec<NamePattern>,
    /// Only sessions that somebody waits for.
    pub only_blocking: bool,
    /// So many at most, the oldest first.
    pub limit: Option<usize>,
}

/// Why a session that is idle in a transaction is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// By the rule.
    Spared(Spared),
    /// Its role or application was not asked for.
    NotMeant,
    /// Nobody waits for it.
    NotBlocking,
    /// It is due, but the limit is reached.
    OverLimit,
}

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spared(spared) => spared.fmt(formatter),
            Self::NotMeant => formatter.write_str("its role or application was not asked for"),
            Self::NotBlocking => formatter.write_str("nobody waits for it"),
            Self::OverLimit => formatter.write_str("it is due, and over the limit"),
        }
    }
}

/// Who is ended and who is not, the oldest first. Sessions that are at work or in no transaction are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Will be ended.
    pub due: Vec<Backend>,
    /// Are due, and may not be ended by us.
    pub refused: Vec<(Backend, Spared)>,
    /// Are idle in a transaction, and left alone.
    pub spared: Vec<(Backend, Left)>,
    /// Prepared transactions that are as old: nobody serves them, and they hold their locks until somebody decides.
    pub prepared: Vec<Backend>,
    /// How many sessions were looked at.
    pub seen: usize,
}

/// What sessions do could not be seen, so that nobody can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what {sessions} of other roles do is hidden")]
pub struct Hidden {
    /// How many.
    pub sessions: usize,
}

/// Judges everybody in a database. `waits` are looked at if only those are meant that somebody waits for.
///
/// # Errors
/// [`Hidden`] where a session that is meant cannot be seen into: then nobody is ended, lest it look as if all were well.
pub fn plan(backends: Vec<Backend>, waits: &[Wait], ask: &Ask) -> Result<Plan, Hidden> {
    let awaited: BTreeSet<&Party> = waits.iter().flat_map(|wait| &wait.blocking).collect();
    let mut plan = Plan {
        seen: backends.iter().filter(|backend| backend.pid.is_some()).count(),
        ..Plan::default()
    };
    let mut hidden = 0;
    for backend in backends {
        let is_meant = ask.is_meant(&backend);
        let is_blocking = Party::of(&backend).is_some_and(|party| awaited.contains(&party));
        let in_the_way = is_blocking || !ask.only_blocking;
        match ask.rule.judge(&backend) {
            Err(Spared::Prepared { .. }) => {
                let age = backend.in_transaction.unwrap_or(Duration::ZERO);
                if is_meant && in_the_way && age >= ask.rule.older_than {
                    plan.prepared.push(backend);
                }
            }
            // A process of the server has no role, and is none that could be meant.
            Err(Spared::Hidden) if is_meant && backend.role.is_some() => hidden += 1,
            Err(Spared::Hidden | Spared::Active | Spared::Idle) => {}
            Err(spared) if spared.is_of_the_server() => {}
            _ if !is_meant => plan.spared.push((backend, Left::NotMeant)),
            Err(spared @ (Spared::Superuser | Spared::NotGranted)) if in_the_way => {
                plan.refused.push((backend, spared));
            }
            Ok(()) | Err(Spared::Superuser | Spared::NotGranted) if !in_the_way => {
                plan.spared.push((backend, Left::NotBlocking));
            }
            Ok(()) if ask.limit.is_some_and(|limit| plan.due.len() >= limit) => {
                plan.spared.push((backend, Left::OverLimit));
            }
            Ok(()) => plan.due.push(backend),
            Err(spared) => plan.spared.push((backend, Left::Spared(spared))),
        }
    }
    if hidden > 0 {
        return Err(Hidden { sessions: hidden });
    }
    Ok(plan)
}

impl Ask {
    /// Whether a session is one of those that were asked for.
    fn is_meant(&self, backend: &Backend) -> bool {
        let is_one_of = |patterns: &[NamePattern], name: &Option<String>| {
            let name = name.as_deref().unwrap_or_default();
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(name))
        };
        // An application is unknown of a prepared transaction.
        let is_application = match backend.kind {
            Kind::Prepared { .. } => self.applications.is_empty(),
            _ => is_one_of(&self.applications, &backend.application),
        };
        is_application && is_one_of(&self.roles, &backend.role)
    }
}

#[cfg(test)]
mod tests {
    use crate::activity::{Awaited, Pid, ServerTime, SessionState, Signal};

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn dead(pid: i32) -> Backend {
        Backend {
            pid: Some(Pid(pid)),
            kind: Kind::Client,
            role: Some("app".to_owned()),
            application: Some("worker".to_owned()),
            client: None,
            database: Some("db".to_owned()),
            backend_start: Some(ServerTime(String::new())),
            xact_start: Some(ServerTime(String::new())),
            state: Some(SessionState::IdleInTransaction),
            in_state: Some(HOUR),
            in_transaction: Some(HOUR),
            query: None,
            has_snapshot: false,
            signal: Signal::Allowed,
            locks: Vec::new(),
        }
    }

    fn with(pid: i32, change: impl FnOnce(&mut Backend)) -> Backend {
        let mut backend = dead(pid);
        change(&mut backend);
        backend
    }

    fn ask() -> Ask {
        Ask {
            rule: Rule {
                older_than: HOUR,
                protect_roles: vec![NamePattern::new("keep*")],
                protect_applications: Vec::new(),
            },
            roles: Vec::new(),
            applications: Vec::new(),
            only_blocking: false,
            limit: None,
        }
    }

    fn waits_for(party: Party) -> Wait {
        Wait {
            pid: Pid(99),
            database: None,
            awaited: Awaited::Relation,
            relation: None,
            mode: None,
            since: None,
            blocking: vec![party],
            transaction: None,
            phase: None,
        }
    }

    fn pids(backends: &[Backend]) -> Vec<i32> {
        backends
            .iter()
            .filter_map(|backend| backend.pid)
            .map(|pid| pid.0)
            .collect()
    }

    fn prepared(gid: &str, age: Duration) -> Backend {
        with(0, |backend| {
            backend.pid = None;
            backend.kind = Kind::Prepared { gid: gid.to_owned() };
            backend.application = None;
            backend.state = None;
            backend.in_transaction = Some(age);
        })
    }

    #[test]
    fn only_the_dead_are_due() {
        let young = Duration::from_secs(3599);
        let backends = vec![
            dead(1),
            with(2, |b| b.in_state = Some(young)),
            with(3, |b| b.state = Some(SessionState::Active)),
            with(4, |b| b.state = Some(SessionState::Idle)),
            with(5, |b| b.role = Some("keeper".to_owned())),
            with(6, |b| b.signal = Signal::Superuser),
            with(7, |b| b.kind = Kind::Walsender),
            with(8, |b| b.kind = Kind::Other("parallel worker".to_owned())),
            with(9, |b| b.state = Some(SessionState::IdleInFailedTransaction)),
            prepared("old", HOUR),
            prepared("young", young),
        ];
        let plan = plan(backends, &[], &ask()).unwrap();
        assert_eq!(pids(&plan.due), [1, 9]);
        let spared: Vec<_> = plan
            .spared
            .iter()
            .map(|(backend, left)| (backend.pid.unwrap().0, left))
            .collect();
        assert_eq!(spared.len(), 2, "{spared:?}");
        assert_eq!(spared[1], (5, &Left::Spared(Spared::ProtectedRole)));
        assert_eq!((plan.refused.len(), &plan.refused[0].1), (1, &Spared::Superuser));
        assert_eq!((plan.prepared.len(), plan.seen), (1, 9));
    }

    #[test]
    fn filters_and_the_limit_leave_the_rest_alone() {
        let other = with(2, |b| b.application = Some("web".to_owned()));
        let backends = vec![other, dead(1), dead(3), prepared("p", HOUR)];
        let mut ask = ask();
        ask.applications = vec![NamePattern::new("w*k*")];
        let planned = plan(backends.clone(), &[], &ask).unwrap();
        assert_eq!(pids(&planned.due), [1, 3]);
        assert_eq!(planned.spared[0].1, Left::NotMeant);
        assert!(planned.prepared.is_empty());
        ask.limit = Some(1);
        let planned = plan(backends.clone(), &[], &ask).unwrap();
        assert_eq!((pids(&planned.due), &planned.spared[1].1), (vec![1], &Left::OverLimit));
        ask.roles = vec![NamePattern::new("nobody")];
        assert!(plan(backends, &[], &ask).unwrap().due.is_empty());
    }

    #[test]
    fn only_those_in_the_way_are_due_if_that_is_asked() {
        let superuser = with(4, |b| b.signal = Signal::Superuser);
        let backends = vec![dead(1), dead(2), superuser, prepared("p", HOUR), prepared("q", HOUR)];
        let ask = Ask {
            only_blocking: true,
            ..ask()
        };
        let waits = [
            waits_for(Party::Backend(Pid(2))),
            waits_for(Party::Prepared("q".to_owned())),
        ];
        let plan = plan(backends, &waits, &ask).unwrap();
        assert_eq!(pids(&plan.due), [2]);
        assert!(plan.refused.is_empty());
        assert!(plan.spared.iter().all(|(_, left)| *left == Left::NotBlocking));
        assert_eq!(plan.prepared.len(), 1);
        assert_eq!(plan.prepared[0].kind, Kind::Prepared { gid: "q".to_owned() });
    }

    #[test]
    fn what_is_hidden_is_no_good_news() {
        let hidden = with(1, |b| b.kind = Kind::Hidden);
        let server = with(2, |b| {
            b.kind = Kind::Hidden;
            b.role = None;
        });
        let mut ask = ask();
        assert_eq!(
            plan(vec![server.clone(), hidden.clone()], &[], &ask),
            Err(Hidden { sessions: 1 })
        );
        assert!(plan(vec![server], &[], &ask).is_ok());
        ask.roles = vec![NamePattern::new("other")];
        assert!(plan(vec![hidden], &[], &ask).is_ok(), "it was not asked for");
    }
}
