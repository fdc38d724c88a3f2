//! Values, as the page's script gets them.

use rusqlite::types::ValueRef;
use serde::Serialize;

/// The integers that a JavaScript number holds exactly.
const SAFE: std::ops::RangeInclusive<i64> = -(1 << 53) + 1..=(1 << 53) - 1;

/// A text that may have been cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Text {
    Whole(String),
    Cut {
        text: String,
        /// Of the whole, in bytes.
        length: u64,
    },
}

/// A value of SQLite.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    /// One that a JavaScript number would change.
    Large {
        integer: String,
    },
    Real(f64),
    /// An infinity.
    Infinite {
        real: String,
    },
    Text(Text),
    /// Not text, so shown with escapes.
    Bytes {
        bytes: String,
    },
}

impl Default for Text {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Text {
    /// The first `limit` bytes, or fewer where a character would be cut.
    pub(crate) fn new(text: &str, limit: u32) -> Self {
        let limit = limit as usize;
        if text.len() <= limit {
            return Self::Whole(text.to_owned());
        }
        Self::Cut {
            text: text[..text.floor_char_boundary(limit)].to_owned(),
            length: text.len() as u64,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Whole(text) | Self::Cut { text, .. } => text.len(),
        }
    }
}

impl Cell {
    pub(crate) fn new(value: ValueRef<'_>, limit: u32) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) if SAFE.contains(&value) => Self::Integer(value),
            ValueRef::Integer(value) => Self::Large {
                integer: value.to_string(),
            },
            ValueRef::Real(value) if value.is_finite() => Self::Real(value),
            ValueRef::Real(value) => Self::Infinite {
                real: value.to_string(),
            },
            ValueRef::Text(text) => Self::Text(Text::new(&String::from_utf8_lossy(text), limit)),
            ValueRef::Blob(bytes) => Self::Bytes {
                bytes: bytes[..bytes.len().min(limit as usize)]
                    .escape_ascii()
                    .to_string(),
            },
        }
    }

    /// About how many bytes it is in the page.
    pub(crate) fn size(&self) -> u64 {
        let text = match self {
            Self::Text(text) => text.len(),
            Self::Bytes { bytes } => bytes.len(),
            _ => 8,
        };
        text as u64 + 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: ValueRef<'_>) -> String {
        serde_json::to_string(&Cell::new(value, 5)).unwrap()
    }

    #[test]
    fn values_reach_the_script_unchanged() {
        assert_eq!(json(ValueRef::Null), "null");
        assert_eq!(json(ValueRef::Integer(-7)), "-7");
        assert_eq!(json(ValueRef::Real(0.5)), "0.5");
        assert_eq!(json(ValueRef::Text(b"abc")), r#""abc""#);
    }

    #[test]
    fn integers_that_a_script_would_round_are_texts() {
        assert_eq!(
            json(ValueRef::Integer(1 << 53)),
            r#"{"integer":"9007199254740992"}"#
        );
        assert_eq!(json(ValueRef::Integer((1 << 53) - 1)), "9007199254740991");
        assert_eq!(
            json(ValueRef::Integer(i64::MIN)),
            r#"{"integer":"-9223372036854775808"}"#
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        assert_eq!(
            json(ValueRef::Text("aaaaüb".as_bytes())),
            r#"{"text":"aaaa","length":7}"#
        );
    }

    #[test]
    fn bytes_and_infinities_have_a_form() {
        assert_eq!(json(ValueRef::Blob(b"a\xff")), r#"{"bytes":"a\\xff"}"#);
        assert_eq!(json(ValueRef::Real(f64::INFINITY)), r#"{"real":"inf"}"#);
    }
}
