//! Which part of a file is the script: all of it, or what the markers of dbmate, goose and node-pg-migrate make the up part.

use std::path::Path;

use super::layout::Layout;
use super::problem::{Misplaced, Problem};
use super::text::count_lines;

/// Which part of a file is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// What follows `-- migrate:up`, up to `-- migrate:down`; there may be several pairs.
    Dbmate,
    /// What follows `-- +goose Up`, up to `-- +goose Down`.
    Goose,
    /// All of it, or what is between `-- Up Migration` and `-- Down Migration`, where a file has both.
    Plain,
}

impl Part {
    /// Returns the part that a layout runs.
    pub(super) const fn of(layout: Layout) -> Self {
        match layout {
            Layout::Dbmate => Self::Dbmate,
            Layout::Goose => Self::Goose,
            Layout::Plain => Self::Plain,
            _ => Self::Whole,
        }
    }

    /// Returns the marker line that starts the up part.
    pub(super) const fn up_marker(self) -> &'static str {
        match self {
            Self::Goose => "-- +goose Up",
            Self::Dbmate | Self::Whole | Self::Plain => "-- migrate:up",
        }
    }

    /// Returns the pieces of a normalised text that are run, each with the line on which it starts.
    ///
    /// Marker lines are not part of a piece, so that an option on them changes no checksum.
    ///
    /// # Errors
    /// All markers that are missing or stand in the wrong place, and goose's substitution of environment variables.
    pub(super) fn cut<'a>(self, path: &Path, text: &'a str) -> Result<Vec<(usize, &'a str)>, Vec<Problem>> {
        if self == Self::Whole {
            return Ok(vec![(1, text)]);
        }
        if self == Self::Plain {
            return Ok(vec![node_pg_migrate(text).unwrap_or((1, text))]);
        }
        let mut cutter = Cutter {
            part: self,
            path,
            text,
            place: Place::Before,
            pieces: Vec::new(),
            problems: Vec::new(),
        };
        let mut offset = 0;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            cutter.line(index + 1, offset, line);
            offset += line.len();
        }
        cutter.finish()
    }
}

/// Returns the up part of a file of node-pg-migrate, which takes loosely written comments for markers (`sqlMigration.ts`). A file that
/// lacks one of the two is not cut: a comment may well speak of migrations.
fn node_pg_migrate(text: &str) -> Option<(usize, &str)> {
    // The one word that both markers have: all that most files cost.
    memchr::memmem::find(text.as_bytes(), b"igration")
        .or_else(|| memchr::memmem::find(text.as_bytes(), b"IGRATION"))?;
    let (mut up, mut down) = (None, None);
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        match direction(line) {
            Some(true) => up = up.or(Some((index + 2, offset + line.len()))),
            Some(false) => down = down.or(Some(offset)),
            None => {}
        }
        offset += line.len();
    }
    let ((line, start), down) = (up?, down?);
    let end = if down < start { text.len() } else { down };
    Some((line, &text[start..end]))
}

/// Reads a marker of node-pg-migrate; true for up.
fn direction(line: &str) -> Option<bool> {
    let comment = line.trim_start().strip_prefix("--")?;
    let mut words = comment
        .trim_start_matches(|c: char| c == '-' || c.is_whitespace())
        .split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let is_up = first.eq_ignore_ascii_case("up");
    let is_marker = is_up || first.eq_ignore_ascii_case("down");
    let names_migration = second
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case("migration"));
    (is_marker && names_migration).then_some(is_up)
}

/// A line that a tool takes for the start of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marker {
    part: Part,
    up: bool,
}

impl Marker {
    /// Reads a marker from a line, which may be indented.
    ///
    /// Letter case and the spaces within are taken more loosely than the tools do: where they would run the down part together
    /// with the up part, it is left out here.
    fn read(line: &str) -> Option<Self> {
        let comment = line.trim_start().strip_prefix("--")?;
        let mut words = comment.split_whitespace();
        let first = words.next()?;
        if first.eq_ignore_ascii_case("+goose") {
            let second = words.next()?;
            let up = second.eq_ignore_ascii_case("up");
            let is_marker = up || second.eq_ignore_ascii_case("down");
            return (is_marker && words.next().is_none()).then_some(Self { part: Part::Goose, up });
        }
        let up = first.eq_ignore_ascii_case("migrate:up");
        (up || first.eq_ignore_ascii_case("migrate:down")).then_some(Self { part: Part::Dbmate, up })
    }
}

/// Returns the first marker of a down part in a text that is to be run whole.
pub(super) fn stray_down(path: &Path, text: &str) -> Option<Problem> {
    let line = |(index, line): (usize, &str)| {
        Marker::read(line).filter(|marker| !marker.up)?;
        Some(misplaced(path, index + 1, line, Misplaced::OtherLayout))
    };
    text.split('\n').enumerate().find_map(line)
}

fn misplaced(path: &Path, line: usize, text: &str, why: Misplaced) -> Problem {
    Problem::MisplacedMarker {
        path: path.to_owned(),
        line,
        marker: text.trim().to_owned(),
        why,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    /// In an up part that starts at this offset and line.
    Up {
        offset: usize,
        line: usize,
    },
    Down,
}

struct Cutter<'a, 'p> {
    part: Part,
    path: &'p Path,
    text: &'a str,
    place: Place,
    pieces: Vec<(usize, &'a str)>,
    problems: Vec<Problem>,
}

impl<'a> Cutter<'a, '_> {
    fn line(&mut self, number: usize, offset: usize, line: &str) {
        match Marker::read(line) {
            Some(marker) if marker.part != self.part => {
                if !marker.up {
                    self.problems
                        .push(misplaced(self.path, number, line, Misplaced::OtherLayout));
                }
            }
            Some(_) if !line.starts_with("--") => {
                self.problems
                    .push(misplaced(self.path, number, line, Misplaced::Indented));
            }
            Some(marker) => self.marker(number, offset, line, marker),
            None => self.plain(number, line),
        }
    }

    fn marker(&mut self, number: usize, offset: usize, line: &str, marker: Marker) {
        let again = self.part == Part::Goose && !self.pieces.is_empty();
        let why = match (self.place, marker.up) {
            (Place::Up { .. }, true) | (Place::Down, false) => Some(Misplaced::Repeated),
            (Place::Down, true) if again => Some(Misplaced::Repeated),
            (Place::Before, false) => Some(Misplaced::DownFirst),
            _ => None,
        };
        self.problems
            .extend(why.map(|why| misplaced(self.path, number, line, why)));
        self.close(offset);
        self.place = if marker.up {
            Place::Up {
                offset: offset + line.len(),
                line: number + 1,
            }
        } else {
            Place::Down
        };
    }

    fn plain(&mut self, number: usize, line: &str) {
        let trimmed = line.trim();
        if self.place == Place::Before && !trimmed.is_empty() && !trimmed.starts_with("--") {
            let said = |problem: &Problem| matches!(problem, Problem::StatementBeforeMarker { .. });
            if !self.problems.iter().any(said) {
                let marker = self.part.up_marker().to_owned();
                self.problems.push(Problem::StatementBeforeMarker {
                    path: self.path.to_owned(),
                    line: number,
                    marker,
                });
            }
        }
        if self.part == Part::Goose && self.place != Place::Down && substitutes(line) {
            self.problems.push(Problem::NeedsSubstitution {
                path: self.path.to_owned(),
                line: number,
                layout: Layout::Goose,
                what: format!("the environment variables after `{trimmed}`"),
            });
        }
    }

    /// Ends the up part that is open, if one is, before `offset`.
    fn close(&mut self, offset: usize) {
        if let Place::Up { offset: start, line } = self.place {
            self.pieces.push((line, &self.text[start..offset]));
        }
    }

    fn finish(mut self) -> Result<Vec<(usize, &'a str)>, Vec<Problem>> {
        self.close(self.text.len());
        if self.pieces.is_empty() {
            // Without a marker every line of the file comes before it; the one message says enough.
            self.problems
                .retain(|problem| !matches!(problem, Problem::StatementBeforeMarker { .. }));
            let marker = self.part.up_marker().to_owned();
            self.problems.push(Problem::MarkerMissing {
                path: self.path.to_owned(),
                marker,
            });
        }
        if self.problems.is_empty() {
            Ok(self.pieces)
        } else {
            Err(self.problems)
        }
    }
}

/// Tells whether a line switches goose's substitution on; older releases spell it `ENVSUBST`.
fn substitutes(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("--") else {
        return false;
    };
    let words: Vec<_> = comment.split_whitespace().map(str::to_ascii_uppercase).collect();
    matches!(
        words.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ["+GOOSE", "ENVSUB" | "ENVSUBST", "ON"]
    )
}

/// Tells whether the beginning of a file has the marker of an up part.
pub(super) fn has_up_marker(part: Part, text: &str) -> bool {
    text.split('\n')
        .any(|line| Marker::read(line).is_some_and(|marker| marker.up && marker.part == part))
}

/// Returns the line on which a byte offset lies, from 1.
pub(super) fn line_at(text: &[u8], offset: usize) -> usize {
    1 + count_lines(&text[..offset.min(text.len())])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(part: Part, text: &str) -> Result<Vec<(usize, &str)>, Vec<String>> {
        let messages = |problems: Vec<Problem>| problems.iter().map(Problem::message).collect();
        part.cut(Path::new("a.sql"), text).map_err(messages)
    }

    #[test]
    fn node_pg_migrate_runs_the_up_part() {
        let text = "-- licence\n-- Up Migration\nA;\n-- Down Migration\nB;\n";
        assert_eq!(cut(Part::Plain, text), Ok(vec![(3, "A;\n")]));
        assert_eq!(
            cut(Part::Plain, "---- down migration\nB;\n--up MIGRATIONS\nA;"),
            Ok(vec![(4, "A;")])
        );
        for whole in [
            "A;\n",
            "-- Up Migration\nA;\n",
            "A;\n-- down migration is not possible\n",
            "-- up and down migrations\n",
        ] {
            assert_eq!(cut(Part::Plain, whole), Ok(vec![(1, whole)]));
        }
        // Another layout's files may speak of migrations as they like.
        assert_eq!(cut(Part::Whole, text), Ok(vec![(1, text)]));
    }

    #[test]
    fn dbmate_runs_the_up_parts() {
        let text = "-- licence\n-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n--migrate:up\nC;\n";
        assert_eq!(cut(Part::Dbmate, text), Ok(vec![(3, "A;\n"), (7, "C;\n")]));
        assert_eq!(cut(Part::Dbmate, "-- migrate:up\n-- migrate:down\n"), Ok(vec![(2, "")]));
        assert_eq!(cut(Part::Dbmate, "-- migrate:up"), Ok(vec![(2, "")]));
        // A longer word is no marker.
        assert_eq!(
            cut(Part::Dbmate, "-- migrate:up\n-- migrate:upper\n"),
            Ok(vec![(2, "-- migrate:upper\n")])
        );
    }

    #[test]
    fn goose_runs_the_up_part() {
        let text = "-- +goose NO TRANSACTION\n-- +goose Up\nA;\n-- +goose StatementBegin\nB;\n-- +goose StatementEnd\n\
                    -- +goose Down\nC;\n";
        let up = "A;\n-- +goose StatementBegin\nB;\n-- +goose StatementEnd\n";
        assert_eq!(cut(Part::Goose, text), Ok(vec![(3, up)]));
        // Goose itself knows one spelling only, and would run C when going up.
        assert_eq!(
            cut(Part::Goose, "--+goose  up\nA;\n-- +GOOSE DOWN\nC;\n"),
            Ok(vec![(2, "A;\n")])
        );
    }

    #[test]
    fn markers_in_the_wrong_place_are_problems() {
        let cases = [
            (Part::Dbmate, "SELECT 1;\n", "a.sql: has no line `-- migrate:up`"),
            (Part::Goose, "", "a.sql: has no line `-- +goose Up`"),
            (
                Part::Dbmate,
                "\nA;\nB;\n-- migrate:up\n",
                "a.sql:2: statement before `-- migrate:up`",
            ),
            (
                Part::Dbmate,
                "-- migrate:down\n-- migrate:up\n",
                "a.sql:1: `-- migrate:down` comes before the up part",
            ),
            (
                Part::Dbmate,
                "-- migrate:up\n-- migrate:up\n",
                "a.sql:2: `-- migrate:up` comes a second time",
            ),
            (
                Part::Goose,
                "-- +goose Up\n-- +goose Down\n-- +goose Up\n",
                "a.sql:3: `-- +goose Up` comes a second time",
            ),
            (
                Part::Goose,
                "-- +goose Up\n -- +goose Down\n",
                "a.sql:2: `-- +goose Down` has to start in the first column",
            ),
            (
                Part::Goose,
                "-- +goose Up\n-- migrate:down\n",
                "a.sql:2: `-- migrate:down` belongs to another layout; is the layout right?",
            ),
            (
                Part::Goose,
                "-- +goose Up\n-- +goose ENVSUB ON\nA;\n",
                "a.sql:2: the environment variables after `-- +goose ENVSUB ON` is replaced by goose before it runs, which \
                 rlsctl does not do",
            ),
        ];
        for (part, text, expected) in cases {
            assert_eq!(cut(part, text), Err(vec![expected.to_owned()]), "{text:?}");
        }
        let down_only = "-- +goose Up\nA;\n-- +goose Down\n-- +goose ENVSUB ON\n";
        assert_eq!(cut(Part::Goose, down_only), Ok(vec![(2, "A;\n")]));
    }

    #[test]
    fn a_whole_file_with_a_down_part_is_found() {
        let found = |text| stray_down(Path::new("a.sql"), text).map(|problem| problem.line());
        assert_eq!(found("A;\n-- +goose Down\nB;"), Some(Some(2)));
        assert_eq!(found("-- migrate:up\nA;\n"), None);
        assert_eq!(found("-- we migrate:down later\n"), None);
    }

    proptest! {
        #[test]
        fn pieces_lie_on_their_lines(lines in proptest::collection::vec("-- migrate:(up|down)|A;|", 0..12)) {
            let text = lines.join("\n");
            for part in [Part::Dbmate, Part::Goose, Part::Whole, Part::Plain] {
                for (line, piece) in part.cut(Path::new("a.sql"), &text).unwrap_or_default() {
                    let offset = piece.as_ptr() as usize - text.as_ptr() as usize;
                    // A piece that is empty at the end of a file without a line feed starts on a line that is not there.
                    prop_assert!(line_at(text.as_bytes(), offset) == line || (piece.is_empty() && offset == text.len()));
                }
            }
        }
    }
}
