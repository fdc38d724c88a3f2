//! Starting CPython, with nothing left to chance or to the environment.
#![expect(unsafe_code, reason = "PyConfig is a C interface")]

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

use pyo3::ffi::{
    Py_DecodeLocale, Py_InitializeFromConfig, Py_PreInitialize, PyConfig, PyConfig_Clear,
    PyConfig_InitIsolatedConfig, PyConfig_SetBytesString, PyMem_RawFree, PyPreConfig,
    PyPreConfig_InitIsolatedConfig, PyStatus, PyStatus_Exception, PyWideStringList,
    PyWideStringList_Append,
};
use thiserror::Error;
use wadup_protocol::bundle::{APP_DIR, Boot, SITE_PACKAGES_DIR, STDLIB_DIR};

/// `wchar_t`.
type WideChar = i32;

/// `sys.prefix`, from which `site` and `sysconfig` derive `/lib/python3.13/…`.
const PREFIX: &str = "/";
/// `sys.path`, in this order.
const SEARCH_PATHS: [&str; 3] = [APP_DIR, STDLIB_DIR, SITE_PACKAGES_DIR];

/// CPython's own account of why it did not start.
#[derive(Debug, Error)]
#[error("failed to start the interpreter: {message}")]
pub(super) struct StartError {
    message: String,
}

/// Starts the interpreter. `site` is imported, so that `.pth` files and `sitecustomize` of
/// packages work; the environment, user site and signals are not looked at.
pub(super) fn start(boot: &Boot) -> Result<(), StartError> {
    preinitialize()?;
    let mut config = Config::isolated();
    config.0.site_import = 1;
    config.0.write_bytecode = 0;
    config.0.install_signal_handlers = 0;
    config.0.pathconfig_warnings = 0;
    config.0.use_hash_seed = 1;
    config.0.hash_seed = boot.hash_seed;
    config.set(|config| &mut config.prefix, PREFIX)?;
    config.set(|config| &mut config.exec_prefix, PREFIX)?;
    config.set(|config| &mut config.base_prefix, PREFIX)?;
    config.set(|config| &mut config.base_exec_prefix, PREFIX)?;
    config.set(|config| &mut config.home, PREFIX)?;
    config.set(|config| &mut config.platlibdir, "lib")?;
    config.set(|config| &mut config.stdlib_dir, STDLIB_DIR)?;
    config.set(|config| &mut config.program_name, "")?;
    config.set(|config| &mut config.executable, "")?;
    config.set(|config| &mut config.base_executable, "")?;
    config.append(|config| &mut config.argv, &boot.entry_point)?;
    config.append(|config| &mut config.orig_argv, &boot.entry_point)?;
    config.0.module_search_paths_set = 1;
    for path in SEARCH_PATHS {
        config.append(|config| &mut config.module_search_paths, path)?;
    }
    // SAFETY: the configuration is complete, and the interpreter has not been started.
    check(unsafe { Py_InitializeFromConfig(&raw const config.0) })
}

/// UTF-8 everywhere, whatever the locale.
fn preinitialize() -> Result<(), StartError> {
    let mut config = MaybeUninit::<PyPreConfig>::zeroed();
    // SAFETY: the function fills in every field.
    let mut config = unsafe {
        PyPreConfig_InitIsolatedConfig(config.as_mut_ptr());
        config.assume_init()
    };
    config.utf8_mode = 1;
    // SAFETY: the configuration is complete.
    check(unsafe { Py_PreInitialize(&raw const config) })
}

/// A `PyConfig` that frees its strings.
struct Config(PyConfig);

impl Config {
    fn isolated() -> Self {
        let mut config = MaybeUninit::<PyConfig>::zeroed();
        // SAFETY: the function fills in every field.
        unsafe {
            PyConfig_InitIsolatedConfig(config.as_mut_ptr());
            Self(config.assume_init())
        }
    }

    fn set(
        &mut self,
        field: impl FnOnce(&mut PyConfig) -> &mut *mut WideChar,
        value: &str,
    ) -> Result<(), StartError> {
        let value = c_string(value)?;
        let field: *mut *mut WideChar = field(&mut self.0);
        // SAFETY: `field` is one of this configuration, `value` a C string that is copied.
        check(unsafe { PyConfig_SetBytesString(&raw mut self.0, field, value.as_ptr()) })
    }

    fn append(
        &mut self,
        list: impl FnOnce(&mut PyConfig) -> &mut PyWideStringList,
        value: &str,
    ) -> Result<(), StartError> {
        let value = c_string(value)?;
        // SAFETY: `value` is a C string; the decoded copy is freed below.
        let decoded = unsafe { Py_DecodeLocale(value.as_ptr(), std::ptr::null_mut()) };
        if decoded.is_null() {
            return Err(start_error("no memory"));
        }
        // SAFETY: `decoded` is a wide string, which the list copies.
        let status = unsafe { PyWideStringList_Append(list(&mut self.0), decoded) };
        // SAFETY: it came from `Py_DecodeLocale`, and nobody else has it.
        unsafe { PyMem_RawFree(decoded.cast()) };
        check(status)
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        // SAFETY: the configuration was initialized and is not used again.
        unsafe { PyConfig_Clear(&raw mut self.0) };
    }
}

fn check(status: PyStatus) -> Result<(), StartError> {
    // SAFETY: any status may be asked.
    if unsafe { PyStatus_Exception(status) } == 0 {
        return Ok(());
    }
    Err(start_error(&text(status.err_msg)))
}

fn text(message: *const c_char) -> String {
    if message.is_null() {
        return "no reason given".to_owned();
    }
    // SAFETY: CPython's messages are constant C strings.
    unsafe { CStr::from_ptr(message) }
        .to_string_lossy()
        .into_owned()
}

fn c_string(value: &str) -> Result<CString, StartError> {
    CString::new(value).map_err(|_| start_error("a NUL in the boot configuration"))
}

fn start_error(message: &str) -> StartError {
    StartError {
        message: message.to_owned(),
    }
}
