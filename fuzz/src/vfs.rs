//! The file system of the sandbox beside a real directory.

#[path = "../../crates/wadup-vfs/tests/model/mod.rs"]
mod model;

use std::fmt::Display;
use std::sync::{LazyLock, Mutex, PoisonError};

use arbitrary::Unstructured;
use tempfile::TempDir;
use wadup_vfs::OpenOptions;

use self::model::{At, Operation, RealRoot, SLOTS, compare};

/// `None` where this user may not `chroot`. The folder stays when a fuzzer ends.
static REAL: LazyLock<Option<Mutex<(RealRoot, TempDir)>>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    match RealRoot::enter(folder.path().to_owned()) {
        Ok(root) => Some(Mutex::new((root, folder))),
        Err(errno) => {
            report_skip(format_args!("this user may not chroot: {errno}"));
            None
        }
    }
});

#[expect(clippy::print_stderr, reason = "a check that is skipped says why")]
fn report_skip(reason: impl Display) {
    eprintln!("nothing is compared: {reason}");
}

pub fn check(data: &[u8]) {
    let Some(real) = &*REAL else {
        return;
    };
    let mut input = Unstructured::new(data);
    let mut operations = Vec::new();
    while !input.is_empty() && operations.len() < 100 {
        match operation(&mut input) {
            Ok(operation) => operations.push(operation),
            Err(_) => break,
        }
    }
    let real = real.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(difference) = compare(&real.0, operations) {
        panic!("{difference}");
    }
}

fn operation(input: &mut Unstructured<'_>) -> arbitrary::Result<Operation> {
    use Operation::*;
    Ok(match input.int_in_range(0..=13)? {
        0 => CreateDirectory(at(input)?),
        1 => RemoveDirectory(at(input)?),
        2 => RemoveFile(at(input)?),
        3 => Rename(one_of_two(input)?, one_of_two(input)?),
        4 => Link(one_of_two(input)?, input.arbitrary()?, one_of_two(input)?),
        5 => Symlink(path(input)?, at(input)?),
        6 => ReadLink(at(input)?),
        7 => Stat(at(input)?, input.arbitrary()?),
        8 => List(at(input)?),
        9 => Open(slot(input)?, at(input)?, open_options(input)?),
        10 => Close(slot(input)?),
        11 => Write(
            slot(input)?,
            offset(input)?,
            len(input)?,
            input.arbitrary()?,
        ),
        12 => Read(slot(input)?, offset(input)?, len(input)?),
        _ => Truncate(slot(input)?, offset(input)?),
    })
}

fn slot(input: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    input.int_in_range(0..=SLOTS - 1)
}

fn len(input: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    input.int_in_range(0..=70_000)
}

fn offset(input: &mut Unstructured<'_>) -> arbitrary::Result<u64> {
    input.int_in_range(0..=300_000)
}

fn at(input: &mut Unstructured<'_>) -> arbitrary::Result<At> {
    let at = one_of_two(input)?;
    // A name that is too long; only from the root: a removed directory may complain first.
    if at.slot.is_none() && input.ratio(1, 40)? {
        let path = "x".repeat(256);
        return Ok(At { slot: None, path });
    }
    Ok(at)
}

/// For operations with two paths: which is complained of first when both are wrong is not worth
/// copying.
fn one_of_two(input: &mut Unstructured<'_>) -> arbitrary::Result<At> {
    let slot = match input.int_in_range(0..=4 * SLOTS)? {
        slot if slot < SLOTS => Some(slot),
        _ => None,
    };
    let path = path(input)?;
    Ok(At { slot, path })
}

fn path(input: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let mut path = String::new();
    if input.arbitrary()? {
        path.push('/');
    }
    for index in 0..input.int_in_range(0..=4)? {
        if index > 0 {
            path.push('/');
        }
        path += input.choose(&["a", "b", "c", "a", "b", "c", ".", "..", ".."])?;
    }
    if input.ratio(1, 6)? {
        path.push('/');
    }
    Ok(path)
}

fn open_options(input: &mut Unstructured<'_>) -> arbitrary::Result<OpenOptions> {
    let (read, write) = *input.choose(&[(true, false), (false, true), (true, true)])?;
    let [create, exclusive, truncate, directory, follow] = input.arbitrary::<[bool; 5]>()?;
    Ok(OpenOptions {
        read,
        write,
        create,
        exclusive: create && exclusive,
        truncate,
        directory: directory && !create,
        follow,
    })
}
