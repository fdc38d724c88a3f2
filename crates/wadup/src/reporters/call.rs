//! What came of one input: rows on stdout, all else on stderr.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use wadup_sink::{Cell, Cells, InputRecord, OutcomeRecord, Status};

use super::{JsonLines, console::print, outcome};
use crate::diagnostics::{Lines, display_path};

/// Tells of the inputs of `wadup call`.
pub(crate) struct CallReporter {
    rows: JsonLines,
}

/// One row.
#[derive(Serialize)]
struct Line<'a> {
    input: &'a str,
    table: &'a str,
    row: Values<'a>,
}

/// The values by their columns' names, in the order of the columns.
struct Values<'a> {
    names: &'a [&'a str],
    cells: Cells<'a>,
}

impl CallReporter {
    pub(crate) fn new() -> Self {
        Self {
            rows: JsonLines::to_stdout(),
        }
    }

    pub(crate) fn input(&self, input: &InputRecord) {
        if input.parent.is_some() {
            let path = display_path(input.path.as_ref());
            print(&format!("sub-content {path}\n"));
        }
        for record in &input.outcomes {
            printed(record);
            if record.status == Status::Completed {
                self.rows(&input.path.to_string_lossy(), record);
            } else {
                print(&outcome::failure(&input.path, record));
            }
        }
    }

    fn rows(&self, input: &str, record: &OutcomeRecord) {
        let tables = record.rows.tables();
        for row in record.rows.iter() {
            let table = &tables[row.table()];
            let names: Vec<&str> = table.columns.iter().map(|it| it.name.as_str()).collect();
            self.rows.write(&Line {
                input,
                table: &table.name,
                row: Values {
                    names: &names,
                    cells: row.cells(),
                },
            });
        }
    }
}

/// What the program printed, as stdout is for rows.
fn printed(record: &OutcomeRecord) {
    for text in [
        record.stdout.as_str(),
        outcome::beside_the_traceback(record),
    ] {
        if !text.is_empty() {
            print(&format!("{}\n", Lines(text.trim_end_matches('\n'))));
        }
    }
    if record.output_dropped > 0 {
        print(&format!(
            "… and {} bytes more (--max-output)\n",
            record.output_dropped
        ));
    }
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        for (name, cell) in self.names.iter().zip(self.cells.clone()) {
            match cell {
                Cell::Null => map.serialize_entry(name, &())?,
                Cell::Int64(value) => map.serialize_entry(name, &value)?,
                Cell::Float64(value) if value.is_finite() => map.serialize_entry(name, &value)?,
                // JSON has none; a text as everywhere.
                Cell::Float64(value) => map.serialize_entry(name, &value.to_string())?,
                Cell::String(text) => map.serialize_entry(name, text)?,
            }
        }
        map.end()
    }
}
