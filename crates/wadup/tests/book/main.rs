//! The documentation is true: what a page tells to do is done, from an empty folder on, and every
//! link leads somewhere. [`page`] has the rules of how a page is read.
//!
//! `UPDATE_BOOK=1 cargo test --release --workspace --bin wadup --test book` writes what commands say,
//! and what is made from the code, into the pages. Look at the difference.

mod example;
mod links;
mod output;
mod page;
mod reference;
mod session;
#[path = "../support/mod.rs"]
mod support;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex},
};

use libtest_mimic::{Arguments, Trial};

use page::Page;
use session::Counts;

#[expect(clippy::print_stdout, reason = "what a test says is on stdout")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let counts = Arc::new(Mutex::new(Counts::default()));
    let update = env::var_os("UPDATE_BOOK").is_some();
    if update {
        reference::PARTS.iter().for_each(|part| part.write());
    }
    let mut trials = vec![
        Trial::test("links_lead_somewhere", || Ok(links::lead_somewhere()?)),
        Trial::test("the_book_has_all_pages", || Ok(links::all_are_listed()?)),
    ];
    trials.extend(reference::PARTS.iter().map(|part| {
        let name = format!("{}_is_current", part.page);
        Trial::test(name, || Ok(part.check()?))
    }));
    trials.extend(pages().into_iter().map(|page| {
        let counts = Arc::clone(&counts);
        Trial::test(page.name(), move || {
            let of_page = session::follow(&page, update)?;
            let mut counts = counts.lock().expect("nobody panics with it");
            counts.run += of_page.run;
            counts.not_run += of_page.not_run;
            Ok(())
        })
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    let Counts { run, not_run } = &*counts.lock().expect("nobody panics with it");
    println!("blocks of code that were run: {run}, that say why they are not: {not_run}");
    conclusion.exit_code()
}

/// The checkout.
fn repository() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    path.canonicalize().expect("the checkout is there")
}

/// What people read: the book, and the files of Markdown that are not in it.
fn pages() -> Vec<Page> {
    let mut files: Vec<PathBuf> = [
        "CHANGELOG.md",
        "README.md",
        "guest/tests/README.md",
        "hostile/README.md",
        "recipes/README.md",
    ]
    .map(|file| repository().join(file))
    .into();
    files.extend(book());
    files.iter().map(|file| Page::read(file)).collect()
}

/// All Markdown below `docs/`.
fn book() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![repository().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|it| it == "md") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}
