use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::failure::Report;
use super::layout::{FURTHER, barred, wrapped};
use super::{Excerpt, Failure, Lines, OneLine, display_path, printable::is_acted_on, short};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

impl Failure {
    /// Styled text that ends with a newline, in lines that fit so many columns.
    pub(crate) fn render(&self, columns: Option<usize>) -> String {
        render(&self.report, columns)
    }

    /// The same, but its first cause is what is said: nothing else failed because of it.
    pub(crate) fn render_problem(&self, columns: Option<usize>) -> String {
        let (problem, causes) = match self.report.causes.split_first() {
            Some((problem, causes)) => (&**problem, causes),
            None => (&*self.report.action, &[][..]),
        };
        labelled(ERROR, "error", problem, columns) + &details(&self.report, causes, columns)
    }
}

fn render(failure: &Report, columns: Option<usize>) -> String {
    let action = format!("failed to {}", OneLine(&failure.action));
    labelled(ERROR, "error", &action, columns) + &details(failure, &failure.causes, columns)
}

fn details(failure: &Report, causes: &[String], columns: Option<usize>) -> String {
    let mut text = String::new();
    for cause in causes {
        text.push_str(&indented(("  ", "caused by", Style::new()), cause, columns));
    }
    if let Some(excerpt) = &failure.excerpt {
        text.push_str(&render_excerpt(excerpt));
    }
    let log = failure.log.iter().map(String::as_str);
    text.push_str(&barred(log, "  ", columns));
    if let Some(hint) = &failure.hint {
        text.push_str(&labelled(HINT, "hint", hint, columns));
    }
    text
}

pub(super) fn render_warning(message: &str, columns: Option<usize>) -> String {
    labelled(WARNING, "warning", message, columns)
}

fn labelled(style: Style, label: &str, message: &str, columns: Option<usize>) -> String {
    indented(("", label, style), message, columns)
}

/// The first line after the label, the others below it, further in.
fn indented(
    (before, label, style): (&str, &str, Style),
    message: &str,
    columns: Option<usize>,
) -> String {
    let mut text = String::new();
    let mut start = format!("{before}{style}{label}{style:#}: ");
    let mut taken = before.len() + label.len() + 2;
    for line in message.trim_end().lines() {
        let line = wrapped(&Lines(line).to_string(), taken, columns);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{start}{line}");
        FURTHER.clone_into(&mut start);
        taken = FURTHER.len();
    }
    text
}

fn render_excerpt(excerpt: &Excerpt) -> String {
    let path = display_path(&short(&excerpt.path)).to_string();
    let (text, span) = harmless(excerpt);
    let snippet = Snippet::source(text)
        .path(path)
        .annotation(AnnotationKind::Primary.span(span));
    let group = Group::with_level(Level::ERROR).element(snippet);
    let mut text = Renderer::styled().render(&[group]);
    text.push('\n');
    text
}

/// The text with nothing in it that a terminal acts on, and the span in that, on boundaries of
/// characters. `annotate-snippets` shows the symbols of the ASCII ones, but not all others.
fn harmless(excerpt: &Excerpt) -> (String, std::ops::Range<usize>) {
    let text = &excerpt.text;
    let start = text.floor_char_boundary(excerpt.span.start);
    let end = text.ceil_char_boundary(excerpt.span.end).max(start);
    let mut shown = replaced(&text[..start]);
    let start_shown = shown.len();
    shown.push_str(&replaced(&text[start..end]));
    let end_shown = shown.len();
    shown.push_str(&replaced(&text[end..]));
    (shown, start_shown..end_shown)
}

/// Lines and columns stay what they are.
fn replaced(text: &str) -> String {
    text.chars()
        .map(|c| {
            if is_acted_on(c) && !c.is_ascii() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::*;
    use crate::exit_code::ExitCode;

    fn plain(failure: &Failure) -> String {
        anstream::adapter::strip_str(&failure.render(None)).to_string()
    }

    #[test]
    fn says_what_failed_why_where_and_what_to_try() {
        let failure = Failure::new(ExitCode::Build, "build demo")
            .because(&io::Error::other(
                "`my_modul` is not among the project's package files",
            ))
            .at(Some(Excerpt {
                path: PathBuf::from("demo/pyproject.toml"),
                text: "[tool.wadup]\nentry-point = \"my_modul\"\n".into(),
                span: 27..37,
            }))
            .hint(Some("did you mean `my_module`?"));
        insta::assert_snapshot!(plain(&failure), @r#"
        error: failed to build demo
          caused by: `my_modul` is not among the project's package files
         --> demo/pyproject.toml:2:15
          |
        2 | entry-point = "my_modul"
          |               ^^^^^^^^^^
        hint: did you mean `my_module`?
        "#);
    }

    #[test]
    fn lines_fit_a_terminal() {
        let failure = Failure::new(ExitCode::Build, "build demo")
            .because_of("numpy 2.5.5 has native code, and wadup has no recipe\n  demo → numpy")
            .log(["  File \"/app/demo.py\", line 16, in a_function_with_a_name"])
            .hint(Some("ask for a version that has a pure-Python wheel"));
        let text = failure.render(Some(40));
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string(), @r#"
        error: failed to build demo
          caused by: numpy 2.5.5 has native
            code, and wadup has no recipe
              demo → numpy
          |   File "/app/demo.py", line 16, in a_function_with_a_name
        hint: ask for a version that has a
            pure-Python wheel
        "#);
    }

    #[test]
    fn a_span_beyond_the_text_does_no_harm() {
        let failure = Failure::new(ExitCode::Build, "build demo").at(Some(Excerpt {
            path: PathBuf::from("pyproject.toml"),
            text: "ü".into(),
            span: 1..99,
        }));
        assert!(plain(&failure).contains("pyproject.toml:1:1"));
    }

    #[test]
    fn an_excerpt_cannot_steer_the_terminal() {
        let failure = Failure::new(ExitCode::Build, "build demo").at(Some(Excerpt {
            path: PathBuf::from("pyproject.toml"),
            text: "\u{9f};[\u{2028}\u{200f}\x1b".into(),
            span: 2..4,
        }));
        insta::assert_snapshot!(plain(&failure), @r"
        error: failed to build demo
         --> pyproject.toml:1:2
          |
        1 | �;[��␛
          |  ^^
        ");
    }

    #[test]
    fn causes_of_unknown_origin_cannot_steer_the_terminal() {
        let failure = Failure::new(ExitCode::Build, "build \x1b]0;owned\x07")
            .because_of("line one\nline \x1b[2J two");
        insta::assert_snapshot!(plain(&failure), @r"
        error: failed to build \u{1b}]0;owned\u{7}
          caused by: line one
            line \u{1b}[2J two
        ");
    }
}
