//! What a program did while it was imported that a snapshot freezes: the JSON in
//! [`crate::paths::AUDIT`], which a runtime writes for the builder.

use serde::{Deserialize, Serialize};

use crate::bundle::SITE_PACKAGES_DIR;

/// The most findings that a guest tells of.
pub const MAX_FINDINGS: usize = 200;
/// The most frames of a stack.
pub const MAX_FRAMES: usize = 40;

/// All that was found, in the order in which it happened first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub findings: Vec<Finding>,
    /// How many different ones there are beyond [`MAX_FINDINGS`].
    pub omitted: u32,
}

/// Something that is the same in every instance, although it would not be in a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    #[serde(flatten)]
    pub impurity: Impurity,
    /// Innermost first, never empty: the first frame is the code that can be changed. The
    /// standard library and the import system are left out.
    pub stack: Vec<Frame>,
    /// How often it happened with this stack.
    pub count: u32,
}

/// What was read, or left behind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Impurity {
    /// Random bytes, or numbers of a generator that had been seeded with them.
    Entropy,
    /// The time of day, or a clock that counts.
    Clock,
    /// A variable of the environment; all of them when it has no name.
    Environment { variable: Option<String> },
    /// A file or directory that was made, and that no instance has.
    File { path: String },
}

/// A line of Python that was being run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Frame {
    /// As the guest sees it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Its qualified name; `<module>` for what is not in a function.
    pub function: String,
    /// The text of the line, where the source is at hand.
    pub source: Option<String>,
}

impl Audit {
    /// Takes note of a finding; one that is known already is counted. For what a package does,
    /// the first who makes it do so stands for all: a class of pydantic's is one of many.
    pub fn add(&mut self, impurity: Impurity, stack: Vec<Frame>) {
        let mut findings = self.findings.iter_mut();
        if let Some(known) =
            findings.find(|it| it.impurity == impurity && is_same(&it.stack, &stack))
        {
            known.count = known.count.saturating_add(1);
        } else if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                impurity,
                stack,
                count: 1,
            });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }
}

fn is_same(one: &[Frame], other: &[Frame]) -> bool {
    let in_package = |frame: &Frame| frame.file.starts_with(SITE_PACKAGES_DIR);
    match (one.first(), other.first()) {
        (Some(one), Some(other)) if in_package(one) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(line: u32) -> Vec<Frame> {
        vec![Frame {
            file: "/app/app.py".into(),
            line,
            function: "<module>".into(),
            source: None,
        }]
    }

    #[test]
    fn the_same_thing_at_the_same_place_is_one_finding() {
        let mut audit = Audit::default();
        for line in [1, 2, 1] {
            audit.add(Impurity::Clock, stack(line));
        }
        audit.add(Impurity::Entropy, stack(1));
        let counts: Vec<u32> = audit.findings.iter().map(|it| it.count).collect();
        assert_eq!(counts, [2, 1, 1]);
    }

    #[test]
    fn a_place_in_a_package_counts_once() {
        let mut audit = Audit::default();
        let mut in_package = stack(1).remove(0);
        in_package.file = format!("{SITE_PACKAGES_DIR}/package/__init__.py");
        for line in [1, 2] {
            let caller = stack(line).remove(0);
            audit.add(Impurity::Clock, vec![in_package.clone(), caller.clone()]);
            audit.add(Impurity::Clock, vec![stack(7).remove(0), caller]);
        }
        let counts: Vec<u32> = audit.findings.iter().map(|it| it.count).collect();
        assert_eq!(counts, [2, 1, 1]);
        assert_eq!(audit.findings[0].stack[1].line, 1);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut audit = Audit::default();
        for line in 0..1000 {
            audit.add(Impurity::Clock, stack(line));
        }
        assert_eq!(audit.findings.len(), MAX_FINDINGS);
        assert_eq!(audit.omitted, 800);
    }

    #[test]
    fn as_json() {
        let mut audit = Audit::default();
        let variable = Some("DEBUG".to_owned());
        audit.add(Impurity::Environment { variable }, stack(3));
        let json = serde_json::to_string(&audit).unwrap();
        assert_eq!(
            json,
            r#"{"findings":[{"kind":"environment","variable":"DEBUG","stack":[{"file":"/app/app.py","line":3,"function":"<module>","source":null}],"count":1}],"omitted":0}"#
        );
        assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), audit);
    }
}
