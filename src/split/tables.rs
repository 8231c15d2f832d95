//! One name a table: a section is taken for what its tables are called.

use std::collections::BTreeSet;

use crate::script::{RelationName, TokenKind, tokens};

use super::judge::Place;
use super::unit::Unit;

/// The schema that a search path has unless it is set.
const PUBLIC: &str = "public";

/// Gives each table the name that whoever runs a section finds it by, whatever the file has set before.
///
/// Behind a search path of one schema, a name without a schema gets that one. In a file that sets nothing, a table that is written with the
/// schema `public` here and without a schema there is the same.
pub(super) fn name_alike(script: &str, units: &mut [Unit]) {
    let mut path = Path::Default;
    let mut is_set = false;
    for unit in units.iter_mut() {
        if matches!(unit.place, Place::Setting { .. }) {
            is_set = true;
            path = path.after(unit.body.slice(script));
        }
        if let Path::One(schema) = &path {
            rename(unit, |table| match table.schema {
                None => RelationName::qualified(schema, &table.name),
                Some(_) => table.clone(),
            });
        }
    }
    if is_set {
        return;
    }
    let in_public: BTreeSet<String> = units
        .iter()
        .flat_map(named)
        .filter(|table| table.schema.as_deref() == Some(PUBLIC))
        .map(|table| table.name)
        .collect();
    for unit in units {
        rename(unit, |table| match table.schema {
            None if in_public.contains(&table.name) => RelationName::qualified(PUBLIC, &table.name),
            _ => table.clone(),
        });
    }
}

/// Where names without a schema are looked up.
enum Path {
    /// Where the session begins.
    Default,
    /// In this schema.
    One(String),
    /// In several, or it cannot be said.
    Other,
}

impl Path {
    /// Returns the search path behind a setting.
    fn after(self, setting: &str) -> Self {
        let lexed = tokens(setting).filter(|token| !token.kind.is_blank());
        let lexed: Vec<(TokenKind, String)> = lexed
            .map(|token| (token.kind, token.span.slice(setting).to_owned()))
            .collect();
        let is_about_it = setting.to_ascii_lowercase().contains("search_path") || {
            let first = lexed.first().map(|(_, text)| text.to_ascii_lowercase());
            first.is_some_and(|first| matches!(first.as_str(), "reset" | "discard"))
        };
        if !is_about_it {
            return self;
        }
        let words: Vec<&str> = lexed.iter().map(|(_, text)| text.as_str()).collect();
        let is = |word: &str, others: &[&str]| others.iter().any(|other| word.eq_ignore_ascii_case(other));
        let value = match words.as_slice() {
            [set, name, to, value] if is(set, &["set"]) && is(name, &["search_path"]) && is(to, &["to", "="]) => value,
            [set, scope, name, to, value]
                if is(set, &["set"])
                    && is(scope, &["local", "session"])
                    && is(name, &["search_path"])
                    && is(to, &["to", "="]) =>
            {
                value
            }
            _ => return Self::Other,
        };
        // A string is one name, as it stands.
        let literal = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let quoted = literal.map(|literal| format!("\"{literal}\""));
        // These two are not names of schemas.
        let is_schema = |name: &RelationName| {
            !value.eq_ignore_ascii_case("default") && name.name != "$user" && !name.name.is_empty()
        };
        let only = RelationName::one(quoted.as_deref().unwrap_or(value)).filter(is_schema);
        only.map_or(Self::Other, |only| Self::One(only.name))
    }
}

fn named(unit: &Unit) -> Vec<RelationName> {
    match &unit.place {
        Place::Section(tables) | Place::Beside(tables) => tables.clone(),
        _ => unit.alters.clone(),
    }
}

fn rename(unit: &mut Unit, name: impl Fn(&RelationName) -> RelationName) {
    let renamed = |tables: &[RelationName]| {
        let mut renamed: Vec<RelationName> = Vec::with_capacity(tables.len());
        for name in tables.iter().map(&name) {
            if !renamed.contains(&name) {
                renamed.push(name);
            }
        }
        renamed
    };
    unit.alters = renamed(&unit.alters);
    if let Place::Section(tables) | Place::Beside(tables) = &mut unit.place {
        *tables = renamed(tables);
    }
}
