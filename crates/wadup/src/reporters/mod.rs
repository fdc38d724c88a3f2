//! How it goes, told while it goes on: to people on stderr, to programs on stdout.

mod console;
mod event;
mod json_lines;
mod outcome;
mod run;
mod steps;
mod summary;

pub(crate) use console::{print, shown, write_data, write_path};
pub(crate) use json_lines::JsonLines;
pub(crate) use run::RunReporter;
pub(crate) use steps::StepReporter;
