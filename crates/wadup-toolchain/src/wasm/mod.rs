//! Work on WebAssembly objects and modules.

mod check;
mod extension_table;
mod localize;
mod lower_bulk;

pub use check::RuntimeCheckError;
pub(crate) use check::check_runtime;
pub(crate) use extension_table::{Entry, extension_table, init_functions};
pub use localize::LocalizeError;
pub(crate) use localize::localize;
pub use lower_bulk::LowerBulkError;
pub(crate) use lower_bulk::lower_bulk;
