//! The extensions that are linked into this runtime.
#![expect(unsafe_code, reason = "the inittab is a C interface")]

use std::ffi::{CStr, c_char};

use pyo3::ffi::{PyImport_AppendInittab, PyObject};

use crate::package;

type Init = unsafe extern "C" fn() -> *mut PyObject;

/// One line of the table that the link step writes.
#[repr(C)]
struct Extension {
    /// The Python module's full name, such as `pydantic_core._pydantic_core`.
    name: *const c_char,
    init: Option<Init>,
}

unsafe extern "C" {
    /// Ends with a line whose name is NULL.
    static wadup_extensions: [Extension; 0];
}

/// Makes all extensions built-in modules. Has to happen before the interpreter starts.
pub(super) fn register() {
    append(package::NAME, package::INIT);
    let mut extension = (&raw const wadup_extensions).cast::<Extension>();
    // SAFETY: the table is constant and is read up to its terminator.
    while let Some(Extension {
        name,
        init: Some(init),
    }) = unsafe { extension.as_ref() }
    {
        if name.is_null() {
            break;
        }
        // SAFETY: the name is a C string that lives as long as the module.
        append(unsafe { CStr::from_ptr(*name) }, *init);
        // SAFETY: this line was not the last.
        extension = unsafe { extension.add(1) };
    }
}

fn append(name: &'static CStr, init: Init) {
    // SAFETY: the interpreter has not been started, and both arguments live for ever.
    let result = unsafe { PyImport_AppendInittab(name.as_ptr(), Some(init)) };
    assert_eq!(result, 0, "no memory to register {name:?}");
}
