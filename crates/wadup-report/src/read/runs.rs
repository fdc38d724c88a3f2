use rusqlite::{Transaction, params};

use crate::report::{Run, Timeline};

/// How many runs are shown.
const MOST_RUNS: u32 = 100;
/// Into how many steps a run is divided.
const STEPS: usize = 60;

pub(super) fn read(database: &Transaction<'_>) -> rusqlite::Result<Vec<Run>> {
    let mut statement = database.prepare(
        "SELECT id, started_at, finished_at, ended, wadup_version, artifacts, settings,
             (SELECT count(*) FROM _wadup_inputs WHERE run_id = run.id),
             (SELECT count(DISTINCT input_id) FROM _wadup_outcomes
              JOIN _wadup_inputs AS input ON input.id = input_id
              WHERE input.run_id = run.id AND status <> 'completed')
         FROM _wadup_runs AS run ORDER BY id DESC LIMIT ?1",
    )?;
    let runs = statement.query_map([MOST_RUNS], |row| {
        let json = |index| -> rusqlite::Result<serde_json::Value> {
            Ok(serde_json::from_str(&row.get::<_, String>(index)?).unwrap_or_default())
        };
        Ok(Run {
            id: row.get(0)?,
            started_at: row.get(1)?,
            finished_at: row.get(2)?,
            ended: row.get(3)?,
            version: row.get(4)?,
            artifacts: json(5)?,
            settings: json(6)?,
            inputs: row.get(7)?,
            failed: row.get(8)?,
            timeline: None,
        })
    })?;
    let mut runs: Vec<Run> = runs.collect::<rusqlite::Result<_>>()?;
    for run in &mut runs {
        run.timeline = timeline(database, run.id)?;
    }
    Ok(runs)
}

/// `None` if there are no inputs, or it is not known when they were processed.
fn timeline(database: &Transaction<'_>, run: i64) -> rusqlite::Result<Option<Timeline>> {
    let range = database.query_row(
        "SELECT unixepoch(min(finished_at), 'subsec'), unixepoch(max(finished_at), 'subsec')
         FROM _wadup_inputs WHERE run_id = ?1",
        [run],
        |row| Ok((row.get::<_, Option<f64>>(0)?, row.get::<_, Option<f64>>(1)?)),
    )?;
    let (Some(start), Some(end)) = range else {
        return Ok(None);
    };
    // Times have milliseconds.
    let step = ((end - start) / STEPS as f64).max(0.001);
    let mut timeline = Timeline {
        start,
        step,
        completed: vec![0; STEPS],
        failed: vec![0; STEPS],
    };
    let mut statement = database.prepare_cached(
        "SELECT CAST((unixepoch(finished_at, 'subsec') - ?2) / ?3 AS INTEGER) AS step,
             EXISTS (SELECT 1 FROM _wadup_outcomes
                     WHERE input_id = id AND status <> 'completed') AS has_failed,
             count(*)
         FROM _wadup_inputs WHERE run_id = ?1 AND finished_at IS NOT NULL GROUP BY 1, 2",
    )?;
    let mut rows = statement.query(params![run, start, step])?;
    while let Some(row) = rows.next()? {
        let step = (row.get::<_, i64>(0)?.max(0) as usize).min(STEPS - 1);
        let counts = match row.get(1)? {
            true => &mut timeline.failed,
            false => &mut timeline.completed,
        };
        counts[step] += row.get::<_, i64>(2)?;
    }
    Ok(Some(timeline))
}
