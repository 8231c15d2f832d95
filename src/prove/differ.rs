//! Does an answer change when another tenant's rows are gone? For views that do not say whose a row is, and for functions.

use serde_json::Value;

use crate::exit::ServerError;
use crate::pg::{MessageError, Session};

use super::probe::{Aim, Probe};
use super::says::{Speech, Standing, Who};
use super::text::{ROW, literal, qualified};
use super::verdict::{Deed, Ruling, Verdict};
use super::{judge, plan::Plan};

/// A question that is put twice.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What is asked.
    pub(super) object: String,
    /// How that is called.
    pub(super) deed: Deed,
    /// The query, whose rows are compared as a whole.
    pub(super) query: String,
    /// Who asks: the application, or, for what has no row security at all, whoever is connected.
    pub(super) asks_itself: bool,
    /// What was filled in, for the evidence.
    pub(super) filled: Option<String>,
    /// Why it lets rows pass, as far as the catalog says.
    pub(super) why: String,
}

#[derive(Debug, Default)]
struct Answers {
    acting: bool,
    texts: Vec<String>,
    erased: u64,
    error: Option<ServerError>,
}

/// Asks, deletes the other tenant's rows behind a savepoint, and asks again.
///
/// # Errors
/// [`MessageError`] where the connection is lost.
pub(super) async fn differ(
    session: &Session,
    plan: &Plan,
    speech: Speech<'_>,
    question: &Question,
    (one, other): (&Who, &Who),
) -> Result<Ruling, MessageError> {
    let probe = Probe {
        deed: question.deed,
        aim: Aim::See,
        role: speech.role.to_owned(),
        standing: Standing::Tenant,
        before: Vec::new(),
        becoming: speech.becoming(&Standing::Tenant, one, other),
        statements: vec![question.query.clone()],
        after: Vec::new(),
        otherwise: None,
    };
    let becoming = if question.asks_itself {
        Vec::new()
    } else {
        probe.becoming.clone()
    };
    let ask = format!(
        "select 'rlsctl:answer', pg_catalog.count(*)::pg_catalog.text || ' ' || coalesce(pg_catalog.sum(pg_catalog.hashtextextended(rlsctl_answer::pg_catalog.text, 0)), 0)::pg_catalog.text from ({}) rlsctl_answer",
        question.query
    );
    let erase = erase(plan, other, speech.is_superuser);
    let before = asked(session, &[], &becoming, &[ask.clone(), ask.clone()]).await?;
    let ruling = match before {
        Answers { error: None, .. } if before.texts.len() == 2 && before.texts[0] == before.texts[1] => {
            let after = asked(session, &erase, &becoming, &[ask]).await?;
            compared(question, &probe, &before.texts[0], &after)
        }
        _ => unanswered(question, &probe, &before),
    };
    let ruling = match &question.filled {
        Some(filled) => ruling.evidence("called_with", filled.as_str()),
        None => ruling,
    };
    if ruling.verdict != Verdict::Leak {
        return Ok(ruling);
    }
    let tenant = other.tenant.replace(['\n', '\r'], " ");
    let shown = format!(
        "{}; -- another answer once the rows of tenant {tenant} are gone",
        question.query
    );
    let script = probe.script(&question.object, None, Some(&shown));
    Ok(Ruling {
        script: Some(script.replace("are gone;", "are gone")),
        ..ruling
    })
}

/// Why the first answer cannot be compared.
fn unanswered(question: &Question, probe: &Probe, before: &Answers) -> Ruling {
    let (verdict, reason) = match &before.error {
        Some(error) if error.sqlstate == "42501" && before.acting => (Verdict::Proven, words(error)),
        Some(error) => (Verdict::Unknown, words(error)),
        None => (
            Verdict::Unknown,
            "it answers the same question differently each time".to_owned(),
        ),
    };
    judge::ruling(question.object.clone(), probe, verdict, reason)
}

/// What the second answer says beside the first.
fn compared(question: &Question, probe: &Probe, first: &String, after: &Answers) -> Ruling {
    let say = |verdict: Verdict, reason: &str| judge::ruling(question.object.clone(), probe, verdict, reason);
    if let Some(error) = &after.error {
        let what = if after.acting {
            "it cannot be asked again"
        } else {
            "the other tenant's rows cannot be taken away to compare"
        };
        return say(Verdict::Unknown, &format!("{what}: {}", words(error)));
    }
    if after.erased == 0 {
        return say(
            Verdict::Unknown,
            "the other tenant has no row that could have been seen",
        );
    }
    if after.texts.first() == Some(first) {
        let reason = "the answer is the same when the other tenant's rows are gone";
        return say(Verdict::Proven, reason).evidence("rows_of_the_other", after.erased);
    }
    let rows = |text: &String| Value::from(text.split(' ').next().unwrap_or_default());
    say(
        Verdict::Leak,
        &format!("its answer depends on rows of another tenant{}", question.why),
    )
    .evidence("rows_before", rows(first))
    .evidence("rows_after", after.texts.first().map_or(Value::Null, rows))
}

fn words(error: &ServerError) -> String {
    format!("{} (SQLSTATE {})", error.message, error.sqlstate)
}

async fn asked(
    session: &Session,
    before: &[String],
    becoming: &[String],
    asks: &[String],
) -> Result<Answers, MessageError> {
    let mut all = vec!["rollback to savepoint rlsctl_probe".to_owned()];
    all.extend(before.iter().cloned());
    all.extend(becoming.iter().cloned());
    all.push("select 'rlsctl:acting'".to_owned());
    all.extend(asks.iter().cloned());
    let answer = session.message(&all.join("; ")).await;
    let mut found = Answers::default();
    for row in answer.rows {
        match row.as_slice() {
            [Some(tag)] if tag == "rlsctl:acting" => found.acting = true,
            [Some(tag), Some(text)] if tag == "rlsctl:answer" => found.texts.push(text.clone()),
            _ => {}
        }
    }
    // The first of all statements is our own savepoint's.
    let deletions = answer.counts.iter().skip(1).take(before.len());
    found.erased = deletions.sum();
    match answer.result {
        Ok(()) => Ok(found),
        Err(MessageError::Refused { refusal }) => {
            found.error = Some(refusal.error);
            Ok(found)
        }
        Err(lost) => Err(lost),
    }
}

/// The deletion of the other tenant's rows everywhere, those that refer to others first. A superuser keeps triggers and foreign keys out of it.
fn erase(plan: &Plan, other: &Who, is_superuser: bool) -> Vec<String> {
    let tenant = literal(&other.tenant);
    let deletions = plan.erased.iter().filter_map(|(_, name, whose)| {
        let whose = whose.sql()?;
        Some(format!(
            "delete from {} {ROW} where {whose} = {tenant}",
            qualified(name)
        ))
    });
    let mut all: Vec<String> = Vec::new();
    if is_superuser {
        all.push("set local session_replication_role = replica".to_owned());
    }
    all.extend(deletions);
    if is_superuser {
        all.push("set local session_replication_role = origin".to_owned());
    }
    all
}
