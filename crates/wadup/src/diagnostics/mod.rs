//! What went wrong, for people: what failed, on what, why, and what to try.
//!
//! ```text
//! error: failed to build examples/demo
//!   caused by: `my_modul` is not among the project's package files
//!  --> examples/demo/pyproject.toml:6:15
//!   |
//! 6 | entry-point = "my_modul"
//!   |               ^^^^^^^^^^
//! hint: did you mean `my_module`?
//! ```

mod failure;
mod library;
mod printable;
mod render;

use std::io::Write as _;

pub(crate) use failure::{Excerpt, Failure};
pub(crate) use printable::{Lines, OneLine, display_path};

/// Writes a failure to stderr, in colour where stderr is a terminal that wants it.
pub(crate) fn print(failure: &Failure) {
    // Nobody is left to be told when stderr is closed.
    let _ = anstream::stderr().write_all(render::render(failure).as_bytes());
}

/// Writes a warning to stderr.
pub(crate) fn warn(message: &str) {
    let _ = anstream::stderr().write_all(render::render_warning(message).as_bytes());
}
