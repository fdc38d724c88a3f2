//! From a wheel's entries to the files of `site-packages`.

use std::collections::BTreeMap;
use std::path::Path;

use wadup_project::WheelFilename;

use super::archive::Archive;
use super::error::WheelError;
use super::metadata::Metadata;
use super::record;

/// The files of a wheel as they are laid out in `site-packages`, by relative path. RECORD is
/// checked and left out: what is packed in the end is recorded anew.
pub(crate) fn unpack(
    file: &Path,
    filename: &WheelFilename,
) -> Result<BTreeMap<String, Vec<u8>>, WheelError> {
    let mut archive = Archive::open(file, filename)?;
    let dist_info = archive.dist_info()?;
    let contents = archive.read_all()?;
    check_record(filename, &dist_info, &contents)?;
    check_metadata(filename, &dist_info, &contents)?;
    let record = format!("{dist_info}/RECORD");
    let mut files = BTreeMap::new();
    for (entry, content) in contents {
        let Some(path) = installed_path(&entry).filter(|path| *path != record) else {
            continue;
        };
        if files.insert(path.to_owned(), content).is_some() {
            return Err(archive.entry_error(&entry, "another entry has its place"));
        }
    }
    match file_with_files_in_it(&files) {
        Some(file) => Err(archive.entry_error(file, "another entry has it as a folder")),
        None => Ok(files),
    }
}

fn file_with_files_in_it(files: &BTreeMap<String, Vec<u8>>) -> Option<&str> {
    let mut folders = files.keys().flat_map(|path| folders_of(path));
    folders.find(|folder| files.contains_key(*folder))
}

/// The folders that a file is in.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// A wheel has to be what its name says, which is what was locked.
fn check_metadata(
    filename: &WheelFilename,
    dist_info: &str,
    contents: &BTreeMap<String, Vec<u8>>,
) -> Result<(), WheelError> {
    let wrong = |problem| WheelError::Metadata {
        wheel: filename.to_string(),
        problem,
    };
    let text = contents.get(&format!("{dist_info}/METADATA"));
    let text = text.ok_or_else(|| wrong("there is none".to_owned()))?;
    let found = Metadata::parse(&String::from_utf8_lossy(text)).map_err(wrong)?;
    if found.name == filename.name && found.version == filename.version {
        return Ok(());
    }
    Err(wrong(format!("it is of {} {}", found.name, found.version)))
}

/// Where an entry belongs. `*.data` is for other places than `site-packages`: of these,
/// `purelib` and `platlib` are `site-packages`; scripts, headers and `data`, which belongs
/// into the prefix of an environment, have no place in an artifact.
fn installed_path(entry: &str) -> Option<&str> {
    let (first, rest) = match entry.split_once('/') {
        Some((first, rest)) if first.ends_with(".data") => (first, rest),
        _ => return Some(entry),
    };
    debug_assert!(first.ends_with(".data"));
    let (scheme, path) = rest.split_once('/')?;
    matches!(scheme, "purelib" | "platlib").then_some(path)
}

/// Every file must be in RECORD with its digest, and every line of it must be a file.
fn check_record(
    filename: &WheelFilename,
    dist_info: &str,
    contents: &BTreeMap<String, Vec<u8>>,
) -> Result<(), WheelError> {
    let wrong = |entry: &str, problem| WheelError::Record {
        wheel: filename.to_string(),
        entry: entry.to_owned(),
        problem,
    };
    let path = format!("{dist_info}/RECORD");
    let Some(text) = contents.get(&path) else {
        return Err(wrong(&path, "there is none"));
    };
    let recorded = record::parse(&String::from_utf8_lossy(text));
    let recorded = recorded.map_err(|entry| wrong(&entry, "it is listed in two ways"))?;
    for (entry, content) in contents {
        // The specification exempts RECORD and its signatures.
        if *entry == path || *entry == format!("{path}.jws") || *entry == format!("{path}.p7s") {
            continue;
        }
        let Some(line) = recorded.get(entry) else {
            return Err(wrong(entry, "it is not listed"));
        };
        line.check(content)
            .map_err(|problem| wrong(entry, problem))?;
    }
    match recorded.keys().find(|entry| !contents.contains_key(*entry)) {
        Some(entry) => Err(wrong(entry, "it is listed, but not there")),
        None => Ok(()),
    }
}
