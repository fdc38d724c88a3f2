//! Unpacking the compressed files of the tree, when they are read and not before.
#![expect(unsafe_code, reason = "Zstandard is a C library")]

use std::ffi::{c_int, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wadup_protocol::bundle::Bundle;
use wasip1::{ERRNO_IO, ERRNO_NOMEM, Errno};

/// `ZSTD_dlm_byRef`: the dictionary stays where it is.
const BY_REFERENCE: c_int = 1;
/// `ZSTD_dct_auto`.
const ANY_DICTIONARY: c_int = 0;

// <https://facebook.github.io/zstd/zstd_manual.html>
unsafe extern "C" {
    fn ZSTD_estimateDCtxSize() -> usize;
    fn ZSTD_estimateDDictSize(dictionary_len: usize, method: c_int) -> usize;
    fn ZSTD_initStaticDCtx(workspace: *mut c_void, len: usize) -> *mut c_void;
    fn ZSTD_initStaticDDict(
        workspace: *mut c_void,
        len: usize,
        dictionary: *const c_void,
        dictionary_len: usize,
        method: c_int,
        kind: c_int,
    ) -> *const c_void;
    fn ZSTD_decompress_usingDDict(
        context: *mut c_void,
        content: *mut c_void,
        content_len: usize,
        frame: *const c_void,
        frame_len: usize,
        dictionary: *const c_void,
    ) -> usize;
}

static UNPACKER: Mutex<Option<Unpacker>> = Mutex::new(None);

/// What the library works with, in memory of ours, so that it can be wiped.
struct Unpacker {
    context: Box<[u64]>,
    dictionary: Box<[u64]>,
}

/// The content of `size` bytes that `frame` of `bundle` was made from.
pub(super) fn unpack(bundle: &Bundle<'static>, frame: &[u8], size: u32) -> Result<Vec<u8>, Errno> {
    let mut unpacker = unpacker();
    let unpacker = unpacker.get_or_insert_with(|| Unpacker::new(bundle.dictionary()));
    unpacker.unpack(frame, size as usize)
}

/// Leaves nothing of what has been unpacked in memory, which is to become a snapshot.
pub(crate) fn forget() {
    if let Some(mut unpacker) = unpacker().take() {
        unpacker.context.fill(0);
        unpacker.dictionary.fill(0);
    }
}

fn unpacker() -> MutexGuard<'static, Option<Unpacker>> {
    UNPACKER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Unpacker {
    fn new(dictionary: &'static [u8]) -> Self {
        // SAFETY: these only calculate.
        let (context_len, dictionary_len) = unsafe {
            let dictionary_len = ZSTD_estimateDDictSize(dictionary.len(), BY_REFERENCE);
            (ZSTD_estimateDCtxSize(), dictionary_len)
        };
        let mut new = Self {
            context: words(context_len),
            dictionary: words(dictionary_len),
        };
        let (context, place) = (pointer(&mut new.context), pointer(&mut new.dictionary));
        // SAFETY: both places are as long as the library has asked for, aligned for `u64`, and
        // do not move; the dictionary is never freed.
        unsafe {
            ZSTD_initStaticDCtx(context, size_of_val(&*new.context));
            ZSTD_initStaticDDict(
                place,
                size_of_val(&*new.dictionary),
                dictionary.as_ptr().cast(),
                dictionary.len(),
                BY_REFERENCE,
                ANY_DICTIONARY,
            );
        }
        new
    }

    fn unpack(&mut self, frame: &[u8], size: usize) -> Result<Vec<u8>, Errno> {
        let mut content: Vec<u8> = Vec::new();
        content.try_reserve_exact(size).map_err(|_| ERRNO_NOMEM)?;
        // SAFETY: context and dictionary have been made in these places (the library puts them
        // at their start), `content` has room for `size` bytes, and the library writes and
        // reads no more than it is told.
        let len = unsafe {
            ZSTD_decompress_usingDDict(
                pointer(&mut self.context),
                content.as_mut_ptr().cast(),
                size,
                frame.as_ptr().cast(),
                frame.len(),
                pointer(&mut self.dictionary),
            )
        };
        // An error is a number that no length can be.
        if len != size {
            return Err(ERRNO_IO);
        }
        // SAFETY: the library has written that many bytes.
        unsafe { content.set_len(len) };
        Ok(content)
    }
}

fn words(len: usize) -> Box<[u64]> {
    vec![0; len.div_ceil(size_of::<u64>())].into_boxed_slice()
}

fn pointer(words: &mut [u64]) -> *mut c_void {
    words.as_mut_ptr().cast()
}
