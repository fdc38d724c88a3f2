//! A guest for wadup in plain Rust, a WASI command: counts the words of a text, and hands over
//! each paragraph of a text that has several as sub-content, which then is an input itself.
//!
//! ```text
//! cargo build --release --target wasm32-wasip1
//! wadup run target/wasm32-wasip1/release/rust-guest.wasm --input book.txt --output words.db
//! ```

use std::fs;
use std::io;
use std::process::ExitCode;

const TABLE: &str = r#"{"name":"texts","columns":[{"name":"name","data_type":"String"},{"name":"words","data_type":"Int64"},{"name":"mean_length","data_type":"Float64"}]}"#;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is kept with the outcome, which is `exited`; rows are dropped.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let name = fs::read("/input/path")?;
    // Fails for what is no UTF-8, as it should: this guest is for texts.
    let text = fs::read_to_string("/data.bin")?;
    write_row(&String::from_utf8_lossy(&name), &text)?;
    let paragraphs: Vec<&str> = text
        .split("\n\n")
        .filter(|p| !p.trim().is_empty())
        .collect();
    if paragraphs.len() > 1 {
        for (number, paragraph) in paragraphs.iter().enumerate() {
            emit(number, paragraph)?;
        }
    }
    Ok(())
}

/// Rows are handed over when their file is closed, which `fs::write` does.
fn write_row(name: &str, text: &str) -> io::Result<()> {
    let lengths: Vec<usize> = text
        .split_whitespace()
        .map(|word| word.chars().count())
        .collect();
    let words = lengths.len();
    let mean = match words {
        0 => "null".to_owned(),
        _ => format!(
            r#"{{"Float64":{}}}"#,
            lengths.iter().sum::<usize>() as f64 / words as f64
        ),
    };
    let row = format!(
        r#"{{"table_name":"texts","values":[{{"String":{}}},{{"Int64":{words}}},{mean}]}}"#,
        json(name)
    );
    fs::write(
        "/metadata/texts.json",
        format!(r#"{{"tables":[{TABLE}],"rows":[{row}]}}"#),
    )
}

/// Content first, then the JSON that names it and puts it in force.
fn emit(number: usize, content: &str) -> io::Result<()> {
    fs::write(format!("/subcontent/{number}.bin"), content)?;
    fs::write(
        format!("/subcontent/{number}.json"),
        format!(r#"{{"filename":"paragraph-{number}"}}"#),
    )
}

/// A text in JSON.
fn json(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
