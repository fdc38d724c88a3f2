//! `METADATA`: the core metadata of a package.
//! <https://packaging.python.org/en/latest/specifications/core-metadata/>

use std::path::Path;
use std::str::FromStr;

use wadup_project::{PackageName, Requirement, Version, WheelFilename, parse_requirement};

use super::archive::Archive;
use super::error::WheelError;

/// The fields that matter here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    pub(crate) requires_dist: Vec<Requirement>,
}

impl Metadata {
    pub(crate) fn of_wheel(file: &Path, filename: &WheelFilename) -> Result<Self, WheelError> {
        let mut archive = Archive::open(file, filename)?;
        let entry = format!("{}/METADATA", archive.dist_info()?);
        let bytes = archive.read(&entry)?;
        let parsed = Self::parse(&String::from_utf8_lossy(&bytes));
        parsed.map_err(|problem| WheelError::Metadata {
            wheel: archive.filename().to_string(),
            problem,
        })
    }

    /// Headers as in e-mail, up to the first empty line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut name = None;
        let mut version = None;
        let mut requires_dist = Vec::new();
        for line in text.lines().take_while(|line| !line.trim().is_empty()) {
            // A continued line belongs to a field that is not read here.
            let Some((field, value)) = line.split_once(':').filter(|_| !line.starts_with(' '))
            else {
                continue;
            };
            let value = value.trim();
            match field.to_ascii_lowercase().as_str() {
                "name" => name = Some(parse(field, value)?),
                "version" => version = Some(parse(field, value)?),
                "requires-dist" => {
                    let requirement = parse_requirement(value);
                    requires_dist.push(requirement.map_err(|error| told(field, value, error))?);
                }
                _ => {}
            }
        }
        Ok(Self {
            name: name.ok_or("it has no Name")?,
            version: version.ok_or("it has no Version")?,
            requires_dist,
        })
    }
}

fn parse<T: FromStr<Err: ToString>>(field: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|error: T::Err| told(field, value, error))
}

fn told(field: &str, value: &str, problem: impl ToString) -> String {
    format!("{field}: {value}: {}", problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_up_to_the_body() {
        let metadata = Metadata::parse(
            "Metadata-Version: 2.4\nName: Typing_Extensions\nVersion: 4.15.0\n\
             Summary: two\n  lines: long\nRequires-Dist: a>=1; extra == 'x'\n\nName: body\n",
        )
        .unwrap();
        assert_eq!(metadata.name.as_ref(), "typing-extensions");
        assert_eq!(metadata.version.to_string(), "4.15.0");
        assert_eq!(metadata.requires_dist.len(), 1);
    }

    #[test]
    fn a_field_that_is_missing_or_wrong_is_named() {
        assert_eq!(
            Metadata::parse("Name: a\n"),
            Err("it has no Version".into())
        );
        let error = Metadata::parse("Name: a\nVersion: x.y\n").unwrap_err();
        assert!(error.starts_with("Version: x.y: "), "{error}");
    }
}
