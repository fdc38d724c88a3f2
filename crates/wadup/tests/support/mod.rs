//! What the tests of the command line share: a scratch folder, the binary, tiny guests.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod guest;
pub(crate) mod native;
pub(crate) mod project;
pub(crate) mod toolchain;
pub(crate) mod wheel;

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rusqlite::{Connection, OpenFlags};

/// A folder of its own for a test, and `wadup` run in it.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
}

/// What a process said and how it ended, for snapshots.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, and the folders it is in.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// Writes the module that a WebAssembly text is.
    pub(crate) fn write_module(&self, name: &str, text: &str) -> PathBuf {
        self.write(name, wat::parse_str(text).expect("valid WebAssembly text"))
    }

    /// `wadup` in this folder, with an environment that does not depend on who runs the tests.
    pub(crate) fn command<I, A>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wadup"));
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("FORCE_COLOR")
            .env_remove("WADUP_SKIP_PRECOMPILE")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn wadup<I, A>(&self, args: I) -> Said
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        Said::from(self.command(args).output().expect("wadup starts"))
    }

    /// The rows that a query gives, each as its values separated by `|`.
    pub(crate) fn query(&self, database: &str, sql: &str) -> Vec<String> {
        let connection = Connection::open_with_flags(
            self.path().join(database),
            OpenFlags::SQLITE_OPEN_READ_ONLY,
        )
        .expect("a database");
        let mut statement = connection.prepare(sql).expect("valid SQL");
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                (0..columns)
                    .map(|column| row.get_ref(column).map(shown))
                    .collect::<Result<Vec<_>, _>>()
            })
            .expect("rows");
        rows.map(|row| row.expect("a row").join("|")).collect()
    }

    /// The rows of a query with two columns of text.
    pub(crate) fn pairs(&self, database: &str, sql: &str) -> Vec<(String, String)> {
        let connection = Connection::open(self.path().join(database)).expect("a database");
        let mut statement = connection.prepare(sql).expect("valid SQL");
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("rows");
        rows.map(|row| row.expect("two texts")).collect()
    }
}

impl Said {
    /// All of it, as a snapshot shows it.
    pub(crate) fn text(&self) -> String {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        format!(
            "exit code: {code}\n--- stdout ---\n{}--- stderr ---\n{}",
            self.stdout, self.stderr
        )
    }

    pub(crate) fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// Compares with the snapshot, without what differs from one run to the next.
#[macro_export]
macro_rules! assert_said {
    ($scratch:expr, $said:expr) => {
        let scratch = $scratch.path().to_string_lossy();
        insta::with_settings!({
            filters => vec![
                (&*scratch, "[SCRATCH]"),
                (r"\(\d+ inputs/s\)", "([RATE] inputs/s)"),
                (r"\b\d+(\.\d+)? (µs|ms|s)\b", "[TIME]"),
                (r#""duration_ms":[\d.e-]+"#, r#""duration_ms":"[TIME]""#),
                (r#""peak_memory":\d+"#, r#""peak_memory":"[BYTES]""#),
            ],
        }, {
            insta::assert_snapshot!($said.text());
        });
    };
}

fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{bytes:?}"),
    }
}
