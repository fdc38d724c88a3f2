//! SHA-256 digests of files, and the keys of steps.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use sha2::{Digest as _, Sha256 as Hasher};

/// A SHA-256 digest; shown and read as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Hasher::digest(bytes).into())
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Self(hasher.finalize().into())),
                length => hasher.update(&buffer[..length]),
            }
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest: 64 hexadecimal digits are expected")]
pub struct ParseSha256Error(String);

impl FromStr for Sha256 {
    type Err = ParseSha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseSha256Error(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(error());
        }
        let mut bytes = [0; 32];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| error())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Sha256 {
    type Error = ParseSha256Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The identity of a step's result: a digest of everything that goes into it.
/// Shown as 24 hexadecimal digits, which keeps folder names short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct StepKey([u8; 12]);

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Collects what a [`StepKey`] is made of. Each field is written with its name
/// and the lengths of both, so that no two lists of fields read the same.
#[derive(Clone)]
pub(crate) struct KeyBuilder(Hasher);

impl KeyBuilder {
    /// Starts the key of the step of that name.
    pub(crate) fn new(step: &str) -> Self {
        let mut key = Self(Hasher::new());
        key.field("step", step);
        key
    }

    /// Adds one input.
    pub(crate) fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    /// Adds a list as one input: its order counts.
    pub(crate) fn list(&mut self, name: &str, values: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let mut inner = Self(Hasher::new());
        for value in values {
            inner.field("", value);
        }
        let digest: [u8; 32] = inner.0.finalize().into();
        self.field(name, digest);
    }

    /// The key of all that was added.
    pub(crate) fn finish(self) -> StepKey {
        let digest: [u8; 32] = self.0.finalize().into();
        let mut short = [0; 12];
        short.copy_from_slice(&digest[..12]);
        StepKey(short)
    }
}

/// A digest of a folder's regular files: their paths relative to it, their
/// contents, and nothing else (no modes, no times).
///
/// # Errors
///
/// When a file or folder cannot be read.
pub(crate) fn of_tree(root: &Path) -> io::Result<Sha256> {
    let mut files = Vec::new();
    list_files(root, root, &mut files)?;
    files.sort();
    let mut listing = String::new();
    for name in files {
        let digest = Sha256::of_file(&root.join(&name))?;
        // Writing to a string does not fail.
        let _ = writeln!(listing, "{digest} {}", name.escape_debug());
    }
    Ok(Sha256::of(listing))
}

fn list_files(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list_files(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_being_shown_and_read() {
        let digest = Sha256::of("wadup");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("abc".parse::<Sha256>().is_err());
        assert!("zz".repeat(32).parse::<Sha256>().is_err());
        assert!("é".repeat(32).parse::<Sha256>().is_err());
    }

    #[test]
    fn keys_tell_fields_apart() {
        let key = |fields: &[(&str, &str)]| {
            let mut key = KeyBuilder::new("step");
            for (name, value) in fields {
                key.field(name, value);
            }
            key.finish()
        };
        assert_eq!(key(&[("a", "1")]), key(&[("a", "1")]));
        assert_ne!(key(&[("a", "1")]), key(&[("a", "2")]));
        assert_ne!(key(&[("ab", "c")]), key(&[("a", "bc")]));
        assert_ne!(
            key(&[("a", "1"), ("b", "2")]),
            key(&[("b", "2"), ("a", "1")])
        );
    }

    #[test]
    fn lists_are_not_joined() {
        let key = |values: &[&str]| {
            let mut key = KeyBuilder::new("step");
            key.list("flags", values);
            key.finish()
        };
        assert_ne!(key(&["-a", "-b"]), key(&["-a-b"]));
        assert_ne!(key(&["-a"]), key(&["-a", ""]));
    }

    #[test]
    fn a_tree_is_named_by_paths_and_contents_only() {
        let folder = tempfile::tempdir().unwrap();
        let write = |root: &str, name: &str, content: &str| {
            let path = folder.path().join(root).join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        write("one", "a/b.py", "x");
        write("two", "a/b.py", "x");
        let digest = |root: &str| of_tree(&folder.path().join(root)).unwrap();
        assert_eq!(digest("one"), digest("two"));
        write("two", "a/c.py", "");
        assert_ne!(digest("one"), digest("two"));
    }
}
