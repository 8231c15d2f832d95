//! The terminal that the progress bar draws on.

use std::io::{self, Write as _};

use indicatif::TermLike;

use super::ui::terminal_width;

/// What a terminal adds to the line when somebody presses Ctrl-C: `^C`. indicatif fills its line to the end, so that the echo would
/// begin a second line, and the bar would be cleared from that one and stay on the first.
const ECHO: u16 = 3;

/// stderr, as a terminal that is a little narrower than it is.
#[derive(Debug)]
pub(super) struct BarTerminal;

fn send(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(text.as_bytes())
}

/// Returns the sequence that moves the cursor; a terminal takes 0 for 1.
fn moved(by: usize, direction: char) -> String {
    if by == 0 {
        String::new()
    } else {
        format!("\x1b[{by}{direction}")
    }
}

impl TermLike for BarTerminal {
    fn width(&self) -> u16 {
        u16::try_from(terminal_width()).unwrap_or(u16::MAX).saturating_sub(ECHO)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        send(&moved(n, 'A'))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        send(&moved(n, 'B'))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        send(&moved(n, 'C'))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        send(&moved(n, 'D'))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        send(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        send(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        send("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}
