//! Random generators (`random.Random`) that were seeded by the operating system while the entry
//! module was imported. A snapshot has their state, and every instance would give the same
//! numbers: they are remembered, and seeded anew in each, when it uses one for the first time. One
//! that the program has seeded itself gives the numbers that it is to give.
//!
//! CPython looks up a built-in method's C function in its definition, at every call. Replacing
//! it there also reaches those that a program holds already (`from random import random`), and
//! leaves no trace when it is put back.
#![expect(unsafe_code, reason = "definitions of methods are C structures")]

use std::ptr;
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
fn seed(py: Python<'_>) -> PyResult<()> {
    let Some(seed) = SEED.get(py) else {
        return Ok(());
    };
    let generators = std::mem::take(&mut *generators());
    generators
        .iter()
        .filter_map(|generator| generator.get(py))
        .try_for_each(|generator| seed.call1(py, (generator,)).map(drop))
}

/// `_random.Random.seed`
static SEED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Starts to remember, and to tell of the numbers that are drawn.
pub(super) fn watch(py: Python<'_>) -> PyResult<()> {
    let class = py.import(MODULE)?.getattr("Random")?;
    for method in &METHODS {
        let definition = definition(&class, method.name)?;
        // SAFETY: it is a definition of CPython's.
        let function = unsafe { (*definition).ml_meth };
        let _ = method.original.set(Original {
            definition,
            function,
        });
        replace(method.original, method.listener);
    }
    Ok(())
}

/// Takes the listeners out again.
pub(super) fn unwatch(py: Python<'_>) -> PyResult<()> {
    restore();
    generators().retain(|generator| generator.get(py).is_some());
    let modules = py
        .import("sys")?
        .getattr("modules")?
        .cast_into::<PyDict>()?;
    if !modules.contains("random")? {
        // Nobody has asked for it but this module.
        modules.del_item(MODULE)?;
    }
    Ok(())
}

/// Has the generators that the snapshot holds seeded when an instance uses any of them for the
/// first time, which many never do. The last that happens before the snapshot.
pub(crate) fn defer(py: Python<'_>) -> PyResult<()> {
    let generators: Vec<_> = generators().iter().filter_map(|it| it.get(py)).collect();
    if generators.is_empty() {
        return Ok(());
    }
    for generator in &generators {
        // A number that `gauss()` has in store. `random.Random.seed` would forget it.
        if generator.hasattr("gauss_next")? {
            generator.setattr("gauss_next", py.None())?;
        }
    }
    let class = py.import(MODULE)?.getattr("Random")?;
    let _ = SEED.set(py, class.getattr("seed")?.unbind());
    for method in &METHODS {
        replace(method.original, method.waker);
    }
    Ok(())
}

/// Before the first use of any generator in an instance.
fn wake() -> Result<(), *mut PyObject> {
    restore();
    // SAFETY: Python code has called a method.
    let py = unsafe { Python::assume_attached() };
    seed(py).map_err(|error| {
        error.restore(py);
        ptr::null_mut()
    })
}

/// A method of `_random.Random`, and what stands in for it.
struct Method {
    name: &'static str,
    /// During the import.
    listener: PyMethodDefPointer,
    /// In a snapshot, until the first use.
    waker: PyMethodDefPointer,
    original: &'static OnceLock<Original>,
}

/// Where CPython finds a method's function, and its own one.
struct Original {
    definition: *mut PyMethodDef,
    function: PyMethodDefPointer,
}

// SAFETY: definitions live for ever, and there is one thread.
unsafe impl Send for Original {}
// SAFETY: see above.
unsafe impl Sync for Original {}

fn replace(original: &OnceLock<Original>, function: PyMethodDefPointer) {
    if let Some(Original { definition, .. }) = original.get() {
        // SAFETY: the definition lives for ever, and there is one thread. `METHODS` has only
        // functions that take what the original takes.
        unsafe { (**definition).ml_meth = function };
    }
}

fn restore() {
    for method in &METHODS {
        if let Some(Original { function, .. }) = method.original.get() {
            replace(method.original, *function);
        }
    }
}

const fn plain(function: PyCFunction) -> PyMethodDefPointer {
    PyMethodDefPointer {
        PyCFunction: function,
    }
}

const fn fast(function: PyCFunctionFast) -> PyMethodDefPointer {
    PyMethodDefPointer {
        PyCFunctionFast: function,
    }
}

static RANDOM: OnceLock<Original> = OnceLock::new();
static GETRANDBITS: OnceLock<Original> = OnceLock::new();
static GETSTATE: OnceLock<Original> = OnceLock::new();
static SETSTATE: OnceLock<Original> = OnceLock::new();
static SEED_WITH: OnceLock<Original> = OnceLock::new();

const METHODS: [Method; 5] = [
    Method {
        name: "random",
        listener: plain(random),
        waker: plain(random_waking),
        original: &RANDOM,
    },
    Method {
        name: "getrandbits",
        listener: plain(getrandbits),
        waker: plain(getrandbits_waking),
        original: &GETRANDBITS,
    },
    Method {
        name: "getstate",
        listener: plain(getstate),
        waker: plain(getstate_waking),
        original: &GETSTATE,
    },
    Method {
        name: "setstate",
        listener: plain(setstate),
        waker: plain(setstate_waking),
        original: &SETSTATE,
    },
    Method {
        name: "seed",
        listener: fast(seed_with),
        waker: fast(seed_with_waking),
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

unsafe extern "C" fn getstate(this: *mut PyObject, nothing: *mut PyObject) -> *mut PyObject {
    drawn(this);
    // SAFETY: as in `random`.
    unsafe { function(&GETSTATE)(this, nothing) }
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

/// Defines the functions that call `$original` once the generators are awake.
macro_rules! waking {
    ($($name:ident => $original:ident,)*) => {$(
        unsafe extern "C" fn $name(this: *mut PyObject, argument: *mut PyObject) -> *mut PyObject {
            match wake() {
                // SAFETY: the arguments are the caller's, and the original takes them.
                Ok(()) => unsafe { function(&$original)(this, argument) },
                Err(null) => null,
            }
        }
    )*};
}

waking! {
    random_waking => RANDOM,
    getrandbits_waking => GETRANDBITS,
    getstate_waking => GETSTATE,
    setstate_waking => SETSTATE,
}

unsafe extern "C" fn seed_with_waking(
    this: *mut PyObject,
    arguments: *mut *mut PyObject,
    count: ffi::Py_ssize_t,
) -> *mut PyObject {
    match wake() {
        // SAFETY: the arguments are the caller's, and the original takes them.
        Ok(()) => unsafe { fast_function(&SEED_WITH)(this, arguments, count) },
        Err(null) => null,
    }
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
        Some(original) => unsafe { original.function.PyCFunction },
        None => unreachable!("a listener is put in place after the original is known"),
    }
}

fn fast_function(original: &OnceLock<Original>) -> PyCFunctionFast {
    match original.get() {
        // SAFETY: `METHODS` says that it is a function of this type.
        Some(original) => unsafe { original.function.PyCFunctionFast },
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
