//! A sink that keeps everything in memory, for tests and for embedding.

use std::ffi::OsStr;

use wadup_protocol::metadata::{Table, Value};

use crate::ledger::{Entry, Ledger, PastRun};
use crate::record::{Batch, InputRecord, RunEnd, RunStart};
use crate::rows::Cell;
use crate::sink::{SinkError, TableSink, TakenName};

/// Keeps all that it is given.
#[derive(Debug, Default)]
pub struct MemorySink {
    /// What [`TableSink::tables`] answers.
    pub taken: Vec<TakenName>,
    pub run: Option<RunStart>,
    pub end: Option<RunEnd>,
    pub inputs: Vec<InputRecord>,
    /// Numbers of the given inputs whose whole tree is there.
    pub complete_trees: Vec<u64>,
    /// How many batches were committed.
    pub commits: usize,
}

impl MemorySink {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All rows of the table `name`, each with the number of its input in front.
    pub fn rows(&self, name: &str) -> Vec<(u64, Vec<Option<Value>>)> {
        let mut found = Vec::new();
        for input in &self.inputs {
            for outcome in &input.outcomes {
                let tables = outcome.rows.tables();
                for row in outcome.rows.iter() {
                    if tables[row.table()].name.eq_ignore_ascii_case(name) {
                        found.push((input.number, row.cells().map(value).collect()));
                    }
                }
            }
        }
        found
    }

    /// The tables that were defined, each once.
    pub fn defined(&self) -> Vec<Table> {
        let mut tables: Vec<Table> = Vec::new();
        let outcomes = self.inputs.iter().flat_map(|input| &input.outcomes);
        for table in outcomes.flat_map(|outcome| outcome.rows.tables()) {
            if !tables.contains(table) {
                tables.push(table.clone());
            }
        }
        tables
    }
}

fn value(cell: Cell<'_>) -> Option<Value> {
    match cell {
        Cell::Null => None,
        Cell::Int64(value) => Some(Value::Int64(value)),
        Cell::Float64(value) => Some(Value::Float64(value)),
        Cell::String(value) => Some(Value::String(value.to_owned())),
    }
}

impl TableSink for MemorySink {
    fn tables(&mut self) -> Result<Vec<TakenName>, SinkError> {
        Ok(self.taken.clone())
    }

    fn begin_run(&mut self, run: &RunStart) -> Result<(), SinkError> {
        self.run = Some(run.clone());
        Ok(())
    }

    fn ledger(&mut self) -> Result<Box<dyn Ledger>, SinkError> {
        Ok(Box::new(Nothing))
    }

    fn commit(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.inputs.extend_from_slice(&batch.inputs);
        self.complete_trees.extend(&batch.complete_trees);
        self.commits += 1;
        Ok(())
    }

    fn finish_run(&mut self, end: &RunEnd) -> Result<(), SinkError> {
        self.end = Some(end.clone());
        Ok(())
    }
}

/// A sink in memory takes one run, which is the first.
struct Nothing;

impl Ledger for Nothing {
    fn runs(&self) -> Result<Vec<PastRun>, SinkError> {
        Ok(Vec::new())
    }

    fn entries(&self, _path: &OsStr) -> Result<Vec<Entry>, SinkError> {
        Ok(Vec::new())
    }

    fn has_failed(&self, _entry: i64) -> Result<bool, SinkError> {
        Ok(false)
    }
}
