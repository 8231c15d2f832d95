//! The corpus under `fixtures/isolation`: leaks and their safe twins, each verified by an attack. By it `audit` and `prove` are judged.

mod attack;
mod audited;
mod built;
mod case;

use std::collections::BTreeSet;

use rlsctl::tenancy::tenancy;

pub(crate) use built::Ground;
pub(crate) use case::{Case, Twin, cases};

/// What is wrong with a case; nothing where its leak leaks and its twins do not.
fn wrongs(ground: &mut Ground, case: &Case) -> Vec<String> {
    let mut wrongs = Vec::new();
    for twin in case.twins() {
        let built = match ground.build(case, twin) {
            Ok(built) => built,
            Err(error) => {
                wrongs.push(format!("{twin:?}: {error}"));
                continue;
            }
        };
        if !case.denies.contains(&twin) {
            match built.control() {
                Ok(rows) if !rows.is_empty() => {}
                other => wrongs.push(format!("{twin:?}: tenant A does not reach its own rows: {other:?}")),
            }
        }
        if twin != Twin::Leak {
            let reached = built.reached_otherwise();
            wrongs.extend(
                reached
                    .into_iter()
                    .map(|statement| format!("{twin:?}: reached by {statement}")),
            );
        }
        let outcome = built.attack();
        let reached = outcome.reached(case.kind);
        let refused = outcome.refused.as_ref().and_then(|refused| refused.code.clone());
        if reached != (twin == Twin::Leak) {
            wrongs.push(format!("{twin:?}: reached is {reached}: {outcome:#?}"));
        } else if refused != case.refused(twin) {
            wrongs.push(format!("{twin:?}: {:?} was expected: {outcome:#?}", case.refused(twin)));
        }
    }
    let said = |wrong: String| format!("{}: {wrong}\n  {}", case.name, case.what);
    wrongs.into_iter().map(said).collect()
}

/// Tries every case of a rule that the server's version knows.
fn try_rule(rule: u8) {
    let mine: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.rule == rule && case.is_for_this_server())
        .collect();
    let mut ground = Ground::new();
    let wrongs: Vec<String> = mine.iter().flat_map(|case| wrongs(&mut ground, case)).collect();
    assert!(wrongs.is_empty(), "{} wrong\n{}", wrongs.len(), wrongs.join("\n"));
    assert!(!mine.is_empty(), "rule {rule} has no case");
}

/// A test for each rule, so that they run side by side.
macro_rules! rules {
    ($($name:ident: $rule:literal),* $(,)?) => {
        $(#[test] fn $name() { try_rule($rule); })*
    };
}

rules! {
    which_roles_a_role_can_be: 1,
    what_a_role_can_reach: 2,
    whether_row_security_binds: 3,
    what_policies_come_to: 4,
    writes_by_themselves: 5,
    what_is_a_tenants: 6,
    partitions_and_children: 7,
    views: 8,
    functions: 9,
    tables_that_policies_read: 10,
    side_channels: 11,
    plans: 12,
}

#[test]
fn simple_statements_reach_what_is_open() {
    let mut ground = Ground::new();
    for (name, statement) in [
        ("using-true", "select * from public.appointments"),
        ("open-without-context", "select * from public.subscriptions"),
        ("open-with-spent-context", "select * from public.contacts"),
        ("delete-without-the-tenant", "delete from public.drafts"),
        ("truncate", "truncate public.carts"),
        ("taking-another-s-row", "update public.licences set customer_id"),
    ] {
        let built = ground
            .build(&Case::named_so(name), Twin::Leak)
            .expect("a schema that loads");
        let reached = built.reached_otherwise();
        assert!(reached.iter().any(|it| it.contains(statement)), "{name}: {reached:?}");
    }
}

#[test]
fn the_corpus_is_large_and_whole() {
    let all = cases();
    assert!(all.len() >= 60, "{}", all.len());
    let rules: BTreeSet<u8> = all.iter().map(|case| case.rule).collect();
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    let near = all.iter().filter(|case| case.near.is_some()).count();
    assert!(near >= 30, "{near} near misses");
    for case in &all {
        tenancy(&case.tenancy).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let texts: Vec<String> = case.twins().map(|twin| case.sql(twin)).collect();
        assert_eq!(
            texts.iter().collect::<BTreeSet<_>>().len(),
            texts.len(),
            "{}: two twins are one",
            case.name
        );
        // The cluster's, so that they need the prefix by which they are renamed.
        let text = texts.concat();
        for (at, words) in text.match_indices("create role ") {
            let role = &text[at + words.len()..];
            assert!(role.trim_start_matches('"').starts_with("iso_"), "{}", case.name);
        }
        assert!(case.role.starts_with("iso_"), "{}", case.name);
    }
}
