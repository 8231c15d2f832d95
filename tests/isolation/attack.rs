//! What comes of an attack.

use super::case::Kind;
use crate::support::session::{Refused, Session};

/// A text that only rows of tenant B hold.
const MARKER: &str = "SECRET-B";

/// What an attack returned, what it did to the other tenant's rows, and with what it was refused.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Every row of every statement.
    pub(crate) rows: String,
    /// The superuser's picture of B's rows before and after.
    pub(crate) before: Vec<String>,
    pub(crate) after: Vec<String>,
    /// The error at which it ended.
    pub(crate) refused: Option<Refused>,
}

impl Outcome {
    /// Whether the other tenant's rows were reached.
    pub(crate) fn reached(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => self.rows.contains(MARKER),
            Kind::Write => self.before != self.after,
            Kind::Slow => self.rows.contains("Seq Scan on"),
        }
    }
}

/// Runs an attack on B in a transaction, takes the pictures, and rolls back. The connection is the superuser's; the attack says itself who it is.
pub(super) fn attacked(session: &Session, attack: &str, tenant: &str) -> Outcome {
    session.ok("begin");
    let tables = tables(session);
    let before = picture(session, &tables, tenant);
    let ended = session.run(attack).and_then(|rows| {
        // What was put off until the end of the transaction counts.
        session.run("set constraints all immediate")?;
        session.run("reset session authorization; reset role")?;
        Ok(rows)
    });
    let outcome = match ended {
        Ok(rows) => Outcome {
            rows,
            after: picture(session, &tables, tenant),
            before,
            refused: None,
        },
        // The transaction is over, and what it did is undone.
        Err(refused) => Outcome {
            rows: String::new(),
            after: before.clone(),
            before,
            refused: Some(refused),
        },
    };
    session.ok("rollback");
    outcome
}

/// Reads, empties and changes every relation as A, and reads it as a session that says nothing and as one whose words have ended; returns
/// the statements that reached B. Whatever a session may not do it does not reach.
pub(super) fn tried(session: &Session, says: &str, column: &str, tenants: &[String; 2]) -> Vec<String> {
    session.ok("begin");
    let tables = tables(session);
    let before = picture(session, &tables, &tenants[1]);
    let reaches = |says: &str, statement: &str| {
        session.ok("savepoint here");
        let rows = session.run(&format!("{says} {statement}; set constraints all immediate"));
        if rows.is_err() {
            session.ok("rollback to here");
        }
        session.ok("reset session authorization; reset role");
        let reached = rows.is_ok_and(|rows| rows.contains(MARKER)) || picture(session, &tables, &tenants[1]) != before;
        session.ok("rollback to here");
        reached
    };
    let mut found = Vec::new();
    let statements = statements(session, column, tenants);
    for says in sessions(says) {
        for statement in statements.split('\n') {
            if reaches(&says, statement) {
                found.push(format!("{says} {statement}"));
            }
        }
    }
    session.ok("rollback");
    found
}

/// Returns how a session says nothing but its role, how it says that it is A's, and how one is whose words have ended. The order matters: a
/// setting that was ever set is empty afterwards, and no longer unknown.
fn sessions(says: &str) -> [String; 3] {
    let statements = || says.split_inclusive(';');
    let is_role = |statement: &&str| statement.contains("set role") || statement.contains("set session authorization");
    let ended = |statement: &str| match statement.split_once(" = ") {
        Some((setting, _)) => format!("{setting} = '';"),
        None => statement.to_owned(),
    };
    [
        statements().filter(is_role).collect(),
        says.to_owned(),
        statements().map(ended).collect(),
    ]
}

/// Returns statements on every relation, one a line.
fn statements(session: &Session, column: &str, tenants: &[String; 2]) -> String {
    session.ok(&format!(
        "select pg_catalog.format('%s %I.%I%s', v.verb, n.nspname, c.relname, v.rest) from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         cross join lateral (
           values ('select * from', ''), ('delete from', ''), ('truncate', '')
           union all
           select 'update', pg_catalog.format(' set %I = %L', a.attname, new.value) from pg_catalog.pg_attribute a
           cross join (values ('{}'), ('{}'), ('touched')) new (value)
           where a.attrelid = c.oid and a.attnum > 0 and (a.attname = '{column}') = (new.value <> 'touched')
             and (a.attname = '{column}' or a.atttypid = 'text'::pg_catalog.regtype)
         ) v (verb, rest)
         where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'",
        tenants[0], tenants[1]
    ))
}

fn tables(session: &Session) -> Vec<String> {
    let sql = "select pg_catalog.format('%I.%I', n.nspname, c.relname) from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1";
    session.ok(sql).split('\n').map(str::to_owned).collect()
}

/// Returns every row that speaks of the tenant, with the name of its table.
fn picture(session: &Session, tables: &[String], tenant: &str) -> Vec<String> {
    let rows_of = |table: &String| {
        let sql = format!(
            "select pg_catalog.to_jsonb(t) from only {table} t
             where pg_catalog.strpos(pg_catalog.to_jsonb(t)::text, '{tenant}') > 0
                or pg_catalog.strpos(pg_catalog.to_jsonb(t)::text, '{MARKER}') > 0 order by 1"
        );
        let rows = session.ok(&sql);
        rows.split('\n')
            .filter(|row| !row.is_empty())
            .map(|row| format!("{table} {row}"))
            .collect::<Vec<_>>()
    };
    tables.iter().flat_map(rows_of).collect()
}
