//! `[dependency-groups]`: what a project is developed with, and is not packed.
//! <https://packaging.python.org/en/latest/specifications/dependency-groups/>

use pep508_rs::PackageName;
use toml::Spanned;
use toml::de::DeValue;

use crate::document::Table;
use crate::error::{ProjectError, ProjectErrorKind};
use crate::project::{Dependency, Project};
use crate::requirement::parse_requirement;

/// Groups of a project, and all that they ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// As pyproject.toml calls them.
    pub names: Vec<String>,
    pub dependencies: Vec<Dependency>,
}

/// uv's, unless `[tool.uv] default-groups` says otherwise.
const DEFAULT: &[&str] = &["dev"];
/// What tests are written with is also called so.
const OF_TESTS: &[&str] = &["test", "tests"];

impl Groups {
    /// Whether one of them asks for this package, or for one that is called after it
    /// (`pytest-asyncio`).
    pub fn ask_for(&self, package: &str) -> bool {
        let mut names = self.dependencies.iter().map(|it| &it.requirement.name);
        names.any(|name| {
            let rest = name.as_ref().strip_prefix(package);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    }
}

impl Project {
    /// What the project's tests need beside its dependencies: the groups that `uv run` installs,
    /// and those called `test` or `tests`.
    ///
    /// # Errors
    ///
    /// When the table is not as PEP 735 says.
    pub fn test_groups(&self) -> Result<Groups, ProjectError> {
        let parsed = self.document().parse()?;
        let root = Table::root(self.document(), &parsed);
        let Some(table) = root.table("dependency-groups", "dependency-groups")? else {
            return Ok(Groups::default());
        };
        let mut groups = Groups::default();
        for (name, _) in table.keys() {
            let normal = normalized(name);
            let is_default = match defaults(root)? {
                Defaults::All => true,
                Defaults::Listed(names) => names.contains(&normal),
            };
            if is_default || OF_TESTS.contains(&normal.as_str()) {
                groups.names.push(name.to_owned());
                collect(table, name, &mut Vec::new(), &mut groups.dependencies)?;
            }
        }
        Ok(groups)
    }
}

enum Defaults {
    All,
    Listed(Vec<String>),
}

fn defaults(root: Table<'_>) -> Result<Defaults, ProjectError> {
    let tool = root.table("tool", "tool")?;
    let uv = tool.map(|tool| tool.table("uv", "tool.uv")).transpose()?;
    let Some(uv) = uv.flatten() else {
        return Ok(Defaults::Listed(owned(DEFAULT)));
    };
    match uv.raw("default-groups").map(|value| value.get_ref()) {
        None => Ok(Defaults::Listed(owned(DEFAULT))),
        Some(DeValue::String(text)) if text.as_ref() == "all" => Ok(Defaults::All),
        Some(_) => {
            let names = uv.all_strings("default-groups")?;
            let names = names.iter().map(|name| normalized(&name.value));
            Ok(Defaults::Listed(names.collect()))
        }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// As names of packages are compared.
fn normalized(name: &str) -> String {
    let parsed: Result<PackageName, _> = name.parse();
    parsed.map_or_else(|_| name.to_owned(), |name| name.to_string())
}

/// Adds what a group asks for; `open` are the groups that include it.
fn collect(
    table: Table<'_>,
    group: &str,
    open: &mut Vec<String>,
    dependencies: &mut Vec<Dependency>,
) -> Result<(), ProjectError> {
    open.push(normalized(group));
    let value = table.raw(group);
    let Some(items) = value.and_then(|value| value.get_ref().as_array()) else {
        // It is there, and no array.
        table.all_strings(group)?;
        return Ok(());
    };
    for item in items {
        match item.get_ref() {
            DeValue::String(text) => {
                let requirement = parse_requirement(text)
                    .map_err(|error| table.invalid(group, text.to_string(), error, item.span()))?;
                dependencies.push(Dependency {
                    requirement,
                    text: text.to_string(),
                    span: item.span(),
                });
            }
            _ => include(table, group, item, open, dependencies)?,
        }
    }
    open.pop();
    Ok(())
}

/// `{include-group = "…"}`
fn include(
    table: Table<'_>,
    group: &str,
    item: &Spanned<DeValue<'_>>,
    open: &mut Vec<String>,
    dependencies: &mut Vec<Dependency>,
) -> Result<(), ProjectError> {
    let invalid = |value: &str, reason: &str| table.invalid(group, value, reason, item.span());
    let included = item.get_ref().get("include-group");
    let Some(name) = included.and_then(|included| included.get_ref().as_str()) else {
        let kind = ProjectErrorKind::Type {
            field: format!("dependency-groups.{group}"),
            expected: "an array of requirements and of { include-group = \"…\" }",
            found: "something else",
        };
        return Err(table.document().error(kind, item.span()));
    };
    let normal = normalized(name);
    if open.contains(&normal) {
        return Err(invalid(name, "the group includes itself"));
    }
    match table.keys().find(|(key, _)| normalized(key) == normal) {
        Some((key, _)) => collect(table, key, open, dependencies),
        None => Err(invalid(name, "there is no such group")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(text: &str) -> Result<Groups, ProjectError> {
        let folder = tempfile::tempdir().unwrap();
        let pyproject = format!(
            "[project]\nname = \"a\"\nversion = \"1\"\n[tool.wadup]\nentry-point = \"a\"\n{text}"
        );
        std::fs::write(folder.path().join("pyproject.toml"), pyproject).unwrap();
        std::fs::write(folder.path().join("a.py"), "").unwrap();
        Project::load(folder.path())?.test_groups()
    }

    fn asked(text: &str) -> (Vec<String>, Vec<String>) {
        let groups = groups(text).unwrap();
        let texts = groups.dependencies.into_iter().map(|it| it.text);
        (groups.names, texts.collect())
    }

    fn strings<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).into()
    }

    #[test]
    fn those_that_uv_installs_and_those_for_tests() {
        let text = "[dependency-groups]\ndev = [\"pytest>=8\", {include-group = \"lint_er\"}]\n\
                    Lint-er = [\"ruff\"]\ndocs = [\"sphinx\"]\ntest = [\"attrs\"]\n";
        let (names, dependencies) = asked(text);
        assert_eq!(names, strings(["dev", "test"]));
        assert_eq!(dependencies, strings(["pytest>=8", "ruff", "attrs"]));
        assert!(groups(text).unwrap().ask_for("pytest"));
        assert!(!groups(text).unwrap().ask_for("pytes"));
    }

    #[test]
    fn the_defaults_can_be_set() {
        let text = "[dependency-groups]\ndev = [\"a\"]\ndocs = [\"b\"]\n[tool.uv]\n";
        let listed = asked(&format!("{text}default-groups = [\"docs\"]\n"));
        assert_eq!(listed.1, strings(["b"]));
        let all = asked(&format!("{text}default-groups = \"all\"\n"));
        assert_eq!(all.1, strings(["a", "b"]));
        assert_eq!(asked("").1, strings([]));
    }

    #[test]
    fn what_is_wrong_with_them_is_an_error() {
        for (text, reason) in [
            ("dev = \"pytest\"", "must be an array of strings"),
            ("dev = [1]", "must be an array of requirements"),
            ("dev = [\"no such one!\"]", "is not a valid value"),
            ("dev = [{include-group = \"x\"}]", "no such group"),
            ("dev = [{include-group = \"dev\"}]", "includes itself"),
            (
                "dev = [{include-group = \"b\"}]\nb = [{include-group = \"DEV\"}]",
                "includes itself",
            ),
        ] {
            let error = groups(&format!("[dependency-groups]\n{text}\n")).unwrap_err();
            assert!(error.to_string().contains(reason), "{text}: {error}");
            assert!(error.location().is_some());
        }
    }
}
