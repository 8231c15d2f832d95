//! What a statement depends on, and what depends on it.

use std::collections::BTreeSet;

use crate::script::{LockMode, Statement, TokenKind, tokens};

/// The relations a statement concerns, by their names without schema: two that are called alike are taken for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Whose shape it makes or changes: whoever reads them has to stay on his side of it.
    pub shapes: BTreeSet<String>,
    /// What it changes about them concerns nobody who reads them: constraints, indexes, triggers, grants, comments.
    pub marks: BTreeSet<String>,
    /// The same of who may see which rows: policies and row-level security, which do not mind the others; grants, comments.
    pub rows: BTreeSet<String>,
    /// What it reads, or refers to.
    pub reads: BTreeSet<String>,
    /// Nothing may change sides with it: what it does is not all in its text.
    pub is_fence: bool,
}

impl Footprint {
    /// Reads it off a statement.
    pub fn of(statement: &Statement, body: &str) -> Self {
        let mut footprint = Self::default();
        let effect = Effect::of(statement, body);
        for used in &statement.tables.known {
            let name = &used.relation.name;
            if used.mode < LockMode::RowExclusive && effect != Effect::Note {
                footprint.reads.insert(name.clone());
                continue;
            }
            let sets = match effect {
                Effect::Shape => vec![&mut footprint.shapes],
                Effect::Mark => vec![&mut footprint.marks],
                Effect::Rows => vec![&mut footprint.rows],
                Effect::Note => vec![&mut footprint.marks, &mut footprint.rows],
            };
            for set in sets {
                set.insert(name.clone());
            }
        }
        let made = statement.creates.iter().map(|relation| relation.name.clone());
        footprint.shapes.extend(made);
        footprint
    }

    /// Whether two statements have to stay in their order.
    pub fn depends(&self, other: &Self) -> bool {
        self.is_fence || other.is_fence || self.meets(other).next().is_some()
    }

    /// Returns the relations because of which two statements have to stay in their order.
    pub fn meets<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let shapes = self.shapes.iter().filter(|name| other.concerns(name));
        let theirs = other.shapes.iter().filter(|name| self.concerns(name));
        let marks = self.marks.intersection(&other.marks);
        shapes
            .chain(theirs)
            .chain(marks)
            .chain(self.rows.intersection(&other.rows))
    }

    fn concerns(&self, name: &str) -> bool {
        [&self.shapes, &self.marks, &self.rows, &self.reads]
            .iter()
            .any(|set| set.contains(name))
    }
}

/// What difference it makes that a statement has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// To all who read the table.
    Shape,
    /// To constraints, indexes and triggers.
    Mark,
    /// To policies.
    Rows,
    /// To whatever it is about: it names something of the table.
    Note,
}

impl Effect {
    fn of(statement: &Statement, body: &str) -> Self {
        match statement.tag {
            "GRANT" | "REVOKE" | "COMMENT" | "SECURITY LABEL" => Self::Note,
            "CREATE POLICY" | "ALTER POLICY" | "DROP POLICY" => Self::Rows,
            "CREATE INDEX" | "CREATE TRIGGER" | "DROP TRIGGER" => Self::Mark,
            "ALTER TABLE" => {
                let commands = subcommands(body);
                let switches = |[first, second]: &[String; 2]| match first.as_str() {
                    "enable" | "disable" | "force" => second == "row",
                    first => first == "no" && second == "force",
                };
                if commands.iter().all(switches) {
                    Self::Rows
                } else if commands.iter().all(|[first, second]| is_quiet_command(first, second)) {
                    Self::Mark
                } else {
                    Self::Shape
                }
            }
            _ => Self::Shape,
        }
    }
}

/// Whether a part of an `ALTER TABLE`, by its first two words, leaves the columns and the name alone.
fn is_quiet_command(first: &str, second: &str) -> bool {
    const CONSTRAINTS: [&str; 6] = ["constraint", "foreign", "check", "primary", "unique", "exclude"];
    match first {
        "enable" | "disable" | "force" | "owner" | "replica" | "cluster" => true,
        "no" => second == "force",
        "add" => CONSTRAINTS.contains(&second),
        _ => false,
    }
}

/// Returns the first two words of each part of an `ALTER TABLE`, in lower case; empty for what is no word.
fn subcommands(body: &str) -> Vec<[String; 2]> {
    let lexed = tokens(body).filter(|token| !token.kind.is_blank());
    let mut rest = lexed
        .map(|token| (token.kind, token.span.slice(body).to_ascii_lowercase()))
        .skip(2)
        .peekable();
    while rest
        .next_if(|(kind, text)| *kind == TokenKind::Word && matches!(text.as_str(), "if" | "exists" | "only"))
        .is_some()
    {}
    // The name: a word, or several with dots, and perhaps a star.
    rest.next();
    while rest.next_if(|(_, text)| text == ".").is_some() {
        rest.next();
    }
    rest.next_if(|(_, text)| text == "*");
    let (mut commands, mut depth) = (vec![Vec::new()], 0_usize);
    for (kind, text) in rest {
        match text.as_str() {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "," if depth == 0 => {
                commands.push(Vec::new());
                continue;
            }
            _ => {}
        }
        let word = if kind == TokenKind::Word { text } else { String::new() };
        if let Some(command) = commands.last_mut() {
            command.push(word);
        }
    }
    let first_two = |words: Vec<String>| {
        let mut words = words.into_iter();
        [words.next().unwrap_or_default(), words.next().unwrap_or_default()]
    };
    commands.into_iter().map(first_two).collect()
}

/// The words of a statement outside quotes and comments, in lower case.
pub(super) fn words(body: &str) -> impl Iterator<Item = String> {
    let words = tokens(body).filter(|token| token.kind == TokenKind::Word);
    words.map(|token| token.span.slice(body).to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::classify;

    fn footprint(sql: &str) -> Footprint {
        Footprint::of(&classify(sql).unwrap(), sql)
    }

    #[test]
    fn the_parts_of_an_alter_table_are_told_apart() {
        for (sql, expected) in [
            (
                "alter table if exists only a.\"b c\" * add constraint x check (a in (1, 2)), enable row level security",
                vec!["add constraint", "enable row"],
            ),
            ("ALTER TABLE a ADD \"constraint\" int, DROP x", vec!["add ", "drop x"]),
            ("alter table add add add int", vec!["add add"]),
        ] {
            let commands: Vec<String> = subcommands(sql).iter().map(|command| command.join(" ")).collect();
            assert_eq!(commands, expected, "{sql}");
        }
    }

    /// Two statements, and whether they have to stay in their order.
    const CASES: &[(&str, &str, bool)] = &[
        (
            "alter table a add check (b > 1), add foreign key (b) references c",
            "create policy p on a using (true)",
            false,
        ),
        (
            "comment on policy p on a is 'x'",
            "create policy p on a using (true)",
            true,
        ),
        (
            "comment on constraint c on a is 'x'",
            "alter table a add constraint c check (b > 1)",
            true,
        ),
        (
            "alter table a enable row level security",
            "create policy p on a using (true)",
            true,
        ),
        ("alter table a add b int", "create policy p on a using (b = 1)", true),
        ("alter table a add b int", "alter table app.a add c int", true),
        ("alter table a add b int", "alter table b add b int", false),
        (
            "create policy p on b using (exists (select from a))",
            "alter table a enable row level security",
            false,
        ),
        (
            "create policy p on b using (exists (select from a))",
            "create policy p on a using (true)",
            false,
        ),
        (
            "create policy p on b using (exists (select from a))",
            "alter table a add c int",
            true,
        ),
        (
            "create policy p on b using (exists (select from a))",
            "alter table only s.a force row level security, no force row level security",
            false,
        ),
        (
            "create index on a (b)",
            "create policy p on b using (exists (select from a))",
            false,
        ),
        (
            "create unique index on a (b)",
            "alter table b add foreign key (c) references a (b)",
            true,
        ),
        (
            "alter table b add foreign key (c) references a",
            "alter table a add d int",
            true,
        ),
        (
            "create table c (d int)",
            "alter table a add foreign key (d) references c",
            true,
        ),
        ("grant select on a to x", "revoke select on a from x", true),
        ("grant select on a to x", "grant select on b to x", false),
        (
            "alter table a add row int, add level int, drop security",
            "create policy p on b using (exists (select from a))",
            true,
        ),
    ];

    #[test]
    fn statements_that_depend_on_each_other_are_told_from_those_that_do_not() {
        for (one, other, depends) in CASES {
            let (one_of, other_of) = (footprint(one), footprint(other));
            assert_eq!(one_of.depends(&other_of), *depends, "{one}; {other}");
            assert_eq!(other_of.depends(&one_of), *depends, "{other}; {one}");
        }
    }
}
