use rusqlite::{Row, Transaction, params};

use crate::cell::{Cell, Text};
use crate::report::{Example, Failure, Limits};

/// How many groups are shown, and messages of each.
const MOST_GROUPS: u32 = 100;
const MOST_EXAMPLES: u32 = 5;

pub(super) fn read(database: &Transaction<'_>, limits: &Limits) -> rusqlite::Result<Vec<Failure>> {
    let mut groups = database.prepare(
        "SELECT artifact, status, error_kind, count(*), count(DISTINCT message)
         FROM _wadup_outcomes WHERE status <> 'completed'
         GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT ?1",
    )?;
    // Bare columns are those of the row with the minimum: https://www.sqlite.org/lang_select.html#bareagg
    let mut examples = database.prepare(
        "SELECT message, count(*) AS count, min(input_id), traceback,
             (SELECT path FROM _wadup_inputs WHERE id = input_id)
         FROM _wadup_outcomes WHERE artifact = ?1 AND status = ?2 AND error_kind IS ?3
         GROUP BY message ORDER BY count DESC, 3 LIMIT ?4",
    )?;
    let mut failures = Vec::new();
    let mut rows = groups.query([MOST_GROUPS])?;
    while let Some(row) = rows.next()? {
        let (artifact, status): (String, String) = (row.get(0)?, row.get(1)?);
        let kind: Option<String> = row.get(2)?;
        let examples = examples
            .query_map(params![artifact, status, kind, MOST_EXAMPLES], |row| {
                example(row, limits.text)
            })?;
        failures.push(Failure {
            examples: examples.collect::<rusqlite::Result<_>>()?,
            artifact,
            status,
            kind: kind.map(|kind| Text::new(&kind, limits.text)),
            count: row.get(3)?,
            messages: row.get(4)?,
        });
    }
    Ok(failures)
}

fn example(row: &Row<'_>, limit: u32) -> rusqlite::Result<Example> {
    Ok(Example {
        message: super::text(row, 0, limit)?,
        count: row.get(1)?,
        input: row.get(2)?,
        traceback: super::text(row, 3, limit)?,
        path: Cell::new(row.get_ref(4)?, limit),
    })
}
