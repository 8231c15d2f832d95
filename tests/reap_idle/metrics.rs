//! The metrics file.

use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use fs_err as fs;

use super::{dead, lives};
use crate::support::db::TestDb;
use crate::support::project::Project;

const ARGS: [&str; 5] = ["reap-idle", "--older-than", "1s", "--metrics-file", "m.prom"];

#[test]
fn the_file_is_replaced_in_one_step_and_counters_go_on() {
    let (db, project) = (TestDb::new(), Project::new());
    let path = project.path().join("m.prom");
    let labels = format!("database=\"{}\"}}", db.name());
    let count = |metrics: &str, name: &str| {
        let lines = metrics
            .split('\n')
            .filter(|line| line.starts_with(&format!("rlsctl_reap_idle_{name}{{")));
        let line = lines
            .clone()
            .find(|line| line.contains(&labels))
            .unwrap_or_else(|| panic!("{name} in {metrics}"));
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    let _one = dead(&db, None, "worker", "select 1");
    project.on(&db, &ARGS).run().exits(0);
    let first = project.read("m.prom");
    assert_eq!(
        (count(&first, "ended_total"), count(&first, "up"), count(&first, "due")),
        (1, 1, 0)
    );
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644,
        "others have to read it"
    );

    let _two = dead(&db, None, "worker", "select 1");
    let (mut open, inode) = (fs::File::open(&path).unwrap(), fs::metadata(&path).unwrap().ino());
    let dry = [&ARGS[..], &["--dry-run"]].concat();
    project.on(&db, &dry).run().exits(0);
    let second = project.read("m.prom");
    assert_eq!(
        (count(&second, "ended_total"), count(&second, "due")),
        (1, 1),
        "{second}"
    );
    let mut read = String::new();
    open.read_to_string(&mut read).unwrap();
    assert_eq!(read, first, "whoever reads the old file reads all of it");
    assert_ne!(fs::metadata(&path).unwrap().ino(), inode);
    project.on(&db, &ARGS).run().exits(0);
    assert_eq!(count(&project.read("m.prom"), "ended_total"), 2);
    let names: Vec<_> = fs::read_dir(project.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["m.prom"], "nothing is left beside it");
}

#[test]
fn a_failure_is_written_whatever_it_is() {
    let (db, project) = (TestDb::new(), Project::new());
    let failed = |toml: &str, url: &str, exit: i32| {
        project.config(toml);
        project.rlsctl(&ARGS).env("DATABASE_URL", url).run().exits(exit);
        project.read("m.prom")
    };
    project.on(&db, &ARGS).run().exits(0);
    let success = "rlsctl_reap_idle_last_success_timestamp_seconds{";
    assert!(project.read("m.prom").contains(success));
    for (toml, url) in [
        ("nonsense", ""),
        ("[targets.a]\nurl = 'x'\n[targets.b]\nurl = 'y'\n", ""),
        ("[targets.a]\nurl = '${NOT_SET}'\n", ""),
    ] {
        let metrics = failed(toml, url, 3);
        assert!(metrics.contains("rlsctl_reap_idle_exit_code 3\n"), "{metrics}");
        assert!(
            metrics.contains(success),
            "when it last succeeded is still known: {metrics}"
        );
    }
    assert!(failed("", "postgres://nobody@127.0.0.1:1/nothing", 3).contains("_failures_total"));
}

#[test]
fn a_file_that_cannot_be_written_is_a_failure_after_the_work() {
    let (db, project) = (TestDb::new(), Project::new());
    let session = dead(&db, None, "worker", "select 1");
    let args = ["reap-idle", "--older-than", "1s", "--metrics-file", "not/there/m.prom"];
    let run = project.on(&db, &args).run().exits(3);
    assert!(
        run.stdout.starts_with(&format!("ended {} ", session.pid())),
        "{}",
        run.stdout
    );
    assert!(run.stderr.contains("cannot write not/there/m.prom"), "{}", run.stderr);
    assert!(run.stderr.contains("1 session ended all the same"), "{}", run.stderr);
    assert!(!lives(&db, &session));
}
