//! The Python code that is running, seen from inside of a system call.
#![expect(unsafe_code, reason = "PyO3 has no safe form of CPython's frames")]

use std::ffi::CStr;

use pyo3::ffi;
use wadup_protocol::audit::{Frame, MAX_FRAMES};
use wadup_protocol::bundle::{SITE_PACKAGES_DIR, STDLIB_DIR};

use crate::tree;

/// The longest text of a line, in bytes.
const MAX_SOURCE: usize = 200;

/// The frames outside of the standard library, innermost first; none if it was not one of them
/// that asked.
///
/// It is not when the standard library did so on its own account ([`is_own_account`]).
pub(super) fn of_caller() -> Option<Vec<Frame>> {
    let mut frames = Frames::current();
    let mut stack = Vec::new();
    for frame in &mut frames {
        match origin(&frame.file) {
            Origin::Program if stack.len() < MAX_FRAMES => stack.push(frame),
            Origin::Program => break,
            Origin::StandardLibrary if stack.is_empty() && is_own_account(&frame) => return None,
            Origin::StandardLibrary | Origin::Generated => {}
        }
    }
    for frame in &mut stack {
        frame.source = source(&frame.file, frame.line);
    }
    (!stack.is_empty()).then_some(stack)
}

/// Whether this function of the standard library is not asked for what it reads: when it is being
/// imported, which is the same for all programs, and what must not stay is reset
/// ([`crate::interpreter`]); and when it looks whether a variable is set in order to set it, as
/// instances prefer what they are given.
fn is_own_account(frame: &Frame) -> bool {
    matches!(&*frame.function, "<module>" | "_Environ.setdefault")
}

enum Origin {
    /// The project, or a package.
    Program,
    StandardLibrary,
    /// Code without a file, such as what `exec` runs.
    Generated,
}

fn origin(file: &str) -> Origin {
    let below = |folder: &str| {
        let rest = file.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    if file.starts_with("<frozen ") || below(STDLIB_DIR) && !below(SITE_PACKAGES_DIR) {
        Origin::StandardLibrary
    } else if file.starts_with('<') {
        Origin::Generated
    } else {
        Origin::Program
    }
}

/// The text of a line, from the tree.
fn source(file: &str, line: u32) -> Option<String> {
    let content = tree::content(file)?;
    let index = usize::try_from(line).ok()?.checked_sub(1)?;
    let line = content.split(|byte| *byte == b'\n').nth(index)?;
    let line = line.trim_ascii();
    let line = &line[..line.len().min(MAX_SOURCE)];
    Some(String::from_utf8_lossy(line).into_owned())
}

/// The running frames, from the innermost outwards. While it lives, this thread is attached to
/// the interpreter, which it may not be in a system call, and no exception is set.
struct Frames {
    next: *mut ffi::PyFrameObject,
    exception: *mut ffi::PyObject,
    gil: ffi::PyGILState_STATE,
}

impl Frames {
    fn current() -> Self {
        // SAFETY: the interpreter is running, on the one thread that there is. Not
        // `Python::attach`: PyO3 does not see that C code has detached the thread.
        unsafe {
            let gil = ffi::PyGILState_Ensure();
            Self {
                gil,
                exception: ffi::PyErr_GetRaisedException(),
                next: ffi::PyThreadState_GetFrame(ffi::PyThreadState_Get()),
            }
        }
    }
}

impl Iterator for &mut Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let frame = self.next;
        if frame.is_null() {
            return None;
        }
        // SAFETY: `frame` is a frame that this owns a reference to, as is the one before it.
        // What these functions return is NULL or owned by the caller.
        unsafe {
            let code = ffi::PyFrame_GetCode(frame).cast::<ffi::PyObject>();
            let described = Frame {
                file: text(code, c"co_filename"),
                line: u32::try_from(ffi::PyFrame_GetLineNumber(frame)).unwrap_or_default(),
                function: text(code, c"co_qualname"),
                source: None,
            };
            ffi::Py_DecRef(code);
            self.next = ffi::PyFrame_GetBack(frame);
            ffi::Py_DecRef(frame.cast());
            Some(described)
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        // SAFETY: the references are this one's; a NULL exception means that there was none.
        unsafe {
            ffi::Py_DecRef(self.next.cast());
            ffi::PyErr_SetRaisedException(self.exception);
            ffi::PyGILState_Release(self.gil);
        }
    }
}

/// An attribute that is a string; empty if it is not, or not Unicode.
///
/// # Safety
/// `object` is a Python object, and the thread is attached.
unsafe fn text(object: *mut ffi::PyObject, name: &CStr) -> String {
    // SAFETY: `object` is one, `name` a C string. The bytes belong to the string.
    unsafe {
        let string = ffi::PyObject_GetAttrString(object, name.as_ptr());
        let mut len = 0;
        let bytes = match string.is_null() {
            true => std::ptr::null(),
            false => ffi::PyUnicode_AsUTF8AndSize(string, &raw mut len),
        };
        let text = if bytes.is_null() {
            ffi::PyErr_Clear();
            String::new()
        } else {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), len as usize);
            String::from_utf8_lossy(bytes).into_owned()
        };
        ffi::Py_DecRef(string);
        text
    }
}
