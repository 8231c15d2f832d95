//! The lines of data that follow a `COPY ... FROM STDIN`.

use super::Span;

/// Where the parts of a block of COPY data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyData {
    /// What is left of the line on which the statement ended, with its line end.
    pub(super) rest_of_line: Span,
    /// The data, with the line end of its last line.
    pub(super) data: Span,
    /// One past the line `\.`, or the end of the text: psql takes that for the end of data too.
    pub(super) end: usize,
}

impl CopyData {
    /// Finds the data that belongs to a statement whose semicolon ends at byte `from`.
    pub(super) fn after(text: &str, from: usize) -> Self {
        let start = line_end(text, from);
        let mut at = start;
        while at < text.len() {
            let end = line_end(text, at);
            let line = &text[at..end];
            if matches!(line, "\\." | "\\.\n" | "\\.\r\n") {
                return Self {
                    rest_of_line: Span::new(from, start),
                    data: Span::new(start, at),
                    end,
                };
            }
            at = end;
        }
        Self {
            rest_of_line: Span::new(from, start),
            data: Span::new(start, text.len()),
            end: text.len(),
        }
    }
}

/// Returns the byte after the line feed that ends the line of byte `from`. As for psql, a lone carriage
/// return ends no line of data.
fn line_end(text: &str, from: usize) -> usize {
    text[from..].find('\n').map_or(text.len(), |len| from + len + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_at_the_marker_or_at_the_end_of_the_text() {
        let cases = [
            (";\n1\t2\n\\.\nx", "1\t2\n", "x"),
            ("; -- note\r\n1\r\n\\.\r\nx", "1\r\n", "x"),
            (";\n\\.", "", ""),
            (";\n1\n\\.x\n\\", "1\n\\.x\n\\", ""),
            (";", "", ""),
            (";\n", "", ""),
        ];
        for (text, data, after) in cases {
            let found = CopyData::after(text, 1);
            assert_eq!(found.data.slice(text), data, "{text:?}");
            assert_eq!(&text[found.end..], after, "{text:?}");
        }
    }
}
