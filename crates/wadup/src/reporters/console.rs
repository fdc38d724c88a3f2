//! stderr, for people; and stdout where it is not for events.

use std::{
    fmt,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use textwrap::core::display_width;

use super::terminal::draw_target;
use crate::diagnostics::columns;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const BOLD: Style = Style::new().bold();

/// A terminal with fewer columns than these has no room for a bar.
const NARROW: usize = 64;

/// Writes to stderr, in colour where it is a terminal that wants it.
pub(crate) fn print(text: &str) {
    // Nobody is left to be told when stderr is closed.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Writes to stdout. A reader that went away (`| head`) has what it wanted.
pub(crate) fn write_data(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Writes to stdout, in colour where it is a terminal that wants it.
pub(crate) fn write_styled(text: &str) {
    let _ = anstream::stdout().write_all(text.as_bytes());
}

/// Writes a path to stdout as it is, whatever bytes it is made of.
pub(crate) fn write_path(path: &Path) {
    let mut line = path.as_os_str().as_encoded_bytes().to_vec();
    line.push(b'\n');
    let _ = io::stdout().write_all(&line);
}

/// Exact where it is short: `3.2 ms`, `1.24 s`, `3 minutes`.
pub(crate) fn shown(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} µs", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1e3),
        seconds if seconds < 120.0 => format!("{seconds:.2} s"),
        _ => HumanDuration(duration).to_string(),
    }
}

/// `1 row`, `2,000 rows`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(count))
}

/// Makes a spinner count things whose number is not known yet.
pub(super) fn set_counting(spinner: &ProgressBar) {
    spinner.reset();
    spinner.set_style(style("{spinner} {human_pos} {rate}  {msg}"));
}

/// Makes it a bar, now that there is a number, which may be an estimate.
pub(super) fn set_bar(
    bar: &ProgressBar,
    is_estimate: impl Fn() -> bool + Clone + Send + Sync + 'static,
) {
    let total = move |state: &ProgressState, out: &mut dyn fmt::Write| {
        let about = if is_estimate() { "~" } else { "" };
        // Nobody reads a progress bar that cannot be written.
        let _ = write!(out, "{about}{}", HumanCount(state.len().unwrap_or(0)));
    };
    let template = match columns() {
        Some(columns) if columns < NARROW => "{spinner} {human_pos}/{total} {rate} {left}  {msg}",
        _ => "{spinner} {human_pos}/{total} [{bar:20}] {rate} {left}  {msg}",
    };
    bar.set_style(style(template).with_key("total", total));
}

/// Says what is being done, as far as the line has room beside the numbers. It never fills the
/// line: the `^C` that a terminal shows would begin another, and the bar would not be cleared.
pub(super) fn set_message(bar: &ProgressBar, message: &str) {
    if let Some(room) = room(bar) {
        bar.set_message(start(message, room));
    }
}

/// The same with a path, of which the end says most.
pub(super) fn set_path(bar: &ProgressBar, path: &str) {
    if let Some(room) = room(bar) {
        bar.set_message(end(path, room));
    }
}

/// How many columns a message may have; None without a terminal.
fn room(bar: &ProgressBar) -> Option<usize> {
    let columns = columns()?;
    let numbers = match bar.length() {
        None => 18,
        Some(length) => {
            let bar = if columns < NARROW { 0 } else { 23 };
            28 + bar + 2 * HumanCount(length).to_string().len()
        }
    };
    Some(columns.saturating_sub(numbers))
}

/// What is shorter says nothing.
const SHORTEST: usize = 8;

fn start(text: &str, room: usize) -> String {
    if display_width(text) <= room {
        return text.to_owned();
    }
    if room < SHORTEST {
        return String::new();
    }
    format!("{}…", fitting(text.chars(), room).collect::<String>())
}

fn end(text: &str, room: usize) -> String {
    if display_width(text) <= room {
        return text.to_owned();
    }
    if room < SHORTEST {
        return String::new();
    }
    let end: Vec<char> = fitting(text.chars().rev(), room).collect();
    format!("…{}", end.iter().rev().collect::<String>())
}

/// As many characters as have room beside an ellipsis.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> impl Iterator<Item = char> {
    let mut taken = 0;
    chars.take_while(move |c| {
        taken += display_width(c.encode_utf8(&mut [0; 4]));
        taken < room
    })
}

/// Something that takes time, and what it is. It is shown on a terminal only.
pub(super) fn spinner() -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, draw_target());
    ticking(spinner, "{spinner} {elapsed}  {msg}")
}

fn ticking(bar: ProgressBar, template: &str) -> ProgressBar {
    bar.set_style(style(template));
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    bar
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // Nobody reads a progress bar that cannot be written.
        let _ = write!(out, "{:.0}/s", state.per_sec());
    };
    let left = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // Before the first inputs are done, there is nothing to go by.
        let seconds = state.eta().as_secs();
        let _ = match (state.pos(), seconds) {
            (0, _) => Ok(()),
            (_, ..60) => write!(out, "{seconds} s left"),
            (_, ..3600) => write!(out, "{} min left", seconds.div_ceil(60)),
            _ => write!(out, "{} h left", seconds.div_ceil(3600)),
        };
    };
    let style = style.progress_chars("=> ");
    style.with_key("rate", rate).with_key("left", left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_room_that_there_is() {
        assert_eq!(start("src/Grüße.json", 14), "src/Grüße.json");
        assert_eq!(start("src/Grüße.json", 9), "src/Grüß…");
        assert_eq!(start("世界世界世界", 9), "世界世界…");
        assert_eq!(start("src/Grüße.json", 7), "");
        assert_eq!(end("src/Grüße.json", 14), "src/Grüße.json");
        assert_eq!(end("src/Grüße.json", 9), "…üße.json");
    }
}
