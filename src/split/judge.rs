//! Where a statement may stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::script::{
    LockMode, RelationKind, RelationName, SessionEffect, Statement, TableUse, TransactionControl, Transactional,
};

use super::footprint::{Footprint, words};

/// Where a statement may stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: a `BEGIN` or `COMMIT`, which would tie together what is to be apart.
    Left,
    /// At the start of whatever comes behind it: a setting.
    Setting {
        /// Whether it holds for a transaction only.
        is_local: bool,
    },
    /// In the section of these tables.
    Section(Vec<RelationName>),
    /// With these tables, if they have a section within reach, else at the head of a file.
    Beside(Vec<RelationName>),
    /// At the head of a file, before its sections.
    Head(Why),
    /// In a file without sections, because it cannot run inside a transaction.
    Alone,
}

/// Why a statement has no section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `DO`, `CALL`, functions: what it touches is not in its text.
    Unknown,
    /// It also locks tables that it does not name.
    Dependents,
    /// It is about no table, or makes one.
    NoTable,
    /// It only concerns tables that the file itself makes, which nobody else can hold.
    OwnTable,
    /// It needs no strong lock: it is about rows, or notes something down.
    Rows,
    /// The table of an index that the file does not make.
    Index,
    /// The table may not be there, or gets another name.
    Name,
}

/// How many tables may be locked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// By the sections of a file: `limits.tables_per_batch`.
    pub in_file: usize,
    /// By what stands before them: `limits.tables_per_migration`, as in a file without sections.
    pub in_head: usize,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "its tables cannot be known",
            Self::Dependents => "also locks tables that it does not name",
            Self::NoTable => "belongs to no table",
            Self::OwnTable => "is about a table that the file itself makes",
            Self::Rows => "needs no strong lock",
            Self::Index => "the table of that index is not in the file",
            Self::Name => "the table may not be there, or gets another name",
        })
    }
}

/// What the file has made so far.
#[derive(Debug, Default)]
pub(super) struct Made {
    relations: BTreeSet<RelationName>,
    /// The table of each index.
    indexes: BTreeMap<RelationName, RelationName>,
}

/// What is known of a statement: where it may stand, and what it depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) place: Place,
    pub(super) footprint: Footprint,
    /// The tables that it alters and the file does not make.
    pub(super) alters: Vec<RelationName>,
}

/// A statement that splitting would break, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Breaks {
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl Made {
    /// Returns where a statement may stand. What the grammar does not know may be anything.
    pub(super) fn judge(&mut self, statement: Option<&Statement>, body: &str, most: Most) -> Result<Judged, Breaks> {
        let Some(statement) = statement else {
            return Ok(fenced(Place::Head(Why::Unknown), Footprint::default()));
        };
        breaks(statement)?;
        let footprint = Footprint::of(statement, body);
        let mut judged = self.place(statement, body, footprint);
        judged.alters = self.alters(statement);
        self.learn(statement, body);
        let most = match &judged.place {
            Place::Section(_) => most.in_file,
            _ => most.in_head,
        };
        let tables = judged.alters.len();
        if tables <= most {
            return Ok(judged);
        }
        Err(Breaks {
            message: format!(
                "`{}` alters {tables} tables in one statement, and at most {most} are locked at once",
                statement.tag
            ),
            help: "write it as several statements",
        })
    }

    fn place(&self, statement: &Statement, body: &str, footprint: Footprint) -> Judged {
        if statement.control.is_some() {
            return fenced(Place::Left, footprint);
        }
        if !statement.transactional.is_inside() {
            return fenced(Place::Alone, footprint);
        }
        let session = statement.session;
        let tables = &statement.tables;
        if session.any() && !session.has(SessionEffect::Opaque) {
            let is_setting = tables.known.is_empty() && statement.dml.is_empty() && statement.creates.is_empty();
            let place = if is_setting {
                Place::Setting {
                    is_local: session.has(SessionEffect::SetsLocal),
                }
            } else {
                Place::Head(Why::Unknown)
            };
            return fenced(place, footprint);
        }
        let words: Vec<String> = words(body).collect();
        let has = |word: &str| words.iter().any(|other| other == word);
        let follow = |pair: [&str; 2]| words.windows(2).any(|two| two == pair);
        let altered: Vec<&TableUse> = tables
            .known
            .iter()
            .filter(|used| used.mode >= LockMode::Share)
            .collect();
        let is_alter_table = statement.tag == "ALTER TABLE";
        // A default or a check may call a function; the table that is altered is known all the same.
        if tables.unknown && (altered.is_empty() || !is_alter_table) {
            return fenced(Place::Head(Why::Unknown), footprint);
        }
        let may_be_missing = is_alter_table && words.get(2).is_some_and(|word| word == "if");
        if may_be_missing || is_alter_table && (follow(["rename", "to"]) || follow(["set", "schema"])) {
            return fenced(Place::Head(Why::Name), footprint);
        }
        let drops_columns_only = is_alter_table
            && !["constraint", "cascade", "attach", "detach", "validate"]
                .into_iter()
                .any(has);
        if tables.dependents && !drops_columns_only {
            let why = if altered.is_empty() { Why::Rows } else { Why::Dependents };
            return fenced(Place::Head(why), footprint);
        }
        let judged = self.by_tables(statement, &altered, footprint);
        if tables.unknown || tables.dependents {
            fenced(judged.place, judged.footprint)
        } else {
            judged
        }
    }

    /// Whether the file has made a relation, whether it names the schema `public` or leaves it out.
    fn has_made(&self, relation: &RelationName) -> bool {
        let other = match relation.schema.as_deref() {
            None => RelationName::qualified("public", &relation.name),
            Some("public") => RelationName::new(&relation.name),
            Some(_) => return self.relations.contains(relation),
        };
        self.relations.contains(relation) || self.relations.contains(&other)
    }

    /// Returns the tables that a statement alters and the file has not made. An index that it has not made stands for its table.
    fn alters(&self, statement: &Statement) -> Vec<RelationName> {
        let is_table = |used: &&TableUse| matches!(used.kind, RelationKind::Table | RelationKind::Index);
        let known = statement.tables.known.iter().filter(is_table);
        let altered = known.filter(|used| used.mode >= LockMode::Share && !self.has_made(&used.relation));
        altered
            .map(|used| self.indexes.get(&used.relation).unwrap_or(&used.relation).clone())
            .collect()
    }

    /// Places a statement by the tables that it names.
    fn by_tables(&self, statement: &Statement, altered: &[&TableUse], footprint: Footprint) -> Judged {
        let mut tables: Vec<RelationName> = Vec::new();
        let mut own = false;
        let annotates = matches!(
            statement.tag,
            "GRANT" | "REVOKE" | "COMMENT" | "SECURITY LABEL" | "ALTER TABLE"
        );
        let named: Vec<&TableUse> = if altered.is_empty() && annotates {
            statement.tables.known.iter().collect()
        } else {
            altered.to_vec()
        };
        for used in named {
            let table = match used.kind {
                RelationKind::Table => &used.relation,
                RelationKind::Index => match self.indexes.get(&used.relation) {
                    Some(table) => table,
                    None => return fenced(Place::Head(Why::Index), footprint),
                },
                RelationKind::Sequence | RelationKind::View | RelationKind::MaterializedView => continue,
            };
            if self.has_made(table) {
                own = true;
            } else if !tables.contains(table) {
                tables.push(table.clone());
            }
        }
        let is_alter = matches!(statement.transactional, Transactional::Inside) && !altered.is_empty();
        let makes_a_table = !statement.creates.is_empty() && statement.tag != "CREATE INDEX";
        let place = match (tables.is_empty(), is_alter) {
            _ if makes_a_table => return fenced(Place::Head(Why::NoTable), footprint),
            (false, true) => Place::Section(tables),
            (false, false) => Place::Beside(tables),
            (true, _) if own => Place::Head(Why::OwnTable),
            (true, _) if is_about_rows(statement) => return fenced(Place::Head(Why::Rows), footprint),
            (true, _) => return fenced(Place::Head(Why::NoTable), footprint),
        };
        Judged {
            place,
            footprint,
            alters: Vec::new(),
        }
    }

    fn learn(&mut self, statement: &Statement, body: &str) {
        let words: Vec<String> = words(body).collect();
        let is_sure = !words.windows(3).any(|three| three == ["if", "not", "exists"]);
        if statement.tag == "CREATE INDEX" {
            let table = statement.tables.known.first();
            let pairs = statement.creates.iter().zip(table);
            self.indexes
                .extend(pairs.map(|(index, table)| (index.clone(), table.relation.clone())));
        } else if is_sure {
            self.relations.extend(statement.creates.iter().cloned());
        }
        if let Some(at) = words.windows(2).position(|two| two == ["rename", "to"])
            && statement.tag == "ALTER TABLE"
            && let Some(name) = words.get(at + 2)
        {
            self.relations.insert(RelationName::new(name));
        }
    }
}

/// Whether a statement that alters no table still takes more of one than a reader does.
fn is_about_rows(statement: &Statement) -> bool {
    let needs = |used: &TableUse| used.kind == RelationKind::Table && used.mode > LockMode::AccessShare;
    statement.tables.known.iter().any(needs)
}

fn fenced(place: Place, footprint: Footprint) -> Judged {
    let is_fence = true;
    Judged {
        place,
        footprint: Footprint { is_fence, ..footprint },
        alters: Vec::new(),
    }
}

/// Finds what means something else, or nothing, once the statements around it run apart.
fn breaks(statement: &Statement) -> Result<(), Breaks> {
    const PLAIN: [SessionEffect; 4] = [
        SessionEffect::Sets,
        SessionEffect::SetsLocal,
        SessionEffect::Role,
        SessionEffect::Opaque,
    ];
    match &statement.control {
        None | Some(TransactionControl::Begin { modes: false } | TransactionControl::Commit { chain: false }) => {}
        Some(_) => {
            return Err(Breaks {
                message: format!("`{}` is about a transaction that would be cut", statement.tag),
                help: "take it out, or split the file by hand",
            });
        }
    }
    let is_kept = |effect: &SessionEffect| !PLAIN.contains(effect);
    if let Some(effect) = statement.session.iter().find(is_kept) {
        return Err(Breaks {
            message: format!("`{}` {effect}, which the other files would not have", statement.tag),
            help: "split the file by hand, so that what needs it stays with it",
        });
    }
    if statement.tag == "LOCK TABLE" {
        return Err(Breaks {
            message: "`LOCK TABLE` would be over at the end of its section".to_owned(),
            help: "take it out: a section has the locks of its tables before it begins",
        });
    }
    if statement.copy_from_stdin || statement.copy_to_stdout {
        return Err(Breaks {
            message: "`COPY` through the client cannot be moved".to_owned(),
            help: "put the rows into a migration of their own first",
        });
    }
    Ok(())
}
