//! A wheel's ZIP archive. It came from an index: nothing in it is trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use wadup_project::{PackageName, WheelFilename};
use zip::ZipArchive;

use super::error::WheelError;

/// More than any pure-Python package has; the guest's memory is the tighter limit.
const MAX_FILES: usize = 50_000;
const MAX_TOTAL: u64 = 512 << 20;
/// In bytes: `PATH_MAX`.
const MAX_PATH: usize = 4096;
/// In parts; a bundle takes more.
const MAX_DEPTH: usize = 256;
/// Deflate does not do better than about 1030.
const MAX_RATIO: u64 = 1100;
/// The ratio of a small entry says nothing.
const RATIO_FROM: u64 = 1 << 20;

/// An open wheel.
pub(super) struct Archive<'f> {
    zip: ZipArchive<BufReader<File>>,
    filename: &'f WheelFilename,
}

impl<'f> Archive<'f> {
    /// The wheel in `file`, which need not have its own name.
    pub(super) fn open(file: &Path, filename: &'f WheelFilename) -> Result<Self, WheelError> {
        let reader = File::open(file).map_err(|source| WheelError::Open {
            path: file.to_owned(),
            source,
        })?;
        let zip = ZipArchive::new(BufReader::new(reader));
        let mut archive = Self {
            zip: zip.map_err(|source| WheelError::Zip {
                wheel: filename.to_string(),
                source,
            })?,
            filename,
        };
        archive.check_shape()?;
        Ok(archive)
    }

    pub(super) fn filename(&self) -> &WheelFilename {
        self.filename
    }

    /// The wheel's own `NAME-VERSION.dist-info`.
    pub(super) fn dist_info(&self) -> Result<String, WheelError> {
        let is_own = |folder: &str| {
            let stem = folder.strip_suffix(".dist-info")?;
            let (name, version) = stem.split_once('-')?;
            let name: PackageName = name.parse().ok()?;
            let same =
                name == self.filename.name && version.parse() == Ok(self.filename.version.clone());
            same.then(|| folder.to_owned())
        };
        let names = self.zip.file_names().flatten();
        let own = names.filter_map(|name| is_own(name.split('/').next()?));
        // Two may be spelled differently.
        let own: BTreeSet<String> = own.collect();
        let wheel = self.filename.to_string();
        match own.len() {
            0 => Err(WheelError::NoDistInfo { wheel }),
            1 => Ok(own.into_iter().collect()),
            _ => Err(WheelError::Ambiguous { wheel }),
        }
    }

    /// The content of one entry.
    pub(super) fn read(&mut self, entry: &str) -> Result<Vec<u8>, WheelError> {
        let index = self.zip.index_for_name(entry);
        let Some(index) = index else {
            return Err(self.entry_error(entry, "it is not there"));
        };
        self.read_index(index, MAX_TOTAL)
            .map(|(_, content)| content)
    }

    /// Every file with its path, checked to lead nowhere else.
    pub(super) fn read_all(&mut self) -> Result<BTreeMap<String, Vec<u8>>, WheelError> {
        let mut files = BTreeMap::new();
        let mut left = MAX_TOTAL;
        for index in 0..self.zip.len() {
            let (name, content) = self.read_index(index, left)?;
            if name.ends_with('/') {
                continue;
            }
            left -= content.len() as u64;
            files.insert(name, content);
        }
        Ok(files)
    }

    pub(super) fn entry_error(&self, entry: &str, problem: &'static str) -> WheelError {
        WheelError::Entry {
            wheel: self.filename.to_string(),
            entry: entry.to_owned(),
            problem,
        }
    }

    fn check_shape(&mut self) -> Result<(), WheelError> {
        if self.zip.len() > MAX_FILES {
            return Err(self.too_large("it has more than 50,000 files"));
        }
        let overlapping = self
            .zip
            .has_overlapping_files()
            .map_err(|e| self.zip_error(e))?;
        if self.zip.has_duplicate_names() || overlapping {
            return Err(WheelError::Ambiguous {
                wheel: self.filename.to_string(),
            });
        }
        Ok(())
    }

    /// Reads at most `left` bytes, whatever the archive says of their number.
    fn read_index(&mut self, index: usize, left: u64) -> Result<(String, Vec<u8>), WheelError> {
        let filename = self.filename;
        let zip_error = |source| WheelError::Zip {
            wheel: filename.to_string(),
            source,
        };
        let too_large = |problem| WheelError::TooLarge {
            wheel: filename.to_string(),
            problem,
        };
        let entry = self.zip.by_index(index).map_err(zip_error)?;
        let name = entry.name().map_err(zip_error)?.into_owned();
        if name.len() > MAX_PATH {
            return Err(too_large("it has a path of more than 4,096 bytes"));
        }
        if let Some(problem) = path_problem(&name) {
            return Err(self_entry(filename, &name, problem));
        }
        if entry.is_symlink() {
            return Err(self_entry(filename, &name, "it is a symbolic link"));
        }
        let (compressed, declared) = (entry.compressed_size(), entry.size());
        let mut content = Vec::new();
        entry
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|source| zip_error(source.into()))?;
        let size = content.len() as u64;
        if size > left {
            return Err(too_large("it unpacks to more than 512 MiB"));
        }
        if size != declared {
            return Err(self_entry(
                filename,
                &name,
                "it does not have the length that it says",
            ));
        }
        if size > RATIO_FROM && size / compressed.max(1) > MAX_RATIO {
            return Err(too_large("it unpacks to more than 1100 times its size"));
        }
        Ok((name, content))
    }

    fn zip_error(&self, source: zip::result::ZipError) -> WheelError {
        WheelError::Zip {
            wheel: self.filename.to_string(),
            source,
        }
    }

    fn too_large(&self, problem: &'static str) -> WheelError {
        WheelError::TooLarge {
            wheel: self.filename.to_string(),
            problem,
        }
    }
}

fn self_entry(filename: &WheelFilename, entry: &str, problem: &'static str) -> WheelError {
    WheelError::Entry {
        wheel: filename.to_string(),
        entry: entry.to_owned(),
        problem,
    }
}

/// What keeps a ZIP entry's name from being a relative path below the target.
fn path_problem(name: &str) -> Option<&'static str> {
    let path = name.strip_suffix('/').unwrap_or(name);
    if name.starts_with('/') {
        Some("its path is absolute")
    } else if name.contains(['\\', '\0', ':']) {
        Some("its path has a character that is not portable")
    } else if path.split('/').any(|part| part == "..") {
        Some("its path leads out of the package")
    } else if path.split('/').any(|part| matches!(part, "" | ".")) {
        Some("its path has an empty part")
    } else if path.split('/').count() > MAX_DEPTH {
        Some("its path has more than 256 parts")
    } else {
        None
    }
}
