//! The line of a file with a caret under the place.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::exit::Excerpt;

/// How much of a very long line is shown on either side of the place.
const WINDOW: usize = 120;

/// Returns the excerpt under `title`, with `label` at the caret.
pub(super) fn render_excerpt(title: &str, label: &str, excerpt: &Excerpt, width: usize) -> String {
    let (line, start) = window(&excerpt.text, excerpt.column.saturating_sub(1));
    let end = line[start..]
        .chars()
        .take(excerpt.width)
        .map(char::len_utf8)
        .sum::<usize>()
        + start;
    let path = super::text::printable(&excerpt.path.display().to_string());
    let snippet = Snippet::source(line.as_str())
        .line_start(excerpt.line)
        .path(path)
        .annotation(AnnotationKind::Primary.span(start..end.max(start)).label(label));
    let group = Group::with_title(Level::ERROR.primary_title(title)).element(snippet);
    let mut text = Renderer::styled().term_width(width.max(40)).render(&[group]);
    text.push('\n');
    text
}

/// Returns the part of a line that is shown, without control characters, and the byte of it at which the column is.
fn window(text: &str, column: usize) -> (String, usize) {
    let from = column.saturating_sub(WINDOW);
    let shown: String = text.chars().skip(from).take(2 * WINDOW).collect();
    let shown: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let start = shown.chars().take(column - from).map(char::len_utf8).sum();
    (shown, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_very_long_line_is_shown_around_the_place() {
        let text = format!("{}äx{}", "a".repeat(10_000), "b".repeat(10_000));
        let (line, start) = window(&text, 10_001);
        assert_eq!(line[start..].chars().next(), Some('x'));
        assert!(line.chars().count() <= 2 * WINDOW);
    }
}
