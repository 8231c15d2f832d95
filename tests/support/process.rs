//! Looks at processes and signals them, with what the smallest installation has.

use std::process::Command;

/// Sends a signal by its name without SIG.
///
/// # Panics
/// When there is no such process.
pub(crate) fn kill(signal: &str, pid: u32) {
    // The shell's own kill: kill(1) is a package of its own.
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("kill -s {signal} {pid}")])
        .status()
        .unwrap();
    assert!(status.success(), "kill -s {signal} {pid}");
}

/// Whether a process is there and not merely waiting to be buried.
pub(crate) fn alive(pid: u32) -> bool {
    state(pid).is_some_and(|it| !it[0].starts_with('Z'))
}

/// Returns a process' parent.
pub(crate) fn parent(pid: u32) -> u32 {
    state(pid).expect("a process that is there")[1].parse().unwrap()
}

/// Returns a process' group.
pub(crate) fn group(pid: u32) -> u32 {
    state(pid).expect("a process that is there")[2].parse().unwrap()
}

/// Returns state, parent and group: from /proc where there is one, else from ps(1).
fn state(pid: u32) -> Option<Vec<String>> {
    let text = if std::path::Path::new("/proc/self/stat").exists() {
        // The name, in parentheses, may itself hold blanks and parentheses.
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .ok()?
            .rsplit_once(')')?
            .1
            .to_owned()
    } else {
        let args = ["-o", "stat=,ppid=,pgid=", "-p", &pid.to_string()];
        String::from_utf8(Command::new("ps").args(args).output().unwrap().stdout).unwrap()
    };
    let fields: Vec<String> = text.split_whitespace().take(3).map(str::to_owned).collect();
    (fields.len() == 3).then_some(fields)
}

#[test]
fn a_process_is_seen_signalled_and_gone() {
    let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
    assert!(alive(child.id()));
    assert_eq!(parent(child.id()), std::process::id());
    assert_eq!(group(child.id()), group(std::process::id()));
    kill("KILL", child.id());
    super::poll::eventually("it is a zombie", || !alive(child.id()));
    child.wait().unwrap();
    assert!(!alive(child.id()));
}
