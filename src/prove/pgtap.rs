//! Probes as pgTAP tests, which a team can keep and run without this program: one probe, one file, one transaction that is rolled back.

use super::probe::{Aim, Probe};
use super::reads::Stage;
use super::text::literal;

/// What encloses a block, and what encloses the statement in it.
const TAGS: [&str; 2] = ["$rlsctl$", "$rlsctl_try$"];

/// A test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgTap {
    /// What the file is called.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// Returns the test that an attempt makes; nothing for one that needs what only a run knows: where rows are, or a cursor on them. `seeds` make the
/// rows where there are none.
pub(super) fn test(stage: &Stage<'_>, probe: &Probe, seeds: &[String]) -> Option<PgTap> {
    let is_open = probe
        .statements
        .iter()
        .any(|text| text.contains("::pg_catalog.tid[]") || TAGS.iter().any(|tag| text.contains(tag)));
    if is_open || !probe.before.is_empty() || probe.statements.iter().any(|text| text.contains("rlsctl_plan")) {
        return None;
    }
    let (object, session, command) = (stage.subject.name.to_string(), probe.standing.name(), probe.deed.word());
    let what = format!("{command} on {object} by {} ({session})", probe.role);
    let held = if matches!(
        probe.standing,
        super::says::Standing::Tenant | super::says::Standing::Extra
    ) {
        "insufficient_privilege"
    } else {
        "insufficient_privilege or data_exception or undefined_object"
    };
    let (first, tried, compared) = if probe.aim == Aim::See {
        (String::new(), sees(probe, held), "'0'".to_owned())
    } else {
        let sum = sum(stage);
        let first = format!("select set_config('rlsctl.before', {sum}, true);\n");
        (first, writes(probe, held), sum)
    };
    let found = if probe.aim == Aim::See {
        "rlsctl.seen"
    } else {
        "rlsctl.before"
    };
    let (seeds, becoming) = (lines(seeds), lines(&probe.becoming));
    let title = literal(&format!("nothing of another tenant is reached: {what}"));
    let text = format!(
        "-- {what}.\nbegin;\nselect plan(1);\n{seeds}{first}{becoming}{tried}reset session authorization;\nreset role;\n\
         select is(current_setting('{found}'), {compared}, {title});\nselect * from finish();\nrollback;\n",
        what = what.replace(['\n', '\r'], " ")
    );
    Some(PgTap {
        file: named(&format!("{object} {} {command} {:?} {session}", probe.role, probe.aim)),
        text,
    })
}

fn lines(statements: &[String]) -> String {
    let mut text = statements.join(";\n");
    if !text.is_empty() {
        text.push_str(";\n");
    }
    text
}

/// Counts what is seen that may not be.
fn sees(probe: &Probe, held: &str) -> String {
    let seen = probe.statements.iter().filter(|text| text.contains("'rlsctl:seen'"));
    let counts: Vec<String> = seen
        .map(|text| format!("(select count(*) from ({text}) probe)"))
        .collect();
    let query = format!("select {}", counts.join(" + "));
    format!(
        "do {0} declare n bigint; begin\n  execute {1}{query}{1} into n;\n  perform set_config('rlsctl.seen', n::text, true);\n\
         exception when {held} then\n  perform set_config('rlsctl.seen', '0', true);\nend {0};\n",
        TAGS[0], TAGS[1]
    )
}

fn writes(probe: &Probe, held: &str) -> String {
    let statements = probe.statements.join("; ");
    format!(
        "do {0} begin\n  execute {1}{statements}{1};\nexception when {held} then null;\nend {0};\n",
        TAGS[0], TAGS[1]
    )
}

/// The other tenant's rows in all tables that are watched, as one text.
fn sum(stage: &Stage<'_>) -> String {
    format!(
        "(select string_agg(rows::text, ' ' order by rows::text) from ({}) rows)",
        stage.after.join(" union all ")
    )
}

fn named(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let words: Vec<&str> = plain.split('_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}
