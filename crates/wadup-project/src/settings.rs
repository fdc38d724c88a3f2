//! The tables `[project]` and `[tool.wadup]`, field by field.

use std::str::FromStr;

use pep508_rs::pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{PackageName, Requirement};

use crate::document::{Table, Text};
use crate::entry_point::EntryPoint;
use crate::error::{ProjectError, ProjectErrorKind};
use crate::project::{Dependency, Extension};

/// Every key of `[tool.wadup]`.
const WADUP_KEYS: &[&str] = &["c-extensions", "entry-point", "hash-seed", "snapshot"];

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
    pub(crate) fn read(root: Table<'_>) -> Result<Self, ProjectError> {
        let Some(table) = root.table("project", "project")? else {
            return Err(root.missing("project"));
        };
        let dynamic = table.strings("dynamic")?;
        refuse_dynamic(table, &dynamic, "dependencies")?;
        refuse_dynamic(table, &dynamic, "version")?;
        let name = table.required_string("name")?;
        let version = table.required_string("version")?;
        let requires_python = table.string("requires-python")?;
        Ok(Self {
            name: package_name(table, "name", &name)?,
            version: parse(table, "version", &version)?,
            requires_python: requires_python
                .map(|text| admits_this_python(table, &text))
                .transpose()?,
            dependencies: dependencies(table)?,
        })
    }
}

impl WadupTable {
    pub(crate) fn read(root: Table<'_>) -> Result<Self, ProjectError> {
        let tool = root.table("tool", "tool")?;
        let Some(table) = tool
            .map(|tool| tool.table("wadup", "tool.wadup"))
            .transpose()?
            .flatten()
        else {
            let kind = ProjectErrorKind::Missing {
                field: "tool.wadup.entry-point".to_owned(),
            };
            return Err(root.document().error(kind, 0..0));
        };
        table.only(WADUP_KEYS)?;
        let entry_point_text = table.required_string("entry-point")?;
        let extensions = table.strings("c-extensions")?;
        Ok(Self {
            entry_point: parse(table, "entry-point", &entry_point_text)?,
            entry_point_text,
            extensions: extensions
                .into_iter()
                .map(|text| extension(table, text))
                .collect::<Result<_, _>>()?,
            snapshot: table.boolean("snapshot")?.unwrap_or(true),
            hash_seed: table.unsigned("hash-seed")?.unwrap_or(0),
        })
    }
}

fn refuse_dynamic(table: Table<'_>, dynamic: &[Text], field: &str) -> Result<(), ProjectError> {
    match dynamic.iter().find(|text| text.value == field) {
        None => Ok(()),
        Some(text) => {
            let kind = ProjectErrorKind::Dynamic {
                field: field.to_owned(),
            };
            Err(table.document().error(kind, text.span.clone()))
        }
    }
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

fn dependencies(table: Table<'_>) -> Result<Vec<Dependency>, ProjectError> {
    let texts = table.strings("dependencies")?;
    let dependency = |text: Text| match Requirement::from_str(&text.value) {
        Ok(requirement) => Ok(Dependency {
            requirement,
            text: text.value,
            span: text.span,
        }),
        Err(error) => Err(table.invalid("dependencies", text.value, error.message, text.span)),
    };
    texts.into_iter().map(dependency).collect()
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
