//! `[[audit.allow]]`.

use super::{audited, built, tenancy, told};

const LEAKS: &str = "create table a (tenant_id uuid not null); grant select on a to {app};
  create table b (tenant_id uuid not null); grant select on b to {app};";

fn entry(code: &str, object: &str, more: &str) -> String {
    format!("[[audit.allow]]\ncode = \"{code}\"\nobject = \"{object}\"\nreason = \"moved in spring\"\n{more}\n")
}

#[test]
fn what_is_allowed_does_not_count_and_is_shown() {
    let (db, project) = built(LEAKS);
    assert_eq!(
        told(&audited(&project, &db, &[]).exits(1).json()),
        ["error leak.rls-disabled public.a", "error leak.rls-disabled public.b"]
    );
    let allow = entry("leak.rls-disabled", "public.*", "until = 9999-12-31");
    project.config(&format!("{}{allow}", tenancy(&db)));
    let document = audited(&project, &db, &[]).exits(0).json();
    assert_eq!(told(&document), [""; 0]);
    assert_eq!(document["summary"]["allowed"], 2);
    let allowed = &document["allowed"][0];
    assert_eq!(allowed["finding"]["object"], "public.a");
    assert_eq!(
        (&allowed["reason"], &allowed["until"]),
        (&"moved in spring".into(), &"9999-12-31".into())
    );
    let text = project.on(&db, &["audit"]).run().exits(0).stdout;
    assert!(text.contains("2 allowed"), "{text}");
}

#[test]
fn an_entry_that_is_over_is_a_finding_and_one_that_is_unused_a_note() {
    let (db, project) = built(LEAKS);
    let over = entry("leak.rls-disabled", "public.a", "until = 2020-01-31");
    let unused = entry("leak.view", "public.v", "");
    project.config(&format!("{}{over}{unused}", tenancy(&db)));
    assert_eq!(
        told(&audited(&project, &db, &[]).exits(1).json()),
        [
            "error leak.rls-disabled public.a",
            "error leak.rls-disabled public.b",
            "info audit.allow-unused leak.view public.v",
            "warning audit.allow-expired leak.rls-disabled public.a",
        ]
    );
}

#[test]
fn an_entry_that_means_nothing_is_refused() {
    let (db, project) = built("");
    for (entry, said) in [
        (entry("leak.veiw", "a", ""), "did you mean `leak.view`?"),
        (entry("leak.view", "a", "untill = 2027-01-31"), "did you mean `until`?"),
        (
            "[[audit.allow]]\ncode = \"leak.view\"\nobject = \"a\"\n".to_owned(),
            "missing field `reason`",
        ),
        ("[audit]\nalow = []\n".to_owned(), "did you mean `allow`?"),
    ] {
        project.config(&format!("{}{entry}", tenancy(&db)));
        let run = project.on(&db, &["audit"]).run().exits(3);
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
}
