//! Cache folders in which the toolchain is built, and nothing else.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use wadup_toolchain::{Settings, Silent, Toolchain};

/// The toolchain of the environment, complete.
pub(crate) fn installed() -> &'static Toolchain {
    static TOOLCHAIN: OnceLock<Toolchain> = OnceLock::new();
    TOOLCHAIN.get_or_init(|| {
        let settings = Settings::from_env().expect("a cache folder");
        let toolchain = Toolchain::open(settings, Arc::new(Silent)).expect("the toolchain opens");
        toolchain.install().expect("the toolchain can be installed");
        toolchain
    })
}

/// The folder of a step's result, by the step's name.
pub(crate) fn step(name: &str) -> PathBuf {
    let steps = installed().status().expect("the recipes can be read");
    let step = steps.into_iter().find(|step| step.name == name);
    step.unwrap_or_else(|| panic!("there is a step `{name}`"))
        .path
}

/// Makes a cache folder with the results of all steps and all downloads, as hard links.
pub(crate) fn cache_with_toolchain(cache: &Path) {
    cache_with_downloads(cache);
    for step in installed().status().expect("the recipes can be read") {
        let name = step.path.file_name().expect("a step has a name");
        link(&step.path, &cache.join("steps").join(name));
    }
}

/// Makes a cache folder with all downloads, as hard links.
pub(crate) fn cache_with_downloads(cache: &Path) {
    link(
        &installed().cache_dir().join("sources"),
        &cache.join("sources"),
    );
}

/// Two folders with the same files: hard links where the file system can, else copies.
fn link(from: &Path, to: &Path) {
    try_link(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

fn try_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            try_link(&source, &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
