//! A process whose memory is looked at.

use std::fs;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::context::Context;

/// A process that has ended.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) status: ExitStatus,
    pub(super) wall: Duration,
    pub(super) peak: Peak,
}

/// The most that was seen, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Peak {
    /// As the kernel has it, so nothing is missed but in the last moments.
    pub(super) resident: u64,
    /// Of what was resident when it was looked at, what is not backed by a file.
    pub(super) anonymous: u64,
}

/// Runs a command to its end.
pub(super) fn run(context: &Context, command: &mut Command) -> anyhow::Result<Watched> {
    context.check()?;
    let started = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command
        .spawn()
        .with_context(|| format!("failed to start {command:?}"))?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak = Peak::default();
    let status = loop {
        if let Some(now) = fs::read_to_string(&path).ok().as_deref().and_then(Peak::of) {
            peak.resident = peak.resident.max(now.resident);
            peak.anonymous = peak.anonymous.max(now.anonymous);
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(20));
    };
    // Ctrl-C reaches it as well: it is in the same process group.
    context.check()?;
    Ok(Watched {
        status,
        wall: started.elapsed(),
        peak,
    })
}

impl Peak {
    /// <https://docs.kernel.org/filesystems/proc.html>
    fn of(status: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        Some(Self {
            resident: field("VmHWM:")?,
            anonymous: field("RssAnon:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        let text = "Name:\twadup\nVmHWM:\t    2048 kB\nRssAnon:\t    1024 kB\n";
        let expected = Peak {
            resident: 2 << 20,
            anonymous: 1 << 20,
        };
        assert_eq!(Peak::of(text), Some(expected));
        assert_eq!(Peak::of("Name:\tgone\n"), None);
    }
}
