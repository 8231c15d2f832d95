//! The throwaway server: it comes up, it is what was asked for, and it goes, however its owner dies.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rlsctl::pg::scratch::{Listen, Scratch, ScratchError, ScratchOptions};

use crate::support::poll::eventually;
use crate::support::process::{alive, group, kill, parent};

/// Asks a server by `psql` and returns its one value.
fn ask(scratch: &Scratch, dsn: &str, sql: &str) -> String {
    let output = Command::new(scratch.bin().tool("psql"))
        .args(["-XAtq", "-d", dsn, "-c", sql])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn assert_gone(pid: u32, directory: &Path) {
    eventually("the server ends and its directory goes", || {
        !alive(pid) && !directory.exists()
    });
}

#[test]
fn it_is_utf8_not_durable_and_reachable_by_its_socket_only() {
    let scratch = Scratch::start(&ScratchOptions::default()).unwrap();
    let dsn = scratch.dsn("postgres");
    assert_eq!(ask(&scratch, &dsn, "show server_encoding"), "UTF8");
    assert_eq!(ask(&scratch, &dsn, "show fsync"), "off");
    assert_eq!(ask(&scratch, &dsn, "show listen_addresses"), "");
    assert_eq!(
        ask(&scratch, &scratch.url("template1"), "select current_database()"),
        "template1"
    );
    assert_eq!(ask(&scratch, &dsn, "select current_user"), Scratch::superuser());
    let major: u32 = ask(&scratch, &dsn, "show server_version_num").parse::<u32>().unwrap() / 10000;
    assert_eq!(major, scratch.bin().major());
    assert!(scratch.tcp_dsn("postgres").is_none());
    assert!(scratch.log_tail().contains("ready to accept connections"));
    let (pid, directory) = (scratch.pid().unwrap(), scratch.socket_dir().to_owned());
    assert!(alive(pid) && scratch.data_dir().exists());
    scratch.stop().unwrap();
    assert!(!alive(pid) && !directory.exists());
}

#[test]
fn settings_files_access_rules_and_initdb_words_arrive() {
    let options = ScratchOptions {
        settings: vec![("work_mem".into(), "7MB".into()), ("fsync".into(), "on".into())],
        hba: Some("local all postgres trust\nlocal all all reject\n".into()),
        files: vec![("extra.conf".into(), b"hello".to_vec())],
        initdb_args: vec!["--data-checksums".into()],
        ..ScratchOptions::default()
    };
    let scratch = Scratch::start(&options).unwrap();
    let dsn = scratch.dsn("postgres");
    assert_eq!(ask(&scratch, &dsn, "show work_mem"), "7MB");
    assert_eq!(ask(&scratch, &dsn, "show fsync"), "on");
    assert_eq!(ask(&scratch, &dsn, "show data_checksums"), "on");
    assert_eq!(ask(&scratch, &dsn, "select count(*) from pg_hba_file_rules"), "2");
    assert_eq!(ask(&scratch, &dsn, "select pg_read_file('extra.conf')"), "hello");
    assert_eq!(ask(&scratch, &dsn, "show server_encoding"), "UTF8");
}

#[test]
fn over_tcp_it_wants_its_password() {
    let options = ScratchOptions {
        listen: Listen::Loopback,
        ..ScratchOptions::default()
    };
    let scratch = Scratch::start(&options).unwrap();
    let dsn = scratch.tcp_dsn("postgres").unwrap();
    assert_eq!(
        ask(
            &scratch,
            &dsn,
            "select inet_server_addr() = '127.0.0.1' and current_user = 'postgres'"
        ),
        "t"
    );
    let without = dsn.split(" password=").next().unwrap();
    let output = Command::new(scratch.bin().tool("psql"))
        .args(["-XAtqw", "-d", without, "-c", "select 1"])
        .env_remove("PGPASSWORD")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(!format!("{scratch:?}").contains(dsn.split(" password=").nth(1).unwrap()));
}

#[test]
fn a_server_that_does_not_come_up_says_why_and_leaves_nothing() {
    let options = ScratchOptions {
        settings: vec![("no_such_setting".into(), "1".into())],
        ..ScratchOptions::default()
    };
    let error = Scratch::start(&options).unwrap_err();
    assert!(matches!(error, ScratchError::Exited { .. }), "{error:?}");
    assert!(
        error.to_string().contains("unrecognized configuration parameter"),
        "{error}"
    );
    let options = ScratchOptions {
        initdb_args: vec!["--no-such-word".into()],
        ..ScratchOptions::default()
    };
    let error = Scratch::start(&options).unwrap_err().to_string();
    assert!(
        error.contains("initdb failed") && error.contains("no-such-word"),
        "{error}"
    );
}

#[test]
fn parallel_starts_do_not_meet() {
    let starts: Vec<_> = (0..4)
        .map(|number| {
            let listen = if number % 2 == 0 {
                Listen::Loopback
            } else {
                Listen::SocketOnly
            };
            std::thread::spawn(move || {
                Scratch::start(&ScratchOptions {
                    listen,
                    ..ScratchOptions::default()
                })
                .unwrap()
            })
        })
        .collect();
    let servers: Vec<Scratch> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    let mut identifiers: Vec<String> = servers
        .iter()
        .map(|it| {
            ask(
                it,
                &it.dsn("postgres"),
                "select system_identifier from pg_control_system()",
            )
        })
        .collect();
    identifiers.sort();
    identifiers.dedup();
    assert_eq!(identifiers.len(), 4);
}

/// Names how the process below is to end.
const FATE: &str = "RLSCTL_TEST_SCRATCH_FATE";

/// Not a test: the process that the tests below kill. It starts a server, says where, and ends as told.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn owner() {
    let Some(fate) = env::var_os(FATE) else { return };
    if fate == "before the server" {
        let account = rlsctl::pg::scratch::Account::choose().unwrap();
        let around = rlsctl::pg::scratch::Surroundings::of_this_process();
        let stop = rlsctl::pg::scratch::StopSignal::Quit;
        let guardian = rlsctl::pg::scratch::Guardian::new(&account, stop, &around).unwrap();
        say(1, guardian.directory());
        std::process::abort();
    }
    let scratch = Scratch::start(&ScratchOptions::default()).unwrap();
    eventually("the guardian has written the pid", || scratch.pid().is_some());
    say(scratch.pid().unwrap(), scratch.socket_dir());
    match fate.to_str().unwrap() {
        "panic" => panic!("as told"),
        "exit" => std::process::exit(0),
        "abort" => std::process::abort(),
        "return" => {}
        _ => loop {
            std::thread::park();
        },
    }
}

fn say(pid: u32, directory: &Path) {
    // A line of its own: the harness has written the test's name without ending the line.
    println!("\nOWNER {pid} {}", directory.display());
    std::io::stdout().flush().unwrap();
}

/// Starts [`owner`] and returns it with its server's pid and directory.
fn start_owner(fate: &str) -> (Child, u32, PathBuf) {
    // A run of the tests in the background of a script ignores SIGINT, and so would the owner.
    let mut child = Command::new("env")
        .arg("--default-signal=INT,HUP,TERM")
        .arg(env::current_exe().unwrap())
        .args([
            "scratch::owner",
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FATE, fate)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
    let row = rows
        .find_map(|row| row.ok()?.strip_prefix("OWNER ").map(str::to_owned))
        .expect("it says where");
    let (pid, directory) = row.split_once(' ').unwrap();
    (child, pid.parse().unwrap(), PathBuf::from(directory))
}

#[test]
fn it_goes_when_its_owner_returns_panics_exits_or_aborts() {
    for fate in ["return", "panic", "exit", "abort"] {
        let (mut child, pid, directory) = start_owner(fate);
        child.wait().unwrap();
        assert_gone(pid, &directory);
    }
}

#[test]
fn it_goes_when_its_owner_is_killed_by_any_signal() {
    for signal in ["TERM", "INT", "HUP", "KILL"] {
        let (mut child, pid, directory) = start_owner("stay");
        assert!(alive(pid) && directory.exists());
        kill(signal, child.id());
        child.wait().unwrap();
        assert_gone(pid, &directory);
    }
}

#[test]
fn the_directory_goes_when_the_owner_dies_before_there_is_a_server() {
    let (mut child, _, directory) = start_owner("before the server");
    child.wait().unwrap();
    eventually("the directory goes", || !directory.exists());
}

#[test]
fn it_goes_though_the_guardian_was_killed_or_the_server_stopped() {
    let (mut child, pid, directory) = start_owner("stay");
    kill("KILL", parent(pid));
    kill("STOP", pid);
    kill("KILL", child.id());
    child.wait().unwrap();
    assert_gone(pid, &directory);
}

#[test]
fn an_interrupt_of_the_terminal_does_not_reach_the_server_first() {
    let scratch = Scratch::start(&ScratchOptions::default()).unwrap();
    eventually("the guardian has written the pid", || scratch.pid().is_some());
    assert_ne!(group(scratch.pid().unwrap()), group(std::process::id()));
}

#[test]
fn a_server_that_crashed_is_dismissed_without_waiting() {
    let scratch = Scratch::start(&ScratchOptions::default()).unwrap();
    eventually("the guardian has written the pid", || scratch.pid().is_some());
    let (pid, directory) = (scratch.pid().unwrap(), scratch.socket_dir().to_owned());
    kill("KILL", pid);
    eventually("the server ends", || !alive(pid));
    drop(scratch);
    assert!(!directory.exists());
}

/// The deadline of [`eventually`] is longer than the guardian's patience with a server, 12 seconds.
const _: () = assert!(crate::support::poll::PATIENCE.as_secs() > Duration::from_secs(12).as_secs());
