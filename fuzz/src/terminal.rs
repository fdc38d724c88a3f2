//! What is shown of unknown text: nothing that a terminal acts on.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::diagnostics::{Lines, OneLine, display_path};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    check_harmless(&OneLine(&text).to_string(), &[]);
    check_harmless(&Lines(&text).to_string(), &['\n', '\t']);
    check_harmless(
        &display_path(Path::new(OsStr::from_bytes(data))).to_string(),
        &[],
    );
}

/// Control characters, and those that turn the direction of text or break lines.
pub(crate) fn check_harmless(shown: &str, allowed: &[char]) {
    let bad = shown.chars().find(|c| {
        let acts = c.is_control()
            || matches!(*c as u32, 0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069);
        acts && !allowed.contains(c)
    });
    assert_eq!(bad, None, "{shown:?}");
}
