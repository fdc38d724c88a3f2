//! Packages that a test brings itself.

use std::{
    fs,
    io::{self, Cursor, Write as _},
    path::Path,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Puts a wheel of these files into a project's folder, with a RECORD of them, and a lock that
/// names it and nothing else. `name` has no characters that need to be changed.
pub(crate) fn locked(
    project: &Path,
    name: &str,
    version: &str,
    files: &[(impl AsRef<str>, impl AsRef<[u8]>)],
) -> io::Result<()> {
    let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
    let wheel = wheel(&format!("{}-{version}", name.replace('-', "_")), files)?;
    let digest: String = Sha256::digest(&wheel)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(project.join(&file), wheel)?;
    fs::write(
        project.join("pylock.toml"),
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"test\"\n\
             [[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             wheels = [{{ path = \"{file}\", hashes = {{ sha256 = \"{digest}\" }} }}]\n"
        ),
    )
}

fn wheel(release: &str, files: &[(impl AsRef<str>, impl AsRef<[u8]>)]) -> io::Result<Vec<u8>> {
    let own = format!("{release}.dist-info/RECORD");
    let mut record = format!("{own},,\n");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let (path, content) = (path.as_ref(), content.as_ref());
        let digest = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        record.push_str(&format!("{path},sha256={digest},{}\n", content.len()));
        zip.start_file(path, SimpleFileOptions::default())?;
        zip.write_all(content)?;
    }
    zip.start_file(own, SimpleFileOptions::default())?;
    zip.write_all(record.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}
