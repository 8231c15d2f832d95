//! By which way a role reaches another tenant's rows of a table: one question for each command.

use crate::schema::{Command, Relation};

use super::model::{Access, Model, Through};
use super::owned::Owned;
use super::session::Says;
use super::truth::Chance;
use super::value::Whose;

/// A way to a row of another tenant, or one of which it cannot be told whether it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Whether it is one, and by which policy.
    pub through: Through,
    /// What the session says of itself.
    pub says: Says,
    /// What is done, as in `read another tenant's rows`.
    pub what: &'static str,
}

impl Model<'_> {
    /// Returns how a role that may give a command on a table reaches another tenant's rows by it; nothing where it does not.
    pub fn way(&self, relation: &Relation, role: &str, command: Command) -> Option<Way> {
        let is_open = self.owned(relation).is_some() && self.schema.reaches(role, relation, privilege(command));
        if !is_open {
            return None;
        }
        let mut way = match command {
            Command::Select | Command::All => self.by(relation, role, Access::Select, "read another tenant's rows"),
            Command::Insert => self.inserting(relation, role),
            Command::Update => self.updating(relation, role),
            Command::Delete => self.by(relation, role, Access::Delete, "delete another tenant's rows"),
        }?;
        if matches!(command, Command::Insert | Command::Update) && self.is_stamped(relation) {
            way.through.chance = Chance::Perhaps;
        }
        Some(way)
    }

    /// Returns how rows that are nobody's are read; nothing where there are none, or they are not.
    pub fn way_to_nobodys(&self, relation: &Relation, role: &str) -> Option<Way> {
        if !self.may_be_nobodys(relation) || !self.schema.reaches(role, relation, "SELECT") {
            return None;
        }
        let ask = |says| self.through(relation, role, Access::Select, Some(Whose::Nobodys), says);
        let (through, says) = best(ask)?;
        Some(Way {
            through,
            says,
            what: "read rows whose tenant is null",
        })
    }

    fn by(&self, relation: &Relation, role: &str, access: Access, what: &'static str) -> Option<Way> {
        let (through, says) = best(|says| self.through(relation, role, access, Some(Whose::Theirs), says))?;
        Some(Way { through, says, what })
    }

    fn inserting(&self, relation: &Relation, role: &str) -> Option<Way> {
        let owned = self.owned(relation)?;
        // A new tenant is nobody else's yet.
        let is_root = matches!(owned, Owned::Root(_));
        let is_writable = |column: &str| self.schema.writes(role, relation, "INSERT", column);
        if is_root || !owned.column().is_none_or(is_writable) {
            return None;
        }
        let (through, says) = best(|says| self.through(relation, role, Access::Insert, Some(Whose::Forged), says))?;
        Some(Way {
            through,
            says,
            what: "insert rows for another tenant",
        })
    }

    fn updating(&self, relation: &Relation, role: &str) -> Option<Way> {
        let changing = best(|says| self.changed(relation, role, says, Whose::Theirs, &[Whose::Theirs, Whose::Mine]));
        if let Some((through, says)) = changing {
            return Some(Way {
                through,
                says,
                what: "change another tenant's rows",
            });
        }
        let columns: Vec<&str> = match self.owned(relation)? {
            Owned::Column(column) => vec![column],
            Owned::Through { columns, .. } => columns.iter().map(String::as_str).collect(),
            Owned::Root(_) => return None,
        };
        let mut columns = columns.into_iter();
        if !columns.all(|column| self.schema.writes(role, relation, "UPDATE", column)) {
            return None;
        }
        let (through, says) = best(|says| self.changed(relation, role, says, Whose::Mine, &[Whose::Forged]))?;
        Some(Way {
            through,
            says,
            what: "move rows to another tenant",
        })
    }

    /// Both have to pass: the row as it was, and what becomes of it.
    fn changed(&self, relation: &Relation, role: &str, says: Says, before: Whose, after: &[Whose]) -> Through {
        let old = self.through(relation, role, Access::Update, Some(before), says);
        let each = after
            .iter()
            .map(|whose| self.through(relation, role, Access::Changed, Some(*whose), says));
        match each.max_by_key(|through| through.chance) {
            Some(new) if new.chance < old.chance => new,
            _ => old,
        }
    }

    /// Tells whether a trigger, or a generated column, may write the tenant, so that what is sent is not what is kept.
    fn is_stamped(&self, relation: &Relation) -> bool {
        let column = self
            .owned(relation)
            .and_then(Owned::column)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_computed = relation.column(&column).is_some_and(|column| column.is_generated);
        let before = relation
            .triggers
            .iter()
            .filter(|trigger| trigger.is_enabled && trigger.definition.contains(" BEFORE "));
        let mut bodies = before.filter_map(|trigger| self.schema.functions.get(&trigger.function));
        is_computed
            || bodies.any(|function| {
                let body = function.body.to_ascii_lowercase();
                body.contains(&format!("new.{column}")) || body.contains("raise exception")
            })
    }
}

fn privilege(command: Command) -> &'static str {
    match command {
        Command::Select | Command::All => "SELECT",
        Command::Insert => "INSERT",
        Command::Update => "UPDATE",
        Command::Delete => "DELETE",
    }
}

/// Returns the session in which a row gets through best.
fn best(ask: impl Fn(Says) -> Through) -> Option<(Through, Says)> {
    let mut best: Option<(Through, Says)> = None;
    for says in Says::ALL {
        let through = ask(says);
        if through.chance > best.as_ref().map_or(Chance::Never, |(best, _)| best.chance) {
            best = Some((through, says));
        }
    }
    best
}
