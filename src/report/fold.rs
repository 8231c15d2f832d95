//! Long lines on a terminal: broken between words, as a terminal does not.

use anstream::adapter::strip_str;

/// A narrower terminal is left to itself.
const NARROWEST: usize = 40;
/// How far the rest of a line is set in, beyond the line itself.
const INDENT: usize = 4;
/// What a person may want to copy is left in one piece.
const WHOLE: [&str; 3] = ["`", "PREPARED '", "GRANT "];

/// Returns text whose lines are at most `width` columns wide where that can be done between words. Escape codes take no room.
pub(super) fn folded(text: &str, width: usize) -> String {
    if width < NARROWEST {
        return text.to_owned();
    }
    let lines = text.split_inclusive('\n').map(|line| {
        let is_whole = WHOLE.iter().any(|mark| line.contains(mark));
        if is_whole || length(line.trim_end_matches('\n')) <= width {
            line.to_owned()
        } else {
            fold(line, width)
        }
    });
    lines.collect()
}

fn fold(line: &str, width: usize) -> String {
    let own = line.len() - line.trim_start_matches(' ').len();
    let indent = " ".repeat(own + INDENT);
    let (mut text, mut column) = (" ".repeat(own), own);
    let mut is_first = true;
    for word in line.trim_start_matches(' ').split(' ') {
        let room = length(word.trim_end_matches('\n'));
        if !is_first && column + 1 + room > width {
            text.push('\n');
            text.push_str(&indent);
            column = indent.len();
        } else if !is_first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += room;
        is_first = false;
    }
    text
}

fn length(text: &str) -> usize {
    strip_str(text).to_string().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_set_in() {
        let long = "  1: blocked by backend 4711, worker as app at 10.0.0.3, idle in transaction for 3 h\nshort\n";
        assert_eq!(
            folded(long, 40),
            "  1: blocked by backend 4711, worker as\n      app at 10.0.0.3, idle in\n      transaction for 3 h\nshort\n"
        );
        assert_eq!(folded(long, 100), long);
        assert_eq!(folded(long, 10), long);
    }

    #[test]
    fn escape_codes_take_no_room_and_commands_stay_whole() {
        let styled = "\u{1b}[31m0123456789 0123456789\u{1b}[0m 0123456789 012345\n";
        assert_eq!(folded(styled, 40), styled);
        for command in [
            "next: `rlsctl blockers public.orders public.invoices` shows who",
            "whoever prepared it decides: COMMIT PREPARED 'a b c d'; or so",
            "let a superuser run: GRANT pg_signal_backend TO somebody;",
        ] {
            assert_eq!(folded(command, 40), command);
        }
    }
}
