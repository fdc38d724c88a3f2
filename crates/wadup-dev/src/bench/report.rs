//! The report: JSON for programs, Markdown for people.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::build::Builds;
use super::comparison::Comparison;
use super::guest;
use super::instance::Phases;
use super::machine::{Machine, Versions, load};
use super::memory::Peaks;
use super::python::Python;
use super::rows::Rows;
use super::start::Start;
use super::throughput::Throughput;
use super::timeout::Timeouts;
use crate::context::Context;

/// Counts up when a reader of the JSON would have to change.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) version: u32,
    /// RFC 3339.
    pub(crate) date: String,
    pub(crate) quick: bool,
    /// Not everything that was asked for is in it.
    pub(crate) interrupted: bool,
    /// Sections that gave nothing, and why.
    #[serde(default)]
    pub(crate) failed: Vec<String>,
    pub(crate) machine: Machine,
    pub(crate) versions: Versions,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) guest: Option<Comparison>,
    pub(crate) python: Option<Python>,
    pub(crate) start: Option<Start>,
    pub(crate) instance: Option<Phases>,
    pub(crate) throughput: Option<Throughput>,
    #[serde(default)]
    pub(crate) rows: Option<Rows>,
    pub(crate) memory: Option<Peaks>,
    #[serde(default)]
    pub(crate) timeout: Option<Timeouts>,
    pub(crate) build: Option<Builds>,
}

impl Report {
    pub(crate) fn new(context: &Context, quick: bool) -> anyhow::Result<Self> {
        Ok(Self {
            version: VERSION,
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            quick,
            interrupted: false,
            failed: Vec::new(),
            machine: Machine::probe(),
            versions: Versions::probe(context)?,
            load_before: load(),
            load_after: String::new(),
            guest: None,
            python: None,
            start: None,
            instance: None,
            throughput: None,
            rows: None,
            memory: None,
            timeout: None,
            build: None,
        })
    }

    /// Writes both files; returns the Markdown's path.
    pub(crate) fn write(&mut self, folder: &Path) -> anyhow::Result<PathBuf> {
        self.load_after = load();
        let stem = format!("{}-{}", self.date.replace(':', ""), self.versions.commit);
        let markdown = folder.join(format!("{stem}.md"));
        let write = || {
            fs::create_dir_all(folder)?;
            fs::write(&markdown, self.markdown())?;
            let json = serde_json::to_vec_pretty(self)?;
            anyhow::Ok(fs::write(folder.join(format!("{stem}.json")), json)?)
        };
        write().with_context(|| format!("failed to write the report to {}", folder.display()))?;
        Ok(markdown)
    }

    /// The newest report in `folder` that `wanted` accepts.
    pub(crate) fn newest(folder: &Path, wanted: impl Fn(&Self) -> bool) -> Option<Self> {
        let entries = folder.read_dir().ok()?.flatten().map(|entry| entry.path());
        let mut paths: Vec<_> = entries
            .filter(|path| path.extension() == Some("json".as_ref()))
            .collect();
        // They are named after the time.
        paths.sort();
        let reports = paths.iter().rev().filter_map(|path| Self::read(path));
        reports.into_iter().find(wanted)
    }

    /// None of a file that is no report, or one of another version.
    fn read(path: &Path) -> Option<Self> {
        let report: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (report.version == VERSION).then_some(report)
    }

    pub(crate) fn markdown(&self) -> String {
        let Self {
            machine, versions, ..
        } = self;
        let mut text = String::from("# `cargo dev bench`\n\n");
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "| | |\n|---|---|\n| date | {} |\n| wadup | {}, commit {} |\n| machine | {}, {} cores, {} |\n\
             | kernel | {} |\n| load before, after | {}; {} |\n| CPython | {} |\n| wasmtime | {} |\n\
             | rustc for WebAssembly and native | {} |\n| runtime | {} |\n",
            self.date,
            versions.wadup,
            versions.commit,
            machine.cpu,
            machine.cores,
            machine.memory,
            machine.kernel,
            self.load_before,
            self.load_after,
            versions.cpython,
            versions.wasmtime,
            versions.rustc,
            versions.runtime,
        );
        if self.quick {
            text.push_str("\nA quick run: few repetitions, figures are rough.\n");
        }
        if self.interrupted {
            text.push_str("\nThe run was interrupted: what is here was measured until then.\n");
        }
        for failed in &self.failed {
            let _ = write!(text, "\nA section failed: {failed}\n");
        }
        let sections = [
            self.start.as_ref().map(Start::markdown),
            self.instance.as_ref().map(Phases::markdown),
            self.throughput.as_ref().map(Throughput::markdown),
            self.rows.as_ref().map(Rows::markdown),
            self.memory.as_ref().map(Peaks::markdown),
            self.timeout.as_ref().map(Timeouts::markdown),
            self.build.as_ref().map(Builds::markdown),
            self.python.as_ref().map(Python::markdown),
            self.guest.as_ref().map(guest::markdown),
        ];
        text.extend(sections.into_iter().flatten());
        text
    }
}
