//! `cargo dev bench`: sections that measure, and one report.

mod build;
mod comparison;
mod guest;
mod instance;
mod machine;
mod memory;
pub(crate) mod orders;
pub(crate) mod process;
mod python;
mod report;
mod rows;
mod start;
mod throughput;
mod timeout;
mod wasi_python;

use std::io::Write as _;

use anyhow::bail;
use clap::ValueEnum as _;

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
    for section in sections(args) {
        if context.cancel.is_requested() {
            break;
        }
        say(format_args!("section {}", section.name()));
        // What was measured before is worth having, whatever becomes of this one.
        if let Err(error) = report.measure(context, args, section)
            && !context.cancel.is_requested()
        {
            let failed = format!("{}: {error:#}", section.name());
            say(format_args!("section {failed}"));
            report.failed.push(failed);
        }
    }
    report.interrupted = context.cancel.is_requested();
    let path = report.write(&args.output)?;
    print(&report.markdown());
    say(format_args!("report: {}", path.display()));
    context.check()?;
    if !report.failed.is_empty() {
        bail!("sections failed: {}", report.failed.join("; "));
    }
    Ok(())
}

fn sections(args: &BenchArgs) -> Vec<Section> {
    if args.sections.is_empty() {
        Section::value_variants().to_vec()
    } else {
        args.sections.clone()
    }
}

impl Report {
    fn measure(
        &mut self,
        context: &Context,
        args: &BenchArgs,
        section: Section,
    ) -> anyhow::Result<()> {
        match section {
            Section::Guest => self.guest = Some(guest::measure(context, args)?),
            Section::Python => self.python = Some(python::measure(context, args)?),
            Section::Start => start::measure(context, args, self.start.insert(Default::default()))?,
            Section::Instance => self.instance = Some(instance::measure(context, args)?),
            Section::Throughput => {
                throughput::measure(context, args, self.throughput.insert(Default::default()))?
            }
            Section::Rows => rows::measure(context, args, self.rows.insert(Default::default()))?,
            Section::Memory => memory::measure(context, self.memory.insert(Default::default()))?,
            Section::Timeout => {
                timeout::measure(context, args, self.timeout.insert(Default::default()))?
            }
            Section::Build => build::measure(context, args, self.build.insert(Default::default()))?,
        }
        Ok(())
    }
}

/// To stdout; a reader that has gone is no reason to fail.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
