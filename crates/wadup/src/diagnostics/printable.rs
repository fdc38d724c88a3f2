//! Text of unknown origin (a guest's messages, names of files) made safe to show.
//!
//! A terminal acts on control characters: an input's name could move the cursor, rewrite what
//! was printed, or change the window's title. They are shown as escapes instead, as are the
//! Unicode characters that reorder text (<https://trojansource.codes>).

use std::{
    ffi::OsStr,
    fmt::{self, Display, Write as _},
    path::Path,
};

/// Shows text in one line.
pub(crate) struct OneLine<T>(pub(crate) T);

/// Shows text in as many lines as it has.
pub(crate) struct Lines<T>(pub(crate) T);

/// Shows JSON text, which has ASCII's control characters as escapes already, with escapes for the
/// others: the same JSON.
pub(crate) struct JsonText<'a>(pub(crate) &'a str);

/// Shows a path in one line; bytes that are not UTF-8 as `\xNN`.
pub(crate) fn display_path(path: &Path) -> impl Display {
    fmt::from_fn(|f| write_os(f, path.as_os_str()))
}

impl<T: AsRef<str>> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().chars().try_for_each(|c| write_char(f, c))
    }
}

impl<T: AsRef<str>> Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().chars().try_for_each(|c| match c {
            '\n' | '\t' => f.write_char(c),
            c => write_char(f, c),
        })
    }
}

impl Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match is_acted_on(c) {
            // All of them are below U+10000.
            true => write!(f, "\\u{:04x}", u32::from(c)),
            false => f.write_char(c),
        })
    }
}

fn write_os(f: &mut fmt::Formatter<'_>, text: &OsStr) -> fmt::Result {
    for chunk in text.as_encoded_bytes().utf8_chunks() {
        chunk.valid().chars().try_for_each(|c| write_char(f, c))?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

fn write_char(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    if is_acted_on(c) {
        write!(f, "{}", c.escape_default())
    } else {
        f.write_char(c)
    }
}

/// Whether a terminal does something else than show it.
pub(crate) fn is_acted_on(c: char) -> bool {
    c.is_control() || reorders(c)
}

/// The bidirectional controls, and the separators that terminals take for line ends.
fn reorders(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        let hostile = "a\x1b[2J\u{9b}31m\r\u{7}b\u{202e}c\nd\te";
        assert_eq!(
            OneLine(hostile).to_string(),
            r"a\u{1b}[2J\u{9b}31m\r\u{7}b\u{202e}c\nd\te"
        );
        assert_eq!(
            Lines(hostile).to_string(),
            "a\\u{1b}[2J\\u{9b}31m\\r\\u{7}b\\u{202e}c\nd\te"
        );
    }

    #[test]
    fn json_stays_the_same_json() {
        let hostile = "a\x1b\u{9b}\u{7f}\u{202e}\"é\u{1f980}";
        let json = serde_json::to_string(hostile).unwrap();
        let shown = JsonText(&json).to_string();
        assert!(!shown.contains(is_acted_on), "{shown}");
        assert!(shown.contains("é\u{1f980}"));
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), hostile);
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        assert_eq!(OneLine("Grüße, 世界 🦀").to_string(), "Grüße, 世界 🦀");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_told_apart() {
        let path = Path::new(OsStr::from_bytes(b"dir/a\xff\xfe\x1b.txt"));
        assert_eq!(display_path(path).to_string(), r"dir/a\xff\xfe\u{1b}.txt");
    }
}
