//! The tables of a run, on which all artifacts and inputs have to agree.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wadup_protocol::metadata::Table;
use wadup_sink::TakenName;

use crate::rejection::Rejection;

/// All tables that there are: those that the sink had, and those that inputs have defined since.
/// Whoever comes first decides.
#[derive(Debug)]
pub(crate) struct Schema {
    /// By lower-case name: SQLite's table names do not tell ASCII case apart.
    names: Mutex<HashMap<String, TakenName>>,
    max_tables: u32,
}

/// Why a table is not taken.
#[derive(Debug)]
pub(crate) enum Disagreement {
    Conflict(Rejection),
    TooManyTables,
}

impl Schema {
    pub(crate) fn new(taken: Vec<TakenName>, max_tables: u32) -> Self {
        let names = taken.into_iter().map(|taken| (key(name(&taken)), taken));
        Self {
            names: Mutex::new(names.collect()),
            max_tables,
        }
    }

    /// Takes all of `tables`, or none if one of them does not agree with what there is.
    pub(crate) fn agree(&self, tables: &[Table]) -> Result<(), Disagreement> {
        if tables.is_empty() {
            return Ok(());
        }
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = Vec::new();
        for table in tables {
            let key = key(&table.name);
            match names.get(&key) {
                None => new.push((key, TakenName::Table(table.clone()))),
                Some(TakenName::Table(before)) if before.columns == table.columns => {}
                Some(taken) => {
                    return Err(Disagreement::Conflict(Rejection::conflict(table, taken)));
                }
            }
        }
        if names.len() + new.len() > self.max_tables as usize {
            return Err(Disagreement::TooManyTables);
        }
        names.extend(new);
        Ok(())
    }
}

fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn name(taken: &TakenName) -> &str {
    match taken {
        TakenName::Table(table) => &table.name,
        TakenName::Other { name, .. } => name,
    }
}
