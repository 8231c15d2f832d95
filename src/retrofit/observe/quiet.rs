//! What the counters say, and whether a table has been quiet for long enough.

use std::time::Duration;

use crate::duration::human_duration;

/// What is known of a table that is observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The table, with its schema.
    pub table: String,
    /// For how long it has been observed; nothing before it is.
    pub observed: Option<Duration>,
    /// Whether the server has lost what was counted, or part of it.
    pub is_lost: bool,
    /// What was counted, where it is more than nothing.
    pub denied: Vec<Denied>,
}

/// What enforced policies would have denied of one command, role and application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// `select`, `insert`, `update`, `delete`: whose policy it was.
    pub command: String,
    /// Of which role; nothing for all that no policy is for.
    pub role: Option<String>,
    /// Of which application; nothing for all that are not told apart.
    pub application: Option<String>,
    /// How often: once a statement for each policy that it meets.
    pub count: u64,
    /// How many of them had no tenant.
    pub without_tenant: u64,
    /// How long ago the last was; nothing where the server does not say, as before 16.
    pub last: Option<Duration>,
}

impl Observation {
    /// Returns how often something was counted.
    pub fn count(&self) -> u64 {
        self.denied.iter().map(|denied| denied.count).sum()
    }

    /// Returns for how long nothing was counted; nothing where that is not certain.
    pub fn quiet(&self) -> Option<Duration> {
        if self.is_lost {
            return None;
        }
        let mut quiet = self.observed?;
        for denied in &self.denied {
            quiet = quiet.min(denied.last?);
        }
        Some(quiet)
    }

    /// Tells why a table is not to be enforced yet; nothing where it is.
    pub fn unquiet(&self, required: Duration) -> Option<String> {
        if self.is_lost {
            return Some(
                "what it counted was lost, by a crash, a restore or pg_stat_reset: nothing is certain".to_owned(),
            );
        }
        let counted = match self.count() {
            0 => String::new(),
            statements => format!(
                "{statements} statements would have been denied something ({}); ",
                self.worst()
            ),
        };
        match self.quiet() {
            Some(quiet) if quiet >= required => None,
            Some(quiet) => Some(format!(
                "{counted}it has been quiet for {} of {}",
                human_duration(quiet),
                human_duration(required)
            )),
            None => Some(format!("{counted}this server does not say when")),
        }
    }

    /// The three that were counted most.
    fn worst(&self) -> String {
        let mut denied: Vec<&Denied> = self.denied.iter().collect();
        denied.sort_by_key(|denied| std::cmp::Reverse(denied.count));
        let told: Vec<String> = denied.iter().take(3).map(|denied| denied.told()).collect();
        let more = if denied.len() > 3 { ", and others" } else { "" };
        told.join(", ") + more
    }
}

impl Denied {
    /// Returns it in a few words: `3 select by app, 2 of them without a tenant`.
    pub fn told(&self) -> String {
        let role = self.role.as_deref().unwrap_or("other roles");
        let application = match &self.application {
            Some(application) => format!(" from {application}"),
            None => String::new(),
        };
        let without = match self.without_tenant {
            0 => "",
            number if number == self.count => " without a tenant",
            _ => " in part without a tenant",
        };
        format!("{} {} by {role}{application}{without}", self.count, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn denied(count: u64, last: Option<Duration>) -> Denied {
        Denied {
            command: "select".to_owned(),
            role: Some("app".to_owned()),
            application: None,
            count,
            without_tenant: 0,
            last,
        }
    }

    #[test]
    fn quiet_is_only_what_is_certain() {
        let mut seen = Observation {
            table: "public.a".to_owned(),
            observed: Some(3 * HOUR),
            ..Observation::default()
        };
        assert_eq!(seen.unquiet(3 * HOUR), None);
        assert!(seen.unquiet(4 * HOUR).unwrap().contains("quiet for 3 h of 4 h"));
        seen.denied = vec![denied(2, Some(HOUR))];
        assert_eq!(seen.unquiet(HOUR), None);
        assert!(
            seen.unquiet(2 * HOUR)
                .unwrap()
                .contains("2 statements would have been denied")
        );
        // Before 16 there is no saying when it was.
        seen.denied = vec![denied(2, None)];
        assert!(seen.unquiet(Duration::ZERO).unwrap().contains("does not say when"));
        seen.denied.clear();
        seen.is_lost = true;
        assert!(seen.unquiet(Duration::ZERO).unwrap().contains("lost"));
        seen.is_lost = false;
        seen.observed = None;
        assert!(seen.unquiet(Duration::ZERO).is_some());
    }
}
