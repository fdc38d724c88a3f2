//! The terminal's side of a guest's standard streams, while it runs.

use std::io::{self, IsTerminal as _, Write};

use wadup_host::{Output, StandardStreams};

use crate::diagnostics::is_acted_on;

/// stdin, stdout and stderr of this process.
pub(crate) struct Streams {
    stdout: Outlet,
    stderr: Outlet,
    /// None: it is at its end, as a script was read from it.
    stdin: bool,
}

/// Where output goes: as it is, or made safe for a terminal.
enum Outlet {
    Plain,
    Terminal(Filter),
}

impl Streams {
    /// `stdin`: whether there is something to read.
    pub(crate) fn new(stdin: bool) -> Self {
        Self {
            stdout: Outlet::new(io::stdout().is_terminal()),
            stderr: Outlet::new(io::stderr().is_terminal()),
            stdin,
        }
    }
}

impl Outlet {
    fn new(is_terminal: bool) -> Self {
        match is_terminal {
            true => Self::Terminal(Filter::default()),
            false => Self::Plain,
        }
    }

    fn write(&mut self, mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain => to.write_all(bytes)?,
            Self::Terminal(filter) => to.write_all(filter.pass(bytes).as_bytes())?,
        }
        to.flush()
    }

    fn finish(&mut self, mut to: impl Write) {
        if let Self::Terminal(filter) = self {
            // Nobody is left to see it.
            let _ = to.write_all(filter.finish().as_bytes());
            let _ = to.flush();
        }
    }
}

impl StandardStreams for Streams {
    fn read(&mut self, buf: &mut [u8], stop: &dyn Fn() -> bool) -> io::Result<usize> {
        match self.stdin {
            true => wadup_host::read_stdin(buf, stop),
            false => Ok(0),
        }
    }

    fn write(&mut self, to: Output, bytes: &[u8]) -> io::Result<()> {
        match to {
            Output::Stdout => self.stdout.write(io::stdout().lock(), bytes),
            Output::Stderr => self.stderr.write(io::stderr().lock(), bytes),
        }
    }
}

/// What the guest left unfinished is shown as well, and colours end with it.
impl Drop for Streams {
    fn drop(&mut self) {
        self.stdout.finish(io::stdout().lock());
        self.stderr.finish(io::stderr().lock());
    }
}

/// Lets text and colours through to a terminal, and shows all else that it would act on.
#[derive(Default)]
struct Filter {
    /// The beginning of a character or of a sequence that is not complete.
    pending: Vec<u8>,
    /// Whether a colour may be set.
    styled: bool,
}

/// What a sequence begins as may turn out to be.
enum Sequence {
    /// A colour or another style, of so many bytes.
    Style(usize),
    /// It may still become one.
    Incomplete,
    Other,
}

/// The longest sequence that is waited for.
const LONGEST: usize = 64;

impl Filter {
    fn pass(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let all = std::mem::take(&mut self.pending);
        let mut shown = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        while let Some(chunk) = rest.utf8_chunks().next() {
            let (valid, invalid) = (chunk.valid(), chunk.invalid());
            let end = valid.len() + invalid.len();
            let done = self.text(valid, &mut shown);
            let is_last = rest.len() == end;
            if done < valid.len() && is_last && invalid.is_empty() {
                self.pending = rest[done..].to_vec();
                return shown;
            }
            if done < valid.len() {
                shown.push_str(&escaped(&valid[done..]));
            }
            if is_last && is_cut_off(invalid) {
                self.pending = invalid.to_vec();
                return shown;
            }
            for byte in invalid {
                shown.push_str(&format!("\\x{byte:02x}"));
            }
            rest = &rest[end..];
        }
        shown
    }

    /// How much of a text was dealt with: all but an incomplete sequence at its end.
    fn text(&mut self, text: &str, shown: &mut String) -> usize {
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let after = at + c.len_utf8();
            match c {
                '\n' | '\t' => shown.push(c),
                '\r' if text[after..].starts_with('\n') => {}
                '\r' if text[after..].is_empty() => return at,
                '\x1b' => match sequence(&text[at..]) {
                    Sequence::Style(length) => {
                        shown.push_str(&text[at..at + length]);
                        self.styled = true;
                        at += length;
                        continue;
                    }
                    Sequence::Incomplete => return at,
                    Sequence::Other => shown.push_str(&escaped("\x1b")),
                },
                c if is_acted_on(c) => shown.push_str(&c.escape_default().to_string()),
                c => shown.push(c),
            }
            at = after;
        }
        at
    }

    fn finish(&mut self) -> String {
        let pending = std::mem::take(&mut self.pending);
        let mut shown = escaped(&String::from_utf8_lossy(&pending));
        if std::mem::take(&mut self.styled) {
            shown.push_str("\x1b[0m");
        }
        shown
    }
}

fn escaped(text: &str) -> String {
    let show = |c: char| match is_acted_on(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(show).collect()
}

/// `ESC [ … m`: Select Graphic Rendition, which moves nothing and rewrites nothing.
fn sequence(text: &str) -> Sequence {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        None => return Sequence::Incomplete,
        Some(b'[') => {}
        Some(_) => return Sequence::Other,
    }
    let is_parameter = |byte: &u8| matches!(byte, b'0'..=b'9' | b';' | b':');
    let parameters = bytes[2..]
        .iter()
        .take_while(|byte| is_parameter(byte))
        .count();
    match bytes.get(2 + parameters) {
        Some(b'm') => Sequence::Style(3 + parameters),
        None if parameters < LONGEST => Sequence::Incomplete,
        _ => Sequence::Other,
    }
}

/// Whether bytes may be the beginning of a character.
fn is_cut_off(bytes: &[u8]) -> bool {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    bytes.len() < length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pieces: &[&[u8]]) -> String {
        let mut filter = Filter::default();
        let mut shown: String = pieces.iter().map(|piece| filter.pass(piece)).collect();
        shown.push_str(&filter.finish());
        shown
    }

    #[test]
    fn colours_pass_and_nothing_else_that_a_terminal_acts_on() {
        let hostile = b"a\x1b[1;31mred\x1b[2J\x1b]0;title\x07\x9b31m\rb\r\nc\td\xe2\x80\xae";
        assert_eq!(
            passed(&[hostile]),
            "a\x1b[1;31mred\\u{1b}[2J\\u{1b}]0;title\\u{7}\\x9b31m\\rb\nc\td\\u{202e}\x1b[0m"
        );
    }

    #[test]
    fn it_does_not_matter_where_writes_end() {
        let text = "é\x1b[38;5;1m\u{1f980}\x1b[Kx\r\n\x1b[\u{202e}\x1b".as_bytes();
        let whole = passed(&[text]);
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(passed(&pieces), whole, "in pieces of {size}");
        }
        assert_eq!(
            whole,
            "é\x1b[38;5;1m\u{1f980}\\u{1b}[Kx\n\\u{1b}[\\u{202e}\\u{1b}\x1b[0m"
        );
    }

    #[test]
    fn a_sequence_without_an_end_is_not_waited_for() {
        let mut filter = Filter::default();
        let endless = [b"\x1b[".as_slice(), &[b'1'; 100]].concat();
        assert!(filter.pass(&endless).starts_with("\\u{1b}[111"));
        assert!(filter.pending.is_empty());
    }
}
