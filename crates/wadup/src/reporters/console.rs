//! stderr, for people; and stdout where it is not for events.

use std::{
    fmt,
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};

pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const DIM: Style = Style::new().dimmed();

/// Writes to stderr, in colour where it is a terminal that wants it.
pub(crate) fn print(text: &str) {
    // Nobody is left to be told when stderr is closed.
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Writes to stdout. A reader that went away (`| head`) has what it wanted.
pub(crate) fn write_data(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
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
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(count))
}

/// Makes a spinner count things whose number is not known yet.
pub(super) fn set_counting(spinner: &ProgressBar) {
    spinner.reset();
    spinner.set_style(style("{spinner} {human_pos} {rate} {wide_msg}"));
}

/// Makes it a bar, now that the number is known; more may come.
pub(super) fn set_length(bar: &ProgressBar, length: u64) {
    bar.set_length(length);
    bar.set_style(style(
        "{spinner} {human_pos}/{human_len} [{bar:20}] {rate} {wide_msg}",
    ));
}

/// Something that takes time, and what it is. It is shown on a terminal only.
pub(super) fn spinner() -> ProgressBar {
    ticking(ProgressBar::new_spinner(), "{spinner} {elapsed} {wide_msg}")
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
    style.progress_chars("=> ").with_key(
        "rate",
        |state: &ProgressState, out: &mut dyn fmt::Write| {
            // Nobody reads a progress bar that cannot be written.
            let _ = write!(out, "{:.0}/s", state.per_sec());
        },
    )
}
