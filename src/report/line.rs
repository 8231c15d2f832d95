//! A line that is cut where the terminal ends, and not wrapped.

use anstyle::Style;

use super::text::printable;

/// Pieces of text, each in a style.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pieces: Vec<(Style, String)>,
}

impl Line {
    /// Adds a piece; line ends and what would move the cursor are taken out.
    pub(super) fn styled(mut self, style: Style, text: impl AsRef<str>) -> Self {
        let text = printable(text.as_ref()).replace(['\n', '\t'], " ");
        self.pieces.push((style, text));
        self
    }

    /// Adds a piece in no style.
    pub(super) fn plain(self, text: impl AsRef<str>) -> Self {
        self.styled(Style::new(), text)
    }

    /// Returns the line with its end, of at most `width` characters.
    pub(super) fn render(&self, width: Option<usize>) -> String {
        let length: usize = self.pieces.iter().map(|(_, text)| text.chars().count()).sum();
        let width = width.filter(|width| length > *width);
        // The last character says that something is missing.
        let mut left = width.map_or(usize::MAX, |width| width.saturating_sub(1));
        let mut line = String::new();
        for (style, text) in &self.pieces {
            let kept: String = text.chars().take(left).collect();
            left -= kept.chars().count();
            if !kept.is_empty() {
                line.push_str(&format!("{style}{kept}{style:#}"));
            }
        }
        if width.is_some() {
            line.push('…');
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::DIM;
    use super::*;

    #[test]
    fn a_line_is_cut_and_its_styles_are_closed() {
        let line = Line::default().plain("ab\nc").styled(DIM, "déf\u{1b}");
        let shown = |width| anstream::adapter::strip_str(&line.render(width)).to_string();
        assert_eq!(shown(None), "ab cdéf\u{fffd}\n");
        assert_eq!(shown(Some(8)), "ab cdéf\u{fffd}\n");
        assert_eq!(shown(Some(7)), "ab cdé…\n");
        assert_eq!(shown(Some(1)), "…\n");
        let cut = line.render(Some(6));
        assert!(cut.ends_with(&format!("{DIM:#}…\n")), "{cut:?}");
    }
}
