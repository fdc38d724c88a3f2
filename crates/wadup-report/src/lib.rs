//! The results of runs, as one page of HTML.
//!
//! [`Report::read`] takes from a database what there is to show: runs, failures grouped by
//! error, when inputs were processed and how long they took, inputs with their sub-content, and
//! the beginning of every table. [`Report::to_html`] makes a page of it that needs nothing else:
//! no network, no server, no other file.
//!
//! **Size.** A page is for reading, so it has the first rows of a table and the first inputs
//! ([`Limits`]), and says of how many. Counts and charts are of everything.
//!
//! **Trust.** All text in a database may come from a hostile guest. It is in the page as JSON
//! that no parser takes for markup, it is shown as text, and the page's own policy
//! ([CSP](https://www.w3.org/TR/CSP3/)) allows the script and the style that are in it, by
//! digest, and nothing else: no other script, no picture, no connection.

mod cell;
mod page;
mod read;
mod report;

pub use report::{Limits, Report};

/// A query on the database failed: it is damaged, or somebody else has changed its tables.
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct ReadError {
    pub(crate) step: &'static str,
    pub(crate) source: rusqlite::Error,
}
