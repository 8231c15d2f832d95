//! Carries a plan out: each relation in a transaction that is rolled back.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use crate::pg::{MessageError, Session};
use crate::schema::{Kind, Schema};
use crate::tenancy::{Identity, Sessions, Tenancy, Which};

use super::found::{found, most_common};
use super::judge::{is_conflict, judge, ruling};
use super::pgtap::{PgTap, test};
use super::plan::{Plan, Subject};
use super::probe::{Aim, Outcome, Probe};
use super::reads::{Stage, cached, read, shadowed, values};
use super::rights::Rights;
use super::roles::reachable;
use super::sample::{self, prints, watched};
use super::says::{Speech, Standing, Who};
use super::stated;
use super::tenants::Pairs;
use super::verdict::{Deed, Proof, Ruling, Verdict};
use super::writes::writes;

/// How many messages are on their way at once.
const WINDOW: usize = 16;
/// How often a relation is tried that somebody else writes to.
const TRIES: usize = 3;

/// How it is to be done.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are flags of the command line")]
pub struct Options {
    /// The tenant that acts and the one that is to be reached; found in the data if nothing is said.
    pub tenants: Option<(String, String)>,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long a lock is waited for: so long the application may wait behind us.
    pub lock_timeout: Duration,
    /// Whether values of rows are masked.
    pub redact: bool,
    /// Whether rows are made for two tenants where the data has none.
    pub seed: bool,
    /// Whether probes are written down as tests.
    pub tests: bool,
    /// Whether each proof is tried against the table without row security, which locks it.
    pub strict_control: bool,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The connection is gone, or the server refuses what every probe needs.
    #[error("the server does not go along: {0}")]
    Message(#[from] MessageError),
}

/// What all probes share.
pub(super) struct Run<'a> {
    pub(super) schema: &'a Schema,
    pub(super) plan: &'a Plan,
    pub(super) tenancy: &'a Tenancy,
    pub(super) sessions: &'a Sessions,
    pub(super) options: &'a Options,
    pub(super) pairs: Pairs,
    /// What makes rows at the beginning of each transaction.
    pub(super) seeds: Vec<String>,
    reachable: BTreeMap<String, Vec<String>>,
    pub(super) probes: usize,
    /// Whether a session has seen what is its own: otherwise it may be nobody's, and proves nothing.
    has_own: bool,
    tests: Vec<PgTap>,
    pub(super) rulings: BTreeMap<(String, String, Deed, String), Ruling>,
}

/// Tries everything that is planned. Nothing stays: each transaction is rolled back.
///
/// `fresh` is a second connection in which nothing was ever set: a setting that was once set, in a transaction that is over, is empty and no
/// longer missing.
///
/// # Locks
/// Those of the statements that are tried, each until its savepoint is rolled back: ROW EXCLUSIVE on tables, and rows. Nobody is waited for longer
/// than [`Options::lock_timeout`]. With [`Options::strict_control`] ACCESS EXCLUSIVE.
///
/// # Privileges
/// SELECT on all rows, beyond row security, and membership in the application's roles.
///
/// # Errors
/// [`ProveError`].
pub async fn execute(
    session: &Session,
    fresh: &Session,
    (schema, plan): (&Schema, &Plan),
    (tenancy, sessions): (&Tenancy, &Sessions),
    options: &Options,
) -> Result<Proof, ProveError> {
    begin(session, options, &[]).await?;
    let found = found(session, (schema, plan), (tenancy, sessions), options).await;
    session.message("rollback").await.result?;
    let (pairs, seeds) = found?;
    let mut run = Run {
        schema,
        plan,
        tenancy,
        sessions,
        options,
        pairs,
        seeds,
        reachable: reachable(session, schema, tenancy).await?,
        probes: 0,
        has_own: false,
        tests: Vec::new(),
        rulings: BTreeMap::new(),
    };
    run.stated();
    for subject in plan.subjects.iter().filter(|subject| run_for(subject)) {
        run.tried(fresh, subject, &[Standing::Unset]).await?;
    }
    for subject in plan.subjects.iter().filter(|subject| run_for(subject)) {
        let mut standings = vec![Standing::Tenant, Standing::Spent];
        if run.speech("").claims().is_some() {
            standings.push(Standing::Extra);
        }
        run.tried(session, subject, &standings).await?;
    }
    run.differences(session).await?;
    Ok(run.finish())
}

/// What is stated from the catalog alone, or compared as a whole, is not tried row by row.
fn run_for(subject: &Subject) -> bool {
    subject.whose.is_tenants() && subject.blind.is_none()
}

/// Begins a transaction that sees one picture, so that what others write meanwhile is not taken for what we did.
pub(super) async fn begin(session: &Session, options: &Options, seeds: &[String]) -> Result<(), MessageError> {
    let (statement, lock) = (options.statement_timeout.as_millis(), options.lock_timeout.as_millis());
    let begin = format!(
        "begin isolation level repeatable read, read write; set local statement_timeout = {statement}; set local lock_timeout = {lock}"
    );
    let all = [&[begin], seeds, &["savepoint rlsctl_probe".to_owned()]].concat();
    session.message(&all.join("; ")).await.result
}

impl Run<'_> {
    pub(super) fn speech<'b>(&'b self, role: &'b str) -> Speech<'b> {
        Speech {
            tenancy: self.tenancy,
            sessions: self.sessions,
            role,
            is_superuser: self
                .schema
                .roles
                .get(&self.schema.current_role)
                .is_some_and(|role| role.is_superuser),
        }
    }

    /// A user may belong to several tenants, and whole sessions may be of several; then only the other tenant's rows are certainly another's.
    fn only_other(&self) -> bool {
        let is_all = matches!(&self.tenancy.identity, Identity::Membership(it) if it.which == Which::All);
        is_all || !self.sessions.each.is_empty()
    }

    /// Keeps the worst that is said of the same thing.
    pub(super) fn keep(&mut self, ruling: Ruling) {
        let key = (
            ruling.object.clone(),
            ruling.role.clone(),
            ruling.command,
            ruling.session.clone(),
        );
        match self.rulings.get(&key) {
            Some(kept) if kept.verdict >= ruling.verdict => {}
            _ => {
                self.rulings.insert(key, ruling);
            }
        }
    }

    /// What the catalog says by itself.
    fn stated(&mut self) {
        for subject in &self.plan.subjects {
            let no_pair = self.pairs.get(&subject.oid).and_then(|pair| pair.as_ref().err());
            for ruling in stated::stated(subject, no_pair) {
                self.keep(ruling);
            }
        }
    }

    pub(super) async fn tried(
        &mut self,
        session: &Session,
        subject: &Subject,
        standings: &[Standing],
    ) -> Result<(), MessageError> {
        let Some(Ok((one, other))) = self.pairs.get(&subject.oid).cloned() else {
            return Ok(());
        };
        for attempt in 1..=TRIES {
            begin(session, self.options, &self.seeds).await?;
            let tried = self.once(session, subject, (&one, &other), standings).await;
            session.message("rollback").await.result?;
            let (rulings, is_conflict) = tried?;
            if is_conflict && attempt < TRIES {
                continue;
            }
            for ruling in rulings {
                self.keep(ruling);
            }
            break;
        }
        Ok(())
    }

    /// Tries everything on one relation, in one transaction. Returns what is said, and whether somebody else was in the way.
    async fn once(
        &mut self,
        session: &Session,
        subject: &Subject,
        (one, other): (&Who, &Who),
        standings: &[Standing],
    ) -> Result<(Vec<Ruling>, bool), MessageError> {
        let sample = sample::sample(
            session,
            self.schema,
            self.plan,
            subject,
            (one, other),
            self.only_other(),
        )
        .await;
        let sample = match sample {
            Ok(sample) => sample,
            Err(MessageError::Refused { refusal }) => {
                let name = &subject.name;
                let reason = format!(
                    "its rows cannot be compared by whoever is connected: {}; GRANT SELECT ON {name}, or connect as its owner",
                    refusal.error.message
                );
                return Ok((stated::unknown(subject, &reason), false));
            }
            Err(lost) => return Err(lost),
        };
        let after = prints(self.schema, self.plan, &watched(subject), other);
        let mut done = Tried::default();
        for (role, rights) in &subject.rights {
            let stage = Stage {
                schema: self.schema,
                subject,
                speech: self.speech(role),
                rights,
                sample: &sample,
                one,
                other,
                only_other: self.only_other(),
                after: &after,
            };
            let probes = self.probes_of(&stage, standings, &mut done);
            self.send(session, &stage, probes, &mut done).await?;
            if standings.contains(&Standing::Tenant)
                && let Some(probe) = cached(&stage)
            {
                let outcome = probe.send(session).await?;
                if outcome.error.is_some() {
                    // A plan outlives its transaction. That it may not be there is what the answer says.
                    session
                        .message("rollback to savepoint rlsctl_probe; deallocate rlsctl_plan")
                        .await;
                }
                done.take(&stage, &probe, &outcome, self.options.redact);
            }
            if standings.contains(&Standing::Tenant) {
                let probes: Vec<Probe> = shadowed(&stage).into_iter().collect();
                self.send(session, &stage, probes, &mut done).await?;
            }
            let others: Vec<String> = self.reachable.get(role).cloned().unwrap_or_default();
            for other_role in others.iter().filter(|_| standings.contains(&Standing::Tenant)) {
                let rights = Rights::of(self.schema, stage.relation(), other_role);
                let stage = Stage {
                    rights: &rights,
                    ..stage
                };
                let standing = [Standing::Role(other_role.clone())];
                let probes = self.probes_of(&stage, &standing, &mut done);
                self.send(session, &stage, probes, &mut done).await?;
            }
        }
        self.count(&mut done);
        Ok((done.rulings, done.is_conflict))
    }

    fn count(&mut self, done: &mut Tried) {
        self.probes += done.probes;
        self.has_own |= done.has_own;
        if !done.is_conflict {
            self.tests.append(&mut done.tests);
        }
    }

    fn probes_of(&self, stage: &Stage<'_>, standings: &[Standing], done: &mut Tried) -> Vec<Probe> {
        let mut probes = Vec::new();
        for standing in standings {
            match read(stage, standing) {
                Some(Ok(probe)) => probes.push(probe),
                Some(Err(reason)) => {
                    let probe = stage.probe(Deed::Select, Aim::See, standing, Vec::new());
                    done.rulings
                        .push(ruling(stage.subject.name.to_string(), &probe, Verdict::Unknown, reason));
                }
                None => {}
            }
            if stage.sample.theirs.is_empty() && !stage.rights.insert.is_empty() {
                let probe = stage.probe(Deed::Insert, Aim::Make, standing, Vec::new());
                let reason = "whoever is connected sees no row of the other tenant in it that could be copied";
                done.rulings
                    .push(ruling(stage.subject.name.to_string(), &probe, Verdict::Unknown, reason));
            }
            if !matches!(stage.subject.kind, Kind::Foreign | Kind::MaterializedView) {
                probes.extend(writes(stage, standing));
            }
        }
        let has_values = standings.contains(&Standing::Tenant) && !self.only_other() && self.sessions.each.is_empty();
        if has_values && stage.subject.whose.column().is_some() {
            let each = values(stage).into_iter().map(Standing::Value);
            probes.extend(each.filter_map(|standing| read(stage, &standing)?.ok()));
        }
        probes
    }

    /// Sends attempts, several at once: each begins behind the savepoint, whatever became of the one before.
    async fn send(
        &self,
        session: &Session,
        stage: &Stage<'_>,
        probes: Vec<Probe>,
        done: &mut Tried,
    ) -> Result<(), MessageError> {
        let mut more = Vec::new();
        for window in probes.chunks(WINDOW) {
            let outcomes = join_all(window.iter().map(|probe| probe.send(session))).await;
            for (probe, outcome) in window.iter().zip(outcomes) {
                let outcome = outcome?;
                let ruling = done.judged(stage, probe, &outcome, self.options.redact);
                if self.options.tests && ruling.verdict != Verdict::Unknown {
                    done.tests.extend(test(stage, probe, &self.seeds));
                }
                match &probe.otherwise {
                    Some(otherwise) if ruling.verdict == Verdict::Unknown => more.push((ruling, otherwise)),
                    _ => done.rulings.push(ruling),
                }
                if self.options.strict_control {
                    self.control(session, stage, probe, done).await?;
                }
            }
        }
        for (first, probe) in more {
            let outcome = probe.send(session).await?;
            let mut ruling = done.judged(stage, probe, &outcome, self.options.redact);
            if ruling.verdict == Verdict::Proven {
                ruling = ruling.evidence("without_condition", first.reason);
                ruling.reason = format!("tried on one row by itself: {}", ruling.reason);
            }
            done.rulings.push(ruling);
        }
        Ok(())
    }

    /// The same attempt on the table without row security: what does not reach the other's rows there either proves nothing.
    async fn control(
        &self,
        session: &Session,
        stage: &Stage<'_>,
        probe: &Probe,
        done: &mut Tried,
    ) -> Result<(), MessageError> {
        let is_fit = probe.standing == Standing::Tenant && matches!(probe.aim, Aim::See | Aim::Change | Aim::Delete);
        let Some(last) = done
            .rulings
            .last()
            .filter(|last| is_fit && last.verdict == Verdict::Proven)
            .cloned()
        else {
            return Ok(());
        };
        if !stage.subject.kind.is_table() {
            return Ok(());
        }
        let mut control = probe.clone();
        let table = super::text::qualified(&stage.subject.name);
        control
            .before
            .insert(0, format!("alter table {table} disable row level security"));
        let outcome = control.send(session).await?;
        done.probes += 1;
        let seen = judge(stage, &control, &outcome, self.options.redact);
        if outcome.error.as_ref().is_none_or(|error| error.sqlstate == "42501") && seen.verdict != Verdict::Leak {
            let reason = "without row security the same statement reaches nothing either".to_owned();
            done.rulings.push(Ruling {
                verdict: Verdict::Unknown,
                reason,
                ..last
            });
        }
        Ok(())
    }

    /// A session that sees nothing of its own anywhere may be nobody's: then that it sees nothing of others says nothing.
    fn finish(mut self) -> Proof {
        let is_doubtful = !self.has_own && stated::expects_own(self.plan);
        let tenants = most_common(&self.pairs);
        let mut notes = Vec::new();
        if is_doubtful && tenants.is_some() {
            notes.push(
                "no session has seen a row of its own tenant: see that [tenancy] says how sessions begin".to_owned(),
            );
            for ruling in self.rulings.values_mut() {
                let is_tenants = !matches!(ruling.session.as_str(), "no context" | "spent context");
                if ruling.verdict == Verdict::Proven && is_tenants && ruling.tier == super::verdict::Tier::Dynamic {
                    ruling.verdict = Verdict::Unknown;
                    "the session sees none of its own rows anywhere, so that it sees no others says nothing"
                        .clone_into(&mut ruling.reason);
                }
            }
        }
        Proof {
            rulings: self.rulings.into_values().collect(),
            tenants,
            notes,
            probes: self.probes,
            tests: self.tests,
        }
    }
}

/// What has come of one transaction so far.
#[derive(Default)]
struct Tried {
    rulings: Vec<Ruling>,
    probes: usize,
    has_own: bool,
    is_conflict: bool,
    tests: Vec<PgTap>,
}

impl Tried {
    fn judged(&mut self, stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, redact: bool) -> Ruling {
        self.probes += 1;
        self.has_own |= outcome.has_own;
        self.is_conflict |= is_conflict(outcome);
        judge(stage, probe, outcome, redact)
    }

    fn take(&mut self, stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, redact: bool) {
        let ruling = self.judged(stage, probe, outcome, redact);
        self.rulings.push(ruling);
    }
}
