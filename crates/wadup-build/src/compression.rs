//! Making files small, each on its own: the guest unpacks a file when it is read and none
//! before.
//!
//! Files of Python packages are small and alike, so all are compressed with one dictionary.
//! It is made from the standard library of the runtime and is the same for all projects, so
//! that what has been compressed for one can be taken for another.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use thiserror::Error;
use wadup_protocol::bundle::Content;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::tree::{PackedTree, Tree};

/// What is slower yields nothing more for files that are this small.
const LEVEL: i32 = 19;
/// Twice as much makes an artifact with pydantic 24 KB smaller, half as much 110 KB larger.
const DICTIONARY_MAX: usize = 192 << 10;
/// A thread has to prepare the dictionary first.
const WORTH_A_THREAD: usize = 32;

/// A defect of the library, or no memory.
#[derive(Debug, Error)]
#[error("failed to {step}")]
pub struct CompressionError {
    step: &'static str,
    #[source]
    source: io::Error,
}

/// The dictionary for files like those of `tree`; empty when there are too few of them.
pub(crate) fn dictionary(tree: &Tree) -> Vec<u8> {
    let samples: Vec<&[u8]> = tree.iter().map(|(_, content)| content).collect();
    // The library wants samples that are many times as large as the dictionary.
    zstd::dict::from_samples(&samples, DICTIONARY_MAX).unwrap_or_default()
}

/// Compresses the files of `tree`, on all cores.
pub(crate) fn compress(tree: Tree, dictionary: &[u8]) -> Result<PackedTree, CompressionError> {
    let files: Vec<(String, Vec<u8>)> = tree.into_files().collect();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(files.len().div_ceil(WORTH_A_THREAD)).max(1);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut compressor = compressor(dictionary)?;
        let mut done = Vec::new();
        while let Some((path, content)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            done.push((path.clone(), compress_file(&mut compressor, content)?));
        }
        Ok(done)
    };
    let done = thread::scope(|scope| {
        let workers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = vec![work()];
        done.extend(workers.into_iter().map(|worker| {
            let joined = worker.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }));
        done.into_iter().collect::<Result<Vec<_>, _>>()
    })?;
    Ok(done.into_iter().flatten().collect())
}

fn compressor(dictionary: &[u8]) -> Result<Compressor<'static>, CompressionError> {
    let start = || {
        let mut zstd = Compressor::with_dictionary(LEVEL, dictionary)?;
        // The bundle knows the length of the content, and has one dictionary.
        zstd.set_parameter(CParameter::ContentSizeFlag(false))?;
        zstd.set_parameter(CParameter::DictIdFlag(false))?;
        zstd.set_parameter(CParameter::ChecksumFlag(false))?;
        Ok(zstd)
    };
    start().map_err(failed("start the compressor"))
}

/// The content, compressed where that makes it smaller.
fn compress_file(
    compressor: &mut Compressor<'_>,
    content: &[u8],
) -> Result<Content<Vec<u8>>, CompressionError> {
    let frame = compressor.compress(content);
    let frame = frame.map_err(failed("compress a file"))?;
    Ok(match u32::try_from(content.len()) {
        Ok(size) if frame.len() < content.len() => Content::Compressed { frame, size },
        // A file of 4 GiB is told apart where the bundle is put together.
        _ => Content::Stored(content.to_vec()),
    })
}

/// The content of `size` bytes that was compressed with `dictionary`.
pub(crate) fn decompress(
    frame: &[u8],
    size: u32,
    dictionary: &[u8],
) -> Result<Vec<u8>, CompressionError> {
    let start = Decompressor::with_dictionary(dictionary);
    let mut decompressor = start.map_err(failed("start the decompressor"))?;
    let content = decompressor.decompress(frame, size as usize);
    content.map_err(failed("decompress a file"))
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> CompressionError {
    move |source| CompressionError { step, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::default();
        for number in 0..200 {
            let body = format!("def function_{number}(argument):\n    return argument\n");
            tree.insert(format!("/lib/m{number}.py"), body.repeat(30).into_bytes());
        }
        tree.insert("/lib/empty".to_owned(), Vec::new());
        tree.insert("/lib/short".to_owned(), b"\xf3".to_vec());
        tree
    }

    #[test]
    fn what_is_compressed_is_smaller_and_comes_back() {
        let dictionary = dictionary(&tree());
        assert!(!dictionary.is_empty());
        let packed = compress(tree(), &dictionary).unwrap();
        let mut unpacker = zstd::bulk::Decompressor::with_dictionary(&dictionary).unwrap();
        for (path, content) in tree().iter() {
            let found = match packed.get(path).unwrap() {
                Content::Stored(bytes) => bytes.clone(),
                Content::Compressed { frame, size } => {
                    assert!(frame.len() < content.len());
                    unpacker.decompress(frame, *size as usize).unwrap()
                }
            };
            assert_eq!(found, content, "{path}");
        }
        assert!(matches!(packed.get("/lib/short"), Some(Content::Stored(_))));
        assert!(matches!(
            packed.get("/lib/m1.py"),
            Some(Content::Compressed { .. })
        ));
    }

    #[test]
    fn the_same_files_give_the_same_bytes_on_any_number_of_threads() {
        let (dictionary, again) = (dictionary(&tree()), dictionary(&tree()));
        assert_eq!(dictionary, again);
        let all = compress(tree(), &dictionary).unwrap();
        for (path, content) in tree().into_files() {
            let mut alone = Tree::default();
            alone.insert(path.clone(), content);
            let alone = compress(alone, &dictionary).unwrap();
            assert_eq!(alone.get(&path), all.get(&path), "{path}");
        }
    }

    #[test]
    fn too_few_files_for_a_dictionary_are_compressed_without() {
        let mut tree = Tree::default();
        tree.insert("/app/a.py".to_owned(), b"a = 1\n".repeat(100));
        let dictionary = dictionary(&tree);
        assert!(dictionary.is_empty());
        let packed = compress(tree, &dictionary).unwrap();
        assert!(matches!(
            packed.get("/app/a.py"),
            Some(Content::Compressed { .. })
        ));
    }
}
