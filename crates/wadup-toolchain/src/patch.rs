//! Applying the patches of recipes, exactly: a patch that needs fuzz is out of
//! date and is refused.

use std::fs;
use std::path::Path;

use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};

use crate::embedded;
use crate::step::ActionError;

/// Applies the patch `recipes/NAME` to the files of `tree`.
pub(crate) fn apply(tree: &Path, name: &str) -> Result<(), ActionError> {
    let text = embedded::file(&format!("recipes/{name}"));
    let text = text.and_then(|text| str::from_utf8(text).ok());
    let text = text.ok_or_else(|| ActionError::unexpected(format!("no patch `{name}`")))?;
    apply_text(tree, name, text)
}

fn apply_text(tree: &Path, name: &str, text: &str) -> Result<(), ActionError> {
    let refused = |file: &str, reason: String| ActionError::Patch {
        patch: name.to_owned(),
        file: file.to_owned(),
        reason,
    };
    let mut changed = 0;
    for file_patch in PatchSet::parse(text, ParseOptions::unidiff()) {
        let file_patch = file_patch.map_err(|error| refused("?", error.to_string()))?;
        let FileOperation::Modify { modified, .. } = file_patch.operation().strip_prefix(1) else {
            return Err(refused(
                "?",
                "only changes of files are supported".to_owned(),
            ));
        };
        let Some(patch) = file_patch.patch().as_text() else {
            return Err(refused(&modified, "it is not text".to_owned()));
        };
        let path = tree.join(&*modified);
        let old = fs::read_to_string(&path).map_err(ActionError::file("read", &path))?;
        let new =
            diffy::apply(&old, patch).map_err(|error| refused(&modified, error.to_string()))?;
        fs::write(&path, new).map_err(ActionError::file("write", &path))?;
        changed += 1;
    }
    if changed == 0 {
        return Err(refused("?", "it changes no file".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "why\n\n--- a/f.c\n+++ b/f.c\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";

    fn tree(content: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f.c"), content).unwrap();
        folder
    }

    #[test]
    fn a_patch_that_fits_is_applied() {
        let folder = tree("a\nb\nc\n");
        apply_text(folder.path(), "0001.patch", PATCH).unwrap();
        let content = fs::read_to_string(folder.path().join("f.c")).unwrap();
        assert_eq!(content, "a\nB\nc\n");
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused_and_named() {
        let folder = tree("a\nx\nc\n");
        let error = apply_text(folder.path(), "0001.patch", PATCH).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("the patch `0001.patch` does not apply to `f.c`"),
            "{message}"
        );
        assert_eq!(
            fs::read_to_string(folder.path().join("f.c")).unwrap(),
            "a\nx\nc\n"
        );
    }

    #[test]
    fn a_file_without_a_change_is_no_patch() {
        let folder = tree("");
        assert!(apply_text(folder.path(), "0001.patch", "nothing\n").is_err());
    }

    #[test]
    fn every_patch_of_a_recipe_says_why_and_where_it_was_reported() {
        for (name, content) in embedded::folder("recipes/cpython/patches") {
            let text = str::from_utf8(content).unwrap();
            let head = text.split("\n--- ").next().unwrap();
            assert!(
                head.contains("https://github.com/"),
                "{name} has no upstream reference"
            );
            assert!(
                name.as_bytes()[..4].iter().all(u8::is_ascii_digit),
                "{name} has no number"
            );
        }
    }
}
