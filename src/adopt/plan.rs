//! The plan: which rows our ledger gets, or every reason not to begin. A pure value of files, the other ledger, and our own.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::ledger::{Entry, PeerTable};
use crate::migration::{Checksum, Head, Version};
use crate::pg::peers::Adopted;
use crate::script::{PieceKind, Triage, classify, split, triage};

use super::files::File;
use super::join::{About, Joiner};
use super::rows::{Row, Said};
use super::{advice, verdict};

/// More re-stamped rows than this are not named in one command.
const MAPS_NAMED: usize = 5;

/// What somebody said: a row of the other ledger is about the file of another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The row's version or name, as the other ledger has it.
    pub old: String,
    /// The file's version.
    pub new: Version,
}

impl Map {
    /// Whether it is about a row.
    pub fn is_of(&self, row: &Row) -> bool {
        let same_version = || row.version.is_some() && row.version == Version::parse(&self.old).ok();
        row.label == self.old || same_version()
    }
}

/// What the planner is asked for.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The other ledger.
    pub table: &'a PeerTable,
    /// What was said about re-stamped rows.
    pub maps: &'a [Map],
    /// Take every re-stamped row whose content is that of a file.
    pub map_by_content: bool,
    /// What was adopted from it before.
    pub before: &'a Adopted,
    /// Leave files pending that are older than the newest row.
    pub allow_out_of_order: bool,
}

/// How sure it is that a file is what was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The other tool's checksum says so.
    Verified,
    /// Its ledger has the version, and nothing to compare; for this reason.
    Trusted(&'static str),
}

impl Class {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Trusted(_) => "trusted",
        }
    }
}

/// A row that our ledger gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRow {
    /// The file's version.
    pub version: Version,
    /// The rest of the file's name.
    pub name: String,
    /// How sure it is.
    pub class: Class,
    /// What the other ledger calls it; `None` where it is applied by a mark.
    pub label: Option<String>,
    /// What the other ledger keeps of its content.
    pub stored: Value,
    /// The row itself, by the names of our ledger's columns.
    pub columns: Value,
    checksum: Checksum,
}

impl PlannedRow {
    /// Returns the detail of its event.
    pub fn detail(&self, table: &PeerTable) -> Value {
        let why = match self.class {
            Class::Verified => Value::Null,
            Class::Trusted(why) => why.into(),
        };
        json!({
            "class": self.class.name(),
            "why": why,
            "tool": table.peer.name(),
            "ledger": table.to_string(),
            "row": self.label,
            "stored": self.stored,
        })
    }
}

/// What will be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The other ledger.
    pub table: PeerTable,
    /// The rows that our ledger gets, in version order.
    pub rows: Vec<PlannedRow>,
    /// How many it has already.
    pub already: usize,
    /// How many rows of the other ledger are no migrations of ours: repeatables, marks, what was taken back.
    pub skipped: usize,
    /// The files that stay pending.
    pub pending: Vec<(Version, String)>,
    /// The head afterwards.
    pub head: Head,
    /// What a person should know.
    pub notes: Vec<Finding>,
}

impl Plan {
    /// Returns how many rows are verified.
    pub fn verified(&self) -> usize {
        self.rows.iter().filter(|row| row.class == Class::Verified).count()
    }
}

/// Why nothing will be done.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// What to do about all of it.
    pub hints: Vec<String>,
}

/// Returns what will be done, or every reason not to begin. `files` and `ours` are in version order.
///
/// # Errors
/// [`Refused`], with all findings at once.
pub fn plan(files: &[File], said: &Said, ours: &[Entry], ask: &Ask<'_>) -> Result<Plan, Refused> {
    if !said.refusals.is_empty() {
        return Err(Refused {
            findings: said.refusals.clone(),
            hints: Vec::new(),
        });
    }
    let known = ask
        .before
        .rows
        .iter()
        .filter(|(_, version)| find(ours, version).is_some());
    let known = known.map(|(label, version)| (label.as_str(), version)).collect();
    let about = Joiner::new(ask.table.peer, files, ask.maps, known).join(&said.rows);
    let mut planner = Planner {
        files,
        ours,
        ask,
        claimed: vec![false; files.len()],
        newest: None,
        rows: Vec::new(),
        already: 0,
        findings: Vec::new(),
        notes: Vec::new(),
        hints: Vec::new(),
    };
    planner.findings.extend(verdict::useless_maps(ask.maps, files, said));
    for (row, about) in said.rows.iter().zip(about) {
        planner.row(row, about);
    }
    planner.mark(said);
    planner.finish(said.skipped)
}

fn find<'a>(ours: &'a [Entry], version: &Version) -> Option<&'a Entry> {
    let found = ours.binary_search_by(|entry| entry.version.cmp(version));
    found.ok().map(|index| &ours[index])
}

struct Planner<'a> {
    files: &'a [File],
    ours: &'a [Entry],
    ask: &'a Ask<'a>,
    claimed: Vec<bool>,
    newest: Option<Version>,
    rows: Vec<PlannedRow>,
    already: usize,
    findings: Vec<Finding>,
    notes: Vec<Finding>,
    hints: Vec<String>,
}

impl Planner<'_> {
    fn reached(&mut self, version: Option<&Version>) {
        self.newest = self.newest.take().max(version.cloned());
    }

    fn row(&mut self, row: &Row, about: About) {
        let (files, table) = (self.files, self.ask.table);
        match about {
            About::File {
                file,
                unchecked,
                mapped,
            } => {
                let why = if mapped { Some("somebody said so") } else { unchecked };
                let class = match unchecked {
                    None => Class::Verified,
                    Some(_) => Class::Trusted(why.unwrap_or_default()),
                };
                self.take(file, Some(row), class);
            }
            About::Edited { file, content_in } => {
                self.claim(file);
                let content_in = content_in.map(|other| &files[other].migration);
                let is_first = !self.findings.iter().any(|finding| finding.code == "drift.edited");
                if is_first || !verdict::is_cumulative(table.peer) {
                    let finding = verdict::edited(row, &files[file].migration, content_in, table);
                    self.findings.push(finding);
                }
            }
            About::Restamped { file, by_content: true } if self.ask.map_by_content => {
                self.take(file, Some(row), Class::Verified);
            }
            About::Restamped { file, by_content } => {
                self.claim(file);
                let migration = &files[file].migration;
                self.findings
                    .push(verdict::restamped(row, migration, by_content, table));
                self.hints.push(format!("--map {}={}", row.label, migration.version));
            }
            About::Nothing => {
                self.reached(row.version.as_ref());
                let is_ours = row
                    .version
                    .as_ref()
                    .is_some_and(|version| find(self.ours, version).is_some());
                if is_ours {
                    self.already += 1;
                } else {
                    self.findings.push(verdict::missing(row, table));
                }
            }
        }
    }

    fn claim(&mut self, file: usize) {
        self.claimed[file] = true;
        let files = self.files;
        self.reached(Some(&files[file].migration.version));
    }

    /// Takes a file over, unless it is taken over already.
    fn take(&mut self, file: usize, row: Option<&Row>, class: Class) {
        self.claim(file);
        let file = &self.files[file];
        match find(self.ours, &file.migration.version) {
            Some(entry) if entry.checksum == file.migration.checksum => self.already += 1,
            Some(entry) => self.findings.push(verdict::ours_differs(&file.migration, entry)),
            None => self.rows.push(planned(file, row, class)),
        }
    }

    fn mark(&mut self, said: &Said) {
        let Some(mark) = &said.mark else {
            return;
        };
        let files = self.files;
        if mark.has_file && !files.iter().any(|file| file.migration.version == mark.version) {
            self.findings.push(verdict::missing_mark(&mark.version, self.ask.table));
        }
        // A file that an earlier mark did not cover was not there then, and a mark that moves on runs nothing behind it. Nor did the tool
        // run anything where the mark was brought here by us.
        let is_ours = find(self.ours, &mark.version).is_some();
        let before = self.ask.before.mark.as_ref();
        let is_behind = |version: &Version| before.is_some_and(|before| is_ours || version <= before);
        for (index, file) in files.iter().enumerate() {
            let is_new = !is_behind(&file.migration.version) || find(self.ours, &file.migration.version).is_some();
            if file.migration.version <= mark.version && is_new && !self.claimed[index] {
                let why = "trusted by mark: this ledger says only how far it got";
                self.take(index, None, Class::Trusted(why));
            }
        }
        self.reached(Some(&mark.version));
    }

    fn finish(mut self, skipped: usize) -> Result<Plan, Refused> {
        let free = self.files.iter().zip(&self.claimed);
        let free = free.filter(|(file, claimed)| !**claimed && find(self.ours, &file.migration.version).is_none());
        let pending: Vec<_> = free.map(|(file, _)| &file.migration).collect();
        let newest = self.newest.max(self.ours.last().map(|entry| entry.version.clone()));
        for late in pending
            .iter()
            .filter(|migration| newest.as_ref().is_some_and(|newest| migration.version < *newest))
        {
            let mut gap = verdict::gap(late, self.ask.table);
            if self.ask.allow_out_of_order {
                gap.severity = Severity::Warning;
                self.notes.push(gap);
            } else {
                self.findings.push(gap);
            }
        }
        if !self.findings.is_empty() {
            return Err(refused(self.findings, &self.hints, self.ask.table));
        }
        self.rows.sort_by(|a, b| a.version.cmp(&b.version));
        self.notes.extend(verdict::trusted(&self.rows, self.ask.table));
        let ours = self.ours.iter().map(|entry| (&entry.version, &entry.checksum));
        let head = Head::of(ours.chain(self.rows.iter().map(|row| (&row.version, &row.checksum))));
        Ok(Plan {
            table: self.ask.table.clone(),
            already: self.already,
            skipped,
            pending: pending
                .into_iter()
                .map(|migration| (migration.version.clone(), migration.name.clone()))
                .collect(),
            head,
            notes: self.notes,
            rows: self.rows,
        })
    }
}

fn refused(findings: Vec<Finding>, maps: &[String], table: &PeerTable) -> Refused {
    let mut hints = Vec::new();
    if !maps.is_empty() && maps.len() <= MAPS_NAMED {
        hints.push(format!(
            "where the re-stamped ones are right: `rlsctl adopt {}`",
            maps.join(" ")
        ));
    } else if !maps.is_empty() {
        let hint = "where the re-stamped ones are right: `rlsctl adopt --map-by-content` takes all whose content is that of a file";
        hints.push(hint.to_owned());
    }
    let has_no_file = findings.iter().any(|finding| finding.code == "drift.missing-file");
    hints.extend(
        advice::unreadable_files(table.peer)
            .filter(|_| has_no_file)
            .map(str::to_owned),
    );
    Refused { findings, hints }
}

fn planned(file: &File, row: Option<&Row>, class: Class) -> PlannedRow {
    let migration = &file.migration;
    let columns = json!({
        "version": migration.version.to_string(),
        "sort_key": migration.version.sort_key(),
        "name": migration.name,
        "checksum": migration.checksum.to_string(),
        "token_checksum": file.tokens.to_string(),
        "sql": file.text.as_str(),
        "applied_at": row.and_then(|row| row.applied_at.clone()),
        "applied_by": row.and_then(|row| row.applied_by.clone()),
        "transactional": is_transactional(file.text.as_str()),
    });
    PlannedRow {
        version: migration.version.clone(),
        name: migration.name.clone(),
        class,
        label: row.map(|row| row.label.clone()),
        stored: row.map_or(Value::Null, |row| row.stored.to_json()),
        columns,
        checksum: migration.checksum,
    }
}

/// Whether all statements can run inside a transaction. What cannot be cut or parsed was run by another tool all the same.
fn is_transactional(text: &str) -> bool {
    let pieces = split(text).unwrap_or_default();
    let mut statements = pieces.iter().filter(|piece| piece.kind == PieceKind::Statement);
    statements.all(|piece| {
        let sql = piece.body.slice(text);
        triage(sql) == Triage::Plain || classify(sql).map_or(true, |statement| statement.transactional.is_inside())
    })
}
