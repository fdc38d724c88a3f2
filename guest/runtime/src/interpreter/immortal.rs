//! Objects that no instance counts references to.
//!
//! Every use of an object writes to its reference count, and every page that is written to is
//! one that an instance does not share with the snapshot any more. CPython has immortal objects,
//! whose count is never written; here the code of a program becomes immortal when the snapshot
//! is taken: its classes, functions, modules and constants.
//!
//! Not so the data: an object that is not code or a constant dies when a program lets go of it,
//! as it would have without a snapshot. What only a function or a class of the import refers to
//! lives on with it, also where a program deletes that function.
#![expect(
    unsafe_code,
    reason = "reference counts and traversal are C interfaces"
)]

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Makes code and constants immortal, of all that the collector knows and what that refers to.
pub(super) fn immortalise(py: Python<'_>) -> PyResult<()> {
    let objects = py.import("gc")?.call_method0("get_objects")?;
    let objects = objects.cast_into::<PyList>()?;
    let marker = Marker::new(py);
    for object in &objects {
        marker.visit(object.as_ptr());
        marker.visit_referents(object.as_ptr());
    }
    Ok(())
}

/// How deep tuples may be nested; one that is deeper is data.
const DEPTH: usize = 64;

struct Marker {
    /// The count that says so; that of `None`.
    immortal: ffi::Py_ssize_t,
}

impl Marker {
    fn new(py: Python<'_>) -> Self {
        let none = py.None();
        // SAFETY: `None` is an object.
        let immortal = unsafe { ffi::Py_REFCNT(none.as_ptr()) };
        Self { immortal }
    }

    /// Makes the object immortal if it is code or a constant, and what belongs to it.
    fn visit(&self, object: *mut ffi::PyObject) {
        // SAFETY: `object` is one that the collector or another object refers to.
        let (count, kind) = unsafe { (ffi::Py_REFCNT(object), Kind::of(object, DEPTH)) };
        let Some(kind) = kind.filter(|_| count != self.immortal) else {
            return;
        };
        // SAFETY: the GIL is held, and a count may be changed to the immortal one at any time.
        unsafe { (*object).ob_refcnt.ob_refcnt = self.immortal };
        match kind {
            Kind::Leaf => {}
            // The collector does not track all tuples.
            Kind::Container => self.visit_referents(object),
            Kind::Code => self.visit_code(object),
        }
    }

    fn visit_referents(&self, object: *mut ffi::PyObject) {
        let argument: *const Self = self;
        // SAFETY: a type with the flag has the function, which calls `visit` with objects.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if ffi::PyType_HasFeature(class, ffi::Py_TPFLAGS_HAVE_GC) == 0 {
                return;
            }
            if let Some(traverse) = (*class).tp_traverse {
                traverse(object, visit, argument.cast_mut().cast());
            }
        }
    }

    /// Code objects are not known to the collector, nor is what they refer to.
    fn visit_code(&self, code: *mut ffi::PyObject) {
        const PARTS: [&std::ffi::CStr; 5] = [
            c"co_consts",
            c"co_names",
            c"co_name",
            c"co_qualname",
            c"co_filename",
        ];
        for part in PARTS {
            // SAFETY: the attributes are members that return an object that the code refers to.
            unsafe {
                let value = ffi::PyObject_GetAttrString(code, part.as_ptr());
                if value.is_null() {
                    ffi::PyErr_Clear();
                } else {
                    self.visit(value);
                    ffi::Py_DECREF(value);
                }
            }
        }
    }
}

extern "C" fn visit(object: *mut ffi::PyObject, marker: *mut c_void) -> c_int {
    if !object.is_null() {
        // SAFETY: `visit_referents` passes on the marker, which lives until it returns.
        let marker = unsafe { &*marker.cast_const().cast::<Marker>() };
        marker.visit(object);
    }
    0
}

/// What becomes immortal.
#[derive(Clone, Copy)]
enum Kind {
    /// Refers to nothing, or to what the collector finds by itself.
    Leaf,
    /// Holds constants.
    Container,
    Code,
}

impl Kind {
    /// `None` is data.
    ///
    /// # Safety
    /// `object` is an object.
    unsafe fn of(object: *mut ffi::PyObject, depth: usize) -> Option<Self> {
        // SAFETY: see above; the types are static.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if class == &raw mut ffi::PyCode_Type {
                return Some(Self::Code);
            }
            if class == &raw mut ffi::PyTuple_Type || class == &raw mut ffi::PyFrozenSet_Type {
                return is_constant(object, depth).then_some(Self::Container);
            }
            let leaf = ffi::PyType_Check(object) != 0
                || ffi::PyModule_Check(object) != 0
                || LEAVES.iter().any(|leaf| leaf() == class);
            leaf.then_some(Self::Leaf)
        }
    }
}

/// Functions that return a type, as addresses of statics of another library are no constants.
const LEAVES: [fn() -> *mut ffi::PyTypeObject; 12] = [
    || &raw mut ffi::PyUnicode_Type,
    || &raw mut ffi::PyFunction_Type,
    || &raw mut ffi::PyCFunction_Type,
    || &raw mut ffi::PyLong_Type,
    || &raw mut ffi::PyBytes_Type,
    || &raw mut ffi::PyFloat_Type,
    || &raw mut ffi::PyMethodDescr_Type,
    || &raw mut ffi::PyWrapperDescr_Type,
    || &raw mut ffi::PyGetSetDescr_Type,
    || &raw mut ffi::PyMemberDescr_Type,
    || &raw mut ffi::PyClassMethodDescr_Type,
    || &raw mut ffi::PyProperty_Type,
];

/// Whether all of a tuple or frozen set is code or constants.
///
/// # Safety
/// `container` is a tuple or a frozen set.
unsafe fn is_constant(container: *mut ffi::PyObject, depth: usize) -> bool {
    extern "C" fn stop_at_data(object: *mut ffi::PyObject, depth: *mut c_void) -> c_int {
        // SAFETY: containers refer to objects, or are still being filled.
        let constant = object.is_null() || unsafe { Kind::of(object, depth.addr()) }.is_some();
        c_int::from(!constant)
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    // SAFETY: both types have the function; its argument is not used as a pointer.
    unsafe {
        let Some(traverse) = (*ffi::Py_TYPE(container)).tp_traverse else {
            return false;
        };
        traverse(
            container,
            stop_at_data,
            std::ptr::without_provenance_mut(depth),
        ) == 0
    }
}
