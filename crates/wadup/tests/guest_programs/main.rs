//! Every program in `guest/tests`, through the real build and the real host, as a snapshot and
//! as a cold start. What is expected of it is in its comments.
//!
//! `cargo test --test guest_programs -- snapshot/raises` runs some of them.

mod check;
mod expectations;
mod sandbox;
#[path = "../support/wheel.rs"]
mod wheel;

use std::{fs, path::Path, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};

use expectations::{Expectations, Mode};
use sandbox::Workshop;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/tests");
    let programs = programs
        .canonicalize()
        .expect("the programs are in the repository");
    let workshop = Arc::new(Workshop::open(&programs).expect("a folder to work in"));
    let mut trials = Vec::new();
    for name in names(&programs) {
        for mode in Mode::ALL {
            let (workshop, name) = (Arc::clone(&workshop), name.clone());
            let source = programs.join(format!("{name}.py"));
            let trial = format!("{}/{name}", mode.name());
            trials.push(Trial::test(trial, move || {
                test(&workshop, &name, &source, mode)
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn names(programs: &Path) -> Vec<String> {
    let entries = fs::read_dir(programs).expect("the programs are in the repository");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .filter_map(|name| name.to_str()?.strip_suffix(".py").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() > 30, "where have the programs gone?");
    names
}

fn test(workshop: &Workshop, name: &str, source: &Path, mode: Mode) -> Result<(), Failed> {
    let expected = Expectations::read(&fs::read_to_string(source)?)?;
    let project = workshop.project(name, mode)?;
    let wasm = match (sandbox::artifact(&project), expected.outcome(mode)) {
        (Ok(wasm), _) => wasm,
        (Err(error), expectations::Outcome::Refused(kind)) => {
            return Ok(check::refusal(&error, &kind, &expected)?);
        }
        (Err(error), _) => return Err(check::told(&error).into()),
    };
    let sink = sandbox::run(&wasm, &expected.env)?;
    check::run(&sink, &expected, &expected.outcome(mode))?;
    if let Some(table) = &expected.differs {
        let again = sandbox::run(&wasm, &expected.env)?;
        check::differs(&sink, &again, table)?;
    }
    Ok(())
}
