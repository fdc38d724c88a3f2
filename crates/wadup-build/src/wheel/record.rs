//! `RECORD`: every file of a package with its digest and size, as CSV.
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What RECORD says of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// `algorithm=base64`; absent for RECORD itself.
    hash: Option<String>,
}

pub(super) fn parse(text: &str) -> BTreeMap<String, Recorded> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut fields = fields(line).into_iter();
            let path = fields.next().unwrap_or_default();
            let hash = fields.next().filter(|hash| !hash.is_empty());
            (path, Recorded { hash })
        })
        .collect()
}

impl Recorded {
    /// What is wrong with the file's content, if anything.
    pub(super) fn check(&self, content: &[u8]) -> Result<(), &'static str> {
        let Some(hash) = &self.hash else {
            return Ok(());
        };
        match hash.split_once('=') {
            Some(("sha256", expected)) if sha256(content) == expected => Ok(()),
            Some(("sha256", _)) => Err("its sha256 differs"),
            // The specification demands sha256 or better; all indexes' wheels have sha256.
            _ => Err("it has no sha256"),
        }
    }
}

/// The line of a file in a RECORD that is written.
pub(crate) fn record_line(path: &str, content: &[u8]) -> String {
    format!(
        "{},sha256={},{}\n",
        quoted(path),
        sha256(content),
        content.len()
    )
}

pub(crate) fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn sha256(content: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content))
}

/// The fields of one CSV line; a quoted field may hold commas and doubled quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                push(&mut fields, '"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => push(&mut fields, c),
        }
    }
    fields
}

fn push(fields: &mut [String], c: char) {
    if let Some(last) = fields.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_written_can_be_read() {
        for path in ["a/b.py", "a,b.py", "say \"hi\".txt"] {
            let record = parse(&record_line(path, b"content"));
            assert_eq!(record[path].check(b"content"), Ok(()));
            assert_eq!(record[path].check(b"other"), Err("its sha256 differs"));
        }
    }

    #[test]
    fn a_weak_hash_is_refused_and_none_is_not() {
        let record = parse("a.py,md5=xyz,3\nRECORD,,\n");
        assert_eq!(record["a.py"].check(b""), Err("it has no sha256"));
        assert_eq!(record["RECORD"].check(b""), Ok(()));
    }
}
