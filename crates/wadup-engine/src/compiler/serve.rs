//! The child's half.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, Signal};
use rustix::process::{getppid, set_parent_process_death_signal, setrlimit};

use super::message::{DONE, Lengths, NOT_WRITTEN, REFUSED, Request, Task, read_part};
use crate::cache::Key;
use crate::engine::CodeCompiler;
use crate::functions::Pack;
use crate::program::translate;

/// The most reasons that are given for a refusal, and the most bytes of each.
const REASONS: usize = 16;
const REASON_MAX: usize = 4 << 10;

/// Does what a [`CompilerProcess`](super::CompilerProcess) is there for: takes a module from
/// stdin, and writes compiled code to stdout. The process is good for nothing else: it can open
/// no file any more, and has little time left.
pub fn compile_for_parent() -> ExitCode {
    serve().unwrap_or_else(|error| {
        // For the parent, which tells of it.
        let _ = writeln!(io::stderr(), "{error}");
        ExitCode::FAILURE
    })
}

/// Parts of the file that is the result, or why the module is refused.
type Answer = Result<Vec<Vec<u8>>, Vec<String>>;

fn serve() -> io::Result<ExitCode> {
    let mut stdin = io::stdin().lock();
    // Without a buffer, and without a look for the ends of lines.
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let request = Request::read(&mut stdin)?;
    limit(&request)?;
    let answer = match request.task {
        Task::Translate { text } => {
            let text = read_part(&mut stdin, text)?;
            let binary = translate(&text).map(|binary| vec![binary]);
            binary.map_err(|message| vec![message])
        }
        task @ Task::Compile { .. } => compile(&mut stdin, task)?,
    };
    match answer {
        Ok(parts) => match parts.iter().try_for_each(|part| output.write_all(part)) {
            Ok(()) => Ok(DONE.into()),
            Err(error) => {
                let _ = writeln!(io::stderr(), "{error}");
                Ok(NOT_WRITTEN.into())
            }
        },
        Err(reasons) => {
            let reasons = reasons.into_iter().take(REASONS).map(cut);
            let reasons: Vec<String> = reasons.collect();
            output.write_all(&serde_json::to_vec(&reasons)?)?;
            Ok(REFUSED.into())
        }
    }
}

/// From here on the process is as small as it was asked to be, and does not outlive who asked.
fn limit(request: &Request) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let parent = getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(request.parent) {
        return Err(io::Error::other("who asked has ended"));
    }
    let limits = [
        // Memory that can be written to. Address space does no harm.
        (Resource::Data, request.memory),
        (Resource::Fsize, request.memory),
        (Resource::Cpu, request.cpu_seconds),
        (Resource::Core, 0),
        // What is open stays open.
        (Resource::Nofile, 0),
    ];
    for (resource, limit) in limits {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)?;
    }
    Ok(())
}

fn compile(from: &mut impl Read, task: Task) -> io::Result<Answer> {
    let Task::Compile {
        settings,
        interruption,
        key,
        module,
        functions,
    } = task
    else {
        unreachable!("the caller has looked");
    };
    let module = read_part(from, module)?;
    let known = functions
        .map(|length| read_part(from, length))
        .transpose()?;
    let compiler = CodeCompiler::new(&settings, interruption).map_err(io::Error::other)?;
    if Key::module(&compiler.wasmtime, &blake3::hash(&module)).as_bytes() != &key {
        return Err(io::Error::other(
            "the module, its settings or wasmtime differ from what was asked for",
        ));
    }
    let known = known.map(|known| Pack::parse(&known).unwrap_or_default());
    Ok(match compiler.compile(&module, known) {
        Ok((code, functions)) => {
            let functions = functions.map(|pack| pack.to_bytes()).unwrap_or_default();
            let lengths = Lengths {
                code: code.len() as u64,
                functions: functions.len() as u64,
            };
            Ok(vec![code, functions, lengths.to_bytes().to_vec()])
        }
        Err(error) => Err(error.chain().map(ToString::to_string).collect()),
    })
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(REASON_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Interruption;
    use crate::settings::EngineSettings;

    /// A parent of another version, or with other settings, would keep what it did not ask for.
    #[test]
    fn what_the_parent_did_not_ask_for_is_not_compiled() {
        let module = wat::parse_str("(module (memory 1))").unwrap();
        let interruption = Interruption::Epoch;
        let settings = EngineSettings::default();
        let compiler = CodeCompiler::new(&settings.code(), interruption).unwrap();
        let key = Key::module(&compiler.wasmtime, &blake3::hash(&module));
        let compile = |settings: EngineSettings, mut from: &[u8]| {
            let task = Task::Compile {
                settings: settings.code(),
                interruption,
                key: *key.as_bytes(),
                module: module.len() as u64,
                functions: None,
            };
            compile(&mut from, task)
        };
        assert!(compile(settings.clone(), &module).unwrap().is_ok());
        let other = wat::parse_str("(module (memory 2))").unwrap();
        assert_eq!(other.len(), module.len());
        assert!(compile(settings.clone(), &other).is_err());
        let with_fuel = EngineSettings {
            fuel: true,
            ..settings
        };
        assert!(compile(with_fuel, &module).is_err());
    }
}
