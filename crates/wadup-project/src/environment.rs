use pep508_rs::pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

/// The marker environment of CPython `python` on WASI.
///
/// The values are what that interpreter reports of itself: `sys.platform`, `os.name`, and
/// `platform.*`, which reads wasi-libc's constant `uname`.
pub fn wasi_environment(python: &Version) -> MarkerEnvironment {
    let release = python.release();
    let series = format!(
        "{}.{}",
        release.first().copied().unwrap_or(0),
        release.get(1).copied().unwrap_or(0)
    );
    let full = python.to_string();
    let builder = MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: "wasm32",
        platform_python_implementation: "CPython",
        platform_release: "0.0.0",
        platform_system: "wasi",
        platform_version: "0.0.0",
        python_full_version: &full,
        python_version: &series,
        sys_platform: "wasi",
    };
    match MarkerEnvironment::try_from(builder) {
        Ok(environment) => environment,
        Err(error) => unreachable!("a version printed and parsed again: {error}"),
    }
}
