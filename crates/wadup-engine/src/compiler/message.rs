//! What a parent and its compiler say to each other.
//!
//! The parent's half is a header (JSON, after its length as a `u32`), then the module and the
//! known functions, one after the other. The child's half is its exit code and a file.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::engine::{CodeSettings, Interruption};

/// The child has done what it was asked to. The file has the result.
pub(super) const DONE: u8 = 0;
/// The module is not valid. The file has the reasons as a JSON array of strings, the last being
/// the innermost.
pub(super) const REFUSED: u8 = 3;
/// The file could not be written; stderr says why.
pub(super) const NOT_WRITTEN: u8 = 4;

/// The most bytes of a header.
const HEADER_MAX: u32 = 64 << 10;

/// What is to be done, and what it may take.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The process that asks. A child whose parent is another one has none any more.
    pub(super) parent: u32,
    /// Bytes.
    pub(super) memory: u64,
    /// Seconds, of all threads together.
    pub(super) cpu_seconds: u64,
    pub(super) task: Task,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    /// Text to binary. The file has that.
    Translate { text: u64 },
    /// Binary to compiled code. The file has that, all functions if there are new ones, and the
    /// length of both ([`Lengths`]).
    Compile {
        settings: CodeSettings,
        interruption: Interruption,
        /// What the cache calls the code: it says that both have the same module, settings and
        /// wasmtime.
        key: [u8; 32],
        module: u64,
        /// Known functions, where they are to be shared.
        functions: Option<u64>,
    },
}

/// What there is in a compilation's file: code, functions, and at its end this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) code: u64,
    pub(crate) functions: u64,
}

impl Lengths {
    pub(super) const SIZE: u64 = 16;

    pub(super) fn to_bytes(self) -> [u8; 16] {
        let both = u128::from(self.code) | u128::from(self.functions) << 64;
        both.to_le_bytes()
    }

    /// Of the end of a file of `total` bytes; `None` if that is not what they say.
    pub(super) fn parse(bytes: [u8; 16], total: u64) -> Option<Self> {
        let both = u128::from_le_bytes(bytes);
        let lengths = Self {
            code: both as u64,
            functions: (both >> 64) as u64,
        };
        let sum = lengths.code.checked_add(lengths.functions)?;
        (sum.checked_add(Self::SIZE) == Some(total)).then_some(lengths)
    }
}

impl Request {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&json)
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > HEADER_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let json = read_part(from, length.into())?;
        Ok(serde_json::from_slice(&json)?)
    }
}

/// The next `length` bytes.
pub(super) fn read_part(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_do_not_add_up_are_none() {
        let lengths = Lengths {
            code: 5,
            functions: u64::MAX - 40,
        };
        assert_eq!(Lengths::parse(lengths.to_bytes(), 21), None);
        let lengths = Lengths {
            code: 5,
            functions: 7,
        };
        assert_eq!(Lengths::parse(lengths.to_bytes(), 27), None);
        assert_eq!(Lengths::parse(lengths.to_bytes(), 28), Some(lengths));
    }

    #[test]
    fn requests_come_as_they_were_sent() {
        let request = Request {
            parent: 7,
            memory: 8,
            cpu_seconds: 9,
            task: Task::Translate { text: 3 },
        };
        let mut bytes = Vec::new();
        request.write(&mut bytes).unwrap();
        bytes.extend(b"abc");
        let mut rest = bytes.as_slice();
        let read = Request::read(&mut rest).unwrap();
        assert_eq!(format!("{read:?}"), format!("{request:?}"));
        assert_eq!(read_part(&mut rest, 3).unwrap(), b"abc");
        assert!(Request::read(&mut [255; 9].as_slice()).is_err());
    }
}
