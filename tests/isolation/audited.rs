//! The corpus, judged by `audit`: a leak is found under its object, and its safe twins raise no alarm.

use rlsctl::audit::audit;
use rlsctl::finding::{Finding, Severity};
use rlsctl::pg::{self, Environment, Settings, Work};
use rlsctl::tenancy::tenancy;

use super::built::{Built, Ground};
use super::case::{Case, Kind, Twin, cases};
use crate::support::run;

/// Leaks that the catalog alone does not show: what a body or an operator comes to is seen only by trying it. `audit` says of most of them that
/// it cannot tell.
const TO_BE_TRIED: [&str; 18] = [
    // The operator's meaning is the type's.
    "empty-list-of-owners",
    "half-a-composite",
    "part-of-a-list",
    "siblings-of-a-parent",
    "like-is-not-equal",
    "prefix-is-not-equal",
    // What other columns say of the tenant, in words.
    "check-on-another-column",
    "claims-as-text",
    // What a token says of the kind of session is a word of the application's own.
    "signed-in-is-enough",
    // A rule says what becomes of a write.
    "rule-instead-of-insert",
    // The pool's login is no role of the application's.
    "role-of-the-pool",
    // Bodies of several statements.
    "fallback-tenant",
    "stamped-where-missing",
    "procedure-that-cleans-up",
    "trigger-without-the-tenant",
    // Two steps, the first of which is allowed.
    "share-what-is-not-yours",
    "users-make-themselves-staff",
    "or-an-administrator",
];

fn findings(built: &Built<'_>) -> Vec<Finding> {
    let mut environment = Environment::empty();
    environment.os_user = Some("root".to_owned());
    let settings = Settings::resolve(Some(&built.db().dsn()), &environment).unwrap();
    let schema = run(async {
        let session = pg::connect(&settings, Work::Reader).await.unwrap();
        pg::schema(&session).await.unwrap()
    });
    audit(&schema, &tenancy(&built.case().tenancy).unwrap())
}

fn is_alarm(finding: &Finding) -> bool {
    finding.severity < Severity::Info
}

/// What is wrong about a role is said of the role, once, and not of every table that it reaches.
fn is_about(case: &Case, finding: &Finding) -> bool {
    let object = finding.object.replace(", ", ",");
    let names: Vec<&String> = [&case.object, &case.role].into_iter().chain(&case.also).collect();
    names.into_iter().any(|name| *name == object)
}

fn wrongs(ground: &mut Ground, case: &Case) -> Vec<String> {
    let mut wrongs = Vec::new();
    for twin in case.twins() {
        let built = ground
            .build(case, twin)
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let found = findings(&built);
        let alarms: Vec<&Finding> = found.iter().filter(|finding| is_alarm(finding)).collect();
        let is_found = alarms.iter().any(|finding| is_about(built.case(), finding));
        let is_right = match twin {
            Twin::Leak => is_found != TO_BE_TRIED.contains(&case.name.as_str()) || case.kind == Kind::Slow,
            Twin::Safe | Twin::Near => alarms.is_empty(),
        };
        if !is_right {
            wrongs.push(format!("{} {twin:?} ({}): {found:#?}", case.name, case.object));
        }
    }
    wrongs
}

/// Judges every `number`th case, so that several tests do the work side by side.
fn judge(number: usize) {
    let mine = cases()
        .into_iter()
        .enumerate()
        .filter(|(at, case)| at % 4 == number && case.is_for_this_server());
    let mut ground = Ground::new();
    let wrongs: Vec<String> = mine.flat_map(|(_, case)| wrongs(&mut ground, &case)).collect();
    assert!(wrongs.is_empty(), "{} wrong\n{}", wrongs.len(), wrongs.join("\n"));
}

#[test]
fn leaks_are_found_and_twins_are_not_first() {
    judge(0);
}

#[test]
fn leaks_are_found_and_twins_are_not_second() {
    judge(1);
}

#[test]
fn leaks_are_found_and_twins_are_not_third() {
    judge(2);
}

#[test]
fn leaks_are_found_and_twins_are_not_fourth() {
    judge(3);
}
