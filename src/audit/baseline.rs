//! What was there on the day on which a database was first looked at. `docs/FORMATS.md` has the format.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::finding::Finding;

/// The first line of a file.
const HEAD: &str = "# rlsctl audit baseline 1";

/// Findings that are known: of each the code, the object, and a hash of what is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    lines: BTreeSet<String>,
}

/// Why a file is no baseline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// It begins otherwise.
    #[error("does not begin with `{HEAD}`")]
    Head,
    /// A line is none.
    #[error("line {line} is not a code, an object and a hash")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
}

impl Baseline {
    /// Returns the baseline of these findings.
    pub fn of(findings: &[Finding]) -> Self {
        Self {
            lines: findings.iter().map(line).collect(),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// [`BaselineError`].
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        if lines.next() != Some(HEAD) {
            return Err(BaselineError::Head);
        }
        let mut known = BTreeSet::new();
        for (at, line) in lines.enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line.split('\t').count() != 3 {
                return Err(BaselineError::Line { line: at + 2 });
            }
            known.insert(line.to_owned());
        }
        Ok(Self { lines: known })
    }

    /// Returns the text of the file: the same for the same findings, a line each, sorted.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Tells whether a finding is known, word by word.
    pub fn knows(&self, finding: &Finding) -> bool {
        self.lines.contains(&line(finding))
    }

    /// Returns how many of the known ones are not among these findings any more.
    pub fn gone(&self, findings: &[Finding]) -> usize {
        let there = Self::of(findings);
        self.lines.difference(&there.lines).count()
    }

    /// Returns how many are known.
    pub fn count(&self) -> usize {
        self.lines.len()
    }
}

fn line(finding: &Finding) -> String {
    let evidence = serde_json::to_string(&finding.evidence).expect("our evidence is JSON");
    let hash = Sha256::digest(format!("{}\0{evidence}", finding.message));
    let hash = hash[..8]
        .iter()
        .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
    format!("{}\t{}\t{hash}", finding.code, escaped(&finding.object))
}

/// An object's name may hold anything.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_known_by_all_that_is_said() {
        let odd = Finding::error("leak.view", "public.\"a\tb\\\n\"", "shows", "help");
        let other = Finding::info("perf.cast", "public.b", "casts", "help").evidence("column", "c");
        let baseline = Baseline::of(&[other.clone(), odd.clone(), odd.clone()]);
        let text = baseline.to_text();
        assert_eq!(
            text,
            "# rlsctl audit baseline 1\nleak.view\tpublic.\"a\\tb\\\\\\n\"\te221e3955120cbfc\nperf.cast\tpublic.b\ta63adfe986642415\n"
        );
        let read = Baseline::parse(&text).unwrap();
        assert_eq!(read, baseline);
        assert!(read.knows(&odd) && read.knows(&other) && read.gone(&[odd]) == 1);
        assert!(!read.knows(&other.clone().evidence("column", "d")));
        let reworded = Finding {
            message: "casts more".to_owned(),
            ..other.clone()
        };
        assert!(!read.knows(&reworded));
        let helped = Finding {
            help: "better".to_owned(),
            ..other
        };
        assert!(read.knows(&helped));
        assert_eq!(Baseline::parse(""), Err(BaselineError::Head));
        let broken = format!("{text}leak.view public.c\n");
        assert_eq!(Baseline::parse(&broken), Err(BaselineError::Line { line: 4 }));
    }
}
