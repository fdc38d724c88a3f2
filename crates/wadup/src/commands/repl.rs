//! A session on a terminal: lines are edited here, statements are executed in the sandbox.

use rustyline::{
    Config, Context, Editor, completion::Completer, error::ReadlineError, highlight::Highlighter,
    hint::Hinter, history::MemHistory, validate::Validator,
};
use serde::Deserialize;
use wadup_host::{Artifact, Session, TurnEnd};

use super::sandboxed::{Interrupts, ended};
use crate::{
    diagnostics::{self, Failure, OneLine},
    exit_code::ExitCode,
    reporters::{self, counted},
    settings::Request,
};

const PROMPT: &str = ">>> ";
const MORE: &str = "... ";
const INDENTATION: &str = "    ";

/// Reads statements, has them executed, and goes on.
pub(super) struct Repl {
    editor: Editor<Indenter, MemHistory>,
    path: Vec<String>,
    /// The lines of a statement so far.
    lines: Vec<String>,
    /// How many statements there were.
    number: u64,
}

/// Has the tabulator indent.
struct Indenter;

impl Completer for Indenter {
    type Candidate = String;

    fn complete(
        &self,
        _line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((position, vec![INDENTATION.to_owned()]))
    }
}

impl Hinter for Indenter {
    type Hint = String;
}

impl Highlighter for Indenter {}
impl Validator for Indenter {}
impl rustyline::Helper for Indenter {}

/// What the entry module answers.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(default)]
    more: bool,
    exit: Option<u8>,
}

impl Repl {
    pub(super) fn new(artifact: &Artifact, path: Vec<String>) -> Result<Self, Failure> {
        let config = Config::builder()
            .auto_add_history(true)
            // Lines that are pasted are lines.
            .bracketed_paste(false)
            .build();
        let history = MemHistory::with_config(&config);
        let editor = Editor::with_history(config, history);
        let mut editor = editor.map_err(|error| terminal(&error))?;
        editor.set_helper(Some(Indenter));
        reporters::print(&banner(artifact));
        Ok(Self {
            editor,
            path,
            lines: Vec::new(),
            number: 0,
        })
    }

    /// Until the end of input, or `exit()`: the exit code.
    pub(super) fn run(
        mut self,
        session: &mut Session<'_>,
        interrupts: &Interrupts,
    ) -> Result<u8, Failure> {
        let code = loop {
            let prompt = if self.lines.is_empty() { PROMPT } else { MORE };
            match self.editor.readline(prompt) {
                Ok(line) => self.lines.push(line),
                Err(ReadlineError::Interrupted) => {
                    self.lines.clear();
                    reporters::print("KeyboardInterrupt\n");
                    continue;
                }
                Err(ReadlineError::Eof) => break ExitCode::Success as u8,
                Err(error) => return Err(terminal(&error)),
            }
            if let Some(code) = self.statement(session, interrupts) {
                break code;
            }
        };
        let request = Request {
            kind: "end",
            ..Request::default()
        };
        interrupts.ask(session, &request);
        Ok(code)
    }

    /// Has the lines executed, if they are a statement already; the exit code, if it was the last.
    fn statement(&mut self, session: &mut Session<'_>, interrupts: &Interrupts) -> Option<u8> {
        let request = Request {
            kind: "statement",
            path: self.path.clone(),
            source: Some(self.lines.join("\n")),
            number: self.number,
            ..Request::default()
        };
        let turn = interrupts.ask(session, &request);
        let answer = turn.answer.as_deref();
        let answer: Answer = answer
            .and_then(|json| serde_json::from_slice(json).ok())
            .unwrap_or_default();
        match turn.end {
            TurnEnd::Returned if answer.more => return None,
            TurnEnd::Returned => {}
            TurnEnd::Exited(code) => return Some((code & 0xff) as u8),
            TurnEnd::Interrupted => {
                reporters::print("\nKeyboardInterrupt\n");
                self.undone();
            }
            TurnEnd::Failed(message) => {
                diagnostics::print(&ended(&message));
                self.undone();
            }
        }
        self.lines.clear();
        self.number += 1;
        answer.exit
    }

    fn undone(&self) {
        reporters::print("what it did to variables is undone\n");
    }
}

/// One line: what there is to work with.
fn banner(artifact: &Artifact) -> String {
    let Some(manifest) = artifact.program().manifest() else {
        return String::new();
    };
    let packages = manifest.packages.keys().filter(|name| *name != "wadup");
    let packages = counted(packages.count() as u64, "package");
    let with = match manifest.name.as_str() {
        // A bare one, which has the name of what it is.
        "python" => String::new(),
        name => format!(
            ", with {} {} and {packages}",
            OneLine(name),
            manifest.version
        ),
    };
    format!(
        "Python {} in a sandbox{with}; Ctrl-D ends\n",
        manifest.python
    )
}

fn terminal(error: &ReadlineError) -> Failure {
    Failure::new(ExitCode::Internal, "read from the terminal").because(error)
}
