//! The terminal that a progress bar is drawn on.

use std::io;

use ::console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

/// Drawings a second.
const REFRESH_RATE: u8 = 20;

/// stderr, on which the cursor stays where the bar ends. `indicatif` fills the line with spaces,
/// so that the `^C` that a terminal shows would begin another, and the bar would not be cleared.
#[derive(Debug)]
struct Terminal(Term);

/// Draws nothing where stderr is no terminal.
pub(super) fn draw_target() -> ProgressDrawTarget {
    let term = Term::buffered_stderr();
    if term.is_term() {
        ProgressDrawTarget::term_like_with_hz(Box::new(Terminal(term)), REFRESH_RATE)
    } else {
        ProgressDrawTarget::hidden()
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        TermLike::width(&self.0)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.0)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.chars().all(|c| c == ' ') {
            return Ok(());
        }
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use indicatif::{ProgressBar, ProgressStyle};

    use super::*;

    #[test]
    fn the_cursor_stays_behind_the_bar() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let other = File::open(file.path()).unwrap();
        let term = Term::read_write_pair(other, file.reopen().unwrap());
        let target = ProgressDrawTarget::term_like(Box::new(Terminal(term)));
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template("{msg}").unwrap());
        bar.set_message("working");
        bar.tick();
        let drawn = fs::read_to_string(file.path()).unwrap();
        assert!(drawn.ends_with("working"), "{drawn:?}");
    }
}
