//! The caps on what an execution hands over.

use std::fmt;

/// A cap that was exceeded, which ends the execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cap {
    Rows,
    MetadataFile,
    Tables,
    Pieces,
    Bytes,
    Ratio,
    Names,
    Copy,
}

impl Cap {
    /// The outcome's `error_kind`.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Rows | Self::MetadataFile => "rows",
            Self::Tables => "tables",
            Self::Copy => "files",
            Self::Pieces | Self::Bytes | Self::Ratio | Self::Names => "sub-content",
        }
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Copy => {
                "the guest handed over a file that has other names or is open, and --max-files has \
                 no room for a second one"
            }
            Self::Rows => "the guest handed over more rows than --max-rows allows",
            Self::MetadataFile => {
                "the guest handed over a metadata file that is longer than --max-rows allows"
            }
            Self::Tables => "the guest handed over more tables than --max-tables allows",
            Self::Pieces => {
                "below the input is more sub-content than --max-subcontent allows, by number"
            }
            Self::Bytes => {
                "below the input is more sub-content than --max-subcontent-size allows, by size"
            }
            Self::Ratio => {
                "below the input is more sub-content than --max-subcontent-ratio allows, by size"
            }
            Self::Names => {
                "below the input is sub-content with longer names than --max-subcontent allows, \
                 256 bytes each in the mean"
            }
        })
    }
}
