//! What the name of a file or folder says, for each layout.
//!
//! The rules were read from the tools' own sources: Supabase CLI `pkg/migration/list.go`, sqlx `migrate/source.rs`, dbmate
//! `pkg/dbmate/db.go`, goose `migrate.go`, Flyway `ResourceNameParser`, refinery `util.rs`, Diesel `file_based_migrations.rs`,
//! golang-migrate `source/parse.go`, graphile-migrate `src/migration.ts`. Where they skip silently, a `.sql` file is [`Kind::Unfit`].

use super::layout::Layout;
use super::version::Version;

/// What a file is, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A migration, or the up half of one.
    Migration { version: Version, name: String },
    /// A half that takes a migration back.
    Down,
    /// A script that its tool runs again and again.
    Repeatable,
    /// A Flyway baseline.
    Baseline { version: Version, name: String },
    /// A migration in a programming language.
    OtherLanguage(&'static str),
    /// Something that is none of the migrations' business.
    Ignored,
    /// A `.sql` file whose name does not fit, with one that would.
    Unfit { suggestion: Option<String> },
}

/// Returns what a file of this name is in a layout that keeps migrations as files.
pub(super) fn classify(layout: Layout, file_name: &str) -> Kind {
    if file_name.starts_with('.') {
        return Kind::Ignored;
    }
    let Some((stem, extension)) = file_name.rsplit_once('.') else {
        return Kind::Ignored;
    };
    if !extension.eq_ignore_ascii_case("sql") {
        return other_language(layout, stem, extension).map_or(Kind::Ignored, Kind::OtherLanguage);
    }
    if is_seed(file_name) {
        return Kind::Ignored;
    }
    let kind = (extension == "sql").then(|| by_stem(layout, stem)).flatten();
    kind.unwrap_or_else(|| Kind::Unfit {
        suggestion: suggestion(layout, stem),
    })
}

/// Tells whether a file holds test data, which several tools keep beside migrations and none takes for one.
pub(super) fn is_seed(file_name: &str) -> bool {
    matches!(file_name, "seed.sql" | "seeds.sql")
}

/// Tells whether a file of this name is a migration or half of one. Cheaper than [`classify`], as it is asked of every file and for
/// several layouts when the layout is to be found out.
pub(super) fn is_migration(layout: Layout, file_name: &str) -> bool {
    let kind = file_name.strip_suffix(".sql").and_then(|stem| by_stem(layout, stem));
    matches!(kind, Some(Kind::Migration { .. } | Kind::Down))
}

/// Returns version and name of a folder that is a migration (Diesel, Prisma, newer Drizzle), if it is one.
pub(super) fn classify_folder(layout: Layout, folder_name: &str) -> Option<(Version, String)> {
    if layout == Layout::Diesel {
        // `diesel_migrations` takes what stands before the first `_` and drops the dashes.
        let (version, name) = folder_name.split_once('_')?;
        return Some((Version::parse_numbers(&version.replace('-', "")).ok()?, name.to_owned()));
    }
    let (digits, rest) = leading_digits(folder_name)?;
    let name = rest.strip_prefix('_').unwrap_or(rest).to_owned();
    // Prisma tells migrations apart by the whole name of the folder; langfuse has eighteen with one time stamp.
    let version = if layout == Layout::Prisma {
        Version::parse(folder_name).ok()?
    } else {
        digits
    };
    Some((version, name))
}

/// Tells whether a folder's name begins as a migration's does, so that a missing script is a mistake and no accident.
pub(super) fn looks_numbered(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit())
}

fn by_stem(layout: Layout, stem: &str) -> Option<Kind> {
    match layout {
        Layout::Supabase => underscored(stem),
        Layout::Sqlx => match half(stem) {
            (_, Some("down")) => underscored(stem).map(|_| Kind::Down),
            (rest, _) => underscored(rest),
        },
        Layout::GolangMigrate => match half(stem) {
            (rest, Some("up")) => underscored(rest),
            (rest, Some("down")) => underscored(rest).map(|_| Kind::Down),
            _ => None,
        },
        Layout::Goose => {
            underscored(stem).filter(|_| stem.trim_start_matches('0').starts_with(|c: char| c.is_ascii_digit()))
        }
        Layout::Dbmate | Layout::Drizzle => {
            let (version, rest) = leading_digits(stem)?;
            Some(Kind::Migration {
                version,
                name: rest.trim_start_matches(['_', '-']).to_owned(),
            })
        }
        Layout::Flyway => flyway(stem),
        Layout::Refinery => refinery(stem),
        Layout::Graphile => {
            let (version, rest) = leading_digits(stem)?;
            let name = if rest.is_empty() { rest } else { rest.strip_prefix('-')? };
            (version.as_str().len() >= 6).then(|| Kind::Migration {
                version,
                name: name.to_owned(),
            })
        }
        Layout::Plain => plain(stem),
        // A numbered script beside the folders would be passed over in silence; any other is a helper.
        Layout::Diesel | Layout::Prisma => (!looks_numbered(stem)).then_some(Kind::Ignored),
    }
}

/// `<digits>_<name>`.
fn underscored(stem: &str) -> Option<Kind> {
    let (version, rest) = leading_digits(stem)?;
    Some(Kind::Migration {
        version,
        name: rest.strip_prefix('_')?.to_owned(),
    })
}

fn leading_digits(text: &str) -> Option<(Version, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((Version::parse_numbers(&text[..end]).ok()?, &text[end..]))
}

/// Splits off `.up` or `.down`.
fn half(stem: &str) -> (&str, Option<&str>) {
    match stem.rsplit_once('.') {
        Some((rest, half @ ("up" | "down"))) => (rest, Some(half)),
        _ => (stem, None),
    }
}

fn flyway(stem: &str) -> Option<Kind> {
    let (prefix, rest) = stem.split_at_checked(1)?;
    if !matches!(prefix, "V" | "R" | "B" | "U") {
        return is_callback(stem).then_some(Kind::Repeatable);
    }
    let (version, name) = rest.split_once("__").unwrap_or((rest, ""));
    if prefix == "R" {
        return (version.is_empty() && !name.is_empty()).then_some(Kind::Repeatable);
    }
    let version = Version::parse_numbers(version).ok()?;
    match prefix {
        "V" => Some(Kind::Migration {
            version,
            name: name.to_owned(),
        }),
        "B" => Some(Kind::Baseline {
            version,
            name: name.to_owned(),
        }),
        "U" => Some(Kind::Down),
        _ => None,
    }
}

/// Flyway runs scripts such as `afterMigrate.sql` or `beforeEachMigrate__grants.sql` at set moments of every run.
fn is_callback(stem: &str) -> bool {
    let event = stem.split("__").next().unwrap_or(stem);
    let moment = event.strip_prefix("before").or_else(|| event.strip_prefix("after"));
    event == "createSchema" || moment.is_some_and(|what| what.starts_with(|c: char| c.is_ascii_uppercase()))
}

fn refinery(stem: &str) -> Option<Kind> {
    let rest = stem.strip_prefix(['V', 'U'])?;
    let (version, name) = rest.split_once("__")?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_word) || version.contains('_') {
        return None;
    }
    Some(Kind::Migration {
        version: Version::parse_numbers(version).ok()?,
        name: name.to_owned(),
    })
}

/// `<digits>[.<digits>...]` and anything after it; `.down`, `.undo` and the like are ways back.
fn plain(stem: &str) -> Option<Kind> {
    let mut end = 0;
    for part in stem.split('.') {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        if digits == 0 {
            break;
        }
        let dot = usize::from(end > 0);
        end += dot + digits;
        if digits < part.len() {
            break;
        }
    }
    let version = Version::parse_numbers(&stem[..end]).ok()?;
    let rest = &stem[end..];
    if rest
        .split('.')
        .any(|word| matches!(word, "down" | "undo" | "rollback" | "revert"))
    {
        return Some(Kind::Down);
    }
    let rest = rest
        .strip_suffix(".up")
        .unwrap_or(rest)
        .trim_start_matches(['_', '-', '.', ' ']);
    Some(Kind::Migration {
        version,
        name: rest.strip_prefix("do.").unwrap_or(rest).to_owned(),
    })
}

/// Returns the language of a migration that is no SQL, which a run of the SQL files alone would leave out.
fn other_language(layout: Layout, stem: &str, extension: &str) -> Option<&'static str> {
    let language = match extension {
        "go" => "Go",
        "rs" => "Rust",
        "java" => "Java",
        "kt" => "Kotlin",
        "js" | "mjs" | "cjs" => "JavaScript",
        "ts" => "TypeScript",
        "py" => "Python",
        "rb" => "Ruby",
        "sh" => "shell",
        _ => return None,
    };
    let versioned = |prefixes: &[char]| {
        stem.strip_prefix(prefixes)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            && stem.contains("__")
    };
    let is_migration = match layout {
        Layout::Goose => extension == "go" && underscored(stem).is_some() && !stem.ends_with("_test"),
        Layout::Refinery => extension == "rs" && versioned(&['V', 'U']),
        Layout::Flyway => versioned(&['V', 'B']),
        Layout::Plain => {
            looks_numbered(stem)
                && !stem.ends_with("_test")
                && stem.rsplit_once('.').is_none_or(|(_, word)| word != "d")
        }
        _ => false,
    };
    is_migration.then_some(language)
}

/// Returns a name close to this one that fits the layout.
fn suggestion(layout: Layout, stem: &str) -> Option<String> {
    let bare = stem.trim_start_matches(['V', 'v', 'U', 'u', ' ', '_', '-']);
    let (version, rest) = leading_digits(bare)?;
    let name = rest.trim_matches(['_', '-', '.', ' ']).replace([' ', '-'], "_");
    let name = if name.is_empty() { "migration" } else { name.as_str() };
    let candidates = [
        stem.to_owned(),
        format!("{version}_{name}"),
        format!("{version}_{name}.up"),
        format!("{version}-{name}"),
        format!("{version:0>6}-{name}"),
        format!("V{version}__{name}"),
    ];
    match layout {
        Layout::Diesel => Some(format!("{version}_{name}/up.sql")),
        Layout::Prisma => Some(format!("{version}_{name}/migration.sql")),
        _ => {
            let fits = |stem: &String| matches!(by_stem(layout, stem), Some(Kind::Migration { .. }));
            candidates.into_iter().find(fits).map(|stem| stem + ".sql")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a kind in a few characters, so that a table of cases fits on the screen.
    fn short(kind: &Kind) -> String {
        match kind {
            Kind::Migration { version, name } => format!("{version} {name}"),
            Kind::Baseline { version, name } => format!("base {version} {name}"),
            Kind::Down => "down".to_owned(),
            Kind::Repeatable => "repeat".to_owned(),
            Kind::OtherLanguage(language) => (*language).to_owned(),
            Kind::Ignored => "-".to_owned(),
            Kind::Unfit { suggestion: None } => "unfit".to_owned(),
            Kind::Unfit { suggestion: Some(name) } => format!("unfit, {name}"),
        }
    }

    fn check(cases: &[(Layout, &str, &str)]) {
        for (layout, name, expected) in cases {
            assert_eq!(short(&classify(*layout, name)), *expected, "{layout} {name}");
        }
    }

    #[test]
    fn names_of_flat_tools() {
        use Layout::{Dbmate, GolangMigrate, Goose, Sqlx, Supabase};
        check(&[
            (Supabase, "20240101000000_add_users.sql", "20240101000000 add_users"),
            (Supabase, "00000000000000_.sql", "00000000000000 "),
            (
                Supabase,
                "20240101000000-add-users.sql",
                "unfit, 20240101000000_add_users.sql",
            ),
            (Supabase, "20240101000000_add.SQL", "unfit, 20240101000000_add.sql"),
            (Supabase, "notes.sql", "unfit"),
            (Supabase, "seed.sql", "-"),
            (Supabase, "README.md", "-"),
            (Supabase, ".DS_Store", "-"),
            (Supabase, "._20240101000000_add.sql", "-"),
            (Supabase, "20240101000000_add.sql.bak", "-"),
            (Sqlx, "1_init.sql", "1 init"),
            (Sqlx, "2_more.up.sql", "2 more"),
            (Sqlx, "2_more.down.sql", "down"),
            (Sqlx, "x.down.sql", "unfit"),
            (GolangMigrate, "000001_init.up.sql", "000001 init"),
            (GolangMigrate, "000001_init.down.sql", "down"),
            (GolangMigrate, "000001_init.sql", "unfit, 000001_init.up.sql"),
            (Goose, "00001_init.sql", "00001 init"),
            (Goose, "00000_init.sql", "unfit"),
            (Goose, "00002_fill.go", "Go"),
            (Goose, "00002_fill_test.go", "-"),
            (Goose, "embed.go", "-"),
            (Dbmate, "20240101000000_init.sql", "20240101000000 init"),
            (Dbmate, "001.sql", "001 "),
            (Dbmate, "init.sql", "unfit"),
        ]);
    }

    #[test]
    fn names_of_flyway_and_refinery() {
        use Layout::{Flyway, Refinery};
        check(&[
            (Flyway, "V1__init.sql", "1 init"),
            (Flyway, "V1.2_3__add_x.sql", "1.2_3 add_x"),
            (Flyway, "V7.sql", "7 "),
            (Flyway, "V1_init.sql", "unfit, V1__init.sql"),
            (Flyway, "v1__init.sql", "unfit, V1__init.sql"),
            (Flyway, "1_init.sql", "unfit, V1__init.sql"),
            (Flyway, "R__views.sql", "repeat"),
            (Flyway, "R1__views.sql", "unfit"),
            (Flyway, "afterMigrate.sql", "repeat"),
            (Flyway, "beforeEachMigrate__grants.sql", "repeat"),
            (Flyway, "afterwards.sql", "unfit"),
            (Flyway, "U2__add_x.sql", "down"),
            (Flyway, "B3__base.sql", "base 3 base"),
            (Flyway, "V2__Fill.java", "Java"),
            (Flyway, "V1__init.sql.conf", "-"),
            (Refinery, "V1__init.sql", "1 init"),
            (Refinery, "U2__grants.sql", "2 grants"),
            (Refinery, "V3__add-x.sql", "unfit, V3__add_x.sql"),
            (Refinery, "V4__fill.rs", "Rust"),
            (Refinery, "mod.rs", "-"),
        ]);
    }

    #[test]
    fn names_of_other_tools() {
        use Layout::{Diesel, Drizzle, Graphile, Plain, Prisma};
        check(&[
            (Graphile, "000001.sql", "000001 "),
            (Graphile, "000002-add-users.sql", "000002 add-users"),
            (Graphile, "1-init.sql", "unfit, 000001-init.sql"),
            (Drizzle, "0000_lush_hulk.sql", "0000 lush_hulk"),
            (Plain, "001-init.sql", "001 init"),
            (Plain, "0001_init.up.sql", "0001 init"),
            (Plain, "1.10.2_x.sql", "1.10.2 x"),
            (Plain, "001.init.sql", "001 init"),
            (Plain, "001.do.init.sql", "001 init"),
            (Plain, "001.undo.init.sql", "down"),
            (Plain, "001_x.down.sql", "down"),
            (Plain, "12.sql", "12 "),
            (Plain, "0003-fill.js", "JavaScript"),
            (Plain, "init.sql", "unfit"),
            (Plain, "é1.sql", "unfit"),
            (Diesel, "helper.sql", "-"),
            (Diesel, "001_init.sql", "unfit, 001_init/up.sql"),
            (Prisma, "001_init.sql", "unfit, 001_init/migration.sql"),
        ]);
    }

    #[test]
    fn folders() {
        let cases = [
            (Layout::Diesel, "2014-11-21-162337_x_y", Some("20141121162337 x_y")),
            (
                Layout::Diesel,
                "2026-07-15-182934-0000_drop",
                Some("202607151829340000 drop"),
            ),
            (
                Layout::Diesel,
                "00000000000000_diesel_initial_setup",
                Some("00000000000000 diesel_initial_setup"),
            ),
            (Layout::Diesel, "20240101", None),
            (Layout::Diesel, "abc_def", None),
            (Layout::Prisma, "20230518191501_init", Some("20230518191501_init init")),
            (Layout::Prisma, "0_init", Some("0_init init")),
            (Layout::Prisma, "20230518191501", Some("20230518191501 ")),
            (
                Layout::Prisma,
                "20230518191501_init copy",
                Some("20230518191501_init copy init copy"),
            ),
            (Layout::Prisma, "20230518191501 copy", None),
            (Layout::Prisma, "init", None),
            (
                Layout::Drizzle,
                "20240101120000_lush_hulk",
                Some("20240101120000 lush_hulk"),
            ),
        ];
        for (layout, name, expected) in cases {
            let found = classify_folder(layout, name).map(|(version, name)| format!("{version} {name}"));
            assert_eq!(found.as_deref(), expected, "{layout} {name}");
        }
    }
}
