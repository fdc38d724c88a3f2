//! Sub-content that waits to be processed.
//!
//! All that descends from one given input (its *tree*) shares an account, so that an archive
//! that unpacks to more archives cannot go on for ever. What is large, and what comes when much
//! is waiting already, is kept in a nameless temporary file of the tree, so that memory stays
//! bounded.

mod piece;

use std::ffi::OsString;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use wadup_vfs::TakenFile;

use crate::cap::Cap;
use crate::settings::Caps;

use self::piece::Spool;
pub(crate) use self::piece::{Piece, PieceSource};

/// Up to this length a piece is kept in memory, as long as there is room.
const INLINE: u64 = 1 << 20;
/// Up to this many bytes below one input no ratio is looked at.
const RATIO_FLOOR: u64 = 64 << 20;
/// The names of a tree's pieces are in memory as long as they wait: so many bytes for each piece
/// that there may be, or one of the longest.
const NAME: u64 = 256;
/// The longest name that a piece can have, in bytes.
pub(crate) const LONGEST_NAME: u64 = 4096;
/// How much of all trees together is kept in memory.
const MEMORY: u64 = 128 << 20;

/// A piece of sub-content.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) path: OsString,
    pub(crate) content: Arc<Piece>,
}

/// The account of one given input and all that descends from it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The number of the input that was given.
    root: u64,
    /// How many of its inputs have not been sent to the sink.
    pending: AtomicU64,
    max_pieces: u64,
    max_bytes: u64,
    /// The cap that `max_bytes` comes from.
    limit: Cap,
    pieces: AtomicU64,
    bytes: AtomicU64,
    /// Bytes of the pieces' names.
    names: AtomicU64,
    memory: Arc<Memory>,
    spool: OnceLock<Arc<Spool>>,
}

/// How much sub-content of all trees is in memory.
#[derive(Debug, Default)]
pub(crate) struct Memory(AtomicU64);

/// A part of [`Memory`] that is given back when it is dropped.
#[derive(Debug)]
struct Reserved {
    memory: Arc<Memory>,
    bytes: u64,
}

/// Why a piece is not kept.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The tree has all that it may have.
    TooMuch(Cap),
    /// The spool could not be written.
    Io(io::Error),
}

impl Tree {
    /// The account of the input number `root`, which has `size` bytes.
    pub(crate) fn new(root: u64, size: u64, caps: &Caps, memory: Arc<Memory>) -> Self {
        let by_ratio = size
            .saturating_mul(caps.subcontent_ratio.into())
            .max(RATIO_FLOOR);
        let limit = match by_ratio < caps.subcontent_bytes {
            true => Cap::Ratio,
            false => Cap::Bytes,
        };
        Self {
            root,
            pending: AtomicU64::new(1),
            max_pieces: caps.subcontent,
            max_bytes: by_ratio.min(caps.subcontent_bytes),
            limit,
            pieces: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            names: AtomicU64::new(0),
            memory,
            spool: OnceLock::new(),
        }
    }

    /// The number of the input that was given.
    pub(crate) fn root(&self) -> u64 {
        self.root
    }

    /// Adds an input's sub-content, before the input is sent to the sink.
    pub(crate) fn add(&self, children: usize) {
        self.pending.fetch_add(children as u64, Ordering::AcqRel);
    }

    /// Whether an input that is about to be sent is the last: all others have been.
    pub(crate) fn is_last(&self) -> bool {
        self.pending.load(Ordering::Acquire) == 1
    }

    /// An input has been sent; whether it was the last.
    pub(crate) fn sent(&self) -> bool {
        self.pending.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Charges a piece to the tree and keeps it.
    pub(crate) fn keep(&self, path: OsString, file: TakenFile) -> Result<Child, Refused> {
        let length = file.len();
        if !charge(&self.pieces, 1, self.max_pieces) {
            return Err(Refused::TooMuch(Cap::Pieces));
        }
        if !charge(&self.bytes, length, self.max_bytes) {
            self.pieces.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::TooMuch(self.limit));
        }
        let max_names = self.max_pieces.saturating_mul(NAME).max(LONGEST_NAME);
        if !charge(&self.names, path.len() as u64, max_names) {
            self.pieces.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(length, Ordering::Relaxed);
            return Err(Refused::TooMuch(Cap::Names));
        }
        let piece = self.piece(file).map_err(Refused::Io)?;
        Ok(Child {
            path,
            content: Arc::new(piece),
        })
    }

    /// Gives back what was charged for pieces that will not be processed after all. Where the
    /// system cannot give back their place in the spool, they stay charged until the tree is done.
    pub(crate) fn refund(&self, children: &[Child]) {
        let released = children.iter().filter(|child| child.content.release());
        let bytes = released.map(|child| child.content.len()).sum();
        self.pieces
            .fetch_sub(children.len() as u64, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let names = children.iter().map(|child| child.path.len() as u64).sum();
        self.names.fetch_sub(names, Ordering::Relaxed);
    }

    fn piece(&self, file: TakenFile) -> io::Result<Piece> {
        // What it occupies, which is more than its length, or less where it has holes.
        let bytes = file.footprint();
        if file.len() <= INLINE && charge(&self.memory.0, bytes, MEMORY) {
            let reserved = Reserved {
                memory: Arc::clone(&self.memory),
                bytes,
            };
            return Ok(Piece::in_memory(file, reserved));
        }
        Piece::spooled(&file, &self.spool()?)
    }

    fn spool(&self) -> io::Result<Arc<Spool>> {
        if let Some(spool) = self.spool.get() {
            return Ok(Arc::clone(spool));
        }
        let made = Arc::new(Spool::new()?);
        Ok(Arc::clone(self.spool.get_or_init(|| made)))
    }
}

/// Adds `amount` unless the sum would exceed `most`.
fn charge(account: &AtomicU64, amount: u64, most: u64) -> bool {
    account
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
            sum.checked_add(amount).filter(|sum| *sum <= most)
        })
        .is_ok()
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use wadup_vfs::{Limits, SystemTime, Vfs};

    use super::*;

    fn taken(bytes: Vec<u8>) -> TakenFile {
        let mut vfs = Vfs::new(Limits::default(), SystemTime::shared());
        vfs.write_file("/piece", bytes).unwrap();
        vfs.take_file("/piece").unwrap()
    }

    fn tree(pieces: u64, bytes: u64) -> Tree {
        let caps = Caps {
            subcontent: pieces,
            subcontent_bytes: bytes,
            ..Caps::default()
        };
        Tree::new(0, 0, &caps, Arc::default())
    }

    fn content(child: &Child) -> Vec<u8> {
        let mut bytes = vec![0; child.content.len() as usize + 1];
        let mut read = 0;
        loop {
            match child
                .content
                .read_at(read as u64, &mut bytes[read..])
                .unwrap()
            {
                0 => break,
                n => read += n,
            }
        }
        bytes.truncate(read);
        bytes
    }

    #[test]
    fn pieces_come_back_from_memory_and_from_the_spool() {
        let tree = tree(10, 1 << 30);
        let small = vec![7; 1000];
        let large: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
        let children = [
            tree.keep("a".into(), taken(small.clone())).unwrap(),
            tree.keep("b".into(), taken(large.clone())).unwrap(),
            tree.keep("c".into(), taken(large[1..].to_vec())).unwrap(),
            tree.keep("d".into(), taken(Vec::new())).unwrap(),
        ];
        assert!(children[0].content.is_in_memory());
        assert!(!children[2].content.is_in_memory());
        assert_eq!(content(&children[0]), small);
        assert_eq!(content(&children[1]), large);
        assert_eq!(content(&children[2]), large[1..]);
        assert!(content(&children[3]).is_empty());
    }

    #[test]
    fn memory_is_given_back() {
        let memory = Arc::new(Memory::default());
        let tree = Tree::new(0, 0, &Caps::default(), Arc::clone(&memory));
        let child = tree.keep("a".into(), taken(vec![1; 5000])).unwrap();
        assert!((5000..6000).contains(&memory.0.load(Ordering::Relaxed)));
        drop(child);
        assert_eq!(memory.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_tree_has_its_limits_and_takes_refunds() {
        let tree = tree(2, 100);
        let first = tree.keep("a".into(), taken(vec![1; 90])).unwrap();
        let too_long = tree.keep("b".into(), taken(vec![1; 11]));
        assert!(matches!(too_long, Err(Refused::TooMuch(Cap::Bytes))));
        let _second = tree.keep("b".into(), taken(vec![1; 10])).unwrap();
        let third = tree.keep("c".into(), taken(Vec::new()));
        assert!(matches!(third, Err(Refused::TooMuch(Cap::Pieces))));
        tree.refund(&[first]);
        tree.keep("d".into(), taken(vec![1; 90])).unwrap();
    }

    /// Of two artifacts, one that fails took the room of the other.
    #[cfg(target_os = "linux")]
    #[test]
    fn pieces_in_the_spool_are_refunded_too() {
        let tree = tree(10, 5_000_000);
        let first = tree.keep("a".into(), taken(vec![1; 3_000_000])).unwrap();
        let kept = tree.keep("b".into(), taken(vec![2; 2_000_000])).unwrap();
        assert!(!first.content.is_in_memory() && !kept.content.is_in_memory());
        let spool = tree.spool().unwrap();
        let before = spool.blocks();
        tree.refund(&[first]);
        assert!(spool.blocks() < before - 2_900_000 / 512);
        assert_eq!(content(&kept), vec![2; 2_000_000]);
        let third = tree.keep("c".into(), taken(vec![3; 3_000_000])).unwrap();
        assert_eq!(content(&third), vec![3; 3_000_000]);
    }

    #[test]
    fn names_are_limited_as_well() {
        let long = || OsString::from("n".repeat(4096));
        let tree = tree(20, 100);
        let first = tree.keep(long(), taken(Vec::new())).unwrap();
        let second = tree.keep(long(), taken(Vec::new()));
        assert!(matches!(second, Err(Refused::TooMuch(Cap::Names))));
        tree.refund(&[first]);
        tree.keep(long(), taken(Vec::new())).unwrap();
    }

    #[test]
    fn bytes_follow_the_size_of_the_input() {
        let caps = |ratio| Caps {
            subcontent_ratio: ratio,
            subcontent_bytes: 1 << 30,
            ..Caps::default()
        };
        let limit = |size, ratio| {
            let tree = Tree::new(0, size, &caps(ratio), Arc::default());
            (tree.max_bytes, tree.limit)
        };
        assert_eq!(limit(10, 1000), (RATIO_FLOOR, Cap::Ratio));
        assert_eq!(limit(1 << 20, 100), (100 << 20, Cap::Ratio));
        assert_eq!(limit(1 << 20, 1024), (1 << 30, Cap::Bytes));
        assert_eq!(limit(u64::MAX, u32::MAX), (1 << 30, Cap::Bytes));
    }
}
