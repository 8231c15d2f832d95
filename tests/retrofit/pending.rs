//! Files that are not applied yet: of an earlier `retrofit`, and of others.

use super::applying::{gone, names, project};
use super::built;

#[test]
fn migrations_of_others_are_applied_first() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    project.on(&db, &["retrofit", "undo", "public.comments"]).run().exits(0);
    project
        .migration(
            "9001_notes.sql",
            "create table notes (id int primary key, project_id int not null references projects);",
        )
        .migration("9002_more.sql", "create table more (id int primary key);");
    let before = (db.catalog(), names(&project));
    let ledger = db.psql("select count(*) from rlsctl.ledger");
    for args in [
        &["write"][..],
        &["write", "--dry-run"],
        &["apply"],
        &["undo", "--all"],
        &["undo", "--all", "--write"],
        &["undo", "public.tasks"],
    ] {
        let refused = project.on(&db, &[&["retrofit"], args].concat()).run().exits(6);
        for words in [
            "2 migrations that are not of `retrofit` are not applied yet, from 9001_notes.sql on",
            "nothing was written, and nothing was changed in the database",
            "apply them first: `rlsctl migrate`",
        ] {
            assert!(refused.stderr.contains(words), "{args:?}: {}", refused.stderr);
        }
        assert_eq!((db.catalog(), names(&project)), before, "{args:?}");
    }
    assert_eq!(db.psql("select count(*) from rlsctl.ledger"), ledger);

    // Who only looks is told.
    for action in ["plan", "status"] {
        let json = project.on(&db, &["retrofit", action, "--format", "json"]).run().json();
        let findings = json["findings"].as_array().unwrap();
        let told: Vec<_> = findings.iter().filter(|it| it["code"] == "retrofit.pending").collect();
        assert_eq!(told.len(), 1, "{json:#}");
        assert_eq!(
            (&told[0]["object"], &told[0]["severity"]),
            (&"9001_notes.sql".into(), &"warning".into())
        );
        let run = project.on(&db, &["retrofit", action]).run();
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(text.contains("9001_notes.sql"), "{action}: {text}");
    }
    let plan = project.on(&db, &["retrofit", "plan"]).run().exits(0);
    assert!(plan.stdout.ends_with("next: `rlsctl migrate`\n"), "{}", plan.stdout);

    project.on(&db, &["migrate", "--to", "9001"]).run().exits(0);
    let one = project.on(&db, &["retrofit", "apply"]).run().exits(6);
    assert!(one.stderr.contains("not applied yet: 9002_more.sql"), "{}", one.stderr);
    project.remove("migrations/9002_more.sql");
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(
        db.psql("select relrowsecurity from pg_class where relname = 'notes'"),
        "t"
    );
    gone(&db, &app);
}

#[test]
fn a_plan_says_what_comes_next() {
    let (db, app) = built();
    let project = project(&app);
    project.on(&db, &["migrate"]).run().exits(0);
    let next = || {
        let plan = project.on(&db, &["retrofit", "plan"]).run().exits(0).stdout;
        plan.trim_end().rsplit_once("; ").unwrap().1.to_owned()
    };
    assert_eq!(next(), "next: `rlsctl retrofit write`");
    project.on(&db, &["retrofit", "write"]).run().exits(0);
    assert_eq!(next(), "next: `rlsctl retrofit apply`");
    project.migration("9001_notes.sql", "select 1;");
    assert_eq!(next(), "next: `rlsctl migrate`");
    let both = project.on(&db, &["retrofit", "apply"]).run().exits(6);
    assert!(both.stderr.contains("of an earlier `retrofit` too"), "{}", both.stderr);
    project.remove("migrations/9001_notes.sql");
    project.on(&db, &["retrofit", "apply"]).run().exits(0);
    assert_eq!(next(), "nothing to do");
    gone(&db, &app);
}

#[test]
fn another_tools_ledger_is_taken_over_first() {
    let (db, app) = built();
    let project = project(&app);
    db.psql("create table schema_migrations (version text primary key); insert into schema_migrations values ('0001')");
    let refused = project.on(&db, &["retrofit", "write"]).run().exits(6);
    assert!(
        refused.stderr.contains("`rlsctl adopt --dry-run`"),
        "{}",
        refused.stderr
    );
    assert!(!refused.stderr.contains("`rlsctl migrate`"), "{}", refused.stderr);
    gone(&db, &app);
}
