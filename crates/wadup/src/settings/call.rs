use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::de::IgnoredAny;
use wadup_build::BuildSettings;
use wadup_host::{HostSettings, Inputs};

use super::{
    ArtifactSource,
    build::{build_settings, import_limits},
    run::{STDIN, artifact_sources, check_input, compiled_cache, guest_settings},
};
use crate::{
    cli::CallArgs,
    diagnostics::{Excerpt, Failure, display_path},
    exit_code::ExitCode,
};

/// What a record is called that comes from no file.
const RECORD: &str = "record.json";

/// What `wadup call` is to do.
#[derive(Debug)]
pub(crate) struct CallCommand {
    pub(crate) artifact: ArtifactSource,
    pub(crate) input: CallInput,
    pub(crate) host: HostSettings,
    /// For a project, which is built first.
    pub(crate) build: BuildSettings,
}

/// What the artifact is given.
#[derive(Debug)]
pub(crate) enum CallInput {
    /// One JSON document, in one line.
    Record(String),
    File(PathBuf),
    Stdin,
}

impl CallCommand {
    pub(crate) fn resolve(args: CallArgs) -> Result<Self, Failure> {
        Ok(Self {
            artifact: artifact(&args.artifact)?,
            host: guest_settings(args.limits, &args.env, args.compiler, compiled_cache()?),
            build: build_settings(
                args.resolve,
                args.import,
                import_limits(args.limits.timeout, args.limits.max_memory),
                None,
            ),
            input: input(args.json, args.input)?,
        })
    }
}

impl CallInput {
    pub(crate) fn into_inputs(self) -> Inputs {
        match self {
            Self::Record(json) => Inputs::new().content(RECORD, json.into_bytes()),
            Self::File(path) => Inputs::new().path(path),
            Self::Stdin => Inputs::new().stdin(),
        }
    }
}

/// The only one that a path leads to.
fn artifact(path: &Path) -> Result<ArtifactSource, Failure> {
    let mut found = artifact_sources(path)?;
    match (found.pop(), found.len()) {
        (Some(artifact), 0) => Ok(artifact),
        (_, more) => Err(Failure::new(
            ExitCode::Usage,
            format_args!("choose an artifact in {}", display_path(path)),
        )
        .because_of(format_args!("the folder has {}", more + 1))
        .hint(Some("name one of its files"))),
    }
}

fn input(json: Option<String>, path: Option<PathBuf>) -> Result<CallInput, Failure> {
    let json = match (json, path) {
        (Some(json), _) if json == STDIN => read_stdin()?,
        (Some(json), _) => json,
        (None, Some(path)) if path.as_os_str() != STDIN => {
            check_input(&path)?;
            if path.is_dir() {
                let action = format_args!("take {} as the input", display_path(&path));
                return Err(Failure::new(ExitCode::Input, action)
                    .because_of("it is a folder")
                    .hint(Some("`wadup run` takes the files of folders")));
            }
            return Ok(CallInput::File(path));
        }
        (None, _) => return Ok(CallInput::Stdin),
    };
    check_json(&json)?;
    Ok(CallInput::Record(in_one_line(json)))
}

fn read_stdin() -> Result<String, Failure> {
    let mut json = String::new();
    io::stdin().read_to_string(&mut json).map_err(|error| {
        Failure::new(ExitCode::Usage, "read the record from stdin").because(&error)
    })?;
    Ok(json)
}

fn check_json(json: &str) -> Result<(), Failure> {
    let Err(error) = serde_json::from_str::<IgnoredAny>(json) else {
        return Ok(());
    };
    let (line, column) = (error.line().max(1), error.column().max(1));
    let start: usize = json
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let start = json.floor_char_boundary(start + column - 1);
    let end = json.ceil_char_boundary((start + 1).min(json.len()));
    let message = error.to_string();
    let reason = message
        .rsplit_once(" at line ")
        .map_or(&*message, |it| it.0);
    Err(Failure::new(ExitCode::Usage, "understand the record")
        .because_of(format_args!("it is no JSON document: {reason}"))
        .at(Some(Excerpt {
            path: PathBuf::from("--json"),
            text: Arc::from(json),
            span: start..end,
        }))
        .hint(Some(
            "quote it for the shell: --json '{\"name\": \"Ada\"}'; a file is --input FILE",
        )))
}

/// The same document, which is a line of JSON Lines as well: line ends are between its tokens
/// only.
fn in_one_line(json: String) -> String {
    json.trim().replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_becomes_one_line_and_stays_the_same() {
        let json = "{\n  \"a\": [1.0,\r\n 12345678901234567890123],\n \"b\": \"x\\ny\"\n}\n";
        let line = in_one_line(json.to_owned());
        assert!(!line.contains(['\n', '\r']));
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&line), parse(json));
        assert!(line.contains("12345678901234567890123"), "{line}");
    }

    #[test]
    fn what_is_no_json_is_shown_where_it_is_wrong() {
        for json in ["", "{", "{\"a\": 1} x", "{'a': 1}", "[1,\n 2,\n é]"] {
            let failure = check_json(json).unwrap_err();
            assert_eq!(failure.exit_code(), ExitCode::Usage, "{json}");
        }
        check_json("{\"a\": \"é\"}").unwrap();
    }
}
