//! Who waits for whom.

use std::time::Duration;

use anstyle::Style;
use serde_json::{Value, json};

use crate::activity::{Backend, Kind, Party, Signal};
use crate::blockers::{Node, Picture, Row};
use crate::duration::human_duration;
use crate::exit::Exit;

use super::document::Document;
use super::line::Line;
use super::session::{awaited, decide, holds, listed, query, session_json, state, who};
use super::text::{DIM, ERROR, GOOD, WARNING, count};

/// How many of those who wait for the same one are shown before the rest is only counted.
const SHOWN: usize = 8;
/// How many tables are named.
const NAMED: usize = 6;
/// How much of a query is shown where lines are not cut.
const QUERY_CHARACTERS: usize = 160;

/// Returns a picture for machines.
pub fn blockers_document(picture: &Picture) -> Document {
    let roots = picture.nodes().filter(|node| !node.is_waiting()).count();
    let sessions: Vec<Value> = picture
        .rows()
        .iter()
        .filter(|row| !row.was_told)
        .map(|row| node_json(row.node, picture))
        .collect();
    Document::new("blockers", Exit::Done)
        .summary("waiting", picture.waiting())
        .summary("in_the_way", roots)
        .summary("longest_wait_ms", picture.longest().map(milliseconds))
        .with("sessions", sessions)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn node_json(node: &Node, picture: &Picture) -> Value {
    let mut session = node
        .backend
        .as_ref()
        .map_or_else(|| gone_json(&node.party), session_json);
    let wait = node.wait.as_ref().filter(|_| node.is_waiting()).map(|wait| {
        json!({
            "what": awaited(wait),
            "relation": wait.relation.as_ref().map(ToString::to_string),
            "mode": wait.mode.map(crate::script::LockMode::name),
            "since_ms": wait.since.map(milliseconds),
            "phase": wait.phase,
            "blocked_by": wait.blocking.iter().map(party_json).collect::<Vec<_>>(),
        })
    });
    let relations = node.freed.relations.iter().map(ToString::to_string);
    let told = json!({
        "waits_for": wait,
        "blocks": picture.behind(&node.party).iter().map(party_json).collect::<Vec<_>>(),
        "ending_it_frees": {
            "sessions": node.freed.sessions.iter().map(party_json).collect::<Vec<_>>(),
            "relations": relations.collect::<Vec<_>>(),
            "still_waiting": node.freed.still_waiting.iter().map(party_json).collect::<Vec<_>>(),
        },
    });
    if let (Value::Object(session), Value::Object(told)) = (&mut session, told) {
        session.extend(told);
    }
    session
}

/// A process id, or the name of a prepared transaction.
fn party_json(party: &Party) -> Value {
    match party {
        Party::Backend(pid) => pid.0.into(),
        Party::Prepared(gid) => gid.clone().into(),
    }
}

fn gone_json(party: &Party) -> Value {
    match party {
        Party::Backend(pid) => json!({ "pid": pid.0, "gid": null }),
        Party::Prepared(gid) => json!({ "pid": null, "gid": gid, "kind": "prepared transaction" }),
    }
}

/// Returns a picture for people; lines are cut at `width`. `asked` are the tables that it is about, if it is about some.
pub fn blockers_text(picture: &Picture, target: &str, asked: &[String], width: Option<u16>) -> String {
    let width = width.map(usize::from);
    let mut lines = vec![Line::default().styled(DIM, "target  ").plain(target)];
    if !asked.is_empty() {
        lines.push(Line::default().styled(DIM, "tables  ").plain(listed(asked, NAMED)));
    }
    lines.push(headline(picture, asked));
    let tree = tree(&picture.rows(), 0);
    for branch in &tree {
        lines.push(Line::default());
        branch.lines("", "", &mut lines);
    }
    lines.iter().map(|line| line.render(width)).collect()
}

fn headline(picture: &Picture, asked: &[String]) -> Line {
    let line = Line::default().styled(DIM, "waiting ");
    match (picture.waiting(), picture.nodes().count(), picture.longest()) {
        (0, 0, _) if !asked.is_empty() => line.styled(GOOD, "nobody; nobody else uses them in a transaction either"),
        (0, ..) => line.styled(GOOD, "nobody"),
        (waiting, _, longest) => {
            let longest = longest.map_or_else(String::new, |longest| {
                format!(", the longest for {}", human_duration(longest))
            });
            line.styled(WARNING, count(waiting, "session")).plain(longest)
        }
    }
}

/// A row and those behind it.
struct Branch<'a> {
    row: Row<'a>,
    behind: Vec<Branch<'a>>,
}

/// Returns the branches at `depth`, up to the first row above it.
fn tree<'a>(rows: &[Row<'a>], depth: usize) -> Vec<Branch<'a>> {
    let mut branches = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if row.depth < depth {
            break;
        }
        if row.depth == depth {
            branches.push(Branch {
                row: *row,
                behind: tree(&rows[at + 1..], depth + 1),
            });
        }
    }
    branches
}

impl Branch<'_> {
    fn lines(&self, first: &str, rest: &str, lines: &mut Vec<Line>) {
        let mut own = own_lines(&self.row).into_iter();
        let with =
            |prefix: &str, (style, text): (Style, String)| Line::default().styled(DIM, prefix).styled(style, text);
        if let Some(head) = own.next() {
            lines.push(with(first, head));
        }
        let (shown, more) = self.behind.split_at(self.behind.len().min(SHOWN));
        let below = if shown.is_empty() { "  " } else { "│ " };
        lines.extend(own.map(|line| with(&format!("{rest}{below}"), line)));
        for (at, branch) in shown.iter().enumerate() {
            let is_last = at + 1 == shown.len() && more.is_empty();
            let (head, tail) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            branch.lines(&format!("{rest}{head}"), &format!("{rest}{tail}"), lines);
        }
        if !more.is_empty() {
            let text = format!("and {} more that wait for {}", more.len(), self.row.node.party);
            lines.push(with(&format!("{rest}└─ "), (Style::new(), text)));
        }
    }
}

/// The lines about one: the first says what it does, those below who it is and what it has.
fn own_lines(row: &Row<'_>) -> Vec<(Style, String)> {
    let node = row.node;
    let mut lines = vec![head(row)];
    if row.was_told {
        return lines;
    }
    if let Some(backend) = &node.backend {
        let does = query(backend, QUERY_CHARACTERS).map_or_else(String::new, |query| format!(": {query}"));
        lines.push((Style::new(), format!("{}{does}", who(backend))));
        if row.depth == 0
            && let Some(holds) = holds(&backend.locks, NAMED)
        {
            lines.push((Style::new(), format!("holds {holds}")));
        }
    }
    if row.depth == 0 {
        lines.extend(frees(node).map(|text| (Style::new(), text)));
        lines.extend(remarks(node).into_iter().map(|text| (WARNING, text)));
    }
    lines
}

fn head(row: &Row<'_>) -> (Style, String) {
    let node = row.node;
    let since = |wait: &crate::activity::Wait| {
        wait.since
            .map_or_else(String::new, |since| format!(" {}", human_duration(since)))
    };
    let does = match (&node.wait, &node.backend) {
        _ if row.in_circle => "is waited for by it: a circle, which the server's deadlock check breaks".to_owned(),
        (Some(_), _) if row.was_told => "waits for this one too, see above".to_owned(),
        (Some(wait), _) if node.is_waiting() => format!("waits{} for {}", since(wait), awaited(wait)),
        (_, Some(backend)) => {
            let longer = longer(backend).map_or_else(String::new, |open| format!(", its transaction open for {open}"));
            format!("{}{longer}", state(backend))
        }
        (_, None) => "was gone a moment later".to_owned(),
    };
    let style = if row.depth == 0 { ERROR } else { Style::new() };
    match &node.party {
        Party::Prepared(_) if node.backend.is_some() => (style, does),
        party => (style, format!("{party} {does}")),
    }
}

/// For how long its transaction has been open, where that is longer than what it does now by more than people would notice.
fn longer(backend: &Backend) -> Option<String> {
    let (state, transaction) = (backend.in_state?, backend.in_transaction?);
    let is_longer = transaction > state + state / 10 + Duration::from_secs(1);
    is_longer.then(|| human_duration(transaction))
}

/// What its end would do for others.
fn frees(node: &Node) -> Option<String> {
    let (freed, still) = (node.freed.sessions.len(), node.freed.still_waiting.len());
    let tables: Vec<String> = node.freed.relations.iter().map(ToString::to_string).collect();
    let of = if tables.is_empty() {
        String::new()
    } else {
        format!(", on {}", listed(&tables, NAMED))
    };
    match (freed, still) {
        (0, 0) => None,
        (0, still) => Some(format!(
            "ending it alone frees nobody: {} behind it {} for others too",
            still,
            if still == 1 { "waits" } else { "wait" }
        )),
        (freed, 0) => Some(format!("ending it frees {}{of}", count(freed, "session"))),
        (freed, still) => Some(format!(
            "ending it frees {}{of}; {still} more wait for others too",
            count(freed, "session")
        )),
    }
}

/// Why ending it may not be the way. Lines are cut at the terminal's edge, so what is to be copied has one of its own.
fn remarks(node: &Node) -> Vec<String> {
    let Some(backend) = &node.backend else {
        return Vec::new();
    };
    let remark = match (&backend.kind, backend.signal) {
        (Kind::Prepared { gid }, _) => {
            let decide = decide(gid, backend.database.as_deref());
            let (who, statements) = decide.split_once(": ").unwrap_or(("", &decide));
            return vec![format!("{who}:"), statements.to_owned()];
        }
        (Kind::Autovacuum { wraparound: true }, _) => "it does not leave by itself: wait for it",
        (Kind::Autovacuum { wraparound: false }, _) if !node.freed.sessions.is_empty() => {
            "it leaves by itself when somebody has waited for deadlock_timeout"
        }
        (_, Signal::Allowed) => return Vec::new(),
        (_, Signal::Superuser) => "a superuser's session: only a superuser may end it",
        (_, Signal::NotGranted) => "another role's session: this role may not end it without pg_signal_backend",
    };
    vec![remark.to_owned()]
}
