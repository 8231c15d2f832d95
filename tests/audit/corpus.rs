//! The corpus' question about plans: what is slow is a warning under its object, and its twins are none.

use crate::isolation::{Ground, Twin, cases};
use crate::support::project::Project;

#[test]
fn what_reads_all_tenants_rows_is_a_warning_and_its_twins_are_none() {
    let mut ground = Ground::new();
    let mut wrongs = Vec::new();
    for case in cases().into_iter().filter(|case| case.rule == 12) {
        for twin in case.twins() {
            let built = ground.build(&case, twin).unwrap();
            let project = Project::new();
            project.config(&built.config());
            let document = project.on(built.db(), &["--format", "json", "audit"]).run().json();
            let findings = document["findings"].as_array().unwrap();
            let grave: Vec<_> = findings
                .iter()
                .filter(|finding| finding["severity"] != "info")
                .collect();
            let is_found = grave.iter().any(|finding| {
                finding["severity"] == "warning"
                    && finding["object"] == case.object.as_str()
                    && finding["code"].as_str().unwrap().starts_with("perf.")
            });
            let is_right = if twin == Twin::Leak {
                is_found && grave.len() == 1
            } else {
                grave.is_empty()
            };
            if !is_right {
                wrongs.push(format!("{} {twin:?}: {grave:#?}", case.name));
            }
        }
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}
