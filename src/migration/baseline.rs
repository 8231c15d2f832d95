//! A baseline: one file that stands for a set of squashed versions.

use std::fmt;
use std::str::FromStr;

use super::version::Version;

/// The versions that a file stands for, as its directive names them: `1..904`, `1..3,5`.
///
/// A range is one over the ledger's versions: its ends are named, what is between them is whatever the ledger has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// First and last of each range; one version is a range of itself.
    ranges: Vec<(Version, Version)>,
}

/// What is to be done with a baseline on a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// None of the versions is there: it runs.
    Run,
    /// All are there: it is recorded without running.
    Record {
        /// How many the ledger has.
        versions: usize,
    },
    /// Some are there: neither would be right.
    Refuse {
        /// Those that are there.
        there: Vec<Version>,
        /// Those that are named and are not.
        not_there: Vec<Version>,
    },
}

impl Baseline {
    /// Whether it stands for a version.
    pub fn covers(&self, version: &Version) -> bool {
        self.ranges
            .iter()
            .any(|(first, last)| first <= version && version <= last)
    }

    /// Returns what is to be done where `applied` is what the ledger has.
    pub fn decide<'a>(&self, applied: impl IntoIterator<Item = &'a Version>) -> Decision {
        let there: Vec<&Version> = applied.into_iter().filter(|version| self.covers(version)).collect();
        if there.is_empty() {
            return Decision::Run;
        }
        let mut not_there: Vec<Version> = Vec::new();
        for named in self.ranges.iter().flat_map(|(first, last)| [first, last]) {
            if !there.contains(&named) && !not_there.contains(named) {
                not_there.push(named.clone());
            }
        }
        if not_there.is_empty() {
            return Decision::Record { versions: there.len() };
        }
        Decision::Refuse {
            there: there.into_iter().cloned().collect(),
            not_there,
        }
    }
}

impl FromStr for Baseline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let version = |text: &str| {
            Version::parse(text.trim()).map_err(|error| format!("`{}` is no version: {error}", text.trim()))
        };
        let mut ranges = Vec::new();
        for item in text.split(',') {
            let (first, last) = item.split_once("..").unwrap_or((item, item));
            let (first, last) = (version(first)?, version(last)?);
            if last < first {
                return Err(format!(
                    "the range {first}..{last} is empty: its first version comes last"
                ));
            }
            ranges.push((first, last));
        }
        Ok(Self { ranges })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(formatter, "{comma}{first}")?;
            } else {
                write!(formatter, "{comma}{first}..{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(texts: &[&str]) -> Vec<Version> {
        texts.iter().map(|text| Version::parse(text).unwrap()).collect()
    }

    fn decide(baseline: &str, applied: &[&str]) -> Decision {
        baseline.parse::<Baseline>().unwrap().decide(&versions(applied))
    }

    #[test]
    fn all_none_or_some() {
        assert_eq!(decide("1..3", &[]), Decision::Run);
        assert_eq!(decide("1..3", &["4", "10"]), Decision::Run);
        assert_eq!(decide("1..3", &["1", "2", "3", "4"]), Decision::Record { versions: 3 });
        // What is between the ends is whatever the ledger has.
        assert_eq!(decide("001..3", &["1", "03"]), Decision::Record { versions: 2 });
        let refuse = |there: &[&str], not_there: &[&str]| Decision::Refuse {
            there: versions(there),
            not_there: versions(not_there),
        };
        assert_eq!(decide("1..3", &["1", "2"]), refuse(&["1", "2"], &["3"]));
        assert_eq!(decide("1..3", &["2"]), refuse(&["2"], &["1", "3"]));
        assert_eq!(
            decide("1,2,7..9", &["1", "7", "8", "9"]),
            refuse(&["1", "7", "8", "9"], &["2"])
        );
        assert_eq!(
            decide("1, 2 ,7 .. 9", &["1", "2", "7", "9"]),
            Decision::Record { versions: 4 }
        );
    }

    #[test]
    fn what_is_no_set_of_versions_is_refused() {
        for wrong in ["", "1..", "..3", "a", "1,", "3..1", "1..2..3", "1-3"] {
            assert!(wrong.parse::<Baseline>().is_err(), "{wrong}");
        }
        assert_eq!("01 .. 3, 5".parse::<Baseline>().unwrap().to_string(), "01..3,5");
        assert_eq!("1.9..1.10".parse::<Baseline>().unwrap().to_string(), "1.9..1.10");
    }
}
