//! The proposal as lines of `rlsctl.toml`.

use crate::tenancy::{Identity, UserSource, Which};

use super::super::template::quoted;
use super::{Found, Part, Proposal, TableProposal};

/// How wide comments are set: they fit a terminal.
const WIDTH: usize = 79;
/// What a person has to decide begins with this.
pub(super) const CHOOSE: &str = "choose:";

/// What need not be said of each table.
const ONLY: &str = "; its only foreign key that leads to a tenant";

pub(super) fn toml(proposal: &Proposal) -> String {
    let mut text = "[tenancy]\n".to_owned();
    for reason in &proposal.column_reasons {
        comment(&mut text, "", reason);
    }
    line(&mut text, &format!("column = {}", quoted(&proposal.column)));
    if let Some(data_type) = &proposal.data_type {
        line(&mut text, &format!("type = {}", quoted(data_type)));
    } else {
        comment(&mut text, "", &format!("{CHOOSE} no table says which type it has."));
        line(&mut text, "# type = \"uuid\"");
    }
    if !proposal.left_out.is_empty() {
        let names = proposal.left_out.join(", ");
        comment(
            &mut text,
            "",
            &format!("Left out, because no table of theirs has the column: {names}."),
        );
    }
    line(&mut text, &format!("schemas = {}", list(&proposal.schemas)));
    roles(&mut text, proposal);
    identities(&mut text, proposal);
    if !proposal.with_policies.is_empty() {
        let names: Vec<String> = proposal.with_policies.iter().map(ToString::to_string).collect();
        text.push('\n');
        comment(
            &mut text,
            "",
            &format!(
                "{CHOOSE} tables with policies already: {}. \"replace\" drops those in the transaction in which the new ones come, \"keep\" \
                 leaves them beside, where any of them lets a row pass.",
                names.join(", ")
            ),
        );
        line(&mut text, "# existing = \"replace\"");
    }
    tables(&mut text, proposal);
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// A comment ends with its line, whatever a name holds.
fn comment(text: &mut String, indent: &str, words: &str) {
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut length = 0;
    for word in words.split_whitespace() {
        let room = word.chars().count();
        if length > 0 && length + 1 + room <= WIDTH {
            text.push(' ');
            length += 1 + room;
            text.push_str(word);
            continue;
        }
        let further = if length > 0 { "\n" } else { "" };
        let deeper = if length > 0 && !indent.is_empty() { "  " } else { "" };
        let begin = format!("# {indent}{deeper}");
        text.push_str(&format!("{further}{begin}{word}"));
        length = begin.len() + room;
    }
    text.push('\n');
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    format!("[{}]", names.join(", "))
}

fn roles(text: &mut String, proposal: &Proposal) {
    let of = |part: Part| proposal.roles.iter().filter(move |role| role.part == part);
    let names = |part: Part| of(part).map(|role| role.name.clone()).collect::<Vec<_>>();
    text.push('\n');
    for part in [Part::App, Part::LeftOut, Part::Escapes, Part::Open] {
        for role in of(part) {
            let choose = if part == Part::Open {
                format!("{CHOOSE} ")
            } else {
                String::new()
            };
            comment(text, "", &format!("{choose}{} {}.", role.name, role.reason));
        }
    }
    if proposal.has_app_role() {
        line(text, &format!("app_roles = {}", list(&names(Part::App))));
    } else {
        comment(
            text,
            "",
            &format!("{CHOOSE} name the role that the application acts as; none is known."),
        );
        let open = names(Part::Open);
        let shown = if open.is_empty() { vec!["app".to_owned()] } else { open };
        line(text, &format!("# app_roles = {}", list(&shown)));
    }
    for role in of(Part::ReadOnly) {
        comment(text, "", &format!("{} {}.", role.name, role.reason));
    }
    let read_only = names(Part::ReadOnly);
    if !read_only.is_empty() {
        line(text, &format!("read_only_roles = {}", list(&read_only)));
    }
}

fn identities(text: &mut String, proposal: &Proposal) {
    text.push('\n');
    comment(text, "", &proposal.identity_reason);
    for one in identity(&proposal.identity) {
        line(text, &one);
    }
    for (other, reason) in &proposal.other_identities {
        comment(text, "", &format!("{CHOOSE} or else: {reason}"));
        for one in identity(other) {
            line(text, &format!("# {one}"));
        }
    }
}

/// Returns the lines that [`crate::tenancy::tenancy`] reads as an identity.
fn identity(identity: &Identity) -> Vec<String> {
    match identity {
        Identity::Setting { name } => vec![
            "identity = \"setting\"".to_owned(),
            format!("setting = {}", quoted(name)),
        ],
        Identity::Claim { setting, path } => vec![
            "identity = \"jwt\"".to_owned(),
            format!("claims_setting = {}", quoted(setting)),
            format!("claim = {}", list(path)),
        ],
        Identity::Owner(source) => vec!["identity = \"owner\"".to_owned(), user(source)],
        Identity::Membership(membership) => {
            let all = if membership.which == Which::All {
                ", all = true"
            } else {
                ""
            };
            let mut lines = vec![
                "identity = \"membership\"".to_owned(),
                format!(
                    "membership = {{ table = {}, user = {}, tenant = {}{all} }}",
                    quoted(&membership.table.to_string()),
                    quoted(&membership.user_column),
                    quoted(&membership.tenant_column)
                ),
                user(&membership.user),
            ];
            if let Which::Active { setting } = &membership.which {
                lines.push(format!("setting = {}", quoted(setting)));
            }
            lines
        }
    }
}

fn user(source: &UserSource) -> String {
    match source {
        UserSource::Setting { name } => format!("user = {{ setting = {} }}", quoted(name)),
        UserSource::Function { name } => format!("user = {{ function = {} }}", quoted(&name.to_string())),
        UserSource::Claim { setting, path } => {
            format!(
                "user = {{ claim = {}, claims_setting = {} }}",
                list(path),
                quoted(setting)
            )
        }
    }
}

fn tables(text: &mut String, proposal: &Proposal) {
    let of = |found: Found| proposal.tables.iter().filter(move |table| table.found == found);
    let plain = |found: Found| {
        let names: Vec<String> = of(found)
            .filter(|table| table.line.is_none())
            .map(|table| table.table.to_string())
            .collect();
        names.join(", ")
    };
    text.push('\n');
    for (words, names) in [
        (format!("They have {}:", proposal.column), plain(Found::Has)),
        ("The tenants themselves:".to_owned(), plain(Found::Tenants)),
    ] {
        if !names.is_empty() {
            comment(text, "", &format!("{words} {names}."));
        }
    }
    let may_be_null: Vec<String> = of(Found::Has)
        .filter(|table| table.reason.contains("may be null"))
        .map(|table| table.table.to_string())
        .collect();
    if !may_be_null.is_empty() {
        comment(
            text,
            "",
            &format!(
                "It may be null, and the plan counts the rows without a tenant: {}.",
                may_be_null.join(", ")
            ),
        );
    }
    for (found, words) in [
        (
            Found::FromParent,
            "They get it from the row that their only foreign key on the way to a tenant points to, where no other reason is given:",
        ),
        (
            Found::AfterChoice,
            "They follow from what is chosen for the tables that they point to:",
        ),
        (Found::ByHand, "Something has to be done with these first:"),
    ] {
        let mut all = of(found).peekable();
        if all.peek().is_some() {
            comment(text, "", words);
        }
        for table in all {
            let told = match found {
                Found::AfterChoice => table.table.to_string(),
                Found::ByHand => format!("{} {}", table.table, table.reason),
                _ => format!("{} by {}", table.table, table.reason.trim_end_matches(ONLY)),
            };
            comment(text, "  ", &told);
        }
    }
    for table in proposal.tables.iter().filter(|table| table.line.is_some()) {
        own_lines(text, table);
    }
}

/// A table of `[tenancy.tables]`, commented out where a person has to choose.
fn own_lines(text: &mut String, table: &TableProposal) {
    let Some(own) = &table.line else { return };
    text.push('\n');
    let reason = &table.reason;
    comment(
        text,
        "",
        &match table.found {
            Found::NoWay => format!("{CHOOSE} {reason}."),
            Found::FromParent => format!(
                "{CHOOSE} if this column is the tenant's itself, no second one is needed: {}.",
                table.table
            ),
            _ if table.is_settled => format!("{}: {reason}.", table.table),
            _ => format!("{CHOOSE} {reason}."),
        },
    );
    let mark = if table.is_settled { "" } else { "# " };
    line(
        text,
        &format!("{mark}[tenancy.tables.{}]", quoted(&table.table.to_string())),
    );
    line(text, &format!("{mark}{own}"));
    if table.found == Found::NoWay {
        line(
            text,
            "# or: backfill = { constant = \"...\" }, or backfill = { sql = \"...\" }",
        );
    }
}
