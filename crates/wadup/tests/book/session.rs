//! A page, read as by somebody who does everything that it says, from an empty folder on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rusqlite::{Batch, Connection, OpenFlags, fallible_iterator::FallibleIterator as _};

use crate::{
    example, output,
    page::{Block, Page},
    support::{Scratch, native},
};

/// How many blocks of a page were run, or written to files, and how many were not.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) run: usize,
    pub(crate) not_run: usize,
}

/// Does what a page says. With `update`, what commands say is written into the page.
pub(crate) fn follow(page: &Page, update: bool) -> Result<Counts, String> {
    let mut session = Session::new(page);
    let mut counts = Counts::default();
    let mut faults = Vec::new();
    let mut text = page.text.clone();
    // From the last to the first, so that where others are in the text stays true.
    let mut news = Vec::new();
    let mut blocks = page.blocks.iter();
    while let Some(block) = blocks.next() {
        if block.not_run.is_some() {
            counts.not_run += 1;
            continue;
        }
        let done = if example::is_one(block) {
            counts.run += 2;
            example::run(block, blocks.next(), blocks.next())
        } else {
            session.run(block)
        };
        counts.run += 1;
        match done {
            Ok(Some(new)) if update => news.push((block.range.clone(), new)),
            Ok(Some(new)) => faults.push(at(page, block, &format!("it says\n{new}"))),
            Ok(None) => {}
            Err(why) => faults.push(at(page, block, &why)),
        }
    }
    if !news.is_empty() {
        for (range, new) in news.into_iter().rev() {
            text.replace_range(range, &new);
        }
        fs::write(&page.path, text).expect("the page is written");
    }
    match faults.is_empty() {
        true => Ok(counts),
        false => Err(faults.join("\n\n")),
    }
}

fn at(page: &Page, block: &Block, why: &str) -> String {
    format!("{}:{}: {why}", page.name(), block.line)
}

/// A folder, and where in it the reader is. Who reads a page of the repository has its examples.
struct Session {
    scratch: Scratch,
    here: PathBuf,
}

impl Session {
    fn new(page: &Page) -> Self {
        let scratch = Scratch::new();
        if !page.name().starts_with("docs/") {
            scratch.copy(&crate::repository().join("examples"), "examples");
        }
        let here = scratch.path().canonicalize().expect("it is there");
        Self { scratch, here }
    }

    /// What the block should be, if it is not that.
    fn run(&mut self, block: &Block) -> Result<Option<String>, String> {
        let is_commands = matches!(&*block.language, "console" | "sh");
        if let Some(file) = block.file.as_ref().filter(|_| !is_commands) {
            let path = self.here.join(file);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("folders");
            fs::write(path, &block.content).expect("a file");
            return Ok(None);
        }
        match &*block.language {
            "console" => self.console(block),
            "sh" | "first" => self.shell(&block.content, block.exit_code).map(|_| None),
            "python" => self.python(&block.content).map(|()| None),
            "sql" => self.sql(&block.content).map(|()| None),
            "json" => match serde_json::from_str::<serde_json::Value>(&block.content) {
                Ok(_) => Ok(None),
                Err(error) => Err(error.to_string()),
            },
            other => Err(format!(
                "a block of {other:?} that is neither run nor a file, and does not say why: \
                 <!-- not run: REASON -->"
            )),
        }
    }

    /// Lines that begin with `$ ` are commands, others are what they say.
    fn console(&mut self, block: &Block) -> Result<Option<String>, String> {
        let mut new = String::new();
        let mut same = true;
        let commands: Vec<&str> = commands(&block.content);
        for (number, command) in commands.iter().enumerate() {
            let (typed, shown) = typed(command);
            let last = number + 1 == commands.len();
            let said = self.shell(&typed, if last { block.exit_code } else { 0 })?;
            let said = said.replace(&*self.scratch.path().to_string_lossy(), output::HOME);
            same &= output::is_like(shown, &said);
            new.push_str(&command[..command.len() - shown.len()]);
            new.push_str(if output::is_like(shown, &said) {
                shown
            } else {
                &said
            });
        }
        Ok((!same).then_some(new))
    }

    /// What commands say, of both streams, as a terminal has it.
    fn shell(&mut self, commands: &str, exit_code: i32) -> Result<String, String> {
        let folder = self.scratch.path().with_extension("here");
        let script = format!(
            "trap 'pwd -P > {}' EXIT\nset -e\n{commands}",
            folder.display()
        );
        let said = tempfile::tempfile().expect("a file");
        let wadup = Path::new(env!("CARGO_BIN_EXE_wadup"));
        let path = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{}:{path}", wadup.parent().expect("a folder").display());
        let mut bash = Command::new("bash");
        bash.args(["-c", &script])
            .current_dir(&self.here)
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a file"))
            .stderr(said.try_clone().expect("a file"));
        for variable in [
            "NO_COLOR",
            "CLICOLOR_FORCE",
            "FORCE_COLOR",
            "WADUP_SKIP_PRECOMPILE",
        ] {
            bash.env_remove(variable);
        }
        let ended = bash.status().expect("bash starts");
        let said = output::all_of(said);
        let here = fs::read_to_string(&folder).expect("where the shell was");
        fs::remove_file(folder).expect("it is there");
        self.here = here.trim_end().into();
        match ended.code() == Some(exit_code) {
            true => Ok(said),
            false => Err(format!("{commands}ended with {ended}:\n{said}")),
        }
    }

    /// A snippet, in native CPython with the package.
    fn python(&self, program: &str) -> Result<(), String> {
        let wheel = self.scratch.wadup(["wheel", "--output", ".wheel"]);
        let ended = Command::new(native::interpreter())
            .args(["-s", "-B", "-c", program])
            .current_dir(&self.here)
            .env(
                "PYTHONPATH",
                self.scratch.path().join(wheel.stdout.trim_end()),
            )
            .output()
            .expect("python starts");
        match ended.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&ended.stderr).into_owned()),
        }
    }

    /// Queries to the database that was written last. They find something.
    fn sql(&self, queries: &str) -> Result<(), String> {
        let entries = self.here.read_dir().expect("a folder");
        let databases = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|it| it == "db"));
        let written = |path: &PathBuf| path.metadata().and_then(|it| it.modified()).ok();
        let database = databases.max_by_key(written);
        let database = database.ok_or("there is no database here")?;
        let open = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = open.map_err(|error| error.to_string())?;
        let mut batch = Batch::new(&connection, queries);
        while let Some(mut statement) = batch.next().map_err(|error| error.to_string())? {
            let found = statement.exists([]).map_err(|error| error.to_string())?;
            if !found {
                let query = statement.expanded_sql().unwrap_or_default();
                return Err(format!("it finds nothing:\n{query}"));
            }
        }
        Ok(())
    }
}

/// Each command with what it says.
fn commands(console: &str) -> Vec<&str> {
    let starts = console.match_indices("$ ").map(|(at, _)| at);
    let starts = starts.filter(|at| *at == 0 || console[..*at].ends_with('\n'));
    let mut starts: Vec<usize> = starts.collect();
    starts.push(console.len());
    starts.windows(2).map(|it| &console[it[0]..it[1]]).collect()
}

/// What is typed, which goes on after a backslash or with an open quotation mark, and what is
/// shown then.
fn typed(command: &str) -> (String, &str) {
    let mut end = 0;
    for line in command.split_inclusive('\n') {
        end += line.len();
        let open = command[..end].matches('\'').count() % 2 == 1
            || command[..end].matches('"').count() % 2 == 1;
        if !open && !line.trim_end().ends_with('\\') {
            break;
        }
    }
    (command[2..end].to_owned(), &command[end..])
}
