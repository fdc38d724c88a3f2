//! Random generators (`random.Random`) that were seeded by the operating system while the entry
//! module was imported. A snapshot has their state, and every instance would give the same
//! numbers: they are remembered, and seeded anew in each. One that the program has seeded itself
//! gives the numbers that it is to give.
//!
//! CPython looks up a built-in method's C function in its definition, at every call. Replacing
//! it there also reaches those that a program holds already (`from random import random`), and
//! leaves no trace when it is put back.
#![expect(unsafe_code, reason = "definitions of methods are C structures")]

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use pyo3::exceptions::PyTypeError;
use pyo3::ffi::{self, PyCFunction, PyCFunctionFast, PyMethodDef, PyMethodDefPointer, PyObject};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyWeakrefMethods, PyWeakrefReference};
use wadup_protocol::audit::Impurity;

use super::{deaf, note};

/// C's half of `random`, with the class that does the work.
const MODULE: &str = "_random";

/// Those that live, and take their seed from the operating system.
static GENERATORS: Mutex<Vec<Generator>> = Mutex::new(Vec::new());

struct Generator {
    address: usize,
    /// Without one, for a class that has no weak references, the object is never freed.
    object: Reference,
}

enum Reference {
    Weak(Py<PyWeakrefReference>),
    Strong(Py<PyAny>),
}

impl Generator {
    fn new(object: &Bound<'_, PyAny>) -> Self {
        Self {
            address: object.as_ptr() as usize,
            object: match PyWeakrefReference::new(object) {
                Ok(weak) => Reference::Weak(weak.unbind()),
                Err(_) => Reference::Strong(object.clone().unbind()),
            },
        }
    }

    /// Whether it is this object, and not one that was there before.
    fn is(&self, object: *mut PyObject) -> bool {
        // SAFETY: only methods of Python objects ask.
        let py = unsafe { Python::assume_attached() };
        self.address == object as usize && self.get(py).is_some()
    }

    fn get<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &self.object {
            Reference::Weak(weak) => weak.bind(py).upgrade(),
            Reference::Strong(object) => Some(object.bind(py).clone()),
        }
    }
}

fn generators() -> MutexGuard<'static, Vec<Generator>> {
    GENERATORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seeds those that the snapshot holds.
pub(crate) fn seed(py: Python<'_>) -> PyResult<()> {
    let Some(seed) = SEED.get(py) else {
        return Ok(());
    };
    let generators = std::mem::take(&mut *generators());
    for generator in generators.iter().filter_map(|generator| generator.get(py)) {
        seed.call1(py, (&generator,))?;
        // What `random.Random.seed` does, which a class of the program may have replaced.
        if generator.hasattr("gauss_next")? {
            generator.setattr("gauss_next", py.None())?;
        }
    }
    Ok(())
}

/// `_random.Random.seed`
static SEED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Starts to remember, and to tell of the numbers that are drawn.
pub(super) fn watch(py: Python<'_>) -> PyResult<()> {
    let class = py.import(MODULE)?.getattr("Random")?;
    for method in METHODS {
        let definition = definition(&class, method.name)?;
        // SAFETY: the definition is one of CPython's, which live for ever; there is one thread.
        let before = unsafe { (*definition).ml_meth };
        let _ = method.original.set(Original(before));
        // SAFETY: as above. The function takes the same arguments as the one before.
        unsafe { (*definition).ml_meth = method.listener };
    }
    Ok(())
}

/// Takes the listeners out again.
pub(super) fn unwatch(py: Python<'_>) -> PyResult<()> {
    let class = py.import(MODULE)?.getattr("Random")?;
    for method in METHODS {
        if let Some(Original(before)) = method.original.get() {
            // SAFETY: as in `watch`.
            unsafe { (*definition(&class, method.name)?).ml_meth = *before };
        }
    }
    generators().retain(|generator| generator.get(py).is_some());
    if generators().is_empty() {
        // Nobody has asked for the module but this one.
        let modules = py
            .import("sys")?
            .getattr("modules")?
            .cast_into::<PyDict>()?;
        if !modules.contains("random")? {
            modules.del_item(MODULE)?;
        }
    } else {
        let _ = SEED.set(py, class.getattr("seed")?.unbind());
    }
    Ok(())
}

/// A method whose calls are heard.
struct Method {
    name: &'static str,
    listener: PyMethodDefPointer,
    original: &'static OnceLock<Original>,
}

/// CPython's own function.
struct Original(PyMethodDefPointer);

// SAFETY: it is a pointer to code.
unsafe impl Send for Original {}
// SAFETY: see above.
unsafe impl Sync for Original {}

static RANDOM: OnceLock<Original> = OnceLock::new();
static GETRANDBITS: OnceLock<Original> = OnceLock::new();
static SETSTATE: OnceLock<Original> = OnceLock::new();
static SEED_WITH: OnceLock<Original> = OnceLock::new();

const METHODS: [Method; 4] = [
    Method {
        name: "random",
        listener: PyMethodDefPointer {
            PyCFunction: random,
        },
        original: &RANDOM,
    },
    Method {
        name: "getrandbits",
        listener: PyMethodDefPointer {
            PyCFunction: getrandbits,
        },
        original: &GETRANDBITS,
    },
    Method {
        name: "setstate",
        listener: PyMethodDefPointer {
            PyCFunction: setstate,
        },
        original: &SETSTATE,
    },
    Method {
        name: "seed",
        listener: PyMethodDefPointer {
            PyCFunctionFast: seed_with,
        },
        original: &SEED_WITH,
    },
];

unsafe extern "C" fn random(this: *mut PyObject, nothing: *mut PyObject) -> *mut PyObject {
    drawn(this);
    // SAFETY: the arguments are the caller's, and the original takes them.
    unsafe { function(&RANDOM)(this, nothing) }
}

unsafe extern "C" fn getrandbits(this: *mut PyObject, count: *mut PyObject) -> *mut PyObject {
    drawn(this);
    // SAFETY: as in `random`.
    unsafe { function(&GETRANDBITS)(this, count) }
}

unsafe extern "C" fn setstate(this: *mut PyObject, state: *mut PyObject) -> *mut PyObject {
    forget(this);
    // SAFETY: as in `random`.
    unsafe { function(&SETSTATE)(this, state) }
}

unsafe extern "C" fn seed_with(
    this: *mut PyObject,
    arguments: *mut *mut PyObject,
    count: ffi::Py_ssize_t,
) -> *mut PyObject {
    // SAFETY: there are as many arguments; the original takes them.
    let (by_system, result) = unsafe {
        let by_system = count == 0 || *arguments == ffi::Py_None();
        // Its seed is of no consequence, as it gets another one in every instance.
        let result = deaf(|| fast_function(&SEED_WITH)(this, arguments, count));
        (by_system, result)
    };
    forget(this);
    if by_system && !result.is_null() {
        // SAFETY: it is a method's object, and Python code calls it.
        let (_, object) = unsafe {
            let py = Python::assume_attached();
            (py, Bound::from_borrowed_ptr(py, this))
        };
        generators().push(Generator::new(&object));
    }
    result
}

/// A number of a generator that the operating system has seeded is random.
fn drawn(this: *mut PyObject) {
    let known = generators().iter().any(|generator| generator.is(this));
    if known {
        note(Impurity::Entropy);
    }
}

fn forget(this: *mut PyObject) {
    generators().retain(|generator| !generator.is(this));
}

fn function(original: &OnceLock<Original>) -> PyCFunction {
    match original.get() {
        // SAFETY: `METHODS` says that it is a function of this type.
        Some(Original(function)) => unsafe { function.PyCFunction },
        None => unreachable!("a listener is put in place after the original is known"),
    }
}

fn fast_function(original: &OnceLock<Original>) -> PyCFunctionFast {
    match original.get() {
        // SAFETY: `METHODS` says that it is a function of this type.
        Some(Original(function)) => unsafe { function.PyCFunctionFast },
        None => unreachable!("a listener is put in place after the original is known"),
    }
}

/// The definition of a class's built-in method.
fn definition(class: &Bound<'_, PyAny>, name: &str) -> PyResult<*mut PyMethodDef> {
    let method = class.getattr(name)?;
    // SAFETY: any object's type may be compared; an object of that type is such a structure.
    unsafe {
        if ffi::Py_TYPE(method.as_ptr()) != &raw mut ffi::PyMethodDescr_Type {
            let message = format!("_random.Random.{name} is no built-in method");
            return Err(PyTypeError::new_err(message));
        }
        Ok((*method.as_ptr().cast::<ffi::PyMethodDescrObject>()).d_method)
    }
}
