//! Where rows go.
//!
//! A [`TableSink`] takes the results of one run: inputs, their outcomes and their rows, in
//! batches that are kept as a whole or not at all. [`SqliteSink`] is the one that `wadup run`
//! uses; [`MemorySink`] is for tests and for embedding.
//!
//! ```
//! use wadup_protocol::metadata::{Column, DataType, Table};
//! use wadup_sink::{Cell, Rows};
//!
//! let mut rows = Rows::new();
//! let users = rows.define(Table {
//!     name: "users".to_owned(),
//!     columns: vec![Column { name: "age".to_owned(), data_type: DataType::Int64 }],
//! });
//! rows.push(users, &[Cell::Int64(30)])?;
//! let cells: Vec<Cell<'_>> = rows.iter().flat_map(|row| row.cells()).collect();
//! assert_eq!(cells, [Cell::Int64(30)]);
//! # Ok::<(), wadup_sink::EncodeError>(())
//! ```

mod ledger;
mod memory;
mod record;
mod rows;
mod sink;
mod sqlite;

pub use ledger::{Entry, Ledger, PastRun};
pub use memory::MemorySink;
pub use record::{ArtifactRecord, Batch, InputRecord, OutcomeRecord, RunEnd, RunStart, Status};
pub use rows::{Cell, Cells, EncodeError, Mark, Row, Rows, definition_cost};
pub use sink::{SinkError, TableSink, TakenName};
pub use sqlite::{OpenError, SqliteSink, database_files, read_results};
