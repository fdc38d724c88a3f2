//! Pages of the documentation: all commands and options, made from their definitions, and the
//! exit codes.
//!
//! `UPDATE_BOOK=1 cargo test --release --workspace --bin wadup --test book` writes it.

use std::{env, fs, path::Path};

use clap::{Arg, Command, CommandFactory as _};

use super::Cli;
use crate::exit_code::{ExitCode, HELP};

/// Compares a part of a page in `docs/reference` with what it should be, or writes it.
///
/// The part is what follows the comment that says that it is made.
fn check(page: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let path = path.join(page);
    let text = fs::read_to_string(&path).expect("the page is there");
    let begin = text.find(BEGIN).expect("a mark of where it begins") + BEGIN.len();
    let end = begin + text[begin..].find(END).expect("a mark of where it ends");
    if env::var_os("UPDATE_BOOK").is_some() {
        let text = format!("{}{made}{}", &text[..begin], &text[end..]);
        fs::write(&path, text).expect("the page is written");
        return;
    }
    assert!(
        text[begin..end] == *made,
        "docs/reference/{page} is not what the code says; \
         UPDATE_BOOK=1 cargo test --release --workspace --bin wadup --test book writes it",
    );
}

const BEGIN: &str = "<!-- begin made from the code -->\n";
const END: &str = "<!-- end made from the code -->\n";

#[test]
fn the_page_of_commands_is_current() {
    let mut wadup = Cli::command();
    wadup.build();
    let mut page = String::from("\n");
    commands(&wadup, &mut page);
    check("commands.md", &page);
}

fn commands(parent: &Command, page: &mut String) {
    let shown = parent.get_subcommands().filter(|it| !it.is_hide_set());
    for command in shown.filter(|it| it.get_name() != "help") {
        match command.has_subcommands() {
            true => commands(command, page),
            false => page.push_str(&section(command)),
        }
    }
}

fn section(command: &Command) -> String {
    let mut command = command.clone();
    let name = command.get_bin_name().expect("it is built").to_owned();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let mut text = format!("## `{name}`\n\n");
    if let Some(about) = command.get_long_about().or(command.get_about()) {
        text.push_str(&format!("{}.\n\n", prose(about.to_string())));
    }
    let usage: Vec<&str> = usage.lines().map(str::trim).collect();
    text.push_str(&format!("**Usage:** `{}`\n\n", usage.join("` or `")));
    let mut headings: Vec<Option<&str>> = Vec::new();
    let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_id() != "help";
    for arg in command.get_arguments().filter(shown) {
        if !headings.contains(&heading(arg)) {
            headings.push(heading(arg));
        }
    }
    for wanted in headings {
        if let Some(heading) = wanted {
            text.push_str(&format!("{heading}:\n\n"));
        }
        let arguments = command.get_arguments().filter(shown);
        for arg in arguments.filter(|arg| heading(arg) == wanted) {
            text.push_str(&item(arg));
        }
        text.push('\n');
    }
    text
}

fn heading(arg: &Arg) -> Option<&str> {
    match arg.is_positional() {
        true => None,
        false => Some(arg.get_help_heading().unwrap_or("Options")),
    }
}

/// The line of a list.
fn item(arg: &Arg) -> String {
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|it| format!("`-{it}`")));
    let long = arg.get_long_and_visible_aliases().unwrap_or_default();
    names.extend(long.iter().map(|it| format!("`--{it}`")));
    let takes_values = arg.get_action().takes_values();
    let values = arg.get_value_names().unwrap_or_default();
    let values: Vec<&str> = values.iter().map(|it| it.as_str()).collect();
    let values = values.join(" ");
    match names.last_mut() {
        None => names.push(format!("`{values}`")),
        Some(last) if takes_values => {
            last.pop();
            last.push_str(&format!(" {values}`"));
        }
        Some(_) => {}
    }
    let help = arg.get_help().map(ToString::to_string);
    let mut text = format!(
        "- {}: {}",
        names.join(", "),
        prose(help.unwrap_or_default())
    );
    let possible = arg.get_possible_values();
    let possible = possible.iter().filter(|it| !it.is_hide_set());
    let possible: Vec<String> = possible.map(|it| format!("`{}`", it.get_name())).collect();
    if takes_values && !possible.is_empty() {
        text.push_str(&format!(" ({})", possible.join(", ")));
    }
    let defaults = arg.get_default_values();
    if takes_values && !defaults.is_empty() {
        let defaults: Vec<_> = defaults.iter().map(|it| it.to_string_lossy()).collect();
        text.push_str(&format!(" [default: {}]", defaults.join(" ")));
    }
    text.push('\n');
    text
}

/// In one line, and without what is markup.
fn prose(help: String) -> String {
    let line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('<', "&lt;").replace('*', "\\*")
}

const ALL: [ExitCode; 10] = [
    ExitCode::Success,
    ExitCode::Internal,
    ExitCode::Usage,
    ExitCode::InputsFailed,
    ExitCode::Build,
    ExitCode::Toolchain,
    ExitCode::Artifact,
    ExitCode::Database,
    ExitCode::Input,
    ExitCode::Interrupted,
];

/// What it is called, and when it is given, for people.
fn documentation(code: ExitCode) -> (&'static str, &'static str) {
    match code {
        ExitCode::Success => ("success", "all was done; for `run`: every input completed"),
        ExitCode::Internal => (
            "internal error",
            "something that wadup did not expect, such as a panic; please report it",
        ),
        ExitCode::Usage => (
            "usage",
            "the command line made no sense: an unknown option, a size without meaning, no \
             input, other artifacts than those to resume, a folder that manual pages cannot be \
             written to",
        ),
        ExitCode::InputsFailed => (
            "inputs failed",
            "the run went through and the database is complete, but at least one input has an \
             outcome other than `completed`; `call`: its input, or sub-content of it; `test`: \
             tests failed; `python`: a trap or a limit",
        ),
        ExitCode::Build => (
            "build",
            "a project could not be read, resolved, imported or built, or its import is \
             impure and `--deny-impure` was given (`build`, `check`, and `run`, `call`, `python` and `test` \
             when they build first); `test`: there are no tests, or no pytest; `new` was asked for a \
             project that cannot be made",
        ),
        ExitCode::Toolchain => (
            "toolchain",
            "the toolchain could not be installed: a download that is not what it should be, \
             a step that failed, no space left; or its folder cannot be trusted; `doctor` has \
             found a problem",
        ),
        ExitCode::Artifact => (
            "artifact",
            "a file is no WebAssembly module, speaks another version of the protocol, imports \
             what the host does not have, or exceeds [a limit](cli.md#limits-of-one-artifact) \
             when it is compiled",
        ),
        ExitCode::Database => (
            "database",
            "what `report` or `sql` is to read is no database of wadup's; `--output` of `run` \
             exists and is no database of wadup's (it is left untouched), or could not be \
             written; there was no room for content on its way there (`TMPDIR`); the page of \
             `report` could not be written",
        ),
        ExitCode::Input => (
            "input",
            "a path of `--input` or `--input-list`, or a script, does not exist, or the list \
             could not be read",
        ),
        ExitCode::Interrupted => (
            "interrupted",
            "Ctrl-C, SIGTERM or SIGHUP, with `--watch` as well; what completed before is in the \
             database",
        ),
    }
}

#[test]
fn the_page_of_exit_codes_is_current() {
    let mut table = String::from("| code | name | when |\n|---|---|---|\n");
    for (number, code) in ALL.into_iter().enumerate() {
        assert_eq!(number, code as usize);
        let (name, when) = documentation(code);
        table.push_str(&format!("| {number} | {name} | {when} |\n"));
        assert!(HELP.contains(&format!("  {number}  ")), "{number}");
    }
    check("exit-codes.md", &table);
}
