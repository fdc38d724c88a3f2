//! BLAKE3 of a file, read and hashed by several threads.
//!
//! BLAKE3 is a tree: what is below a node depends on the bytes there and on where they are, so
//! that pieces of a power of two of chunks can be hashed by themselves and merged. The result is
//! the ordinary digest.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::thread;

use blake3::hazmat::{
    ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root,
};

/// What a thread takes at a time; a power of two.
const PIECE: usize = 2 << 20;
/// How much is read at a time; small enough to stay in a core's cache.
const BUFFER: usize = 256 << 10;
const MAX_THREADS: usize = 8;

/// The digest of the first `length` bytes of `file`.
pub(crate) fn of_file(file: &File, length: u64) -> io::Result<blake3::Hash> {
    let pieces = (0..length)
        .step_by(PIECE)
        .map(|start| (start, length.min(start + PIECE as u64)));
    hash(pieces, |(start, end)| {
        let mut hasher = piece_hasher(start);
        let mut buffer = vec![0; BUFFER];
        let mut at = start;
        while at < end {
            let most = usize::try_from(end - at).map_or(BUFFER, |rest| rest.min(BUFFER));
            file.read_exact_at(&mut buffer[..most], at)?;
            hasher.update(&buffer[..most]);
            at += most as u64;
        }
        Ok(hasher)
    })
}

/// Fills `bytes` from the start of `file`; returns their digest.
pub(crate) fn read_file(file: &File, bytes: &mut [u8]) -> io::Result<blake3::Hash> {
    let pieces = (0..).step_by(PIECE).zip(bytes.chunks_mut(PIECE));
    hash(pieces, |(start, piece): (u64, &mut [u8])| {
        let mut hasher = piece_hasher(start);
        for (number, part) in piece.chunks_mut(BUFFER).enumerate() {
            file.read_exact_at(part, start + (number * BUFFER) as u64)?;
            hasher.update(part);
        }
        Ok(hasher)
    })
}

/// For what is at `start`, which has to be where a piece begins.
fn piece_hasher(start: u64) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(start);
    hasher
}

/// Hashes `pieces` on as many threads as there are cores, and merges the hashes.
fn hash<P: Send>(
    pieces: impl Iterator<Item = P> + Send,
    hash_piece: impl Fn(P) -> io::Result<blake3::Hasher> + Sync,
) -> io::Result<blake3::Hash> {
    let pieces = Mutex::new(pieces.enumerate());
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut hashed = Vec::new();
        while let Some((number, piece)) = next() {
            hashed.push((number, hash_piece(piece)?));
        }
        Ok(hashed)
    };
    let mut hashed = on_all_cores(work)?;
    hashed.sort_unstable_by_key(|(number, _)| *number);
    match hashed.as_slice() {
        [] => Ok(blake3::hash(&[])),
        [(_, only)] => Ok(only.finalize()),
        _ => {
            let values = hashed.iter().map(|(_, hasher)| hasher.finalize_non_root());
            let values: Vec<ChainingValue> = values.collect();
            let (left, right) = split(&values);
            Ok(merge_subtrees_root(&merge(left), &merge(right), Mode::Hash))
        }
    }
}

/// All that `work` gives on the threads that do it, of which this is one.
fn on_all_cores<T: Send>(work: impl Fn() -> io::Result<Vec<T>> + Sync) -> io::Result<Vec<T>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..cores.min(MAX_THREADS))
            // One that cannot be started is not needed.
            .filter_map(|_| thread::Builder::new().spawn_scoped(scope, &work).ok())
            .collect();
        let mut results = work()?;
        for helper in helpers {
            let more = helper
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            results.extend(more?);
        }
        Ok(results)
    })
}

/// The left subtree is the largest complete one that leaves something for the right.
fn split(values: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    values.split_at(values.len().next_power_of_two() / 2)
}

fn merge(values: &[ChainingValue]) -> ChainingValue {
    match values {
        [value] => *value,
        _ => {
            let (left, right) = split(values);
            merge_subtrees_non_root(&merge(left), &merge(right), Mode::Hash)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_digest_is_the_ordinary_one() {
        let mut bytes: Vec<u8> = (0..9 * PIECE + 12_345)
            .map(|number| ((number * number) >> 7) as u8)
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let piece = PIECE;
        let lengths = [
            0,
            1,
            1024,
            piece - 1,
            piece,
            piece + 1,
            2 * piece,
            3 * piece,
        ];
        let more = [
            4 * piece + 1,
            5 * piece,
            7 * piece - 3,
            8 * piece,
            bytes.len(),
        ];
        for length in lengths.into_iter().chain(more) {
            let expected = blake3::hash(&bytes[..length]);
            assert_eq!(of_file(&file, length as u64).unwrap(), expected, "{length}");
            let mut read = vec![0; length];
            assert_eq!(read_file(&file, &mut read).unwrap(), expected, "{length}");
            assert!(read == bytes[..length], "{length}");
        }
        let length = bytes.len();
        bytes.pop();
        file.set_len(bytes.len() as u64).unwrap();
        assert!(of_file(&file, length as u64).is_err(), "it is shorter");
    }
}
