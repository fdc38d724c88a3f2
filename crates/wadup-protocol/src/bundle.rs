//! The read-only file tree inside an artifact, and how the interpreter is to be started.
//!
//! The builder packs the tree with [`BundleWriter`] and gives it to the runtime as the file
//! [`crate::paths::BUNDLE`]. The runtime reads it into linear memory as it is and looks files up
//! in place through [`Bundle`]. A file may be compressed, each on its own, so that a reader of
//! one file never unpacks another; what reads it is up to the two sides, this crate only keeps
//! the bytes.
//!
//! # Format (version 2, little-endian)
//!
//! | part | bytes |
//! |---|---|
//! | header | magic `wadupbdl`, then `u32`s: version, number of nodes, length of the names, of the boot JSON, of the dictionary, of the data; zeros up to 64 bytes |
//! | nodes | 28 bytes each: seven `u32`s: kind (0 directory, 1 file, 2 compressed file), name offset, name length, parent, first, count, size |
//! | names | UTF-8, one after another, no separator |
//! | boot | [`Boot`] as JSON |
//! | zeros | up to the next multiple of 64 |
//! | dictionary | a [Zstandard](https://www.rfc-editor.org/rfc/rfc8878) dictionary, or nothing |
//! | data | the contents of all files, one after another |
//!
//! Nodes are in breadth-first order, node 0 is `/`, so the children of a directory are the
//! `count` nodes from `first` on, sorted by name. For a file, `first` is the offset in the data
//! of what is stored of it, `count` the length of that, and `size` the length of its content.
//! A compressed file is one Zstandard frame that uses the dictionary. No path has more than 1,000
//! parts. The same files give the same bytes.
//!
//! ```
//! use wadup_protocol::bundle::{Boot, Bundle, BundleWriter, Content};
//! use wadup_protocol::manifest::Start;
//!
//! let boot = Boot { entry_point: "app".into(), start: Start::Cold, hash_seed: 0 };
//! let mut writer = BundleWriter::new(boot.clone());
//! writer.add_file("/app/app.py", Content::Stored(b"def main(): pass\n".to_vec()))?;
//! let bytes = writer.finish()?;
//!
//! let bundle = Bundle::parse(&bytes)?;
//! assert_eq!(bundle.boot(), &boot);
//! let content = bundle.get("/app/app.py").unwrap().content();
//! assert_eq!(content, Some(Content::Stored(&b"def main(): pass\n"[..])));
//! # Ok::<(), wadup_protocol::bundle::BundleError>(())
//! ```

mod error;
mod format;
mod node;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use serde::{Deserialize, Serialize};

pub use error::BundleError;
pub use format::FORMAT_VERSION;
pub use node::{Content, Kind, Node, WalkError};
pub use reader::Bundle;
pub use writer::BundleWriter;

use crate::manifest::Start;

/// Mount point of the standard library and `site-packages`.
pub const LIB_DIR: &str = "/lib";
/// Where the standard library is.
pub const STDLIB_DIR: &str = "/lib/python3.13";
/// Where packages are.
pub const SITE_PACKAGES_DIR: &str = "/lib/python3.13/site-packages";
/// Mount point of the project's own package files; first on `sys.path`.
pub const APP_DIR: &str = "/app";
/// What `stat` gives as the time of every file in the tree: 1980-01-01, the first day that a
/// ZIP archive can hold. Seconds since 1970.
pub const TIMESTAMP: u64 = 315_532_800;

/// What the interpreter is started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// The Python module whose `main()` handles an input; also `sys.argv[0]`.
    pub entry_point: String,
    pub start: Start,
    /// The seed of `hash()`, fixed for the life of the artifact.
    pub hash_seed: u32,
}
