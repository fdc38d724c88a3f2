use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};
use rusqlite::{Row, Statement, types::ValueRef};
use serde::{Serialize, Serializer};
use serde_json::Value;
use terminal_size::terminal_size_of;

use crate::{
    cli::SqlArgs,
    diagnostics::{Excerpt, Failure, JsonText, OneLine, display_path},
    exit_code::ExitCode,
    reporters,
};

/// What is asked where nothing is: what there is to ask for.
const OVERVIEW: &str = "SELECT name, type,
    (SELECT group_concat(name, ', ') FROM pragma_table_info(entry.name)) AS columns
FROM sqlite_schema AS entry
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
ORDER BY name LIKE '\\_wadup%' ESCAPE '\\', rowid";

/// `wadup sql`
pub(super) fn sql(args: &SqlArgs) -> Result<ExitCode, Failure> {
    let path = &args.database;
    let results = wadup_sink::read_results(path)
        .map_err(|error| Failure::database("read the results in", path, &error))?;
    let query = args.query.as_deref().unwrap_or(OVERVIEW);
    let failed = |error| failure(path, query, &error);
    let mut statement = results.prepare(query).map_err(failed)?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(Failure::new(ExitCode::Usage, "ask the database")
            .because_of("the statement is not a query")
            .hint(Some("`sqlite3` changes databases; `wadup sql` reads them")));
    }
    if args.json {
        if let Some(name) = repeated_name(&statement) {
            let action = format_args!("ask {}", display_path(path));
            return Err(Failure::new(ExitCode::Usage, action)
                .because_of(format_args!("two columns are called `{name}`"))
                .hint(Some("give one another name with AS")));
        }
        json(&mut statement, io::stdout().lock()).map_err(failed)?;
    } else {
        let columns = terminal_size_of(io::stdout()).map(|(columns, _)| columns.0);
        reporters::write_data(&text(&mut statement, columns).map_err(failed)?);
    }
    Ok(ExitCode::Success)
}

fn failure(path: &Path, query: &str, error: &rusqlite::Error) -> Failure {
    let action = format_args!("ask {}", display_path(path));
    match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            let start = usize::try_from(*offset).ok();
            Failure::new(ExitCode::Usage, action)
                .because_of(msg)
                .at(start.map(|start| Excerpt {
                    path: PathBuf::from("query"),
                    text: Arc::from(query),
                    span: start..start + word(&query[start.min(query.len())..]),
                }))
                .hint(Some(
                    "without a query, `wadup sql` lists tables and columns",
                ))
        }
        rusqlite::Error::MultipleStatement => {
            Failure::new(ExitCode::Usage, action).because_of("there is more than one statement")
        }
        error => Failure::new(ExitCode::Database, action).because(error),
    }
}

/// The length of the word that a text begins with.
fn word(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    end.unwrap_or(text.len()).max(1)
}

fn names(statement: &Statement<'_>) -> Vec<String> {
    let names = statement.column_names();
    names.into_iter().map(str::to_owned).collect()
}

/// A name that would be twice in an object.
fn repeated_name<'s>(statement: &'s Statement<'_>) -> Option<&'s str> {
    let mut seen = BTreeSet::new();
    let mut names = statement.column_names();
    names.find(|name| !seen.insert(*name))
}

/// A line below the header and no other, so that rows can be copied.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// What a table has around a name.
const PADDING: u16 = 2;
/// And between two of them.
const GAP: usize = 1;

/// For people. What comes from guests cannot steer the terminal, which has so many columns, or is
/// none.
fn text(statement: &mut Statement<'_>, columns: Option<u16>) -> rusqlite::Result<String> {
    let names = names(statement);
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(names.iter().map(|name| OneLine(name).to_string()));
    if let Some(columns) = columns {
        let widths = table.column_max_content_widths();
        let needed = widths
            .iter()
            .map(|width| usize::from(*width) + usize::from(PADDING) + GAP);
        if needed.sum::<usize>() > usize::from(columns) + GAP {
            return records(statement, &names, &widths, columns);
        }
        // Names stay whole.
        let least = |width| ColumnConstraint::LowerBoundary(Width::Fixed(width + PADDING));
        table.set_width(columns);
        table.set_constraints(widths.into_iter().map(least));
    }
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cells = (0..names.len()).map(|column| cell(row, column));
        table.add_row(cells.collect::<rusqlite::Result<Vec<_>>>()?);
    }
    Ok(format!("{}\n", table.trim_fmt()))
}

/// Each value in a line, behind its name: of that many `columns`, names take `widths`.
fn records(
    statement: &mut Statement<'_>,
    names: &[String],
    widths: &[u16],
    columns: u16,
) -> rusqlite::Result<String> {
    let widest = widths.iter().max().copied().unwrap_or_default();
    let mut text = String::new();
    let mut rows = statement.query([])?;
    let mut number = 0_u64;
    while let Some(row) = rows.next()? {
        number += 1;
        let title = format!("─ {number} ");
        let _ = writeln!(text, "{title:─<0$}", usize::from(columns));
        for (column, name) in names.iter().enumerate() {
            let space = " ".repeat(usize::from(widest - widths[column]) + 2);
            let value = shown(row.get_ref(column)?);
            let _ = writeln!(text, "{}{space}{value}", OneLine(name));
        }
    }
    Ok(text)
}

fn cell(row: &Row<'_>, column: usize) -> rusqlite::Result<comfy_table::Cell> {
    let value = row.get_ref(column)?;
    let cell = comfy_table::Cell::new(shown(value));
    Ok(match value {
        ValueRef::Integer(_) | ValueRef::Real(_) => cell.set_alignment(CellAlignment::Right),
        _ => cell,
    })
}

/// A value in one line.
fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        value => OneLine(&plain(value)).to_string(),
    }
}

/// For programs: numbers are numbers, NULL is null, and bytes are a text with escapes.
fn json(statement: &mut Statement<'_>, out: impl Write) -> rusqlite::Result<()> {
    let names = names(statement);
    let mut out = BufWriter::new(out);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|column| value(row, column));
        let object = Object {
            names: &names,
            values: values.collect::<rusqlite::Result<_>>()?,
        };
        let written = serde_json::to_string(&object)
            .map_err(io::Error::from)
            .and_then(|json| writeln!(out, "{}", JsonText(&json)));
        // A reader that went away (`| head`) has what it wanted.
        if written.is_err() {
            break;
        }
    }
    let _ = out.flush();
    Ok(())
}

/// A row, its columns in the query's order.
struct Object<'a> {
    names: &'a [String],
    values: Vec<Value>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.values))
    }
}

fn value(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => value.into(),
        ValueRef::Real(value) if value.is_finite() => value.into(),
        value => plain(value).into(),
    })
}

fn plain(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => value.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes.escape_ascii().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn asked<T>(query: &str, ask: impl FnOnce(&mut Statement<'_>) -> T) -> T {
        let connection = Connection::open_in_memory().unwrap();
        ask(&mut connection.prepare(query).unwrap())
    }

    fn as_text(query: &str, columns: Option<u16>) -> String {
        asked(query, |statement| text(statement, columns).unwrap())
    }

    #[test]
    fn json_has_the_columns_in_order_and_no_character_that_is_acted_on() {
        let query = "SELECT 1 AS b, 2 AS a, char(155, 0x202e, 127, 27, 233) AS \"\u{9b}\"";
        let mut out = Vec::new();
        asked(query, |statement| json(statement, &mut out).unwrap());
        let out = String::from_utf8(out).unwrap();
        assert_eq!(
            out,
            "{\"b\":1,\"a\":2,\"\\u009b\":\"\\u009b\\u202e\\u007f\\u001bé\"}\n"
        );
    }

    #[test]
    fn a_name_that_is_there_twice_is_found() {
        let repeated = |query: &str| {
            asked(query, |statement| {
                repeated_name(statement).map(str::to_owned)
            })
        };
        assert_eq!(repeated("SELECT 1 AS a, 2 AS b, 3 AS a").unwrap(), "a");
        assert_eq!(repeated("SELECT 1 AS a, 2 AS A"), None);
    }

    const LONG: &str = "SELECT 7 AS first_name, 'ünï\u{9b}' || char(10) AS \"é\" UNION ALL \
                        SELECT NULL, 'a text that is longer than its name'";

    #[test]
    fn names_stay_whole_where_they_fit() {
        insta::assert_snapshot!(as_text(LONG, Some(30)), @r"
         first_name   é
        ──────────────────────────────
                  7   ünï\u{9b}\n
         NULL         a text that is
                      longer than its
                      name
        ");
        let narrowest = as_text(LONG, Some(16));
        let header = narrowest.lines().next().unwrap();
        assert_eq!(header.trim_end(), " first_name   é");
    }

    #[test]
    fn records_are_shown_one_value_a_line_where_names_do_not_fit() {
        insta::assert_snapshot!(as_text(LONG, Some(15)), @r"
        ─ 1 ───────────
        first_name  7
        é           ünï\u{9b}\n
        ─ 2 ───────────
        first_name  NULL
        é           a text that is longer than its name
        ");
        let name = "n".repeat(70_000);
        let query = format!("SELECT 1 AS {name}, 2 AS n");
        assert!(as_text(&query, Some(80)).ends_with(" 2\n"));
        assert!(as_text(LONG, None).contains("a text that is longer than its name"));
    }
}
