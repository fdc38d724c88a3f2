//! Wheels: files that all belong below `site-packages`, as the archive has them, or an error.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use arbitrary::Unstructured;
use wadup_build::fuzzing;
use wadup_project::WheelFilename;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::heap::Meter;

const DIST_INFO: &str = "demo-1.0.dist-info";

static FILENAME: LazyLock<WheelFilename> =
    LazyLock::new(|| "demo-1.0-py3-none-any.whl".parse().expect("it is a name"));

/// What unpacking may allocate: what a small archive can unpack to, and some.
const MOST: i64 = 600 << 20;

pub fn check(data: &[u8]) {
    match data.split_first() {
        Some((0, structured)) => {
            let _ = made(structured);
        }
        _ => {
            unpack(data);
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(filename) = text.parse::<WheelFilename>()
    {
        assert_eq!(filename.to_string(), text);
        let _ = filename.purity(3, 13);
    }
}

/// The files of the wheel, if it is one.
fn unpack(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let file = in_memory(bytes);
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let meter = Meter::start();
    let unpacked = fuzzing::unpack_wheel(&path, &FILENAME);
    assert!(meter.peak() < MOST, "{} bytes allocated", meter.peak());
    if let Err(error) = fuzzing::wheel_metadata(&path, &FILENAME) {
        let _ = error.to_string();
    }
    match unpacked {
        Ok(files) => {
            for path in files.keys() {
                check_path(path);
            }
            Some(files)
        }
        Err(error) => {
            let _ = error.to_string();
            None
        }
    }
}

fn check_path(path: &str) {
    assert!(!path.contains(['\\', '\0', ':']), "{path:?}");
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    assert!(path.split('/').all(is_name), "{path:?}");
    assert_ne!(path, format!("{DIST_INFO}/RECORD"));
}

fn in_memory(bytes: &[u8]) -> File {
    let fd = rustix::fs::memfd_create("wheel", rustix::fs::MemfdFlags::CLOEXEC);
    let mut file = File::from(fd.expect("there are descriptors"));
    file.write_all(bytes).expect("there is memory");
    file
}

/// A wheel of any files, whose RECORD is right or wrong.
fn made(data: &[u8]) -> arbitrary::Result<()> {
    let mut input = Unstructured::new(data);
    let honest = input.ratio(3, 4)?;
    let mut files = vec![(
        format!("{DIST_INFO}/METADATA"),
        b"Name: demo\nVersion: 1.0\n".to_vec(),
    )];
    for _ in 0..input.int_in_range(0..=6)? {
        files.push((entry(&mut input)?, input.arbitrary()?));
    }
    let mut record = if honest {
        let lines = files
            .iter()
            .map(|(path, content)| fuzzing::record_line(path, content));
        lines.collect()
    } else {
        input.arbitrary::<String>()?
    };
    record += &format!("{DIST_INFO}/RECORD,,\n");
    files.push((format!("{DIST_INFO}/RECORD"), record.into_bytes()));
    let Some(bytes) = archive(&mut input, &files)? else {
        return Ok(());
    };
    let Some(unpacked) = unpack(&bytes) else {
        return Ok(());
    };
    for (path, content) in unpacked {
        let is_it = |(entry, had): &(String, Vec<u8>)| {
            let installed = entry
                .strip_suffix(&path)
                .is_some_and(|before| before.is_empty() || before.ends_with("lib/"));
            installed && *had == content
        };
        assert!(files.iter().any(is_it), "{path:?} comes from nowhere");
    }
    Ok(())
}

fn archive(
    input: &mut Unstructured<'_>,
    files: &[(String, Vec<u8>)],
) -> arbitrary::Result<Option<Vec<u8>>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let method = *input.choose(&[CompressionMethod::Stored, CompressionMethod::Deflated])?;
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .unix_permissions(input.arbitrary()?);
        let written = match input.int_in_range(0..=20)? {
            0 => zip.add_directory(path.as_str(), options),
            1 => zip.add_symlink(path.as_str(), "/etc/passwd", options),
            _ => zip
                .start_file(path.as_str(), options)
                .and_then(|()| Ok(zip.write_all(content)?)),
        };
        if written.is_err() {
            return Ok(None);
        }
    }
    Ok(zip.finish().ok().map(Cursor::into_inner))
}

fn entry(input: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    const PARTS: [&str; 16] = [
        "demo",
        "__init__.py",
        "demo-1.0.data",
        "demo-1.0.dist-info",
        "other-2.dist-info",
        "purelib",
        "platlib",
        "scripts",
        "entry_points.txt",
        "RECORD",
        "RECORD.jws",
        "METADATA",
        "..",
        ".",
        "",
        "a,\"b\n",
    ];
    let mut parts = Vec::new();
    for _ in 0..input.int_in_range(1..=4)? {
        parts.push(match input.int_in_range(0..=PARTS.len())? {
            index if index < PARTS.len() => PARTS[index].to_owned(),
            _ => input.arbitrary()?,
        });
    }
    Ok(parts.join("/"))
}
