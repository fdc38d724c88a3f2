//! What a page shows of a command, and what the command says: alike but for what differs from one
//! run or machine to the next.

use std::{
    fs::File,
    io::{Read as _, Seek as _},
    sync::LazyLock,
};

use regex::Regex;

/// Where readers are.
pub(crate) const HOME: &str = "/home/you";

/// Whether they are alike. A line `...` stands for any lines.
pub(crate) fn is_like(shown: &str, said: &str) -> bool {
    let (shown, said) = (lines(shown), lines(said));
    matches(&shown, &said)
}

fn matches(shown: &[String], said: &[String]) -> bool {
    match shown.split_first() {
        None => said.is_empty(),
        Some((line, shown)) if line == "..." => {
            (0..=said.len()).any(|skipped| matches(shown, &said[skipped..]))
        }
        Some((line, shown)) => said
            .split_first()
            .is_some_and(|(first, said)| first == line && matches(shown, said)),
    }
}

/// Without what differs, and without what only the first run on a machine says.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !FIRST.is_match(line));
    let same = |line: &str| {
        let line = VARYING
            .iter()
            .fold(line.to_owned(), |line, (varying, name)| {
                varying.replace_all(&line, *name).into_owned()
            });
        line.trim_end().to_owned()
    };
    lines.map(same).collect()
}

/// What is built once for a machine: steps of the toolchain, and compiled code.
static FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^  compiled .* for this machine in |^the toolchain needs |^  \S+ in \d")
});

static VARYING: LazyLock<[(Regex, &'static str); 9]> = LazyLock::new(|| {
    [
        // A build of the same project, by whoever it was.
        (pattern(r" \(was up to date\)$"), ""),
        (pattern(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?"), "[DATE]"),
        (pattern(r"\b\d+(\.\d+)? ?(µs|ms|s|min)\b"), "[TIME]"),
        (pattern(r"\b[\d,]+(\.\d+)? inputs/s"), "[RATE]"),
        (pattern(r"\b\d+(\.\d+)? (B|[kKMG]i?B)\b"), "[SIZE]"),
        (pattern(r"\b[\d,]+ (bytes|elements)\b"), "[SIZE]"),
        (pattern(r"\b[0-9a-f]{12,64}\b"), "[DIGEST]"),
        (pattern(r"(  |──)[ ─]*"), "  "),
        (pattern(r"={3,}"), "==="),
    ]
});

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("it is one")
}

/// All that was written to a file.
pub(crate) fn all_of(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().expect("a file");
    file.read_to_string(&mut text).expect("text");
    text
}
