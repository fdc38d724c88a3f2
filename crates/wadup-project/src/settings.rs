//! The tables `[project]` and `[tool.wadup]`, field by field.

use std::str::FromStr;

use pep508_rs::PackageName;
use pep508_rs::pep440_rs::{Version, VersionSpecifiers};

use crate::document::{Problems, Table, Text};
use crate::entry_point::EntryPoint;
use crate::error::{ProjectError, ProjectErrorKind};
use crate::project::{Dependency, Extension};
use crate::requirement::parse_requirement;

/// A key of `[tool.wadup]`, for people.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    /// What TOML calls it.
    pub value: &'static str,
    /// In TOML; a key without one is needed.
    pub default: Option<&'static str>,
    /// In Markdown.
    pub meaning: &'static str,
}

/// Every key of `[tool.wadup]`.
pub const WADUP_KEYS: [Key; 4] = [
    Key {
        name: "entry-point",
        value: "string",
        default: None,
        meaning: "the Python module whose `main()` handles an input",
    },
    Key {
        name: "c-extensions",
        value: "array of strings",
        default: Some("[]"),
        meaning: "native packages to have inside although no dependency asks for them",
    },
    Key {
        name: "snapshot",
        value: "boolean",
        default: Some("true"),
        meaning: "whether the artifact holds an interpreter that has started and has imported the \
                  entry module; if not, every instance does both",
    },
    Key {
        name: "hash-seed",
        value: "integer from 0 to 4294967295",
        default: Some("0"),
        meaning: "the seed of `hash()`, fixed for the life of the artifact",
    },
];

/// `[project]`, as far as it matters here.
#[derive(Debug)]
pub(crate) struct ProjectTable {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    pub(crate) requires_python: Option<VersionSpecifiers>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// `[tool.wadup]`.
#[derive(Debug)]
pub(crate) struct WadupTable {
    pub(crate) entry_point: EntryPoint,
    pub(crate) entry_point_text: Text,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) snapshot: bool,
    pub(crate) hash_seed: u32,
}

impl ProjectTable {
    /// None when anything is wrong with it.
    pub(crate) fn read(root: Table<'_>, problems: &mut Problems) -> Option<Self> {
        let Some(table) = problems.keep(root.table("project", "project"))? else {
            problems.push(root.missing("project"));
            return None;
        };
        let dynamic = table.strings("dynamic", problems);
        refuse_dynamic(table, &dynamic, "dependencies", problems);
        let has_version = !refuse_dynamic(table, &dynamic, "version", problems);
        let name = table.required_string("name");
        let name = name.and_then(|text| package_name(table, "name", &text));
        let name = problems.keep(name);
        let version = has_version.then(|| {
            let version = table.required_string("version");
            problems.keep(version.and_then(|text| parse(table, "version", &text)))
        });
        let requires_python = table.string("requires-python").and_then(|text| {
            text.map(|text| admits_this_python(table, &text))
                .transpose()
        });
        let requires_python = problems.keep(requires_python);
        let dependencies = dependencies(table, problems);
        Some(Self {
            name: name?,
            version: version??,
            requires_python: requires_python?,
            dependencies,
        })
    }
}

impl WadupTable {
    /// None when it names no entry point.
    pub(crate) fn read(root: Table<'_>, problems: &mut Problems) -> Option<Self> {
        let tool = problems.keep(root.table("tool", "tool"))?;
        let table = tool.map(|tool| tool.table("wadup", "tool.wadup"));
        let Some(table) = problems.keep(table.transpose())?.flatten() else {
            let kind = ProjectErrorKind::Missing {
                field: "tool.wadup.entry-point".to_owned(),
            };
            problems.push(root.document().error(kind, 0..0));
            return None;
        };
        let meant = table.only(&WADUP_KEYS.map(|key| key.name), problems);
        let entry_point = match problems.keep(table.string("entry-point")) {
            Some(Some(text)) => {
                let parsed = problems.keep(parse(table, "entry-point", &text));
                parsed.map(|parsed| (parsed, text))
            }
            // It is there under a name that is told of already.
            Some(None) if meant.contains(&"entry-point") => None,
            Some(None) => problems.keep(Err(table.missing("entry-point"))),
            None => None,
        };
        let extensions = table.strings("c-extensions", problems).into_iter();
        let extensions = extensions
            .filter_map(|text| problems.keep(extension(table, text)))
            .collect();
        let snapshot = problems.keep(table.boolean("snapshot")).flatten();
        let hash_seed = problems.keep(table.unsigned("hash-seed")).flatten();
        let (entry_point, entry_point_text) = entry_point?;
        Some(Self {
            entry_point,
            entry_point_text,
            extensions,
            snapshot: snapshot.unwrap_or(true),
            hash_seed: hash_seed.unwrap_or(0),
        })
    }
}

/// Whether the field is dynamic, which is an error.
fn refuse_dynamic(
    table: Table<'_>,
    dynamic: &[Text],
    field: &str,
    problems: &mut Problems,
) -> bool {
    let Some(text) = dynamic.iter().find(|text| text.value == field) else {
        return false;
    };
    let kind = ProjectErrorKind::Dynamic {
        field: field.to_owned(),
    };
    problems.push(table.document().error(kind, text.span.clone()));
    true
}

/// The patch release is the toolchain's; here any 3.13 must do.
fn admits_this_python(table: Table<'_>, text: &Text) -> Result<VersionSpecifiers, ProjectError> {
    let requires: VersionSpecifiers = parse(table, "requires-python", text)?;
    let admitted = (0..100).any(|patch| requires.contains(&Version::new([3, 13, patch])));
    if admitted {
        return Ok(requires);
    }
    let kind = ProjectErrorKind::RequiresPython {
        requires: text.value.clone(),
        python: "3.13".to_owned(),
    };
    Err(table.document().error(kind, text.span.clone()))
}

fn dependencies(table: Table<'_>, problems: &mut Problems) -> Vec<Dependency> {
    let texts = table.strings("dependencies", problems);
    let dependency = |text: Text| match parse_requirement(&text.value) {
        Ok(requirement) => Ok(Dependency {
            requirement,
            text: text.value,
            span: text.span,
        }),
        Err(error) => Err(table.invalid("dependencies", text.value, error, text.span)),
    };
    let dependencies = texts.into_iter().map(dependency);
    dependencies
        .filter_map(|read| problems.keep(read))
        .collect()
}

fn extension(table: Table<'_>, text: Text) -> Result<Extension, ProjectError> {
    Ok(Extension {
        name: package_name(table, "c-extensions", &text)?,
        span: text.span,
    })
}

fn package_name(table: Table<'_>, key: &str, text: &Text) -> Result<PackageName, ProjectError> {
    // `PackageName` itself has nothing against an empty one.
    if text.value.is_empty() {
        let reason = "a name is at least one letter or digit";
        return Err(table.invalid(key, "", reason, text.span.clone()));
    }
    parse(table, key, text)
}

fn parse<T>(table: Table<'_>, key: &str, text: &Text) -> Result<T, ProjectError>
where
    T: FromStr,
    T::Err: ToString,
{
    text.value
        .parse()
        .map_err(|error: T::Err| table.invalid(key, &text.value, error, text.span.clone()))
}
