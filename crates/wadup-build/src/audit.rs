//! What importing the entry module did that the snapshot freezes, for people.

use std::fmt;

use serde::{Deserialize, Serialize};
use wadup_protocol::audit::{Audit, Finding, Frame, Impurity};
use wadup_protocol::bundle::{APP_DIR, SITE_PACKAGES_DIR};

/// Columns of a line, less those that a warning's label indents it by.
const WIDTH: usize = 76;
/// Less room is not worth the beginning of a line of code.
const MIN_SOURCE: usize = 16;
/// How many callers of the code that is to be changed are shown.
const CALLERS: usize = 2;

/// What an import told of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportReport {
    pub(crate) audit: Audit,
    /// What it printed; no instance prints it again.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What an import did that its snapshot freezes. [`fmt::Display`] shows it in lines of at most
/// 76 columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impurities {
    /// To be changed, or to be known of.
    pub findings: Vec<Finding>,
    /// Variables with which packages are configured, as [`EXPECTED`] has them.
    pub expected: Vec<Finding>,
    /// How many findings there are that have not been recorded.
    pub omitted: u32,
}

/// A package that reads variables when it is imported, to be configured by them.
struct Expected {
    /// Folder in site-packages.
    package: &'static str,
    /// Beginning of the variables' names.
    variables: &'static str,
}

/// Reads that are not warned of, and not denied. They are what everybody who uses the package
/// does, without a choice and without harm: the variables switch features of the package that
/// cannot be switched once models are built.
const EXPECTED: [Expected; 1] = [Expected {
    package: "pydantic",
    variables: "PYDANTIC_",
}];

impl Impurities {
    pub(crate) fn of(audit: Audit) -> Self {
        let (expected, findings) = audit.findings.into_iter().partition(is_expected);
        Self {
            findings,
            expected,
            omitted: audit.omitted,
        }
    }

    /// Whether nothing has been found that is to be warned of.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.omitted == 0
    }
}

fn is_expected(finding: &Finding) -> bool {
    let Impurity::Environment {
        variable: Some(variable),
    } = &finding.impurity
    else {
        return false;
    };
    let reader = finding.stack.first().and_then(|frame| package(&frame.file));
    EXPECTED.iter().any(|expected| {
        reader == Some(expected.package) && variable.starts_with(expected.variables)
    })
}

/// The folder in site-packages that a file is in.
fn package(file: &str) -> Option<&str> {
    let path = file.strip_prefix(SITE_PACKAGES_DIR)?.strip_prefix('/')?;
    path.split('/').next()
}

type IsOf = fn(&Impurity) -> bool;

/// The kinds, in the order in which they are shown.
const HEADINGS: [(&str, IsOf); 4] = [
    ("random numbers drawn", |it| matches!(it, Impurity::Entropy)),
    ("clock read", |it| matches!(it, Impurity::Clock)),
    ("environment read", |it| {
        matches!(it, Impurity::Environment { .. })
    }),
    ("file written, which no instance has", |it| {
        matches!(it, Impurity::File { .. })
    }),
];

impl fmt::Display for Impurities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for (heading, is_of) in HEADINGS {
            let findings = self.findings.iter().filter(|it| is_of(&it.impurity));
            let places = places(findings);
            if !places.is_empty() {
                lines.push(format!("{heading}:"));
                lines.extend(places.iter().flat_map(Place::lines));
            }
        }
        if self.omitted > 0 {
            lines.push(format!("and {} more", self.omitted));
        }
        f.write_str(&lines.join("\n"))
    }
}

/// Findings with the same stack.
struct Place<'a> {
    stack: &'a [Frame],
    /// Variables, or paths.
    names: Vec<&'a str>,
    count: u32,
}

fn places<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Place<'a>> {
    let mut places: Vec<Place<'a>> = Vec::new();
    for finding in findings {
        let name = match &finding.impurity {
            Impurity::Entropy | Impurity::Clock => None,
            Impurity::Environment { variable } => Some(variable.as_deref().unwrap_or("all")),
            Impurity::File { path } => Some(path.as_str()),
        };
        let known = places.iter_mut().find(|it| it.stack == finding.stack);
        match known {
            Some(place) => {
                place.names.extend(name);
                place.count = place.count.max(finding.count);
            }
            None => places.push(Place {
                stack: &finding.stack,
                names: name.into_iter().collect(),
                count: finding.count,
            }),
        }
    }
    places
}

impl Place<'_> {
    /// The line that can be changed, and who called it: the nearest, and the project's own.
    fn lines(&self) -> Vec<String> {
        let Some((origin, callers)) = self.stack.split_first() else {
            return Vec::new();
        };
        let mut names = String::new();
        if !self.names.is_empty() {
            names = format!(" [{}]", self.names.join(", "));
        }
        if self.count > 1 {
            names.push_str(&format!(" ({} times)", self.count));
        }
        let mut lines = vec![shown("  ", origin, &names)];
        let is_own = |frame: &&Frame| package(&frame.file).is_none();
        let own = callers.iter().filter(is_own);
        // Those of packages only say how the project's code led there.
        lines.extend(own.take(CALLERS).map(|frame| shown("    from ", frame, "")));
        lines
    }
}

fn shown(start: &str, frame: &Frame, names: &str) -> String {
    let Frame {
        file,
        line,
        function,
        source,
    } = frame;
    let in_folder = |folder: &str| file.strip_prefix(folder)?.strip_prefix('/');
    let file = in_folder(APP_DIR)
        .or_else(|| in_folder(SITE_PACKAGES_DIR))
        .unwrap_or(file);
    let place = format!("{start}{file}:{line} in {function}{names}");
    let room = WIDTH.saturating_sub(place.chars().count());
    match source {
        Some(source) if room >= MIN_SOURCE => cut(&format!("{place}: {source}")),
        _ => place,
    }
}

/// Cuts what is too long for a line.
fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(WIDTH - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, line: u32, function: &str, source: &str) -> Frame {
        Frame {
            file: file.into(),
            line,
            function: function.into(),
            source: (!source.is_empty()).then(|| source.into()),
        }
    }

    fn variable(name: &str) -> Impurity {
        Impurity::Environment {
            variable: Some(name.into()),
        }
    }

    fn settings() -> Vec<Frame> {
        vec![
            frame(
                "/app/app/settings.py",
                12,
                "load",
                "return os.environ[name]",
            ),
            frame("/app/app/__init__.py", 3, "<module>", "load()"),
        ]
    }

    #[test]
    fn findings_are_grouped() {
        let mut audit = Audit::default();
        let start = frame("/app/app/__init__.py", 5, "<module>", "START = time.time()");
        audit.add(variable("DEBUG"), settings());
        audit.add(Impurity::Clock, vec![start.clone()]);
        audit.add(variable("HOME"), settings());
        audit.add(Impurity::Clock, vec![start]);
        let path = "/tmp/cache/with/a/rather/long/name/that/is/never/cut.json".to_owned();
        let library = format!("{SITE_PACKAGES_DIR}/library/core/_implementation.py");
        let mut stack = vec![
            frame(
                &library,
                1234,
                "Cache.write",
                "with open(path, \"w\") as file:",
            ),
            frame(&library, 10, "Cache.__init__", "self.write()"),
        ];
        stack.extend(settings());
        audit.add(Impurity::File { path }, stack);
        audit.add(
            Impurity::Entropy,
            vec![frame(
                "/app/app/__init__.py",
                9,
                "<module>",
                "TOKEN = hashlib.sha256(secrets.token_bytes(32) + SALT).hexdigest()[:16]",
            )],
        );
        audit.omitted = 7;
        insta::assert_snapshot!(Impurities::of(audit));
    }

    #[test]
    fn pydantic_is_configured_by_variables() {
        let path = |package: &str| format!("{SITE_PACKAGES_DIR}/{package}/_loader.py");
        let finding = |package: &str, name: &str| Finding {
            impurity: variable(name),
            stack: vec![frame(&path(package), 1, "f", "")],
            count: 1,
        };
        assert!(is_expected(&finding(
            "pydantic",
            "PYDANTIC_DISABLE_PLUGINS"
        )));
        assert!(!is_expected(&finding("pydantic", "HOME")));
        assert!(!is_expected(&finding("pydantic_extra", "PYDANTIC_X")));
        let mut own = finding("pydantic", "PYDANTIC_X");
        own.stack[0].file = "/app/pydantic/x.py".into();
        assert!(!is_expected(&own));
    }
}
