//! The tables of a run, on which all artifacts and inputs have to agree.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use wadup_protocol::metadata::Table;
use wadup_sink::{TakenName, definition_cost};

use crate::rejection::Rejection;

/// All tables that there are: those that the sink had, and those that inputs have defined since.
/// Whoever comes first decides.
#[derive(Debug)]
pub(crate) struct Schema {
    state: Mutex<State>,
    max_tables: u32,
}

#[derive(Debug, Default)]
struct State {
    /// By lower-case name: SQLite's table names do not tell ASCII case apart.
    names: HashMap<String, TakenName>,
    /// What all definitions occupy, in bytes.
    size: usize,
}

/// How much the definitions of all tables may occupy: the host, the sink and SQLite each have
/// them in memory. That is 200,000 columns with names of 20 letters.
const MAX_SIZE: usize = 16 << 20;

/// Why a table is not taken.
#[derive(Debug)]
pub(crate) enum Disagreement {
    Conflict(Rejection),
    TooManyTables,
}

impl Schema {
    pub(crate) fn new(taken: Vec<TakenName>, max_tables: u32) -> Self {
        let mut state = State::default();
        for taken in taken {
            state.add(key(name(&taken)), taken);
        }
        Self {
            state: Mutex::new(state),
            max_tables,
        }
    }

    /// Takes all of `tables`, or none if one of them does not agree with what there is.
    pub(crate) fn agree(&self, tables: &[Table]) -> Result<(), Disagreement> {
        if tables.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = Vec::new();
        let mut size = state.size;
        for table in tables {
            let key = key(&table.name);
            match state.names.get(&key) {
                None => {
                    size += definition_cost(table);
                    new.push((key, TakenName::Table(table.clone())));
                }
                Some(TakenName::Table(before)) if before.columns == table.columns => {}
                Some(taken) => {
                    return Err(Disagreement::Conflict(Rejection::conflict(table, taken)));
                }
            }
        }
        if state.names.len() + new.len() > self.max_tables as usize || size > MAX_SIZE {
            return Err(Disagreement::TooManyTables);
        }
        for (key, taken) in new {
            state.add(key, taken);
        }
        Ok(())
    }
}

impl State {
    fn add(&mut self, key: String, taken: TakenName) {
        if let TakenName::Table(table) = &taken {
            self.size += definition_cost(table);
        }
        self.names.insert(key, taken);
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
