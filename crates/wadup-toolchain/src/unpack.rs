//! Unpacking archives, with libraries rather than with the machine's tools.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// Unpacks the files of a Debian package that `wanted` picks. Nothing is
/// installed.
pub(crate) fn deb(
    package: &Path,
    destination: &Path,
    wanted: impl Fn(&Path) -> bool,
) -> io::Result<()> {
    let mut dpkg = Command::new("dpkg-deb")
        .arg("--fsys-tarfile")
        .arg(package)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let Some(output) = dpkg.stdout.take() else {
        return Err(io::Error::other("dpkg-deb has no output"));
    };
    let unpacked = tar(output, destination, |path| {
        wanted(path).then(|| path.to_owned())
    });
    let status = dpkg.wait()?;
    unpacked?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("dpkg-deb failed: {status}")))
    }
}

/// Unpacks a `.tar.xz` without its outermost folder.
pub fn tar_xz(archive: &Path, destination: &Path) -> io::Result<()> {
    let file = BufReader::new(File::open(archive)?);
    tar(
        lzma_rust2::XzReader::new(file, true),
        destination,
        without_first,
    )
}

/// Unpacks a `.tar.gz` (an sdist, a `.crate`) without its outermost folder.
pub fn tar_gz(archive: &Path, destination: &Path) -> io::Result<()> {
    let file = BufReader::new(File::open(archive)?);
    tar(
        flate2::bufread::GzDecoder::new(file),
        destination,
        without_first,
    )
}

/// Unpacks a wheel.
pub(crate) fn wheel(archive: &Path, destination: &Path) -> io::Result<()> {
    let file = BufReader::new(File::open(archive)?);
    let mut wheel = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    wheel.extract(destination).map_err(io::Error::other)
}

/// Unpacks a tar stream; `place` gives each entry its path below `destination`,
/// or drops it.
fn tar(
    reader: impl Read,
    destination: &Path,
    place: impl Fn(&Path) -> Option<PathBuf>,
) -> io::Result<()> {
    fs::create_dir_all(destination)?;
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = normal(&entry.path()?);
        let Some(place) = place(&path).filter(|place| !place.as_os_str().is_empty()) else {
            continue;
        };
        let target = destination.join(place);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        entry.unpack(&target)?;
    }
    Ok(())
}

/// A path of plain names: without roots, `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components()
        .filter(|component| matches!(component, Component::Normal(_)))
        .collect()
}

fn without_first(path: &Path) -> Option<PathBuf> {
    Some(path.components().skip(1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for name in names {
            let mut header = tar::Header::new_gnu();
            header.set_size(1);
            header.set_mode(0o644);
            // `append_data` refuses names like `../x`; an attacker would not.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            builder.append(&header, &b"x"[..]).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn the_outermost_folder_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        tar(&*archive(&["a-1/b/c"]), folder.path(), without_first).unwrap();
        assert!(folder.path().join("b/c").is_file());
    }

    #[test]
    fn nothing_is_written_outside_of_the_destination() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        let files = archive(&["a/../../evil", "/a/absolute"]);
        tar(&*files, &inner, without_first).unwrap();
        assert!(inner.join("evil").is_file() && inner.join("absolute").is_file());
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
