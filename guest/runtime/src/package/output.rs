//! The files that hand results over.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::fd::IntoRawFd;

use wadup_protocol::paths;

/// Files `/metadata/NNNNNNNN.json`, each complete when it is closed.
pub(super) struct MetadataFiles {
    next: u32,
    /// A file that could not be written to its end. It stays open, because closing it would
    /// hand it over, and is used for the next attempt.
    unfinished: Option<(File, String)>,
}

impl MetadataFiles {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            unfinished: None,
        }
    }

    /// Hands `json` over, in full or not at all. An error comes with the path.
    pub(super) fn write(&mut self, json: &[u8]) -> Result<(), (io::Error, String)> {
        let (mut file, path) = match self.unfinished.take() {
            Some(unfinished) => unfinished,
            None => create_next(paths::METADATA_DIR, "json", &mut self.next)?,
        };
        if let Err(error) = rewrite(&mut file, json) {
            self.unfinished = Some((file, path.clone()));
            return Err((error, path));
        }
        close(file).map_err(|error| (error, path))
    }
}

/// Makes the next file that does not exist: a program may have written some itself, and on
/// other hosts the directory may not be empty.
pub(super) fn create_next(
    directory: &str,
    extension: &str,
    next: &mut u32,
) -> Result<(File, String), (io::Error, String)> {
    loop {
        let path = format!("{directory}/{next:08}.{extension}");
        *next += 1;
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                *next -= 1;
                return Err((error, path));
            }
        }
    }
}

fn rewrite(file: &mut File, content: &[u8]) -> io::Result<()> {
    if file.stream_position()? != 0 {
        file.rewind()?;
        file.set_len(0)?;
    }
    file.write_all(content)
}

/// Closes the file and says whether the host took it, which dropping it would not.
#[expect(unsafe_code, reason = "std has no close that can fail")]
pub(super) fn close(file: File) -> io::Result<()> {
    unsafe extern "C" {
        fn close(fd: c_int) -> c_int;
    }
    // SAFETY: the descriptor is this file's, which is gone.
    match unsafe { close(file.into_raw_fd()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
