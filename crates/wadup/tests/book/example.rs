//! A Python program of the documentation, its input and its rows: in the sandbox and outside of it.

use crate::{
    page::Block,
    repository,
    support::{Scratch, native},
};

/// A program that is not said to be a file.
pub(crate) fn is_one(block: &Block) -> bool {
    block.language == "python" && block.file.is_none() && block.content.contains("\ndef main")
}

/// What the rows should be is an error: they are not where the program is.
pub(crate) fn run(
    program: &Block,
    input: Option<&Block>,
    rows: Option<&Block>,
) -> Result<Option<String>, String> {
    let (Some(input), Some(expected)) = (input, rows) else {
        return Err("the blocks after a program are its input and its rows".to_owned());
    };
    let folder = Scratch::new();
    let extensions = match program.content.contains("pydantic") {
        true => "\"pydantic\"",
        false => "",
    };
    let project = folder.project("", extensions, &program.content);
    let file = format!("input.{}", input.language);
    folder.write(&file, &input.content);

    let said = native::python(
        &repository().join("crates/wadup/tests/functionality/rows.py"),
        [project.join("src"), "app".into(), folder.path().join(&file)],
    );
    let expected: Vec<&str> = expected.content.lines().collect();
    let values = expected.iter().filter_map(|row| row.split_once('|'));
    let values: Vec<&str> = values.map(|(_, values)| values).collect();
    let rows: Vec<&str> = said.lines().collect();
    if rows != values {
        return Err(format!("without the sandbox, its rows are\n{said}"));
    }

    let said = folder.wadup(["run", "project", "--input", &file, "--output=out.db"]);
    if said.code != Some(0) {
        return Err(said.text());
    }
    let mut tables: Vec<&str> = expected
        .iter()
        .filter_map(|row| row.split('|').next())
        .collect();
    tables.dedup();
    let rows: Vec<String> = tables
        .iter()
        .flat_map(|table| rows_of(&folder, table))
        .collect();
    match rows == expected {
        true => Ok(None),
        false => Err(format!("its rows are\n{}", rows.join("\n"))),
    }
}

/// The rows of a table in the database, without the input's id.
fn rows_of(folder: &Scratch, table: &str) -> Vec<String> {
    let rows = folder.query("out.db", &format!("SELECT * FROM {table}"));
    let without_id = |row: String| {
        let (_, values) = row.split_once('|').expect("the input's id");
        format!("{table}|{values}")
    };
    rows.into_iter().map(without_id).collect()
}
