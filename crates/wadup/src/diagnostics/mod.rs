//! What went wrong, for people: what failed, on what, why, and what to try.
//!
//! ```text
//! error: failed to read the project examples/demo
//!   caused by: the entry point `my_modul` is not among the project's package files
//!  --> examples/demo/pyproject.toml:6:15
//!   |
//! 6 | entry-point = "my_modul"
//!   |               ^^^^^^^^^^
//! hint: did you mean `my_module`?
//! ```

mod failure;
mod layout;
mod library;
mod place;
mod printable;
mod render;

use std::io::Write as _;

pub(crate) use failure::{Excerpt, Failure};
pub(crate) use layout::{barred, columns, wrapped};
pub(crate) use place::{meant, outside, short};
pub(crate) use printable::{JsonText, Lines, OneLine, display_path, is_acted_on};

/// Writes a failure to stderr, in colour where stderr is a terminal that wants it.
pub(crate) fn print(failure: &Failure) {
    // Nobody is left to be told when stderr is closed.
    let _ = anstream::stderr().write_all(failure.render(columns()).as_bytes());
}

/// Writes one of several things that are wrong to stderr.
pub(crate) fn print_problem(problem: &Failure) {
    let _ = anstream::stderr().write_all(problem.render_problem(columns()).as_bytes());
}

/// Writes a warning to stderr.
pub(crate) fn warn(message: &str) {
    let _ = anstream::stderr().write_all(render::render_warning(message, columns()).as_bytes());
}
