//! Ledgers that keep nothing of the content: versions, names, or one mark.

use crate::migration::Version;

use super::field::Fields;
use super::{Mark, One, Row, Said, Stored, leading_version, newest, unfinished};

const NO_CHECKSUM: Stored = Stored::Nothing("this ledger keeps no checksums");

/// dbmate, Rails, Ecto, Diesel: a version a row.
pub fn versions(fields: &Fields<'_>) -> One {
    let mut row = Row::versioned(fields.label("version"), NO_CHECKSUM);
    row.applied_at = fields.text("run_on").or_else(|| fields.text("inserted_at"));
    row.into()
}

/// knex, node-pg-migrate: a file name a row, with or without its extension. The version is its leading digits.
pub fn names(fields: &Fields<'_>) -> One {
    let mut row = named(&fields.label("name"));
    row.applied_at = fields.text("migration_time").or_else(|| fields.text("run_on"));
    row.into()
}

fn named(name: &str) -> Row {
    let mut row = Row::new(name, NO_CHECKSUM);
    let (version, rest) = leading_version(name);
    row.version = version;
    let rest = match rest.rsplit_once('.') {
        Some((stem, extension)) if extension.chars().all(char::is_alphanumeric) => stem,
        _ => rest,
    };
    row.name = Some(rest.trim_start_matches(['_', '-']).to_owned());
    row
}

/// pgroll: a name a row; the migration itself is JSON, not SQL.
pub fn pgroll(fields: &Fields<'_>) -> One {
    let name = fields.label("name");
    if fields.truth("done") != Some(true) {
        let help = "run `pgroll complete` or `pgroll rollback`";
        return One::Refused(unfinished(
            &name,
            "is not done: pgroll keeps old and new schema beside one another",
            help,
        ));
    }
    let mut row = named(&name);
    row.applied_at = fields.text("updated_at").or_else(|| fields.text("created_at"));
    row.into()
}

/// goose: several rows a version, of which the newest says whether it is applied. Version 0 stands for the empty database.
pub fn goose(said: &mut Said, rows: &[Fields<'_>]) {
    let key = |fields: &Fields<'_>| fields.number("version_id").zip(fields.number("id"));
    said.skipped += rows.iter().filter(|fields| key(fields).is_none()).count();
    for (version, fields) in newest(rows, key) {
        if version == 0 || fields.truth("is_applied") == Some(false) {
            said.skipped += 1;
            continue;
        }
        let mut row = Row::versioned(version.to_string(), NO_CHECKSUM);
        row.applied_at = fields.text("tstamp");
        said.rows.push(row);
    }
}

/// golang-migrate: one row, a mark, which is dirty after a failure.
pub fn golang_migrate(said: &mut Said, rows: &[Fields<'_>]) {
    for fields in rows {
        let label = fields.label("version");
        if fields.truth("dirty") == Some(true) {
            let help = "see what of that migration is in the database, then say so: `migrate force VERSION`";
            said.refusals.push(unfinished(
                &label,
                "is dirty: golang-migrate failed in the middle of it",
                help,
            ));
            continue;
        }
        // Version -1 means that all were taken back.
        if let Ok(version) = Version::parse(&label) {
            said.mark = Some(Mark {
                version,
                has_file: true,
            });
        }
    }
}

/// Boundary: a mark.
pub fn boundary(said: &mut Said, rows: &[Fields<'_>]) {
    let versions = rows
        .iter()
        .filter_map(|fields| Version::parse(&fields.label("version")).ok());
    said.mark = versions.max().map(|version| Mark {
        version,
        has_file: false,
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::adopt::rows::tests::said;
    use crate::ledger::Peer;

    #[test]
    fn the_newest_row_of_goose_counts() {
        let row = |id: i64, version: i64, applied: bool| json!({"id": id, "version_id": version, "is_applied": applied, "tstamp": "2024-01-01T00:00:00"});
        let said = said(
            Peer::Goose,
            &[
                row(1, 0, true),
                row(3, 1, false),
                row(2, 1, true),
                row(4, 2, false),
                row(5, 2, true),
            ],
        );
        let labels: Vec<_> = said.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!((labels, said.skipped), (vec!["2"], 2));
    }

    #[test]
    fn marks() {
        let clean = said(Peer::GolangMigrate, &[json!({"version": 20, "dirty": false})]);
        assert_eq!(clean.mark.map(|mark| mark.version.to_string()).as_deref(), Some("20"));
        let dirty = said(Peer::GolangMigrate, &[json!({"version": 20, "dirty": true})]);
        assert_eq!((dirty.refusals[0].object.as_str(), dirty.mark), ("20", None));
        let none = said(Peer::GolangMigrate, &[json!({"version": -1, "dirty": false})]);
        assert!(none.mark.is_none() && none.refusals.is_empty());
    }

    #[test]
    fn file_names_have_versions() {
        let said = said(
            Peer::Knex,
            &[
                json!({"id": 1, "name": "20240101_add-users.js"}),
                json!({"id": 2, "name": "1700000000000_a.b"}),
            ],
        );
        let read: Vec<_> = said
            .rows
            .iter()
            .map(|row| (row.version.clone().unwrap().to_string(), row.name.clone().unwrap()))
            .collect();
        let expected = [("20240101", "add-users"), ("1700000000000", "a")];
        assert_eq!(
            read,
            expected.map(|(version, name)| (version.to_owned(), name.to_owned()))
        );
    }
}
