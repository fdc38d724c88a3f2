use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anstyle::{AnsiColor, Style};

use super::{Excerpt, Failure, Lines, OneLine, display_path};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const LOG: Style = Style::new().dimmed();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The failure as styled text that ends with a newline.
pub(super) fn render(failure: &Failure) -> String {
    let failure = &failure.report;
    let mut text = labelled(
        ERROR,
        "error",
        &format!("failed to {}", OneLine(&failure.action)),
    );
    for cause in &failure.causes {
        text.push_str(&indented("  caused by: ", cause));
    }
    if let Some(excerpt) = &failure.excerpt {
        text.push_str(&render_excerpt(excerpt));
    }
    for line in &failure.log {
        let _ = writeln!(text, "  {LOG}|{LOG:#} {}", OneLine(line));
    }
    if let Some(hint) = &failure.hint {
        text.push_str(&labelled(HINT, "hint", hint));
    }
    text
}

pub(super) fn render_warning(message: &str) -> String {
    labelled(WARNING, "warning", message)
}

fn labelled(style: Style, label: &str, message: &str) -> String {
    indented(&format!("{style}{label}{style:#}: "), message)
}

/// The first line after `label`, the others below it, two columns further in.
fn indented(label: &str, message: &str) -> String {
    let mut text = String::new();
    for (number, line) in message.trim_end().lines().enumerate() {
        let start = if number == 0 { label } else { "    " };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{start}{}", Lines(line));
    }
    text
}

fn render_excerpt(excerpt: &Excerpt) -> String {
    let path = display_path(&excerpt.path).to_string();
    let snippet = Snippet::source(&*excerpt.text)
        .path(path)
        .annotation(AnnotationKind::Primary.span(within(excerpt)));
    let group = Group::with_level(Level::ERROR).element(snippet);
    let mut text = Renderer::styled().render(&[group]);
    text.push('\n');
    text
}

/// The span, moved into the text and onto character boundaries.
fn within(excerpt: &Excerpt) -> std::ops::Range<usize> {
    let start = excerpt.text.floor_char_boundary(excerpt.span.start);
    let end = excerpt.text.ceil_char_boundary(excerpt.span.end);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::*;
    use crate::exit_code::ExitCode;

    fn plain(failure: &Failure) -> String {
        anstream::adapter::strip_str(&render(failure)).to_string()
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
    fn a_span_beyond_the_text_does_no_harm() {
        let failure = Failure::new(ExitCode::Build, "build demo").at(Some(Excerpt {
            path: PathBuf::from("pyproject.toml"),
            text: "ü".into(),
            span: 1..99,
        }));
        assert!(plain(&failure).contains("pyproject.toml:1:1"));
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
