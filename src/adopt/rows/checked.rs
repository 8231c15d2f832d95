//! Ledgers that keep a checksum, or the text itself.

use std::collections::BTreeMap;

use crate::migration::Version;

use crate::migration::peer_checksum::supabase;

use super::field::Fields;
use super::{Mark, One, Row, Said, Stored, leading_version, newest, unfinished};

/// The file's name has `_` where the description has a space.
fn name_of_description(fields: &Fields<'_>) -> Option<String> {
    fields.text("description").map(|text| text.replace(' ', "_"))
}

/// Supabase: the statements are kept. The Management API writes who made a migration, the CLI does not.
pub fn supabase(fields: &Fields<'_>) -> One {
    let statements = fields.texts("statements");
    let is_empty = statements.iter().all(|statement| statement.trim().is_empty());
    let stored = if is_empty {
        Stored::Nothing("this row keeps no statements")
    } else {
        Stored::Statements {
            count: statements.len(),
            tokens: supabase::tokens(&statements),
        }
    };
    let mut row = Row::versioned(fields.label("version"), stored);
    row.name = fields.text("name");
    row.applied_by = fields.text("created_by");
    row.hotfix = row.applied_by.is_some() || fields.text("idempotency_key").is_some();
    row.into()
}

/// sqlx.
pub fn sqlx(fields: &Fields<'_>) -> One {
    let label = fields.label("version");
    if fields.truth("success") != Some(true) {
        let help = "see what of that migration is in the database; mend it with sqlx";
        return One::Refused(unfinished(
            &label,
            "is marked as failed: sqlx stopped in the middle of it",
            help,
        ));
    }
    let mut row = Row::versioned(label, Stored::Mark(fields.hex("checksum").unwrap_or_default()));
    row.name = name_of_description(fields);
    row.applied_at = fields.text("installed_on");
    row.into()
}

/// refinery.
pub fn refinery(fields: &Fields<'_>) -> One {
    let stored = Stored::Refinery(fields.label("checksum"));
    let mut row = Row::versioned(fields.label("version"), stored);
    row.name = fields.text("name");
    // Text, written by the tool: what is no time stamp must not stop us.
    row.applied_at = fields
        .text("applied_on")
        .filter(|text| text.parse::<jiff::Timestamp>().is_ok());
    row.into()
}

/// Flyway: the newest row of a version counts. Baselines are marks; repeatables and schema rows are none of ours.
pub fn flyway(said: &mut Said, rows: &[Fields<'_>]) {
    let (applied, failed): (Vec<&Fields<'_>>, Vec<&Fields<'_>>) =
        rows.iter().partition(|fields| fields.truth("success") == Some(true));
    for fields in failed {
        let script = fields.text("script").unwrap_or_else(|| fields.label("description"));
        let label = fields.text("version").unwrap_or(script);
        let help = "see what of that migration is in the database; run `flyway repair` when it is right";
        said.refusals
            .push(unfinished(&label, "is marked as failed by Flyway", help));
    }
    said.skipped += applied.iter().filter(|fields| fields.text("version").is_none()).count();
    let key = |fields: &Fields<'_>| {
        Some((
            fields.text("version")?,
            fields.number("installed_rank").unwrap_or_default(),
        ))
    };
    for (version, fields) in newest(applied, key) {
        match fields.label("type").as_str() {
            "BASELINE" | "SQL_BASELINE" => {
                let baseline = Version::parse(&version).ok();
                let before = said.mark.take().map(|mark| mark.version);
                said.mark = baseline.max(before).map(|version| Mark {
                    version,
                    has_file: false,
                });
            }
            // Taken back, or told to be forgotten.
            "DELETE" | "UNDO_SQL" | "UNDO_JDBC" | "UNDO_SCRIPT" | "SCHEMA" => said.skipped += 1,
            _ => {
                let checksum = fields.text("checksum");
                let stored = checksum.map_or(Stored::Nothing("this row has no checksum"), Stored::Mark);
                let mut row = Row::versioned(version, stored);
                row.name = name_of_description(fields);
                row.applied_at = fields.text("installed_on");
                row.applied_by = fields.text("installed_by");
                said.rows.push(row);
            }
        }
    }
}

/// Prisma: a row that is finished and not rolled back is applied; one that is neither is where it stopped.
pub fn prisma(said: &mut Said, rows: &[Fields<'_>]) {
    let mut applied: BTreeMap<String, Row> = BTreeMap::new();
    for fields in rows {
        let name = fields.label("migration_name");
        if fields.text("rolled_back_at").is_some() {
            said.skipped += 1;
            continue;
        }
        if fields.text("finished_at").is_none() {
            let help = "run `prisma migrate resolve`, which asks whether it is applied";
            said.refusals.push(unfinished(
                &name,
                "was begun and neither finished nor rolled back",
                help,
            ));
            continue;
        }
        let mut row = Row::versioned(&name, Stored::Mark(fields.label("checksum")));
        row.applied_at = fields.text("finished_at");
        // The name behind the time stamp, for a folder that was given another one.
        let (_, rest) = leading_version(&name);
        row.name = Some(rest.trim_start_matches('_').to_owned());
        applied.insert(name, row);
    }
    said.rows = applied.into_values().collect();
}

/// Drizzle: a hash and the journal's time stamp; newer releases add the name.
pub fn drizzle(fields: &Fields<'_>) -> One {
    let name = fields.text("name");
    let when = fields.number("created_at");
    let label = name.clone().or_else(|| when.map(|when| when.to_string()));
    let stored = Stored::Mark(fields.label("hash"));
    let mut row = Row::new(label.unwrap_or_else(|| fields.label("id")), stored);
    row.name = name;
    row.when = when;
    row.applied_at = fields.text("applied_at");
    row.into()
}

/// graphile-migrate.
pub fn graphile(fields: &Fields<'_>) -> One {
    let file = fields.label("filename");
    let stored = Stored::Graphile {
        hash: fields.label("hash"),
        previous: fields.text("previous_hash"),
    };
    let mut row = Row::new(&file, stored);
    row.version = leading_version(&file).0;
    row.applied_at = fields.text("date");
    row.into()
}

/// sqitch: after an upgrade of its registry, a script hash may be the change's own id, which says nothing.
pub fn sqitch(fields: &Fields<'_>) -> One {
    let stored = match (fields.text("script_hash"), fields.text("change_id")) {
        (Some(hash), id) if id.as_ref() != Some(&hash) => Stored::Mark(hash),
        _ => Stored::Nothing("this row has no script hash"),
    };
    let mut row = Row::new(fields.label("change"), stored);
    row.name = fields.text("change");
    row.applied_at = fields.text("committed_at");
    row.applied_by = fields.text("committer_name");
    row.into()
}

/// Atlas: a baseline is a mark; rows whose name begins with a dot are its own.
pub fn atlas(said: &mut Said, rows: &[Fields<'_>]) {
    for fields in rows {
        let label = fields.label("version");
        let kind = fields.number("type").unwrap_or_default();
        let (applied, total) = (fields.number("applied"), fields.number("total"));
        let has_failed = fields.text("error").is_some_and(|error| !error.is_empty());
        if label.starts_with('.') {
            said.skipped += 1;
        } else if kind & 4 == 0 && (applied < total || has_failed) {
            let message = format!(
                "is half applied: {} of {} statements",
                applied.unwrap_or_default(),
                total.unwrap_or_default()
            );
            let help = "let Atlas finish it, or say `atlas migrate set`";
            said.refusals.push(unfinished(&label, message, help));
        } else if kind & 1 == 1 {
            let version = Version::parse(&label).ok();
            said.mark = version.map(|version| Mark {
                version,
                has_file: false,
            });
        } else {
            let hash = fields.text("hash").filter(|hash| !hash.is_empty());
            let stored = hash.map_or(Stored::Nothing("this row has no hash"), Stored::Mark);
            let mut row = Row::versioned(label, stored);
            row.name = fields.text("description");
            row.applied_at = fields.text("executed_at");
            said.rows.push(row);
        }
    }
}

/// postgres-migrations: row 0 is the package's own.
pub fn postgres_migrations(fields: &Fields<'_>) -> One {
    if fields.number("id") == Some(0) {
        return One::Skipped;
    }
    let mut row = Row::versioned(fields.label("id"), Stored::Mark(fields.label("hash")));
    row.name = fields.text("name");
    row.applied_at = fields.text("executed_at");
    row.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::adopt::rows::tests::said;
    use crate::ledger::Peer;

    fn labels(said: &Said) -> Vec<&str> {
        said.rows.iter().map(|row| row.label.as_str()).collect()
    }

    #[test]
    fn flyway_rows_are_versions_marks_and_others() {
        let row = |rank: i64, version: Option<&str>, kind: &str, success: bool| json!({"installed_rank": rank, "version": version, "type": kind, "script": "s", "checksum": 5, "success": success});
        let said = said(
            Peer::Flyway,
            &[
                row(0, None, "SCHEMA", true),
                row(1, Some("1.5"), "BASELINE", true),
                row(2, Some("2"), "SQL", true),
                row(3, Some("3"), "SQL", true),
                row(4, Some("3"), "UNDO_SQL", true),
                row(5, None, "SQL", true),
                row(6, Some("4"), "SQL", false),
            ],
        );
        assert_eq!(labels(&said), ["2"]);
        assert_eq!(
            said.mark.as_ref().map(|mark| mark.version.to_string()).as_deref(),
            Some("1.5")
        );
        assert_eq!(said.refusals.len(), 1);
        assert_eq!(said.refusals[0].object, "4");
        assert_eq!(said.refusals[0].evidence["ledger"], "public.t");
    }

    #[test]
    fn prisma_rows_that_were_rolled_back_do_not_count() {
        let row = |name: &str, finished: Option<&str>, rolled_back: Option<&str>| json!({"migration_name": name, "checksum": "ab", "finished_at": finished, "rolled_back_at": rolled_back});
        let said = said(
            Peer::Prisma,
            &[
                row("1_a", None, Some("2024")),
                row("1_a", Some("2024"), None),
                row("2_b", None, None),
            ],
        );
        assert_eq!(labels(&said), ["1_a"]);
        assert_eq!(said.refusals[0].object, "2_b");
    }

    #[test]
    fn atlas_rows() {
        let row = |version: &str, kind: i64, applied: i64| json!({"version": version, "type": kind, "applied": applied, "total": 2, "hash": "h"});
        let said = said(
            Peer::Atlas,
            &[
                row(".atlas_cloud_identifier", 2, 0),
                row("1", 1, 2),
                row("2", 2, 2),
                row("3", 2, 1),
                row("4", 4, 0),
            ],
        );
        assert_eq!(labels(&said), ["2", "4"]);
        assert_eq!(said.refusals[0].object, "3");
        assert_eq!(said.mark.map(|mark| mark.version.to_string()).as_deref(), Some("1"));
    }

    #[test]
    fn what_is_no_content_is_not_compared() {
        let supabase = said(
            Peer::Supabase,
            &[
                json!({"version": "1", "statements": null}),
                json!({"version": "2", "statements": [" "]}),
                json!({"version": "3", "statements": ["a"], "created_by": "x@example.com"}),
            ],
        );
        assert!(matches!(supabase.rows[1].stored, Stored::Nothing(_)));
        assert!(matches!(supabase.rows[2].stored, Stored::Statements { count: 1, .. }) && supabase.rows[2].hotfix);
        let sqitch = said(
            Peer::Sqitch,
            &[json!({"change": "a", "script_hash": "x", "change_id": "x"})],
        );
        assert!(matches!(sqitch.rows[0].stored, Stored::Nothing(_)));
        let sqlx = said(
            Peer::Sqlx,
            &[json!({"version": 7, "success": false, "checksum": "\\x00"})],
        );
        assert_eq!(sqlx.refusals[0].object, "7");
    }
}
