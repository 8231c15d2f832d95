//! `--baseline` and `--write-baseline`.

use super::{audited, built, told, with_role};

#[test]
fn only_what_is_new_counts() {
    let (db, project) = built("create table a (tenant_id uuid not null); grant select on a to {app};");
    let run = audited(&project, &db, &["--write-baseline", "audit.baseline"]).exits(0);
    assert!(
        run.stderr.contains("wrote audit.baseline with 1 finding"),
        "{}",
        run.stderr
    );
    let written = project.read("audit.baseline");
    assert!(
        written.starts_with("# rlsctl audit baseline 1\nleak.rls-disabled\tpublic.a\t"),
        "{written}"
    );
    let document = audited(&project, &db, &["--baseline", "audit.baseline"])
        .exits(0)
        .json();
    assert_eq!(
        (&document["summary"]["known"], &document["summary"]["gone"]),
        (&1.into(), &0.into())
    );
    db.psql(&with_role(
        &db,
        "create table b (tenant_id uuid not null); grant select on b to {app}",
    ));
    let run = audited(&project, &db, &["--baseline", "audit.baseline"]).exits(1);
    assert_eq!(told(&run.json()), ["error leak.rls-disabled public.b"]);
    db.psql("drop table a; drop table b");
    let text = project
        .on(&db, &["audit", "--baseline", "audit.baseline"])
        .run()
        .exits(0)
        .stdout;
    assert!(
        text.contains("no new way to another tenant's rows") && text.contains("1 of the baseline gone"),
        "{text}"
    );
    // The same findings make the same file, over the one that is there.
    db.psql(&with_role(
        &db,
        "create table a (tenant_id uuid not null); grant select on a to {app}",
    ));
    audited(&project, &db, &["--write-baseline", "audit.baseline"]).exits(0);
    assert_eq!(project.read("audit.baseline"), written);
}

#[test]
fn a_file_that_is_no_baseline_is_refused() {
    let (db, project) = built("");
    project.file("x", "leak.view\n");
    let run = project.on(&db, &["audit", "--baseline", "x"]).run().exits(3);
    assert!(run.stderr.contains("does not begin with"), "{}", run.stderr);
    project.on(&db, &["audit", "--baseline", "nowhere"]).run().exits(3);
    project
        .on(&db, &["audit", "--write-baseline", "no/where"])
        .run()
        .exits(3);
}
