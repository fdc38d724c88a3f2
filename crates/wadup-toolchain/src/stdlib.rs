//! Which files of CPython's `Lib/` are shipped.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::recipes::StandardLibrary;
use crate::step::ActionError;

/// Picks files of `Lib/` by their relative paths.
pub(crate) struct StandardLibraryFilter {
    excluded: GlobSet,
}

impl StandardLibraryFilter {
    pub(crate) fn new(recipe: &StandardLibrary) -> Result<Self, ActionError> {
        let unexpected = |error: globset::Error| ActionError::unexpected(error.to_string());
        let mut excluded = GlobSetBuilder::new();
        for pattern in &recipe.exclude {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build();
            excluded.add(glob.map_err(unexpected)?);
        }
        Ok(Self {
            excluded: excluded.build().map_err(unexpected)?,
        })
    }

    /// Whether a file is shipped, or a folder looked into.
    pub(crate) fn has(&self, path: &Path) -> bool {
        !self.excluded.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::Recipes;

    #[test]
    fn suites_are_left_out_and_packages_are_not() {
        let recipes = Recipes::embedded().unwrap();
        let filter = StandardLibraryFilter::new(&recipes.cpython.stdlib).unwrap();
        for shipped in [
            "os.py",
            "unittest",
            "unittest/mock.py",
            "json/__init__.py",
            "venv",
        ] {
            assert!(filter.has(Path::new(shipped)), "{shipped}");
        }
        for left_out in ["test", "idlelib", "json/__pycache__", "venv/scripts"] {
            assert!(!filter.has(Path::new(left_out)), "{left_out}");
        }
    }
}
