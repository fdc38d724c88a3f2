//! `RECORD`: every file of a package with its digest and size, as CSV.
//! <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What RECORD says of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// `algorithm=base64`; absent for RECORD itself.
    hash: Option<String>,
    /// In bytes, where it is given.
    size: Option<String>,
}

/// The files that are listed; the error is one that is listed in two ways.
pub(super) fn parse(text: &str) -> Result<BTreeMap<String, Recorded>, String> {
    let mut recorded = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut fields = fields(line).into_iter();
        let path = fields.next().unwrap_or_default();
        let mut next = || fields.next().filter(|field| !field.is_empty());
        let new = Recorded {
            hash: next(),
            size: next(),
        };
        match recorded.entry(path) {
            Entry::Occupied(entry) if *entry.get() != new => return Err(entry.remove_entry().0),
            Entry::Occupied(_) => {}
            Entry::Vacant(entry) => {
                entry.insert(new);
            }
        }
    }
    Ok(recorded)
}

impl Recorded {
    /// What is wrong with the file's content, if anything.
    pub(super) fn check(&self, content: &[u8]) -> Result<(), &'static str> {
        let size = self.size.as_ref();
        if size.is_some_and(|size| size.parse() != Ok(content.len())) {
            return Err("its size differs");
        }
        match self.hash.as_deref().and_then(|hash| hash.split_once('=')) {
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
            let record = parse(&record_line(path, b"content")).unwrap();
            assert_eq!(record[path].check(b"content"), Ok(()));
            assert_eq!(record[path].check(b"CONTENT"), Err("its sha256 differs"));
            assert_eq!(record[path].check(b"other"), Err("its size differs"));
        }
    }

    #[test]
    fn a_weak_hash_and_none_are_refused() {
        let record = parse("a.py,md5=xyz,3\nb.py,,\n").unwrap();
        assert_eq!(record["a.py"].check(b"abc"), Err("it has no sha256"));
        assert_eq!(record["b.py"].check(b""), Err("it has no sha256"));
    }

    #[test]
    fn what_is_listed_in_two_ways_is_refused() {
        let line = record_line("a.py", b"one");
        assert_eq!(parse(&line.repeat(2)).unwrap().len(), 1);
        let other = line + &record_line("a.py", b"two");
        assert_eq!(parse(&other), Err("a.py".to_owned()));
    }
}
