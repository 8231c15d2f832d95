//! Grants as Postgres keeps them, and as people write them.
//!
//! An entry is `grantee=privileges/grantor`, each privilege a letter, with `*` behind it if it may be granted on; an empty grantee is
//! PUBLIC ("Privileges" in the manual). A role's name stands in double quotes if it has other than letters, digits and `_`.

use crate::pg::ident::Ident;

/// What stands between two entries.
const SEPARATOR: char = '\u{1f}';

/// What stands before an entry that initdb made and that is gone.
const LACKS: &str = "lacks ";

/// An entry, its names quoted as in SQL.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// None for PUBLIC.
    grantee: Option<String>,
    /// Letter, and whether it may be granted on.
    privileges: Vec<(char, bool)>,
    grantor: String,
}

/// Returns one line a grant, sorted. What the owner has by being the owner is not told, only what is missing of it.
///
/// `class` is the letter that `acldefault` has for the kind of object, or `p` for what a partition has; `holder` is the owner, for columns
/// what the lines begin with, and nothing where there is none.
pub(super) fn lines(class: &str, items: &str, holder: Option<&str>, major: u32) -> Vec<String> {
    let (prefix, owner) = match (class, holder) {
        ("c", Some(column)) => (format!("{column} "), None),
        ("p", _) => ("partition ".to_owned(), holder),
        (_, owner) => (String::new(), owner),
    };
    let mut lines = Vec::new();
    let mut owner_has = None;
    for item in items.split(SEPARATOR).filter(|item| !item.is_empty()) {
        let (lacks, item) = match item.strip_prefix(LACKS) {
            Some(item) => ("no ", item),
            None => ("", item),
        };
        let Some(entry) = entry(item) else {
            lines.push(format!("{prefix}grant {item}"));
            continue;
        };
        if owner.is_some() && owner == entry.grantee.as_deref() && entry.grantor == owner.unwrap_or_default() {
            owner_has = Some(words(class, entry.privileges.iter().map(|(letter, _)| *letter), major));
            continue;
        }
        let by = match owner {
            Some(owner) if owner != entry.grantor => format!(" by {}", entry.grantor),
            _ => String::new(),
        };
        let grantee = entry.grantee.as_deref().unwrap_or("PUBLIC");
        for (may_grant, with) in [(false, ""), (true, " with grant option")] {
            let letters = entry.privileges.iter().filter(|(_, option)| *option == may_grant);
            let words = words(class, letters.map(|(letter, _)| *letter), major);
            if !words.is_empty() {
                lines.push(format!("{prefix}{lacks}grant {words} to {grantee}{with}{by}"));
            }
        }
    }
    // A partition's owner, and what that one may, is no grant.
    if owner.is_some() && class != "p" {
        match owner_has.as_deref() {
            Some(words) if words == all_words(class) => {}
            Some(words) => lines.push(format!("owner may only {words}")),
            None => lines.push("owner may nothing".to_owned()),
        }
    }
    lines.sort();
    lines
}

/// Returns the privileges by name: `ALL` for all there are, so that one more in a newer server is no difference.
fn words(class: &str, letters: impl Iterator<Item = char>, major: u32) -> String {
    let letters: Vec<char> = letters.collect();
    let all = all(class);
    let has_all = |all: &str| all.chars().all(|letter| letters.contains(&letter));
    if all.len() > 1 && has_all(all) && (major < 17 || !matches!(class, "r" | "p") || letters.contains(&'m')) {
        return "ALL".to_owned();
    }
    let mut names: Vec<String> = letters.into_iter().map(name).collect();
    names.sort();
    names.join(", ")
}

fn all_words(class: &str) -> String {
    let all = all(class);
    if all.len() > 1 {
        "ALL".to_owned()
    } else {
        all.chars().map(name).collect()
    }
}

/// Returns the letters of a class as Postgres 13 has them; 17 added MAINTAIN for tables.
fn all(class: &str) -> &'static str {
    match class {
        "r" | "p" => "arwdDxt",
        "c" => "arwx",
        "s" => "rwU",
        "n" => "UC",
        "f" => "X",
        "L" => "rw",
        _ => "U",
    }
}

fn name(letter: char) -> String {
    let name = match letter {
        'r' => "SELECT",
        'a' => "INSERT",
        'w' => "UPDATE",
        'd' => "DELETE",
        'D' => "TRUNCATE",
        'x' => "REFERENCES",
        't' => "TRIGGER",
        'm' => "MAINTAIN",
        'X' => "EXECUTE",
        'U' => "USAGE",
        'C' => "CREATE",
        // One that a newer server has: its letter is a name too.
        unknown => return unknown.to_string(),
    };
    name.to_owned()
}

fn entry(item: &str) -> Option<Entry> {
    let (grantee, rest) = role(item)?;
    let (letters, grantor) = rest.strip_prefix('=')?.split_once('/')?;
    let (grantor, "") = role(grantor)? else { return None };
    let mut privileges: Vec<(char, bool)> = Vec::new();
    for letter in letters.chars() {
        match (letter, privileges.last_mut()) {
            ('*', Some(last)) => last.1 = true,
            _ => privileges.push((letter, false)),
        }
    }
    let quoted = |role: String| Ident::new(role.as_str()).map_or(role, |ident| ident.to_string());
    Some(Entry {
        grantee: (!grantee.is_empty()).then(|| quoted(grantee)),
        privileges,
        grantor: quoted(grantor),
    })
}

/// Takes a role's name from the start, without its quotes.
fn role(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(['=', '/']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class, entries, holder, major; the lines.
    type Case<'a> = (&'a str, &'a str, Option<&'a str>, u32, &'a [&'a str]);

    #[test]
    fn grants_are_told_by_name() {
        let cases: [Case; 13] = [
            ("r", "me=arwdDxt/me", Some("me"), 15, &[]),
            ("r", "me=arwdDxtm/me", Some("me"), 17, &[]),
            (
                "r",
                "me=arwdDxt/me",
                Some("me"),
                17,
                &["owner may only DELETE, INSERT, REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE"],
            ),
            ("r", "", Some("me"), 15, &["owner may nothing"]),
            (
                "r",
                "me=arwdDxt/me\u{1f}app=arwdDxt/me",
                Some("me"),
                15,
                &["grant ALL to app"],
            ),
            (
                "r",
                "me=arwdDxt/me\u{1f}app=ar*/me",
                Some("me"),
                15,
                &["grant INSERT to app", "grant SELECT to app with grant option"],
            ),
            (
                "r",
                "me=arwdDxt/me\u{1f}=r/app",
                Some("me"),
                15,
                &["grant SELECT to PUBLIC by app"],
            ),
            ("f", "=X/me\u{1f}me=X/me", Some("me"), 15, &["grant EXECUTE to PUBLIC"]),
            (
                "c",
                "app=rw/me",
                Some("column a"),
                15,
                &["column a grant SELECT, UPDATE to app"],
            ),
            ("n", "lacks =UC/postgres", None, 14, &["no grant ALL to PUBLIC"]),
            ("f", "me=X/me", None, 14, &["grant EXECUTE to me"]),
            (
                "p",
                "me=arwdDxt/me\u{1f}app=r/me",
                Some("me"),
                15,
                &["partition grant SELECT to app"],
            ),
            (
                "r",
                "me=arwdDxt/me\u{1f}\"a\"\"=/ b\"=r/me\u{1f}App=r/me",
                Some("me"),
                15,
                &["grant SELECT to \"App\"", "grant SELECT to \"a\"\"=/ b\""],
            ),
        ];
        for (class, items, holder, major, expected) in cases {
            assert_eq!(lines(class, items, holder, major), expected, "{class} {items}");
        }
    }

    #[test]
    fn what_is_no_entry_is_told_as_it_is() {
        assert_eq!(lines("c", "\"a=r", None, 15), ["grant \"a=r"]);
    }
}
