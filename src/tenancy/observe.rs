//! `[tenancy.observe]` as it is written.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::duration::parse_duration;

use super::model::Observe;
use super::read::{TenancyError, wrong};

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenObserve {
    #[serde(default)]
    applications: Vec<String>,
    quiet_for: Option<String>,
}

/// Returns what it means.
pub(super) fn observe(written: &WrittenObserve) -> Result<Observe, TenancyError> {
    let is_name = |name: &String| !name.is_empty() && !name.contains('\0');
    let named: BTreeSet<&String> = written.applications.iter().collect();
    if named.len() < written.applications.len() || !named.into_iter().all(is_name) {
        let reason = "write each application_name once, as in applications = [\"web\", \"worker\"]";
        return Err(wrong("observe.applications", reason));
    }
    let quiet_for = written.quiet_for.as_deref().map(parse_duration).transpose();
    Ok(Observe {
        applications: written.applications.clone(),
        quiet_for: quiet_for
            .map_err(|reason| wrong("observe.quiet_for", &reason))?
            .unwrap_or(Observe::default().quiet_for),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_said_has_a_default_and_mistakes_name_their_key() {
        let read = |text: &str| observe(&toml::from_str(text).unwrap());
        assert_eq!(read("").unwrap(), Observe::default());
        assert_eq!(read("quiet_for = '0'").unwrap().quiet_for, Duration::ZERO);
        assert_eq!(read("quiet_for = 'soon'").unwrap_err().key, "observe.quiet_for");
        assert_eq!(
            read("applications = ['a', 'a']").unwrap_err().key,
            "observe.applications"
        );
        assert_eq!(read("applications = ['']").unwrap_err().key, "observe.applications");
    }
}
