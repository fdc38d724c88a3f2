//! The queries.

mod failures;
mod inputs;
mod runs;
mod tables;

use rusqlite::{Connection, Row, Transaction};

use crate::ReadError;
use crate::cell::Text;
use crate::report::{Durations, Limits, Report, Totals};

/// All of it, as it was at one moment.
pub(crate) fn report(
    database: &mut Connection,
    title: String,
    limits: Limits,
) -> Result<Report, ReadError> {
    let failed = |step| move |source| ReadError { step, source };
    let database = database
        .transaction()
        .map_err(failed("open the database"))?;
    let tables = tables::read(&database, &limits).map_err(failed("read the tables"))?;
    let rows = tables.iter().map(|table| table.total).sum();
    Ok(Report {
        title,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        limits,
        totals: totals(&database, rows).map_err(failed("count the outcomes"))?,
        runs: runs::read(&database).map_err(failed("read the runs"))?,
        failures: failures::read(&database, &limits).map_err(failed("read the failures"))?,
        durations: durations(&database).map_err(failed("read the durations"))?,
        inputs: inputs::read(&database, &limits).map_err(failed("read the inputs"))?,
        tables,
    })
}

fn totals(database: &Transaction<'_>, rows: i64) -> rusqlite::Result<Totals> {
    let count = |sql: &str| database.query_row(sql, [], |row| row.get(0));
    let mut outcomes =
        database.prepare("SELECT status, count(*) FROM _wadup_outcomes GROUP BY status")?;
    let outcomes = outcomes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Totals {
        runs: count("SELECT count(*) FROM _wadup_runs")?,
        inputs: count("SELECT count(*) FROM _wadup_inputs")?,
        files: count("SELECT count(*) FROM _wadup_inputs WHERE parent_id IS NULL")?,
        failed: count(
            "SELECT count(DISTINCT input_id) FROM _wadup_outcomes WHERE status <> 'completed'",
        )?,
        rows,
        outcomes: outcomes.collect::<rusqlite::Result<_>>()?,
    })
}

/// Steps to a power of ten.
const RESOLUTION: f64 = 10.0;
/// The shortest duration that is told apart from shorter ones, as an exponent: 1 µs.
const SHORTEST: i32 = -30;
/// A bit more than eleven days.
const LONGEST: i32 = 90;

fn durations(database: &Transaction<'_>) -> rusqlite::Result<Durations> {
    let mut statement = database.prepare(
        "SELECT duration_ms, peak_memory FROM _wadup_outcomes WHERE status <> 'unreadable'",
    )?;
    let mut rows = statement.query([])?;
    let mut counts = vec![0; (LONGEST - SHORTEST + 1) as usize];
    let (mut longest_ms, mut most_memory) = (0_f64, 0);
    while let Some(row) = rows.next()? {
        let duration: f64 = row.get(0)?;
        let exponent = (duration.log10() * RESOLUTION).floor();
        let exponent = exponent.clamp(f64::from(SHORTEST), f64::from(LONGEST)) as i32;
        counts[(exponent - SHORTEST) as usize] += 1;
        longest_ms = longest_ms.max(duration);
        most_memory = most_memory.max(row.get(1)?);
    }
    let used = |count: &i64| *count > 0;
    let first = counts.iter().position(used).unwrap_or(0);
    let last = counts.iter().rposition(used).map_or(first, |last| last + 1);
    Ok(Durations {
        first: SHORTEST + first as i32,
        counts: counts[first..last].to_vec(),
        longest_ms,
        most_memory,
    })
}

fn text(row: &Row<'_>, column: usize, limit: u32) -> rusqlite::Result<Option<Text>> {
    let text: Option<String> = row.get(column)?;
    Ok(text.map(|text| Text::new(&text, limit)))
}
