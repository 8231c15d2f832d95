//! A screen that is drawn again and again, and given back as it was.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::adapter::strip_str;
use terminal_size::{Height, Width, terminal_size_of};

/// The other screen, without a cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// The cursor goes home; each line erases what was behind it, and the last what was below.
const HOME: &str = "\u{1b}[H";
const TO_LINE_END: &str = "\u{1b}[K\n";
const TO_SCREEN_END: &str = "\u{1b}[J";

/// The terminal behind stdout while something is watched on it. Dropping it brings back what was there before.
#[derive(Debug)]
pub struct Screen {
    colored: bool,
}

impl Screen {
    /// Takes the screen; `None` where stdout is no terminal, or one that knows no escape codes.
    pub(super) fn take(colored: bool) -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !io::stdout().is_terminal() {
            return None;
        }
        write(ENTER).ok()?;
        Some(Self { colored })
    }

    /// Returns how many columns a line may have now.
    pub fn width(&self) -> u16 {
        size().0
    }

    /// Draws a text whose lines fit the width; of more lines than there are rows the last are only counted.
    ///
    /// # Errors
    /// The stream's.
    pub fn draw(&self, text: &str) -> io::Result<()> {
        let rows = usize::from(size().1);
        let plain = (!self.colored).then(|| strip_str(text).to_string());
        let text = plain.as_deref().unwrap_or(text);
        write(&frame(text, rows))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to give back.
        let _ = write(LEAVE);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn size() -> (u16, u16) {
    terminal_size_of(io::stdout()).map_or((80, 24), |(Width(width), Height(height))| (width, height))
}

/// In one piece, so that nothing flickers. The last row stays free: a line end there would scroll.
fn frame(text: &str, rows: usize) -> String {
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    let fitting = rows.saturating_sub(1).max(1);
    let mut frame = HOME.to_owned();
    let shown = if lines.len() > fitting {
        fitting - 1
    } else {
        lines.len()
    };
    for line in &lines[..shown] {
        frame.push_str(line);
        frame.push_str(TO_LINE_END);
    }
    if lines.len() > shown {
        frame.push_str(&format!("... and {} more lines{TO_LINE_END}", lines.len() - shown));
    }
    frame.push_str(TO_SCREEN_END);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_the_screen() {
        let text = "a\nb\nc\nd\n";
        assert_eq!(frame(text, 5).matches('\n').count(), 4);
        assert!(!frame(text, 5).contains("more"));
        let cut = frame(text, 4);
        assert_eq!(cut.matches('\n').count(), 3);
        assert!(
            cut.contains("b\u{1b}[K") && !cut.contains("c\u{1b}[K") && cut.contains("... and 2 more lines"),
            "{cut:?}"
        );
    }
}
