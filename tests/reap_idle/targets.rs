//! Several databases at once.

use std::net::TcpListener;

use super::{dead, lives};
use crate::support::db::TestDb;
use crate::support::project::Project;

const DEAD: &str = "postgres://nobody@127.0.0.1:1/nothing";

fn three_targets(project: &Project, one: &TestDb, two: &TestDb) {
    project.config(&format!(
        "[targets.one]\nurl = '{}'\n[targets.three]\nurl = '${{NOT_SET}}'\n[targets.two]\nurl = '{}'\n[targets.zero]\nurl = '{DEAD}'\n",
        one.url(),
        two.url()
    ));
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let (one, two, project) = (TestDb::new(), TestDb::new(), Project::new());
    three_targets(&project, &one, &two);
    let (first, second) = (
        dead(&one, None, "worker", "select 1"),
        dead(&two, None, "worker", "select 1"),
    );
    let args = [
        "reap-idle",
        "--older-than",
        "1s",
        "--all-targets",
        "--metrics-file",
        "m.prom",
    ];
    let run = project.rlsctl(&args).run().exits(3);
    assert!(
        run.stdout
            .contains(&format!("one/{}: ended {} ", one.name(), first.pid())),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains(&format!("two/{}: ended {} ", two.name(), second.pid())),
        "{}",
        run.stdout
    );
    assert!(!lives(&one, &first) && !lives(&two, &second));
    for told in [
        "2 of 4 databases",
        "three: ",
        "NOT_SET",
        "zero/nothing: cannot connect to 127.0.0.1:1",
    ] {
        assert!(run.stderr.contains(told), "{told} in {}", run.stderr);
    }
    let metrics = project.read("m.prom");
    let line = |name: &str, target: &str, database: &str, value: u8| {
        let line = format!("rlsctl_reap_idle_{name}{{target=\"{target}\",database=\"{database}\"}} {value}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    };
    line("up", "one", one.name(), 1);
    line("ended_total", "two", two.name(), 1);
    line("up", "zero", "nothing", 0);
    line("failures_total", "zero", "nothing", 1);
    line("up", "three", "", 0);
    let document = project.rlsctl(&args).arg("--format=json").run().exits(3).json();
    assert_eq!(document["summary"]["not_looked_at"], 2, "{document:#}");
    assert_eq!(document["databases"][0]["exit_code"], 0);
    assert!(
        document["databases"][3]["failed"]
            .as_str()
            .unwrap()
            .starts_with("cannot connect")
    );
    assert!(document["target"].is_null());
    let refused = project
        .rlsctl(&["--target", "one", "reap-idle", "--all-targets"])
        .run()
        .exits(2);
    assert!(refused.stderr.contains("--all-targets"), "{}", refused.stderr);
}

#[test]
fn all_of_no_targets_is_a_mistake() {
    let project = Project::new();
    let run = project.rlsctl(&["reap-idle", "--all-targets"]).run().exits(3);
    assert!(run.stderr.contains("names no target"), "{}", run.stderr);
}

#[test]
fn all_are_dealt_with_at_the_same_time() {
    let project = Project::new();
    // Two servers that never answer: one after the other, the second would not even be called.
    let servers = ["one", "two"].map(|name| (name, TcpListener::bind("127.0.0.1:0").unwrap()));
    let toml = servers.iter().fold(String::new(), |toml, (name, server)| {
        let port = server.local_addr().unwrap().port();
        toml + &format!("[targets.{name}]\nurl = 'postgres://u@127.0.0.1:{port}/d?connect_timeout=600'\n")
    });
    project.config(&toml);
    let running = project.rlsctl(&["reap-idle", "--all-targets"]).spawn();
    let connections = servers.map(|(_, server)| server.accept().unwrap());
    running.signal("INT");
    running.wait().exits(130);
    drop(connections);
}
