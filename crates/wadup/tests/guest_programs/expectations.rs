//! What a program's comments say is to come of it; `guest/tests/README.md` describes them.

use serde_json::Value;

/// What is expected of a program.
#[derive(Debug, Default)]
pub(crate) struct Expectations {
    cold: Option<Outcome>,
    snapshot: Option<Outcome>,
    /// Parts of the failure's message.
    pub(crate) messages: Vec<String>,
    /// Parts of the failure's traceback.
    pub(crate) tracebacks: Vec<String>,
    /// Lines.
    pub(crate) stdout: Vec<String>,
    /// Lines.
    pub(crate) stderr: Vec<String>,
    /// A list of `[table, [values]]`.
    pub(crate) rows: Option<Value>,
    pub(crate) row_count: Option<usize>,
    /// A list of `[filename, text]`.
    pub(crate) subcontent: Option<Vec<(String, String)>>,
    pub(crate) env: Vec<(String, String)>,
    /// The table whose rows are others in every instance.
    pub(crate) differs: Option<String>,
}

/// How it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Completed,
    /// With this code.
    Exited(i32),
    /// An exception of this kind.
    Raised(String),
    /// An exception of this kind, while the module is imported.
    Refused(String),
    /// A limit of this kind was reached.
    LimitExceeded(String),
}

/// Whether the interpreter is started for every input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Cold,
    Snapshot,
}

impl Expectations {
    /// Reads the comments of a program. What cannot be understood is an error: a mistyped
    /// comment must not be an expectation that is never checked.
    pub(crate) fn read(source: &str) -> Result<Self, String> {
        let mut expected = Self::default();
        let comments = source.lines().filter_map(|line| line.strip_prefix("# "));
        for comment in comments {
            let Some((key, value)) = comment.split_once(':') else {
                return Err(format!("`# {comment}` is no expectation"));
            };
            expected
                .add(key, value.trim_start())
                .map_err(|why| format!("`# {comment}`: {why}"))?;
        }
        match (&expected.cold, &expected.snapshot) {
            (Some(_), Some(_)) => Ok(expected),
            _ => Err("it does not say what outcome is expected".to_owned()),
        }
    }

    fn add(&mut self, key: &str, value: &str) -> Result<(), String> {
        let text = value.to_owned();
        match key {
            "outcome" => {
                let outcome = Outcome::parse(value)?;
                (self.cold, self.snapshot) = (Some(outcome.clone()), Some(outcome));
            }
            "outcome-cold" => self.cold = Some(Outcome::parse(value)?),
            "outcome-snapshot" => self.snapshot = Some(Outcome::parse(value)?),
            "message" => self.messages.push(text),
            "traceback" => self.tracebacks.push(text),
            "stdout" => self.stdout.push(text),
            "stderr" => self.stderr.push(text),
            "rows" => self.rows = Some(parse(value)?),
            "row-count" => self.row_count = Some(parse(value)?),
            "subcontent" => self.subcontent = Some(parse(value)?),
            "differs" => self.differs = Some(text),
            "env" => {
                let (key, value) = value.split_once('=').ok_or("there is no `=`")?;
                self.env.push((key.to_owned(), value.to_owned()));
            }
            _ => return Err("there is no such expectation".to_owned()),
        }
        Ok(())
    }

    /// The outcome in a mode. A cold program that fails at import raises when it runs, but
    /// what is no Python is found when it is compiled.
    pub(crate) fn outcome(&self, mode: Mode) -> Outcome {
        let outcome = match mode {
            Mode::Cold => &self.cold,
            Mode::Snapshot => &self.snapshot,
        };
        match (outcome, mode) {
            (Some(Outcome::Refused(kind)), Mode::Cold) if kind != "SyntaxError" => {
                Outcome::Raised(kind.clone())
            }
            (Some(outcome), _) => outcome.clone(),
            (None, _) => unreachable!("`read` refuses a program without an outcome"),
        }
    }
}

impl Outcome {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            None if text == "completed" => Ok(Self::Completed),
            Some(("exited", code)) => Ok(Self::Exited(parse(code)?)),
            Some(("raised", kind)) => Ok(Self::Raised(kind.to_owned())),
            Some(("refused", kind)) => Ok(Self::Refused(kind.to_owned())),
            Some(("limit-exceeded", kind)) => Ok(Self::LimitExceeded(kind.to_owned())),
            _ => Err("there is no such outcome".to_owned()),
        }
    }
}

impl Mode {
    pub(crate) const ALL: [Self; 2] = [Self::Cold, Self::Snapshot];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Snapshot => "snapshot",
        }
    }
}

fn parse<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}
