//! Rows for two tenants where the data has none, made in the transaction that is rolled back.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::pg::{MessageError, Session};
use crate::schema::{Column, Relation, Schema};

use super::candidates::{Shape, candidates, uuid};
use super::compose::fill;
use super::plan::Plan;
use super::text::{ROW, ident, literal, qualified, value};
use super::whose::{Whose, whose_of};

const TYPES: &str = include_str!("../../sql/prove/types.sql");
/// How often a row is tried with other values.
const TRIES: usize = 40;
/// How many tables are gone through for one row.
const DEEPEST: usize = 12;

/// A row by its columns.
type Cells = BTreeMap<String, Option<String>>;

/// What was made.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeds {
    /// The statements that make it, in their order.
    pub(super) statements: Vec<String>,
    /// What could not be made, by table.
    pub(super) failed: BTreeMap<Oid, String>,
}

/// Makes a row of each of two tenants in every table of tenants that lacks one, and what those refer to. Parents come first; keys are written
/// out, so that no sequence moves.
///
/// # Errors
/// [`MessageError`] where the connection is lost.
pub(super) async fn seed(
    session: &Session,
    schema: &Schema,
    plan: &Plan,
    tenants: (&str, &str),
    is_superuser: bool,
) -> Result<Seeds, MessageError> {
    let oids: Vec<String> = schema.relations.keys().map(|oid| literal(&oid.to_string())).collect();
    let mut seeder = Seeder {
        session,
        schema,
        plan,
        tenants: [tenants.0.to_owned(), tenants.1.to_owned()],
        is_superuser,
        shapes: shapes(session, &oids).await?,
        rows: BTreeMap::new(),
        seeds: Seeds::default(),
    };
    for (oid, ..) in plan.erased.iter().rev() {
        for tenant in [0, 1] {
            if let Err(reason) = seeder.row(*oid, tenant, 0).await? {
                seeder.seeds.failed.insert(
                    *oid,
                    format!("no row of two tenants is there, and none can be made: {reason}"),
                );
            }
        }
    }
    Ok(seeder.seeds)
}

/// Returns a value that a tenant may have who is not there yet.
pub(super) fn stranger(data_type: &str, number: u32) -> Option<String> {
    match data_type {
        "uuid" => Some(uuid()),
        "smallint" => Some((31_000 + number).to_string()),
        "integer" | "bigint" | "numeric" => Some((2_000_000_000 + number).to_string()),
        "text" | "citext" | "name" => Some(format!("rlsctl-{number}")),
        _ if data_type.starts_with("character") => Some(format!("r{number}")),
        _ => None,
    }
}

async fn shapes(session: &Session, oids: &[String]) -> Result<BTreeMap<(Oid, String), Shape>, MessageError> {
    if oids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = session.rows(&fill(TYPES, &[("relations", &oids.join(", "))])).await?;
    let read = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter();
        let oid = cells.next()??.parse().ok()?;
        let (column, name, category) = (cells.next()??, cells.next()??, cells.next()??);
        let labels = cells
            .next()?
            .map(|labels| labels.split('\n').map(str::to_owned).collect());
        let shape = Shape {
            name,
            category: category.chars().next()?,
            labels: labels.unwrap_or_default(),
        };
        Some(((Oid(oid), column), shape))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

struct Seeder<'a> {
    session: &'a Session,
    schema: &'a Schema,
    plan: &'a Plan,
    tenants: [String; 2],
    is_superuser: bool,
    shapes: BTreeMap<(Oid, String), Shape>,
    rows: BTreeMap<(Oid, usize), Cells>,
    seeds: Seeds,
}

impl Seeder<'_> {
    /// Returns a row of a table that is the tenant's, or, where rows are nobody's, one for its use.
    async fn row(&mut self, oid: Oid, tenant: usize, depth: usize) -> Result<Result<Cells, String>, MessageError> {
        if let Some(row) = self.rows.get(&(oid, tenant)) {
            return Ok(Ok(row.clone()));
        }
        let Some(relation) = self.schema.relations.get(&oid).filter(|_| depth < DEEPEST) else {
            return Ok(Err("foreign keys go round in a circle".to_owned()));
        };
        let found = match self.there(relation, tenant).await? {
            Some(row) => Ok(row),
            None => Box::pin(self.made(relation, tenant, depth)).await?,
        };
        if let Ok(row) = &found {
            self.rows.insert((oid, tenant), row.clone());
        }
        Ok(found)
    }

    fn whose(&self, oid: Oid) -> Option<&Whose> {
        whose_of(self.plan, oid).filter(|whose| whose.is_tenants())
    }

    /// Looks for a row that is there.
    async fn there(&self, relation: &Relation, tenant: usize) -> Result<Option<Cells>, MessageError> {
        let which = match self.whose(relation.oid).and_then(Whose::sql) {
            Some(whose) => format!("where {whose} = {} limit 1", literal(&self.tenants[tenant])),
            None => format!("offset {tenant} limit 1"),
        };
        self.looked(relation, &which).await
    }

    async fn looked(&self, relation: &Relation, which: &str) -> Result<Option<Cells>, MessageError> {
        let query = format!(
            "select {} from {} {ROW} {which}",
            cells(relation, ROW),
            qualified(&relation.name)
        );
        let answer = self
            .session
            .message(&format!(
                "savepoint rlsctl_look; {query}; release savepoint rlsctl_look"
            ))
            .await;
        match answer.result {
            Ok(()) => Ok(answer.rows.into_iter().next().map(|row| named(relation, row))),
            Err(MessageError::Refused { .. }) => {
                self.session.message("rollback to savepoint rlsctl_look").await.result?;
                Ok(None)
            }
            Err(lost) => Err(lost),
        }
    }

    /// Makes one: a copy of any row that is there, or of likely values, tried until the server takes it.
    async fn made(
        &mut self,
        relation: &Relation,
        tenant: usize,
        depth: usize,
    ) -> Result<Result<Cells, String>, MessageError> {
        let model = self.looked(relation, "limit 1").await?;
        let mut fixed = Cells::new();
        for key in &relation.foreign_keys {
            if key.references == relation.oid {
                fixed.extend(key.columns.iter().map(|name| (name.clone(), None)));
                continue;
            }
            match self.row(key.references, tenant, depth + 1).await? {
                Ok(parent) => {
                    let pairs = key.columns.iter().zip(&key.referenced_columns);
                    fixed.extend(pairs.map(|(own, other)| (own.clone(), parent.get(other).cloned().flatten())));
                }
                Err(reason) => {
                    let is_needed = key
                        .columns
                        .iter()
                        .all(|name| relation.column(name).is_some_and(|it| it.not_null));
                    if is_needed {
                        return Ok(Err(reason));
                    }
                    fixed.extend(key.columns.iter().map(|name| (name.clone(), None)));
                }
            }
        }
        if let Some(Whose::Column { name, .. }) = self.whose(relation.oid) {
            fixed.insert(name.clone(), Some(self.tenants[tenant].clone()));
        }
        let mut attempt = Attempt {
            relation,
            turns: BTreeMap::new(),
            needed: Vec::new(),
            fixed,
            model,
        };
        let mut last = String::new();
        for plays_replica in [false, true] {
            for _ in 0..TRIES {
                let row = attempt.row(&self.shapes, tenant);
                match self.inserted(relation, &row, plays_replica).await? {
                    Ok(made) => return Ok(Ok(made)),
                    Err(refusal) => {
                        last = format!("{} (SQLSTATE {})", refusal.message, refusal.sqlstate);
                        if !attempt.learns(&refusal) {
                            break;
                        }
                    }
                }
            }
            if !self.is_superuser {
                break;
            }
        }
        Ok(Err(format!("{}: {last}", relation.name)))
    }

    /// Inserts a row, and remembers the statement with all values as they came out: a default may give another one the next time.
    async fn inserted(
        &mut self,
        relation: &Relation,
        row: &Cells,
        plays_replica: bool,
    ) -> Result<Result<Cells, Refused>, MessageError> {
        let statement = insert(relation, row);
        let message = format!(
            "savepoint rlsctl_seed; {}; release savepoint rlsctl_seed",
            as_replica(
                &format!("{statement} returning {}", cells(relation, ROW)),
                plays_replica
            )
        );
        let answer = self.session.message(&message).await;
        match answer.result {
            Ok(()) => {
                let Some(made) = answer.rows.into_iter().next() else {
                    return Ok(Err(Refused {
                        sqlstate: "00000".to_owned(),
                        message: "a trigger does away with the row".to_owned(),
                        constraint: None,
                    }));
                };
                let made = named(relation, made);
                self.seeds
                    .statements
                    .push(as_replica(&insert(relation, &made), plays_replica));
                Ok(Ok(made))
            }
            Err(MessageError::Refused { refusal }) => {
                self.session.message("rollback to savepoint rlsctl_seed").await.result?;
                Ok(Err(Refused {
                    sqlstate: refusal.error.sqlstate,
                    message: refusal.error.message,
                    constraint: refusal.constraint,
                }))
            }
            Err(lost) => Err(lost),
        }
    }
}

/// Foreign keys and triggers are left out of it, where nothing else helps.
fn as_replica(statement: &str, plays_replica: bool) -> String {
    if plays_replica {
        format!(
            "set local session_replication_role = replica; {statement}; set local session_replication_role = origin"
        )
    } else {
        statement.to_owned()
    }
}

fn cells(relation: &Relation, alias: &str) -> String {
    let each = relation
        .columns
        .iter()
        .map(|column| format!("{alias}.{}::pg_catalog.text", ident(&column.name)));
    each.collect::<Vec<_>>().join(", ")
}

fn named(relation: &Relation, row: Vec<Option<String>>) -> Cells {
    let names = relation.columns.iter().map(|column| column.name.clone());
    names.zip(row).collect()
}

fn insert(relation: &Relation, row: &Cells) -> String {
    let given = relation.columns.iter().filter(|column| !column.is_generated);
    let given = given.filter_map(|column| Some((column, row.get(&column.name)?)));
    let (names, values): (Vec<String>, Vec<String>) = given
        .map(|(column, cell)| (ident(&column.name).to_string(), value(cell.as_deref())))
        .unzip();
    let table = qualified(&relation.name);
    if names.is_empty() {
        return format!("insert into {table} as {ROW} default values");
    }
    format!(
        "insert into {table} as {ROW} ({}) overriding system value values ({})",
        names.join(", "),
        values.join(", ")
    )
}

/// Why the server did not take a row.
struct Refused {
    sqlstate: String,
    message: String,
    constraint: Option<String>,
}

/// A row that is being tried.
struct Attempt<'a> {
    relation: &'a Relation,
    /// How often each column got another value.
    turns: BTreeMap<String, usize>,
    /// Columns that may not be left out, as the server said.
    needed: Vec<String>,
    fixed: Cells,
    model: Option<Cells>,
}

impl Attempt<'_> {
    fn row(&self, shapes: &BTreeMap<(Oid, String), Shape>, tenant: usize) -> Cells {
        let columns = self.relation.columns.iter().filter(|column| !column.is_generated);
        columns
            .filter_map(|column| Some((column.name.clone(), self.cell(column, shapes, tenant)?)))
            .collect()
    }

    /// Returns a column's value, or nothing where its default does.
    #[allow(
        clippy::option_option,
        reason = "null is a value, and none at all is the default's business"
    )]
    fn cell(&self, column: &Column, shapes: &BTreeMap<(Oid, String), Shape>, tenant: usize) -> Option<Option<String>> {
        if let Some(fixed) = self.fixed.get(&column.name) {
            return Some(fixed.clone());
        }
        let shape = shapes
            .get(&(self.relation.oid, column.name.clone()))
            .cloned()
            .unwrap_or_default();
        let turn = self.turns.get(&column.name).copied();
        if self.is_key(&column.name)
            || column.is_identity
            || column.default.as_ref().is_some_and(|it| it.contains("nextval"))
        {
            return Some(Some(fresh(
                self.relation,
                column,
                &shape,
                tenant,
                turn.unwrap_or_default(),
            )));
        }
        if let (Some(model), None) = (&self.model, turn) {
            return model.get(&column.name).cloned();
        }
        let is_needed = column.not_null || self.needed.contains(&column.name) || turn.is_some();
        match (&column.default, is_needed) {
            (Some(_), _) if turn.is_none() => None,
            (_, false) => Some(None),
            _ => {
                let values = candidates(self.relation, &column.name, &shape);
                values
                    .get(turn.unwrap_or_default() % values.len().max(1))
                    .cloned()
                    .map(Some)
            }
        }
    }

    fn is_key(&self, name: &str) -> bool {
        let in_key = self
            .relation
            .keys
            .iter()
            .any(|key| key.columns.iter().any(|it| it == name));
        let unique = self.relation.indexes.iter().filter(|index| index.is_unique);
        in_key
            || unique
                .flat_map(|index| &index.columns)
                .any(|it| it.as_deref() == Some(name))
    }

    /// Takes another value where the server says one was wrong; tells whether there is anything to try.
    fn learns(&mut self, refused: &Refused) -> bool {
        let named = |column: &&Column| refused.message.contains(&format!("\"{}\"", column.name));
        let free = self
            .relation
            .columns
            .iter()
            .filter(|column| !column.is_generated && !self.fixed.contains_key(&column.name));
        let free: Vec<&Column> = free.collect();
        let of_check = |constraint: &String| {
            let check = self.relation.checks.iter().find(|check| check.name == *constraint)?;
            Some(check.columns.clone())
        };
        let turned: Vec<String> = match refused.sqlstate.as_str() {
            "23502" => free
                .iter()
                .copied()
                .filter(named)
                .map(|column| column.name.clone())
                .collect(),
            "23514" => {
                let columns = refused.constraint.as_ref().and_then(of_check);
                let columns = columns.unwrap_or_else(|| free.iter().map(|column| column.name.clone()).collect());
                columns
                    .into_iter()
                    .filter(|name| !self.fixed.contains_key(name))
                    .collect()
            }
            "23505" => free
                .iter()
                .map(|it| it.name.clone())
                .filter(|name| self.is_key(name))
                .collect(),
            state if state.starts_with("22") => {
                let open = free
                    .iter()
                    .filter(|it| it.not_null || self.turns.contains_key(&it.name));
                open.map(|column| column.name.clone()).collect()
            }
            _ => Vec::new(),
        };
        for name in &turned {
            self.needed.push(name.clone());
            let turn = self.turns.entry(name.clone()).or_default();
            *turn += usize::from(refused.sqlstate != "23502");
        }
        !turned.is_empty()
    }
}

/// A value that no other row has.
fn fresh(relation: &Relation, column: &Column, shape: &Shape, tenant: usize, turn: usize) -> String {
    let number = 2_000_000_000 + fastrand::usize(..100_000_000);
    match (shape.name.as_str(), shape.category) {
        ("uuid", _) => uuid(),
        ("int2", _) => (30_000 + fastrand::usize(..2_700)).to_string(),
        (_, 'N') => number.to_string(),
        (_, 'S') if turn < 2 => format!("rlsctl-{tenant}-{:06x}", fastrand::u32(..0x0100_0000)),
        ("date" | "timestamp" | "timestamptz", _) => format!("2{:03}-01-01", fastrand::u16(..1000)),
        _ => {
            let values = candidates(relation, &column.name, shape);
            let likely = values.get((turn + tenant) % values.len().max(1));
            let other = format!("r{:05x}", fastrand::u32(..0x0010_0000));
            likely.map_or_else(String::new, |text| text.replacen("rlsctl", &other, 1))
        }
    }
}
