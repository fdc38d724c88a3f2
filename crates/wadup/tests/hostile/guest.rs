//! The first lines of a hostile guest.
//!
//! ```text
//! ;; What it tries, in a sentence or two.
//! ;; options: for `wadup run`
//! ;; outcome: STATUS [KIND]
//! ;; tree: STATUS [KIND] of something below it
//! ;; says: a part of the message
//! ```
//!
//! In Python the lines begin with `#`.

/// How an execution ended. An expectation without a kind is met by any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) status: String,
    pub(crate) kind: String,
}

#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) options: Vec<String>,
    pub(crate) outcome: Ending,
    pub(crate) tree: Option<Ending>,
    pub(crate) says: String,
}

impl Guest {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let comments = text
            .lines()
            .map_while(|line| line.strip_prefix(";; ").or(line.strip_prefix("# ")));
        let mut threat = String::new();
        let mut options = Vec::new();
        let (mut outcome, mut tree, mut says) = (None, None, String::new());
        for line in comments {
            match line.split_once(": ") {
                Some(("options", value)) => {
                    options = value.split_whitespace().map(str::to_owned).collect();
                }
                Some(("outcome", value)) => outcome = Some(Ending::parse(value)),
                Some(("tree", value)) => tree = Some(Ending::parse(value)),
                Some(("says", value)) => value.clone_into(&mut says),
                _ if outcome.is_none() && options.is_empty() => threat.push_str(line),
                _ => return Err(format!("what is this to say? {line}")),
            }
        }
        if threat.is_empty() {
            return Err("it does not say what it tries".to_owned());
        }
        Ok(Self {
            options,
            outcome: outcome.ok_or("it does not say how it must end")?,
            tree,
            says,
        })
    }
}

impl Ending {
    pub(crate) fn completed() -> Self {
        Self::parse("completed")
    }

    /// Whether it is as `expected`.
    pub(crate) fn is(&self, expected: &Self) -> bool {
        self.status == expected.status && (expected.kind.is_empty() || self.kind == expected.kind)
    }

    fn parse(text: &str) -> Self {
        let (status, kind) = text.split_once(' ').unwrap_or((text, ""));
        Self {
            status: status.to_owned(),
            kind: kind.to_owned(),
        }
    }
}
