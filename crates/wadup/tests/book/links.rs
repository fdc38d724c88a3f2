//! Links lead to files and headings that are there. Those of the book stay in the book: its HTML
//! has nothing else of the repository.

use std::path::Path;

use crate::{book, page::Page, pages, repository};

pub(crate) fn lead_somewhere() -> Result<(), String> {
    let pages = pages();
    let mut dead = Vec::new();
    for page in &pages {
        for (line, link) in &page.links {
            if let Err(why) = follow(page, link, &pages) {
                let path = page.path.strip_prefix(repository()).expect("it is in it");
                dead.push(format!("{}:{line}: {link}: {why}", path.display()));
            }
        }
    }
    none(dead)
}

fn follow(page: &Page, link: &str, pages: &[Page]) -> Result<(), &'static str> {
    if link.starts_with("https://") {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = page.path.parent().expect("a file is in a folder");
    let target = match path {
        "" => page.path.clone(),
        path => folder
            .join(path)
            .canonicalize()
            .map_err(|_| "no such file")?,
    };
    let docs = repository().join("docs");
    if page.path.starts_with(&docs) && !target.starts_with(&docs) {
        return Err("it is not in the book; name the file instead");
    }
    let found = pages.iter().find(|it| it.path == target);
    let is_there = |page: &Page| page.anchors.iter().any(|it| it == anchor);
    match anchor.is_empty() || found.is_some_and(is_there) {
        true => Ok(()),
        false => Err("no such heading"),
    }
}

/// What `SUMMARY.md` does not list is in no book.
pub(crate) fn all_are_listed() -> Result<(), String> {
    let docs = repository().join("docs");
    let summary = Page::read(&docs.join("SUMMARY.md"));
    let listed = |path: &Path| {
        let links = &summary.links;
        path == summary.path || links.iter().any(|(_, link)| docs.join(link) == path)
    };
    let missing = book().into_iter().filter(|path| !listed(path));
    none(
        missing
            .map(|path| format!("not in SUMMARY.md: {}", path.display()))
            .collect(),
    )
}

fn none(faults: Vec<String>) -> Result<(), String> {
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("\n")),
    }
}
