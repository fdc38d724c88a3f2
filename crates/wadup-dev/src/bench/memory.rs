//! Memory of the host with 1 and with 64 instances that are alive at the same time.

use std::fmt::Write as _;
use std::fs;

use serde::{Deserialize, Serialize};
use wadup_toolchain::network;

use super::orders::{Orders, build, write_project};
use super::process::{self, Memory};
use crate::context::{Context, say};

/// Has instances wait for one another.
const SLEEP: &str =
    "\n\nwork = main\n\n\ndef main():\n    import time\n\n    work()\n    time.sleep(0.1)\n";

const MANY: u32 = 64;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Peaks {
    pub(crate) instances: Vec<(u32, Memory)>,
}

pub(super) fn measure(context: &Context, peaks: &mut Peaks) -> anyhow::Result<()> {
    let wadup = process::wadup()?;
    let orders = Orders::new(context)?;
    let scratch = orders.scratch();
    let (project, artifact) = (scratch.join("other"), scratch.join("other.wasm"));
    write_project(&project, SLEEP)?;
    build(context, &project, &artifact)?;
    let database = scratch.join("rows.db");
    for jobs in [1, MANY] {
        say(format_args!("  {jobs} instance(s)"));
        // Four turns of each.
        let inputs = orders.inputs(4 * jobs)?;
        let mut command = network(&wadup);
        command.arg("run").arg(&artifact).arg("--input").arg(inputs);
        command
            .args(["--jobs", &jobs.to_string()])
            .arg("--output")
            .arg(&database);
        // Once before, so that compiling is not counted.
        process::run(context, &mut command, false)?;
        fs::remove_file(&database)?;
        let took = process::run(context, &mut command, true)?;
        fs::remove_file(&database)?;
        peaks.instances.push((jobs, took.memory));
    }
    Ok(())
}

impl Peaks {
    /// Bytes that one more instance adds, each page counted once.
    fn per_instance(&self) -> Option<u64> {
        let (few, few_peak) = self.instances.first()?;
        let (many, many_peak) = self.instances.last()?;
        let more = many_peak.proportional.saturating_sub(few_peak.proportional);
        more.checked_div(u64::from(many.saturating_sub(*few)))
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = String::from(
            "\n## Memory of the host\n\n\
             Instances that are alive at the same time, each with pydantic, a validated model and \
             a row; peaks, in MB.\n\n\
             | instances | resident, shared pages counted once | not backed by a file | resident |\n\
             |--:|--:|--:|--:|\n",
        );
        for (instances, peak) in &self.instances {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "| {instances} | {} | {} | {} |",
                megabytes(peak.proportional),
                megabytes(peak.anonymous),
                megabytes(peak.resident),
            );
        }
        if let Some(bytes) = self.per_instance() {
            let _ = writeln!(text, "\nOne more instance: {} MB.", megabytes(bytes));
        }
        text
    }
}

/// Millions of bytes.
pub(super) fn megabytes(bytes: u64) -> String {
    let (whole, rest) = (bytes / 1_000_000, bytes % 1_000_000 / 10_000);
    format!("{whole}.{rest:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_the_difference_by_their_number() {
        let peak = |proportional| Memory {
            proportional,
            ..Memory::default()
        };
        let peaks = Peaks {
            instances: vec![(1, peak(10_000_000)), (64, peak(136_000_000))],
        };
        assert_eq!(peaks.per_instance(), Some(2_000_000));
        assert_eq!(Peaks::default().per_instance(), None);
    }

    #[test]
    fn megabytes_have_two_places() {
        assert_eq!(megabytes(1_234_567), "1.23");
        assert_eq!(megabytes(50_000), "0.05");
    }
}
