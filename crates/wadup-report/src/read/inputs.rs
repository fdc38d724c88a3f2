use std::collections::HashMap;

use rusqlite::{Row, Transaction};

use crate::cell::Cell;
use crate::report::{Input, Limits, Outcome};

/// The first inputs, the first that failed, and what these are found in.
const SHOWN: &str = "WITH RECURSIVE shown (id) AS (
    SELECT id FROM (SELECT id FROM _wadup_inputs ORDER BY id LIMIT ?1)
    UNION
    SELECT input_id FROM (SELECT DISTINCT input_id FROM _wadup_outcomes
        WHERE status <> 'completed' ORDER BY input_id LIMIT ?1)
    UNION
    SELECT parent_id FROM _wadup_inputs JOIN shown USING (id) WHERE parent_id IS NOT NULL
)";

pub(super) fn read(database: &Transaction<'_>, limits: &Limits) -> rusqlite::Result<Vec<Input>> {
    let mut statement = database.prepare(&format!(
        "{SHOWN} SELECT id, run_id, parent_id, path, size, sha256, finished_at
         FROM shown JOIN _wadup_inputs USING (id) ORDER BY id"
    ))?;
    let inputs = statement.query_map([limits.rows], |row| input(row, limits.text))?;
    let mut inputs: Vec<Input> = inputs.collect::<rusqlite::Result<_>>()?;
    let positions: HashMap<i64, usize> = inputs
        .iter()
        .enumerate()
        .map(|(position, input)| (input.id, position))
        .collect();
    let mut statement = database.prepare(&format!(
        "{SHOWN} SELECT input_id, artifact, status, error_kind, message, traceback, stdout, stderr,
             duration_ms, peak_memory, output_dropped, rows_dropped, subcontent_dropped
         FROM shown JOIN _wadup_outcomes ON input_id = id ORDER BY input_id, artifact"
    ))?;
    let mut rows = statement.query([limits.rows])?;
    while let Some(row) = rows.next()? {
        if let Some(position) = positions.get(&row.get(0)?) {
            inputs[*position].outcomes.push(outcome(row, limits.text)?);
        }
    }
    Ok(inputs)
}

fn input(row: &Row<'_>, limit: u32) -> rusqlite::Result<Input> {
    Ok(Input {
        id: row.get(0)?,
        run: row.get(1)?,
        parent: row.get(2)?,
        path: Cell::new(row.get_ref(3)?, limit),
        size: row.get(4)?,
        sha256: row.get(5)?,
        finished_at: row.get(6)?,
        outcomes: Vec::new(),
    })
}

fn outcome(row: &Row<'_>, limit: u32) -> rusqlite::Result<Outcome> {
    let text = |column| super::text(row, column, limit);
    let output = |column| Ok::<_, rusqlite::Error>(text(column)?.unwrap_or_default());
    Ok(Outcome {
        artifact: row.get(1)?,
        status: row.get(2)?,
        kind: text(3)?,
        message: text(4)?,
        traceback: text(5)?,
        stdout: output(6)?,
        stderr: output(7)?,
        duration_ms: row.get(8)?,
        peak_memory: row.get(9)?,
        output_dropped: row.get(10)?,
        rows_dropped: row.get(11)?,
        subcontent_dropped: row.get(12)?,
    })
}
