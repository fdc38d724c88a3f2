use std::fmt;
use std::str::FromStr;

use pep508_rs::PackageName;
use pep508_rs::pep440_rs::Version;
use thiserror::Error;

/// The name of a wheel, parsed:
/// `{name}-{version}(-{build})?-{python}-{abi}-{platform}.whl`
/// (<https://packaging.python.org/en/latest/specifications/binary-distribution-format/>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelFilename {
    pub name: PackageName,
    pub version: Version,
    /// The build tag's leading number, by which wheels of one version are ordered.
    pub build: Option<u64>,
    file_name: String,
    python: Vec<String>,
    abi: Vec<String>,
    platform: Vec<String>,
}

/// Whether a wheel can be taken for CPython 3.x on WASI; more specific is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purity {
    /// For a platform, or for a stable or versioned ABI: native code.
    Native,
    /// Pure, but for another interpreter or another Python.
    OtherPython,
    /// `py3-none-any` and the like.
    AnyPython,
    /// `cp313-none-any`, `py313-none-any`.
    ThisPython,
}

#[derive(Debug, Error)]
#[error("`{file_name}` is not the name of a wheel")]
pub struct WheelFilenameError {
    pub file_name: String,
}

impl WheelFilename {
    pub fn as_str(&self) -> &str {
        &self.file_name
    }

    /// How well the wheel fits CPython `major.minor` without native code.
    pub fn purity(&self, major: u64, minor: u64) -> Purity {
        let pure = self.abi.iter().any(|abi| abi == "none")
            && self.platform.iter().any(|platform| platform == "any");
        if !pure {
            return Purity::Native;
        }
        let fit = |tag: &String| python_fit(tag, major, minor);
        self.python
            .iter()
            .map(fit)
            .max()
            .unwrap_or(Purity::OtherPython)
    }
}

/// PEP 425, as installers read it: `py3N-none-any` holds from Python 3.N on, `cp3N-none-any`
/// for 3.N only.
fn python_fit(tag: &str, major: u64, minor: u64) -> Purity {
    let Some((interpreter, version)) = tag.split_at_checked(2) else {
        return Purity::OtherPython;
    };
    let exact = format!("{major}{minor}");
    let any = major.to_string();
    match interpreter {
        "cp" if version == exact => Purity::ThisPython,
        "py" if version == exact => Purity::ThisPython,
        "py" if version == any => Purity::AnyPython,
        "py" if is_older(version, major, minor) => Purity::AnyPython,
        _ => Purity::OtherPython,
    }
}

fn is_older(version: &str, major: u64, minor: u64) -> bool {
    let same_major = version.strip_prefix(&major.to_string());
    same_major
        .and_then(|older| older.parse::<u64>().ok())
        .is_some_and(|older| older < minor)
}

impl FromStr for WheelFilename {
    type Err = WheelFilenameError;

    fn from_str(file_name: &str) -> Result<Self, WheelFilenameError> {
        parse(file_name).ok_or_else(|| WheelFilenameError {
            file_name: file_name.to_owned(),
        })
    }
}

fn parse(file_name: &str) -> Option<WheelFilename> {
    let stem = file_name.strip_suffix(".whl")?;
    let parts: Vec<&str> = stem.split('-').collect();
    let (name, version, build, tags) = match parts.as_slice() {
        [name, version, tags @ ..] if tags.len() == 3 => (name, version, None, tags),
        [name, version, build, tags @ ..] if tags.len() == 3 => {
            (name, version, Some(build_number(build)?), tags)
        }
        _ => return None,
    };
    let set = |tags: &str| tags.split('.').map(str::to_owned).collect();
    Some(WheelFilename {
        name: PackageName::from_str(name).ok()?,
        version: version.parse().ok()?,
        build,
        file_name: file_name.to_owned(),
        python: set(tags[0]),
        abi: set(tags[1]),
        platform: set(tags[2]),
    })
}

fn build_number(build: &str) -> Option<u64> {
    let digits = build.len() - build.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    build[..digits].parse().ok()
}

impl fmt::Display for WheelFilename {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purity(file_name: &str) -> Purity {
        let wheel: WheelFilename = file_name.parse().unwrap();
        wheel.purity(3, 13)
    }

    #[test]
    fn names_are_taken_apart() {
        let wheel: WheelFilename = "Typing_Extensions-4.15.0-2b-py3-none-any.whl"
            .parse()
            .unwrap();
        assert_eq!(wheel.name.to_string(), "typing-extensions");
        assert_eq!(wheel.version.to_string(), "4.15.0");
        assert_eq!(wheel.build, Some(2));
    }

    #[test]
    fn pure_wheels_are_told_from_native_ones() {
        assert_eq!(purity("a-1-py3-none-any.whl"), Purity::AnyPython);
        assert_eq!(purity("a-1-py2.py3-none-any.whl"), Purity::AnyPython);
        assert_eq!(purity("a-1-py38-none-any.whl"), Purity::AnyPython);
        assert_eq!(purity("a-1-cp313-none-any.whl"), Purity::ThisPython);
        assert_eq!(purity("a-1-py314-none-any.whl"), Purity::OtherPython);
        assert_eq!(purity("a-1-py2-none-any.whl"), Purity::OtherPython);
        assert_eq!(purity("a-1-cp312-none-any.whl"), Purity::OtherPython);
        assert_eq!(purity("a-1-pp310-none-any.whl"), Purity::OtherPython);
        assert_eq!(
            purity("a-1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
            Purity::Native
        );
        assert_eq!(purity("a-1-py3-none-win_amd64.whl"), Purity::Native);
        assert_eq!(purity("a-1-cp39-abi3-wasi.whl"), Purity::Native);
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "a-1.tar.gz",
            "a-1-py3-none.whl",
            "a-x-py3-none-any.whl",
            ".whl",
            "a-1-b-py3-none-any.whl",
        ] {
            assert!(name.parse::<WheelFilename>().is_err(), "{name}");
        }
    }
}
