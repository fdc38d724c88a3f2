//! Tells of each test file when it has ended.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::files::Side;
use crate::context::say;
use crate::suite::{Execution, Outcome, Request};

#[derive(Debug)]
pub(super) struct Progress {
    side: Side,
    total: usize,
    ended: AtomicUsize,
}

impl Progress {
    pub(super) fn new(side: Side, total: usize) -> Self {
        Self {
            side,
            total,
            ended: AtomicUsize::new(0),
        }
    }

    /// May be called from several threads.
    pub(super) fn ended(&self, request: &Request, execution: &Execution) {
        let ended = self.ended.fetch_add(1, Ordering::Relaxed) + 1;
        say(self.line(ended, request, execution));
    }

    fn line(&self, ended: usize, request: &Request, execution: &Execution) -> String {
        let total = self.total.to_string();
        // A file that is executed again is no other file.
        let place = match request.without.len() {
            0 => format!("{ended:>width$}/{total}", width = total.len()),
            _ => format!("{:>width$}", "again", width = 2 * total.len() + 1),
        };
        format!(
            "  {:<7} {place} {:>7.1}s  {}: {}",
            self.side.name(),
            execution.duration.as_secs_f64(),
            end_of(&request.path, 30),
            counts(execution),
        )
    }
}

/// The last characters of a path.
fn end_of(path: &str, width: usize) -> String {
    let count = path.chars().count();
    if count <= width {
        return path.to_owned();
    }
    let end: String = path.chars().skip(count - width + 1).collect();
    format!("…{end}")
}

fn counts(execution: &Execution) -> String {
    let count = |is: fn(Outcome) -> bool| {
        let tests = execution.run.tests.values();
        tests.filter(|test| is(test.outcome)).count()
    };
    let passed = count(Outcome::is_good);
    let skipped = count(|outcome| outcome == Outcome::Skipped);
    let failed = execution.run.tests.len() - passed - skipped;
    let mut text = format!("{passed} passed");
    if skipped > 0 {
        text.push_str(&format!(", {skipped} skipped"));
    }
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if let Some(death) = &execution.death {
        text.push_str(&format!(", {}", death.outcome));
    }
    text
}
