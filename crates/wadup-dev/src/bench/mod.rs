//! `cargo dev bench`: sections that measure, and one report.

mod guest;
mod machine;
mod report;

use std::io::Write as _;

use crate::bench::report::Report;
use crate::cli::{BenchArgs, Section};
use crate::context::{Context, say};

pub(crate) fn bench(context: &Context, args: &BenchArgs) -> anyhow::Result<()> {
    if args.list {
        return guest::list(context, args);
    }
    if args.profile {
        return guest::profile(context, args);
    }
    let mut report = Report::new(context, args.quick)?;
    if args.sections.is_empty() || args.sections.contains(&Section::Guest) {
        report.guest = Some(guest::measure(context, args)?);
    }
    report.interrupted = context.cancel.is_requested();
    let path = report.write(&args.output)?;
    print(&report.markdown());
    say(format_args!("report: {}", path.display()));
    context.check()
}

/// To stdout; a reader that has gone is no reason to fail.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
