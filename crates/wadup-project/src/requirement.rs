use std::str::FromStr as _;

use pep508_rs::Requirement;
use thiserror::Error;

/// A text is no PEP 508 requirement.
#[derive(Debug, Error)]
pub enum InvalidRequirement {
    #[error("a name must end with a letter or a digit")]
    NameEnd,
    #[error("a variable of the environment (`${{…}}`) cannot be part of it")]
    Variable,
    /// The grammar has no place for others; `pep508_rs` panics on some.
    #[error("only ASCII characters can be part of it")]
    NotAscii,
    #[error("{0}")]
    Pep508(String),
}

/// Parses a PEP 508 requirement, such as `pydantic>=2; python_version > "3"`.
///
/// # Errors
///
/// When it is none.
pub fn parse_requirement(text: &str) -> Result<Requirement, InvalidRequirement> {
    // Who writes a requirement would see in its URL what wadup was started with: both
    // `pep508_rs` and uv put the values in.
    if text.contains("${") {
        return Err(InvalidRequirement::Variable);
    }
    if !text.is_ascii() {
        return Err(InvalidRequirement::NotAscii);
    }
    // On these `pep508_rs` panics, as late as in its release 0.9.2.
    if has_name_that_ends_badly(text) {
        return Err(InvalidRequirement::NameEnd);
    }
    Requirement::from_str(text)
        .map_err(|error| InvalidRequirement::Pep508(error.message.to_string()))
}

/// Whether the package's name or that of an extra ends with a character that cannot be its last.
fn has_name_that_ends_badly(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let text = text.trim_start();
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let extras = rest.trim_start().strip_prefix('[').unwrap_or_default();
    let extras = extras.split(']').next().unwrap_or_default();
    extras
        .split(|c| !is_name(c))
        .chain([name])
        .any(|name| name.ends_with(['.', '-', '_']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_taken_as_they_are() {
        for text in ["a", " a.b_c-d [x.y, z] == 1.*; extra == 'q-'", "a[]"] {
            parse_requirement(text).unwrap();
        }
    }

    /// Found by the fuzz target `pyproject`: the parser panicked.
    #[test]
    fn a_name_with_a_wrong_end_is_an_error() {
        for text in [
            "a.*",
            "a-",
            "a_ >= 1",
            " a. [x]",
            "a[x-]",
            "a[x- y",
            "a [x, y.] == 1",
        ] {
            let error = parse_requirement(text).unwrap_err();
            assert!(matches!(error, InvalidRequirement::NameEnd), "{text}");
        }
    }

    /// Found by the fuzz target `pyproject`: the parser panicked.
    #[test]
    fn other_characters_than_ascii_are_an_error() {
        for text in ["a; ((python_version > '3'\u{31f}", "ä", "a >= 1 # ü"] {
            let error = parse_requirement(text).unwrap_err();
            assert!(matches!(error, InvalidRequirement::NotAscii), "{text}");
        }
    }

    #[test]
    fn the_environment_is_not_part_of_a_requirement() {
        for text in [
            "a @ https://example.org/${HOME}/a-1-py3-none-any.whl",
            "a ${HOME}",
        ] {
            let error = parse_requirement(text).unwrap_err();
            assert!(matches!(error, InvalidRequirement::Variable), "{text}");
        }
    }
}
