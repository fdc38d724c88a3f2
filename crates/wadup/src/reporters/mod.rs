//! How it goes, told while it goes on: to people on stderr, to programs on stdout.

mod call;
mod console;
mod event;
mod json_lines;
mod outcome;
mod run;
mod steps;
mod streams;
mod summary;
mod terminal;
mod watch;

pub(crate) use call::CallReporter;
pub(crate) use console::{
    BAD, CAREFUL, GOOD, counted, print, shown, write_data, write_path, write_styled,
};
pub(crate) use json_lines::JsonLines;
pub(crate) use run::RunReporter;
pub(crate) use steps::StepReporter;
pub(crate) use streams::Streams;
pub(crate) use summary::Results;
pub(crate) use watch::WatchReporter;
