//! What a database has, but for when, in which order and under which numbers.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use sha2::{Digest, Sha256};

/// Everything that runs wrote, each entry as a digest that has in it which input it belongs to:
/// that input's path from the file on, and the content's digests.
#[derive(Debug)]
pub(super) struct Content {
    /// By table: inputs, outcomes, and the tables of rows.
    tables: Vec<(String, Vec<[u8; 16]>)>,
}

/// How one database differs from another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// What is missing.
    pub(super) lost: u64,
    /// What is there too often, or should not be.
    pub(super) doubled: u64,
}

/// Of all inputs: which one it is.
const INPUTS: &str = "
    WITH RECURSIVE way (id, name, sha256, depth) AS (
        SELECT id, CAST(path AS BLOB) || x'00' || coalesce(sha256, ''), sha256, 0
        FROM _wadup_inputs WHERE parent_id IS NULL
        UNION ALL
        SELECT child.id,
               way.name || x'00' || CAST(child.path AS BLOB) || x'00' || coalesce(child.sha256, ''),
               child.sha256, way.depth + 1
        FROM way JOIN _wadup_inputs AS child ON child.parent_id = way.id
    )
    SELECT way.id, way.name, input.size, input.tree_complete
    FROM way JOIN _wadup_inputs AS input USING (id)";

const OUTCOMES: &str = "
    SELECT input_id, artifact, status, error_kind, message, traceback, stdout, stderr,
           output_dropped, rows_dropped, subcontent_dropped
    FROM _wadup_outcomes";

impl Content {
    /// Reads all of a database that SQLite finds in order.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = Connection::open_with_flags(path, flags)?;
        let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(check == "ok", "the integrity check says {check}");
        let orphans = database
            .prepare("PRAGMA foreign_key_check")?
            .query([])?
            .next()?
            .is_some();
        ensure!(!orphans, "there are rows without an input");

        let mut inputs = HashMap::new();
        let mut entries = Vec::new();
        each(&database, INPUTS, |row| {
            entries.push(digest(row, 1, &[])?);
            inputs.insert(row.get::<_, i64>(0)?, digest(row, 1, &[])?);
            Ok(())
        })?;
        let all: i64 =
            database.query_row("SELECT count(*) FROM _wadup_inputs", [], |row| row.get(0))?;
        ensure!(
            usize::try_from(all) == Ok(entries.len()),
            "there are inputs that belong to no file"
        );
        let mut tables = vec![("inputs".to_owned(), entries)];
        let mut queries = vec![("outcomes".to_owned(), OUTCOMES.to_owned())];
        let names = "SELECT name FROM sqlite_schema
             WHERE type = 'table' AND name NOT LIKE '\\_wadup%' ESCAPE '\\' ORDER BY name";
        each(&database, names, |row| {
            let name: String = row.get(0)?;
            let query = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
            queries.push((name, query));
            Ok(())
        })?;
        for (name, query) in queries {
            let mut entries = Vec::new();
            each(&database, &query, |row| {
                let input = inputs.get(&row.get(0)?);
                let input = input.context("a row belongs to no input")?;
                entries.push(digest(row, 1, input)?);
                Ok(())
            })?;
            tables.push((name, entries));
        }
        for (_, entries) in &mut tables {
            entries.sort_unstable();
        }
        Ok(Self { tables })
    }

    /// How many entries each table has.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, usize)> {
        let tables = self.tables.iter();
        tables.map(|(name, entries)| (name.as_str(), entries.len()))
    }

    /// How it differs from what it should be.
    pub(super) fn difference(&self, expected: &Self) -> Difference {
        let mut difference = Difference::default();
        let names = |content: &Self| {
            content
                .tables
                .iter()
                .map(|(name, _)| name.clone())
                .collect()
        };
        let (mine, others): (Vec<String>, Vec<String>) = (names(self), names(expected));
        let empty = Vec::new();
        let entries = |content: &'_ Self, name: &str| -> Vec<[u8; 16]> {
            let found = content.tables.iter().find(|(table, _)| table == name);
            found.map_or(&empty, |(_, entries)| entries).clone()
        };
        let mut all: Vec<&String> = mine.iter().chain(&others).collect();
        all.sort();
        all.dedup();
        for name in all {
            difference.add(&entries(self, name), &entries(expected, name));
        }
        difference
    }
}

impl Difference {
    /// Both are sorted.
    fn add(&mut self, found: &[[u8; 16]], expected: &[[u8; 16]]) {
        let (mut found, mut expected) = (found.iter().peekable(), expected.iter().peekable());
        loop {
            match (found.peek(), expected.peek()) {
                (Some(one), Some(other)) if one == other => {
                    found.next();
                    expected.next();
                }
                (Some(one), other) if other.is_none_or(|other| one < other) => {
                    self.doubled += 1;
                    found.next();
                }
                (_, Some(_)) => {
                    self.lost += 1;
                    expected.next();
                }
                (_, None) => return,
            }
        }
    }
}

fn each(
    database: &Connection,
    query: &str,
    mut visit: impl FnMut(&Row<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut statement = database.prepare(query)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        visit(row)?;
    }
    Ok(())
}

/// Of a row's values from `first` on, with `prefix` in front.
fn digest(row: &Row<'_>, first: usize, prefix: &[u8]) -> anyhow::Result<[u8; 16]> {
    let mut hasher = Sha256::new();
    hasher.update(prefix);
    for column in first..row.as_ref().column_count() {
        let (kind, bytes) = match row.get_ref(column)? {
            ValueRef::Null => (0, Vec::new()),
            ValueRef::Integer(value) => (1, value.to_le_bytes().to_vec()),
            ValueRef::Real(value) => (2, value.to_le_bytes().to_vec()),
            ValueRef::Text(value) => (3, value.to_vec()),
            ValueRef::Blob(value) => (4, value.to_vec()),
        };
        hasher.update([kind]);
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let (half, _) = digest
        .split_first_chunk()
        .context("a digest has 32 bytes")?;
    Ok(*half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_and_what_is_doubled_is_told_apart() {
        let entry = |number| [number; 16];
        let expected = [1, 2, 2, 3, 5].map(entry);
        let compare = |found: &[u8]| {
            let found: Vec<_> = found.iter().copied().map(entry).collect();
            let mut difference = Difference::default();
            difference.add(&found, &expected);
            (difference.lost, difference.doubled)
        };
        assert_eq!(compare(&[1, 2, 2, 3, 5]), (0, 0));
        assert_eq!(compare(&[1, 2, 3, 5]), (1, 0));
        assert_eq!(compare(&[1, 2, 2, 2, 3, 5, 5]), (0, 2));
        assert_eq!(compare(&[1, 2, 2, 4, 5]), (1, 1));
        assert_eq!(compare(&[]), (5, 0));
        assert_eq!(compare(&[1, 2, 2, 3, 5, 9]), (0, 1));
    }
}
