//! Text in lines that fit the terminal.

use std::{fmt::Write as _, io};

use anstyle::Style;
use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::OneLine;

/// What further lines of a message begin with.
pub(super) const FURTHER: &str = "    ";

const BAR: Style = Style::new().dimmed();

/// A terminal that is narrower is written to as if it were this wide.
const NARROWEST: usize = 20;

/// How many columns the terminal has that stderr is; None if it is none.
pub(crate) fn columns() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(io::stderr())?;
    Some(usize::from(columns).max(NARROWEST))
}

/// Breaks a line between words, so that it fits. `taken` columns are before it, and what comes
/// after a break is indented. Words stay whole, as paths and options are to be copied.
pub(crate) fn wrapped(line: &str, taken: usize, columns: Option<usize>) -> String {
    let Some(columns) = columns else {
        return line.to_owned();
    };
    let before = " ".repeat(taken);
    let options = Options::new(columns)
        .initial_indent(&before)
        .subsequent_indent(FURTHER)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let lines = textwrap::fill(line, options);
    match lines.strip_prefix(&before) {
        Some(lines) => lines.to_owned(),
        None => lines,
    }
}

/// Lines that a program printed, each behind a bar. What has an indentation has a meaning that
/// breaks would destroy: only other lines are broken.
pub(crate) fn barred<'l>(
    lines: impl IntoIterator<Item = &'l str>,
    indent: &str,
    columns: Option<usize>,
) -> String {
    let bar = format!("{indent}{BAR}|{BAR:#} ");
    let columns = columns.map(|columns| columns.saturating_sub(indent.len()).max(NARROWEST));
    let mut text = String::new();
    for line in lines {
        let columns = columns.filter(|_| !line.starts_with(' '));
        let line = wrapped(&OneLine(line).to_string(), "| ".len(), columns);
        // Breaks are followed by the four columns of `FURTHER`, of which the bar has two.
        for (number, part) in line.split('\n').enumerate() {
            let part = match number {
                0 => part,
                _ => part.strip_prefix("  ").unwrap_or(part),
            };
            let _ = writeln!(text, "{bar}{part}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_traceback_stay_behind_the_bar() {
        let lines = [
            "  File \"/app/my_project.py\", line 6",
            "    insert(1)",
            "TypeError: expected Int64, got str",
        ];
        let text = barred(lines, "  ", Some(30));
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            text,
            "  |   File \"/app/my_project.py\", line 6\n  |     insert(1)\n  \
             | TypeError: expected Int64,\n  |   got str\n"
        );
    }

    #[test]
    fn lines_are_broken_between_words() {
        let line = "`--max-memory` gives it more than /a/very/long/path/of/some/file has";
        assert_eq!(
            wrapped(line, 6, Some(24)),
            "`--max-memory`\n    gives it more than\n    /a/very/long/path/of/some/file\n    has"
        );
        assert_eq!(wrapped(line, 6, None), line);
        assert_eq!(wrapped("", 6, Some(24)), "");
    }
}
