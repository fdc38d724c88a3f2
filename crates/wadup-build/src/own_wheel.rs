//! The Python package `wadup` as a wheel: for editors and type checkers, and to debug a program
//! outside of the sandbox.

use std::io::{self, Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::wheel::record_line;

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// That of the sandbox's Python.
const REQUIRES_PYTHON: &str = ">=3.13";

/// The wheel's file name and content, which is the same wherever it is written.
///
/// # Errors
///
/// When an archive cannot be written, which takes more files or bytes than there are.
pub fn own_wheel() -> io::Result<(String, Vec<u8>)> {
    let own = |(path, _): &(&str, _)| path.starts_with("wadup/");
    let mut files: Vec<(String, Vec<u8>)> = wadup_toolchain::guest_python()
        .filter(own)
        .map(|(path, content)| (path.to_owned(), content.to_vec()))
        .collect();
    let dist_info = format!("wadup-{VERSION}.dist-info");
    files.push((
        format!("{dist_info}/METADATA"),
        format!(
            "Metadata-Version: 2.1\nName: wadup\nVersion: {VERSION}\n\
             Summary: Turn an input file into rows of SQL tables, from inside a wadup sandbox\n\
             License: MIT OR Apache-2.0\nRequires-Python: {REQUIRES_PYTHON}\n"
        )
        .into_bytes(),
    ));
    files.push((
        format!("{dist_info}/WHEEL"),
        format!(
            "Wheel-Version: 1.0\nGenerator: wadup {VERSION}\nRoot-Is-Purelib: true\n\
             Tag: py3-none-any\n"
        )
        .into_bytes(),
    ));
    let own = format!("{dist_info}/RECORD");
    let lines = files
        .iter()
        .map(|(path, content)| record_line(path, content));
    let record = lines.collect::<String>() + &format!("{own},,\n");
    files.push((own, record.into_bytes()));
    Ok((
        format!("wadup-{VERSION}-py3-none-any.whl"),
        archive(&files)?,
    ))
}

fn archive(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(path, options)?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wheel;

    #[test]
    fn the_package_is_a_wheel_that_wadup_itself_would_take() {
        let (name, content) = own_wheel().unwrap();
        assert_eq!(own_wheel().unwrap().1, content);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(&name);
        std::fs::write(&path, content).unwrap();
        let files = wheel::unpack(&path, &name.parse().unwrap()).unwrap();
        for expected in [
            "wadup/__init__.py",
            "wadup/_native.py",
            "wadup/_native.pyi",
            "wadup/py.typed",
        ] {
            assert!(files.contains_key(expected), "{expected}");
        }
    }
}
