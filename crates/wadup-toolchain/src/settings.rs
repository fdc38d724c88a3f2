//! What the environment says, read once.

use std::num::NonZero;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// Where the cache is, and what of the machine is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cache folder.
    pub cache: PathBuf,
    /// A WASI SDK whose C toolchain is used instead of Debian's.
    pub wasi_sdk: Option<PathBuf>,
    /// How many programs run at once.
    pub jobs: NonZero<usize>,
    /// Whether the network may not be used.
    pub offline: bool,
    /// Whether to look only: nothing is built, fetched or written, and what is missing is an error.
    pub look_only: bool,
    /// Whether runtimes are compiled with profiles, or to make them.
    pub profiling: Profiling,
}

/// What is done about profiles of CPython and of extensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profiling {
    /// Runtimes are compiled with the profiles that recipes name.
    #[default]
    Use,
    /// Runtimes count what they do, which is slow, and have a Python module `_profile` whose
    /// `dump()` returns that as an LLVM raw profile.
    Collect,
}

/// The platform has no cache folder, because there is no home folder.
#[derive(Debug, thiserror::Error)]
#[error("failed to find the cache folder: {0}")]
pub struct SettingsError(#[from] etcetera::HomeDirError);

impl SettingsError {
    /// What to try.
    pub fn hint(&self) -> &'static str {
        "set WADUP_CACHE_DIR"
    }
}

impl Settings {
    /// Settings from the environment: `WADUP_CACHE_DIR`, else the platform's
    /// cache folder; `WASI_SDK_PATH`; one job for every core.
    ///
    /// # Errors
    ///
    /// When `WADUP_CACHE_DIR` is not set and there is no home folder.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(
        variable: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, SettingsError> {
        let cache = match variable("WADUP_CACHE_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => etcetera::choose_base_strategy()?.cache_dir().join("wadup"),
        };
        Ok(Self {
            // Programs run in other folders, so a relative path is made absolute.
            cache: std::path::absolute(&cache).unwrap_or(cache),
            wasi_sdk: variable("WASI_SDK_PATH").map(PathBuf::from),
            jobs: std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            offline: false,
            look_only: false,
            profiling: Profiling::Use,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_win_over_the_platform() {
        let settings = Settings::from_variables(|name| match name {
            "WADUP_CACHE_DIR" => Some("/c".into()),
            "WASI_SDK_PATH" => Some("/sdk".into()),
            _ => None,
        });
        let settings = settings.unwrap();
        assert_eq!(settings.cache, PathBuf::from("/c"));
        assert_eq!(settings.wasi_sdk, Some(PathBuf::from("/sdk")));
    }

    #[test]
    fn a_relative_cache_is_made_absolute() {
        let settings = Settings::from_variables(|_| Some("c".into())).unwrap();
        assert!(settings.cache.is_absolute());
    }
}
