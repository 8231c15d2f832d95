//! Views that do not say whose a row is, and functions: asked with the other tenant's rows there and gone.

use std::collections::BTreeMap;

use crate::pg::{MessageError, Session};
use crate::schema::Kind;

use super::differ::{Question, differ};
use super::execute::{Run, begin};
use super::judge::why;
use super::plan::{Callable, Subject};
use super::probe::{Aim, Probe};
use super::says::{Standing, Who};
use super::text::{ROW, columns, ident, literal, qualified, value};
use super::through::{taken, writable};
use super::verdict::{Deed, Ruling, Tier, Verdict};
use super::whose::Whose;

/// With how many values each a function is called.
const VALUES: usize = 12;

impl Run<'_> {
    /// Asks all of them.
    pub(super) async fn differences(&mut self, session: &Session) -> Result<(), MessageError> {
        let views = self.plan.subjects.iter().filter(|subject| {
            let is_view = matches!(subject.kind, Kind::View | Kind::MaterializedView);
            is_view && subject.whose == Whose::Nothing && subject.blind.is_none()
        });
        for subject in views {
            self.view(session, subject).await?;
        }
        for callable in &self.plan.functions {
            self.function(session, callable).await?;
        }
        Ok(())
    }

    /// The first two tenants with rows in one of some tables.
    fn pair_of(&self, tables: &[crate::activity::Oid]) -> Option<(Who, Who)> {
        let mut found = tables.iter().filter_map(|oid| self.pairs.get(oid)?.as_ref().ok());
        found.next().cloned()
    }

    async fn view(&mut self, session: &Session, subject: &Subject) -> Result<(), MessageError> {
        let relation = &self.schema.relations[&subject.oid];
        let readers = subject.rights.iter().filter(|(_, rights)| !rights.select.is_empty());
        for (role, rights) in readers {
            let Some((one, other)) = self.pair_of(&subject.bases) else {
                let reason = "none of the tables that it reads has rows of two tenants";
                self.keep(said(subject.name.to_string(), role, Deed::Select, reason));
                continue;
            };
            let asks_itself = subject.kind == Kind::MaterializedView;
            let query = if asks_itself {
                definition(session, subject).await?
            } else {
                let inner = columns(rights.select.iter().map(String::as_str));
                format!("select {inner} from {} {ROW}", qualified(&subject.name))
            };
            let question = Question {
                object: subject.name.to_string(),
                deed: Deed::Select,
                query,
                asks_itself,
                filled: None,
                why: why(self.schema, relation, role, Deed::Select),
            };
            let ruling = self.asked(session, role, &question, (&one, &other)).await?;
            self.keep(ruling);
        }
        if subject.kind == Kind::View {
            self.writes_through(session, subject).await?;
        }
        Ok(())
    }

    async fn writes_through(&mut self, session: &Session, subject: &Subject) -> Result<(), MessageError> {
        let taken = taken(session, subject).await?;
        let writable = writable(self.schema, self.plan, subject, &taken);
        for (role, rights) in &subject.rights {
            for deed in super::stated::deeds(rights)
                .into_iter()
                .filter(|deed| *deed != Deed::Select)
            {
                let name = subject.name.to_string();
                if !taken.contains(&deed) {
                    let ruling = said(name, role, deed, "it cannot be written through");
                    self.keep(Ruling {
                        verdict: Verdict::Proven,
                        tier: Tier::Static,
                        ..ruling
                    });
                } else if writable.is_none() {
                    let reason = "writes through it are not tried: none of its columns says whose a row is, and it has no key of one table";
                    self.keep(said(name, role, deed, reason));
                }
            }
        }
        let (Some(writable), Some(base)) = (writable, subject.bases.first()) else {
            return Ok(());
        };
        let Some(pair) = self.pairs.get(base).cloned() else {
            return Ok(());
        };
        if let Err(reason) = &pair {
            for ruling in super::stated::unknown(&writable, reason) {
                self.keep(ruling);
            }
        }
        self.pairs.insert(subject.oid, pair);
        self.tried(session, &writable, &[Standing::Tenant, Standing::Spent])
            .await
    }

    async fn asked(
        &mut self,
        session: &Session,
        role: &str,
        question: &Question,
        pair: (&Who, &Who),
    ) -> Result<Ruling, MessageError> {
        begin(session, self.options, &self.seeds).await?;
        self.probes += 1;
        let ruling = differ(session, self.plan, self.speech(role), question, pair).await;
        session.message("rollback").await.result?;
        ruling
    }

    async fn function(&mut self, session: &Session, callable: &Callable) -> Result<(), MessageError> {
        let tables: Vec<_> = self.plan.erased.iter().map(|(oid, ..)| *oid).collect();
        for role in &callable.roles {
            if let Some(reason) = callable.refused {
                self.keep(said(callable.name.clone(), role, Deed::Execute, reason));
                continue;
            }
            let Some((one, other)) = self.pair_of(&tables) else {
                self.keep(said(
                    callable.name.clone(),
                    role,
                    Deed::Execute,
                    "no table has rows of two tenants",
                ));
                continue;
            };
            let known = self.known(session, &other).await?;
            let calls = calls(callable, &known);
            let mut worst: Option<Ruling> = None;
            for (call, filled) in calls {
                let question = Question {
                    object: callable.name.clone(),
                    deed: Deed::Execute,
                    query: format!("select rlsctl_result::pg_catalog.text from {call} rlsctl_result"),
                    asks_itself: false,
                    filled: Some(filled),
                    why: ": it acts with its owner's rights".to_owned(),
                };
                let ruling = self.asked(session, role, &question, (&one, &other)).await?;
                if worst.as_ref().is_none_or(|worst| worst.verdict < ruling.verdict) {
                    worst = Some(ruling);
                }
            }
            let unknown: Vec<&String> = callable
                .arguments
                .iter()
                .filter(|it| !known.contains_key(*it))
                .collect();
            if let Some(mut ruling) = worst {
                if let (Verdict::Proven, Some(first)) = (ruling.verdict, unknown.first()) {
                    ruling.verdict = Verdict::Unknown;
                    ruling.reason = format!(
                        "an argument of type {first} cannot be guessed; with null nothing of another tenant came back"
                    );
                }
                self.keep(ruling);
            }
        }
        Ok(())
    }

    /// Values by type that lead to the other tenant: itself, and the keys of its rows.
    async fn known(&self, session: &Session, other: &Who) -> Result<BTreeMap<String, Vec<String>>, MessageError> {
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut queries = Vec::new();
        for (oid, name, whose) in &self.plan.erased {
            let relation = &self.schema.relations[oid];
            if let Some(data_type) = whose.data_type() {
                known
                    .entry(data_type.to_owned())
                    .or_insert_with(|| vec![other.tenant.clone()]);
            }
            let key = relation.primary_key().filter(|key| key.columns.len() == 1);
            let column = key.and_then(|key| relation.column(&key.columns[0]));
            if let (Some(column), Some(whose)) = (column, whose.sql()) {
                let (data_type, tenant) = (literal(&column.data_type), literal(&other.tenant));
                queries.push(format!(
                    "select {data_type}, {ROW}.{}::pg_catalog.text from {} {ROW} where {whose} = {tenant} limit 1",
                    ident(&column.name),
                    qualified(name)
                ));
            }
        }
        if queries.is_empty() {
            return Ok(known);
        }
        begin(session, self.options, &self.seeds).await?;
        let rows = session.rows(&queries.join("; ")).await;
        session.message("rollback").await.result?;
        for row in rows? {
            if let [Some(data_type), Some(found)] = row.as_slice() {
                let values = known.entry(data_type.clone()).or_default();
                if !values.contains(found) && values.len() < VALUES {
                    values.push(found.clone());
                }
            }
        }
        Ok(known)
    }
}

/// Returns the calls of a function, each with its arguments for people.
fn calls(callable: &Callable, known: &BTreeMap<String, Vec<String>>) -> Vec<(String, String)> {
    let most = callable
        .arguments
        .iter()
        .filter_map(|it| known.get(it))
        .map(Vec::len)
        .max()
        .unwrap_or(1);
    let name = format!("{}.{}", ident(&callable.schema), ident(&callable.function));
    let mut calls: Vec<(String, String)> = (0..most)
        .map(|at| {
            let arguments = callable.arguments.iter().map(|data_type| {
                let values = known.get(data_type);
                let found = values.and_then(|values| values.get(at.min(values.len() - 1)));
                format!("{}::{data_type}", value(found.map(String::as_str)))
            });
            let arguments = arguments.collect::<Vec<_>>().join(", ");
            (format!("{name}({arguments})"), arguments)
        })
        .collect();
    calls.dedup();
    calls
}

/// What a materialized view would hold if it were made now.
async fn definition(session: &Session, subject: &Subject) -> Result<String, MessageError> {
    let rows = session
        .rows(&format!(
            "select pg_catalog.pg_get_viewdef({}::pg_catalog.oid)",
            subject.oid
        ))
        .await?;
    let text = rows.into_iter().next().and_then(|row| row.into_iter().next().flatten());
    Ok(text.unwrap_or_default().trim_end().trim_end_matches(';').to_owned())
}

fn said(object: String, role: &str, command: Deed, reason: &str) -> Ruling {
    let probe = Probe {
        deed: command,
        aim: Aim::See,
        role: role.to_owned(),
        standing: Standing::Tenant,
        before: Vec::new(),
        becoming: Vec::new(),
        statements: Vec::new(),
        after: Vec::new(),
        otherwise: None,
    };
    Ruling {
        tier: Tier::Dynamic,
        ..super::judge::ruling(object, &probe, Verdict::Unknown, reason)
    }
}
