//! The page in headless Chromium: what it draws, for the address that it is opened with.
//!
//! Needs Debian's package `chromium`.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Fixture, completed, input, people, sample};
use wadup_report::Limits;

/// The document as it is after its script has run. Nothing may be said on the console.
fn drawn(page: &Path, address: &str) -> String {
    let profile = tempfile::tempdir().expect("a folder");
    let output = Command::new("chromium")
        .args([
            "--headless",
            // As root, in a container: the page itself is what is tested.
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}#{address}", page.display()))
        .output()
        .expect("Chromium, of Debian's package `chromium`");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("CONSOLE"), "{said}");
    let document = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(document.contains("id=\"verdict\""), "{document}\n{said}");
    // Without the data and the script, which have all words in them.
    let (drawn, _) = document
        .split_once("<script type=\"application/json\"")
        .expect("the data");
    drawn.to_owned()
}

/// The element with an id, up to the next element with one.
fn element<'d>(document: &'d str, id: &str) -> &'d str {
    let start = document
        .find(&format!("id=\"{id}\""))
        .unwrap_or_else(|| panic!("no {id} in {document}"));
    let rest = &document[start + 4 + id.len()..];
    &rest[..rest.find(" id=\"").unwrap_or(rest.len())]
}

#[test]
fn the_first_view_says_what_became_of_everything() {
    let fixture = sample();
    let document = drawn(&fixture.page(Limits::default()), "");
    assert!(element(&document, "verdict").contains("2 of 5 inputs failed."));
    assert!(element(&document, "figures").contains("2 of them sub-content"));
    for text in [
        "Half took less than",
        "22:13:20: 1 completed, 0 failed",
        "ValueError",
        "KeyError",
        "run 1",
        "box.zip",
    ] {
        assert!(document.contains(text), "{text} is not in {document}");
    }
    // The first of the tree is shown as a tree: what is inside is made when it is opened.
    assert!(document.contains("1 piece inside"));
    assert!(!element(&document, "inputs-list").contains("deep.json"));
}

#[test]
fn what_guests_said_is_text_and_nothing_else() {
    let fixture = sample();
    for address in ["", "input=3&at=inputs", "show=failed"] {
        let document = drawn(&fixture.page(Limits::default()), address);
        assert!(document.contains("<title>results.db"), "{document}");
        assert!(!document.contains("<img"), "{document}");
        assert!(document.contains("&lt;img src=x"), "{document}");
    }
    let document = drawn(&fixture.page(Limits::default()), "input=3&at=inputs");
    assert!(document.contains(r"printed \u{1b}[31mred"), "{document}");
}

#[test]
fn rows_are_found_sorted_and_paged() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..120).map(|number| format!("name-{number}")).collect();
    let rows: Vec<(&str, Option<i64>)> = (0..)
        .zip(&names)
        .map(|(age, name)| (name.as_str(), (age % 7 != 0).then_some(age)))
        .collect();
    fixture.run(
        vec![input(0, None, "/a/b.json", completed(people(&rows)))],
        true,
    );
    let page = fixture.page(Limits::default());
    let rows = |address: &str| -> Vec<String> {
        let document = drawn(&page, address);
        let body = document.split_once("<tbody>").expect("rows").1;
        let body = body.split_once("</tbody>").expect("an end").0;
        let rows = body.split("<tr>").skip(1);
        rows.map(|row| {
            row.split("<bdi>")
                .nth(2)
                .expect("a name")
                .split('<')
                .next()
                .expect("text")
                .to_owned()
        })
        .collect()
    };
    let first = rows("");
    assert_eq!((first.len(), first[0].as_str()), (50, "name-0"));
    let last = rows("page=3");
    assert_eq!((last.len(), last[0].as_str()), (20, "name-100"));
    // By age, the oldest first; NULL is the last, or the first where it is turned round.
    let sorted = rows("sort=3");
    assert_eq!(sorted[..2], ["name-1", "name-2"]);
    let found = rows("q=NAME-11");
    assert_eq!(found.len(), 11);
    assert_eq!(rows("q=nothing"), Vec::<String>::new());
}

#[test]
fn inputs_are_found_by_their_way() {
    let fixture = sample();
    let page = fixture.page(Limits::default());
    let failed = drawn(&page, "show=failed");
    let item = element(&failed, "input-3");
    let way = ["box.zip", "inner/Bob.json", "deep.json"];
    assert!(way.iter().all(|name| item.contains(name)), "{item}");
    let found = drawn(&page, "find=bob");
    assert!(
        element(&found, "inputs-count").contains("2 found"),
        "{found}"
    );
    let one = drawn(&page, "input=5&at=inputs");
    assert!(one.contains(r"/data/caf\xe9.json"), "{one}");
    assert!(one.contains("3 rows dropped"), "{one}");
}

#[test]
fn a_report_of_nothing_says_so() {
    let fixture = Fixture::new();
    fixture.run(Vec::new(), false);
    let document = drawn(&fixture.page(Limits::default()), "");
    assert!(element(&document, "verdict").contains("No inputs were processed."));
    assert!(document.contains("goes on, or was killed"));
    assert!(document.contains("No tables were defined."));
}

/// No address, however odd, is an error.
#[test]
fn odd_addresses_do_no_harm() {
    let fixture = sample();
    let page = fixture.page(Limits::default());
    let document = drawn(
        &page,
        "table=nope&sort=-99&page=-3&input=x&run=77&show=%00&at=%22&q=%ff",
    );
    assert!(document.contains("0 found"), "{document}");
}
