//! How paths are told: short, and such that they lead somewhere.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::display_path;

/// Where the project's own packages are in an artifact, in a traceback.
const FRAME_OF_PROJECT: &str = "File \"/app/";

/// What a path is called from the current folder, where it is in it.
pub(crate) fn short(path: &Path) -> PathBuf {
    match inside(path) {
        Some(inside) if !inside.as_os_str().is_empty() => inside,
        _ => path.to_owned(),
    }
}

fn inside(path: &Path) -> Option<PathBuf> {
    let current = env::current_dir().ok()?;
    let inside = path
        .strip_prefix(current)
        .or_else(|_| path.strip_prefix("."));
    inside.ok().map(Path::to_owned)
}

/// A traceback with the files of the project where they are outside of the sandbox: `sources`
/// is the folder that its packages are in.
pub(crate) fn outside(traceback: &str, sources: &Path) -> String {
    let folder = inside(sources).unwrap_or_else(|| sources.to_owned());
    let frame = match folder.as_os_str().is_empty() {
        true => "File \"".to_owned(),
        false => format!("File \"{}/", folder.display()),
    };
    traceback.replace(FRAME_OF_PROJECT, &frame)
}

/// What may have been meant by a path that does not exist.
pub(crate) fn meant(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return format!("there is no folder {} either", display_path(folder));
    };
    // More are nobody's slip.
    let names = entries.flatten().take(10_000);
    let names: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    match wadup_project::nearest(&name, names) {
        Some(nearest) => {
            let nearest = path.with_file_name(nearest);
            format!("did you mean `{}`?", display_path(&nearest))
        }
        None => match env::current_dir() {
            Ok(current) => format!("relative paths begin at {}", display_path(&current)),
            Err(_) => "the current folder is gone".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_lead_to_the_files_of_the_project() {
        let traceback = "  File \"/app/a/b.py\", line 1\n  File \"/lib/c.py\", line 2\n";
        assert_eq!(
            outside(traceback, Path::new("/nowhere/demo/src")),
            "  File \"/nowhere/demo/src/a/b.py\", line 1\n  File \"/lib/c.py\", line 2\n"
        );
    }
}
