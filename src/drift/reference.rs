//! Who moved away from a third place that both came from.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::migration::{Checksum, Set, Version};

/// Adds to each finding about a version who moved away from the reference: the files, the target, or both.
pub fn who_moved(
    findings: &mut [Finding],
    files: &Set,
    applied: &BTreeMap<&Version, &Checksum>,
    reference: &Set,
    reference_name: &str,
) {
    for finding in findings {
        let Ok(version) = Version::parse(&finding.object) else {
            continue;
        };
        let file = files.get(&version).map(|file| file.checksum);
        let target = applied.get(&version).map(|checksum| **checksum);
        let was = reference.get(&version).map(|file| file.checksum);
        let moved = match (file == was, target == was) {
            (true, true) => continue,
            (true, false) => "target",
            (false, true) => "files",
            (false, false) => "both",
        };
        let whole = match moved {
            "target" => "the target moved away from",
            "files" => "the files moved away from",
            _ => "files and target both moved away from",
        };
        finding.message = format!("{}; {whole} {reference_name}", finding.message);
        finding.evidence.insert("moved", moved.into());
    }
}

#[cfg(test)]
mod tests {
    use crate::migration::load;

    use super::*;

    fn set(files: &[(&str, &str)]) -> (tempfile::TempDir, Set) {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let set = load(dir.path(), None).unwrap();
        (dir, set)
    }

    #[test]
    fn the_side_that_differs_from_the_reference_has_moved() {
        let (_reference, reference) = set(&[("1_a.sql", "1"), ("2_b.sql", "2"), ("3_c.sql", "3")]);
        let (_files, files) = set(&[("1_a.sql", "1"), ("2_b.sql", "22"), ("3_c.sql", "33")]);
        let (_target, target) = set(&[
            ("1_a.sql", "11"),
            ("2_b.sql", "2"),
            ("3_c.sql", "333"),
            ("4_d.sql", "4"),
        ]);
        let applied = target
            .migrations
            .iter()
            .map(|one| (&one.version, &one.checksum))
            .collect();
        let mut findings: Vec<Finding> = ["1", "2", "3", "4", "table public.a"]
            .map(|object| Finding::error("drift.edited", object, "differs", ""))
            .into();
        who_moved(&mut findings, &files, &applied, &reference, "main");
        let moved: Vec<_> = findings
            .iter()
            .map(|one| one.evidence.get("moved").and_then(|it| it.as_str()))
            .collect();
        assert_eq!(
            moved,
            [Some("target"), Some("files"), Some("both"), Some("target"), None]
        );
        assert_eq!(findings[0].message, "differs; the target moved away from main");
    }
}
