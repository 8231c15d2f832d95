//! A stretch of a text.

/// A half-open range of bytes in a text. Both ends lie on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the span from `start` up to, and without, `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// Returns the bytes of `text` the span covers, or the empty text when it lies outside.
    pub fn slice<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the number of bytes.
    pub const fn len(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Says whether the span covers nothing.
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_never_panics() {
        assert_eq!(Span::new(1, 3).slice("abcd"), "bc");
        assert_eq!(Span::new(3, 9).slice("abcd"), "");
        assert_eq!(Span::new(1, 2).slice("\u{e4}"), "");
        assert!(Span::new(2, 2).is_empty());
        assert_eq!(Span::new(2, 5).len(), 3);
    }
}
