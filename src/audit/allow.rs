//! Findings that are allowed, each for a reason.

use jiff::civil::Date;

use crate::activity::NamePattern;
use crate::finding::Finding;

use super::Audit;
use super::rule::Rule;

const EXPIRED: &str = "audit.allow-expired";
const UNUSED: &str = "audit.allow-unused";

pub(super) const RULE: Rule = Rule {
    codes: &[EXPIRED, UNUSED],
    explanation: "\
[[audit.allow]] in rlsctl.toml takes a finding out of the count, for a reason, and if it says so until a day. When that day is over the \
finding is back, and the entry is one by itself. An entry that matches nothing any more is only told.",
    find: |_: &Audit<'_>| Vec::new(),
};

/// `[[audit.allow]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The code, in which `*` stands for anything.
    pub code: NamePattern,
    /// The object, in which `*` stands for anything.
    pub object: NamePattern,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<Date>,
}

impl Allow {
    fn matches(&self, finding: &Finding) -> bool {
        self.code.matches(finding.code) && self.object.matches(&finding.object)
    }

    fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    fn said(&self) -> String {
        format!("{} {}", self.code, self.object)
    }
}

/// A finding that is allowed.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowed {
    /// What was found.
    pub finding: Finding,
    /// By which entry.
    pub by: Allow,
}

/// Findings, those that are allowed set apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sifted {
    /// What is left, with what is wrong with the entries.
    pub findings: Vec<Finding>,
    /// What is allowed.
    pub allowed: Vec<Allowed>,
}

/// Sets apart what is allowed on a day.
pub fn sift(findings: Vec<Finding>, allows: &[Allow], today: Date) -> Sifted {
    let mut sifted = Sifted::default();
    let mut used = vec![false; allows.len()];
    for finding in findings {
        let mut by = None;
        for (at, allow) in allows.iter().enumerate().filter(|(_, allow)| allow.matches(&finding)) {
            used[at] = true;
            if !allow.is_over(today) && by.is_none() {
                by = Some(allow.clone());
            }
        }
        match by {
            Some(by) => sifted.allowed.push(Allowed { finding, by }),
            None => sifted.findings.push(finding),
        }
    }
    for (allow, used) in allows.iter().zip(used) {
        sifted.findings.extend(told(allow, used, today));
    }
    sifted
}

fn told(allow: &Allow, is_used: bool, today: Date) -> Option<Finding> {
    if !is_used {
        let message = "is allowed in rlsctl.toml, and nothing like it is found any more";
        return Some(Finding::info(UNUSED, allow.said(), message, "take the entry out"));
    }
    let until = allow.until.filter(|_| allow.is_over(today))?;
    let message = format!("was allowed in rlsctl.toml until {until}, because: {}", allow.reason);
    let help = "mend what is found, or give the entry another day";
    Some(Finding::warning(EXPIRED, allow.said(), message, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(code: &str, object: &str, until: Option<Date>) -> Allow {
        Allow {
            code: NamePattern::new(code),
            object: NamePattern::new(object),
            reason: "the report needs it".to_owned(),
            until,
        }
    }

    #[test]
    fn what_is_allowed_is_set_apart_until_its_last_day_is_over() {
        let found = || {
            vec![
                Finding::error("leak.view", "public.a", "shows", ""),
                Finding::error("leak.view", "public.b", "shows", ""),
                Finding::info("perf.unwrapped", "public.a", "calls", ""),
            ]
        };
        let day = |day: i8| jiff::civil::date(2027, 1, day);
        let allows = [
            allow("leak.view", "public.a", Some(day(31))),
            allow("perf.*", "*", None),
            allow("leak.view", "other.*", None),
        ];
        let codes = |sifted: &Sifted| -> Vec<String> {
            let each = sifted.findings.iter();
            each.map(|finding| format!("{} {}", finding.code, finding.object))
                .collect()
        };
        let last = sift(found(), &allows, day(31));
        assert_eq!(last.allowed.len(), 2);
        assert_eq!(
            codes(&last),
            ["leak.view public.b", "audit.allow-unused leak.view other.*"]
        );
        let over = sift(found(), &allows, jiff::civil::date(2027, 2, 1));
        assert_eq!(over.allowed.len(), 1);
        assert_eq!(
            codes(&over),
            [
                "leak.view public.a",
                "leak.view public.b",
                "audit.allow-expired leak.view public.a",
                "audit.allow-unused leak.view other.*"
            ]
        );
    }
}
