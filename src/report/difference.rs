//! The table of what differs between two sides: the files and a ledger, or two databases.

use super::text::{count, printable, short_hash};

/// What a terminal has.
const COLUMNS: usize = 80;
/// How many rows are shown: with the lines around them they fit a terminal of 24.
const ROWS: usize = 16;
/// How much of a version is shown; a timestamp has fourteen digits.
const VERSION: usize = 20;

/// One version, and what each side has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The version, or an object's name.
    pub version: String,
    /// What the left side has; empty for nothing.
    pub left: String,
    /// What the right side has; empty for nothing.
    pub right: String,
}

/// Two sides, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The sides' names: `files` and `ledger`, or two targets.
    pub sides: [String; 2],
    /// Their heads, where they have one.
    pub heads: [Option<String>; 2],
    /// All that was compared; what is equal is not shown.
    pub rows: Vec<Difference>,
}

/// Returns a table of what differs, heads first, 80 columns wide and no longer than a terminal: the rest is counted.
pub fn difference_table(comparison: &Comparison) -> String {
    let differ: Vec<&Difference> = comparison.rows.iter().filter(|row| row.left != row.right).collect();
    let mut rows = vec![[
        "version".to_owned(),
        comparison.sides[0].clone(),
        comparison.sides[1].clone(),
    ]];
    if comparison.heads.iter().any(Option::is_some) {
        let [left, right] = comparison
            .heads
            .clone()
            .map(|head| head.map_or_else(|| "none".to_owned(), |head| short_hash(&head)));
        rows.push(["head".to_owned(), left, right]);
    }
    let shown = differ.iter().take(ROWS);
    rows.extend(shown.map(|row| [row.version.clone(), side(&row.left), side(&row.right)]));
    let mut text = aligned(&rows);
    let equal = comparison.rows.len() - differ.len();
    if differ.is_empty() {
        text.push_str(&format!("nothing differs: {} equal\n", count(equal, "version")));
        return text;
    }
    if differ.len() > ROWS {
        let more = differ.len() - ROWS;
        text.push_str(&format!("... and {more} more; --format json lists all\n"));
    }
    text.push_str(&format!("{} differ, {equal} equal\n", differ.len()));
    text
}

fn side(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

fn aligned(rows: &[[String; 3]]) -> String {
    let rows: Vec<[String; 3]> = rows.iter().map(|row| row.clone().map(|cell| flat(&cell))).collect();
    let longest = |column: usize, most: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default().min(most)
    };
    let version = longest(0, VERSION);
    let rest = COLUMNS - version - 4;
    // What one side does not need the other may have.
    let (left, right) = (longest(1, rest), longest(2, rest));
    let half = rest / 2;
    let left = left.min(half.max(rest.saturating_sub(right)));
    let right = right.min(rest - left);
    let mut text = String::new();
    for [first, second, third] in &rows {
        let line = format!(
            "{:<version$}  {:<left$}  {}",
            cut(first, version),
            cut(second, left),
            cut(third, right)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// One line, and nothing that moves a cursor.
fn flat(cell: &str) -> String {
    printable(cell).replace(['\n', '\t'], " ")
}

fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept: String = cell.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(rows: Vec<Difference>) -> Comparison {
        Comparison {
            sides: ["files".to_owned(), "ledger".to_owned()],
            heads: [Some("ab".repeat(32)), Some("cd".repeat(32))],
            rows,
        }
    }

    fn row(version: &str, left: &str, right: &str) -> Difference {
        Difference {
            version: version.to_owned(),
            left: left.to_owned(),
            right: right.to_owned(),
        }
    }

    #[test]
    fn only_what_differs_is_shown_heads_first() {
        let rows = vec![
            row("0001", "add orders", "add orders"),
            row("0002", "add total", "edited by app at 09:30"),
            row("0003", "", "hotfix"),
        ];
        let expected = "version  files         ledger\n\
                        head     abababababab  cdcdcdcdcdcd\n\
                        0002     add total     edited by app at 09:30\n\
                        0003     -             hotfix\n\
                        2 differ, 1 equal\n";
        assert_eq!(difference_table(&comparison(rows)), expected);
        let equal = comparison(vec![row("0001", "a", "a")]);
        assert!(difference_table(&equal).ends_with("nothing differs: 1 version equal\n"));
    }

    #[test]
    fn nine_hundred_and_five_fit_a_screen() {
        let long = "ein sehr langer Name mit Ümlauten, ".repeat(9);
        let rows = (1..=905).map(|n| {
            row(
                &format!("{n:040}"),
                &format!("{long}{n}"),
                &format!("a\nb\u{1b}[2J{long}"),
            )
        });
        let table = difference_table(&comparison(rows.collect()));
        let lines: Vec<&str> = table.split_terminator('\n').collect();
        assert!(lines.len() < 24, "{table}");
        let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert_eq!(widest, COLUMNS, "{table}");
        assert!(table.contains("... and 889 more; --format json lists all\n"), "{table}");
        assert!(!table.contains('\u{1b}'));
    }

    #[test]
    fn a_short_side_leaves_its_room_to_the_long_one() {
        let long = "x".repeat(57);
        let table = difference_table(&comparison(vec![row("1", &long, "gone")]));
        assert!(table.contains(&format!("{long}  gone")), "{table}");
        let table = difference_table(&comparison(vec![row("1", "gone", &long)]));
        assert!(table.contains(&long), "{table}");
    }
}
