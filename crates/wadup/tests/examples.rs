//! Every example of the repository on its own samples.

mod support;

use support::{Said, Scratch, native, project::repository};

fn run(scratch: &Scratch, examples: &[&str], samples: &str) -> Said {
    for example in examples {
        scratch.copy_example(example);
    }
    let input = format!("--input={samples}/samples");
    let mut args = vec!["run"];
    args.extend(examples);
    args.extend([&*input, "--output=out.db", "--jobs=1"]);
    scratch.wadup(args)
}

const OUTCOMES: &str = "SELECT i.path, o.status, o.error_kind, o.message FROM _wadup_outcomes AS o
    JOIN _wadup_inputs AS i ON i.id = o.input_id ORDER BY i.path, o.artifact";

/// CPython, pydantic and all that the standard library has.
#[test]
fn an_artifact_has_at_most_25_mb() {
    let scratch = Scratch::new();
    scratch.copy_example("crate-manifests");
    let built = scratch.wadup(["build", "crate-manifests", "-o", "out.wasm"]);
    assert_eq!(built.code, Some(0), "{}", built.text());
    let artifact = std::fs::metadata(scratch.path().join("out.wasm")).expect("a file");
    assert!(artifact.len() <= 25_000_000, "{}", artifact.len());
}

#[test]
fn crate_manifests() {
    let scratch = Scratch::new();
    let said = run(&scratch, &["crate-manifests"], "crate-manifests");
    assert_eq!(said.code, Some(3), "{}", said.text());
    insta::assert_debug_snapshot!(
        "crate_manifests_outcomes",
        scratch.query("out.db", OUTCOMES)
    );
    for table in ["crates", "dependencies", "licenses", "workspaces"] {
        let sql = format!(
            "SELECT i.path, t.* FROM {table} AS t JOIN _wadup_inputs AS i ON i.id = t.input_id
             ORDER BY i.path, t.rowid"
        );
        insta::assert_debug_snapshot!(
            format!("crate_manifests_{table}"),
            scratch.query("out.db", &sql)
        );
    }
}

#[test]
fn html_pages() {
    let scratch = Scratch::new();
    let said = run(&scratch, &["html-pages"], "html-pages");
    assert_eq!(said.code, Some(0), "{}", said.text());
    for (table, columns) in [
        (
            "pages",
            "title, language, encoding, description, words, images_without_text",
        ),
        ("links", "url, text, rel"),
        ("cells", "table_number, row, column, text, number"),
    ] {
        let sql = format!(
            "SELECT i.path, {columns} FROM {table} AS t JOIN _wadup_inputs AS i ON i.id = t.input_id
             ORDER BY i.path, t.rowid"
        );
        insta::assert_debug_snapshot!(format!("html_pages_{table}"), scratch.query("out.db", &sql));
    }
}

#[test]
fn archive_walker() {
    let scratch = Scratch::new();
    let said = run(&scratch, &["archive-walker"], "archive-walker");
    assert_eq!(said.code, Some(3), "{}", said.text());
    insta::assert_debug_snapshot!("archive_walker_outcomes", scratch.query("out.db", OUTCOMES));
    insta::assert_debug_snapshot!(
        "archive_walker_entries",
        scratch.query(
            "out.db",
            "SELECT i.path, e.name, e.kind, e.size, e.modified, e.emitted FROM entries AS e
         JOIN _wadup_inputs AS i ON i.id = e.input_id ORDER BY i.path, e.name",
        )
    );
    insta::assert_debug_snapshot!(
        "archive_walker_parents",
        scratch.query(
            "out.db",
            "SELECT p.path, i.path, i.size FROM _wadup_inputs AS i
         JOIN _wadup_inputs AS p ON p.id = i.parent_id ORDER BY 1, 2",
        )
    );
}

/// `asyncio.run`, queues, `gather`, `timeout` and pydantic's asynchronous `validate_call`: the rows
/// are those of native CPython, for each input.
#[test]
fn async_readings() {
    let scratch = Scratch::new();
    let said = run(&scratch, &["async-readings"], "async-readings");
    assert_eq!(said.code, Some(0), "{}", said.text());
    insta::assert_debug_snapshot!(
        "async_readings_monday",
        scratch.query(
            "out.db",
            "SELECT r.line, r.sensor, r.celsius, r.problem FROM readings AS r
             JOIN _wadup_inputs AS i ON i.id = r.input_id
             WHERE i.path LIKE '%/monday.jsonl' ORDER BY r.line",
        )
    );
    for (sample, at_least) in [("monday", 11), ("tuesday", 400), ("empty", 0)] {
        let native = native::python(
            &repository("crates/wadup/tests/functionality/rows.py"),
            [
                repository("examples/async-readings/src"),
                "async_readings".into(),
                repository(&format!("examples/async-readings/samples/{sample}.jsonl")),
            ],
        );
        let of_input = |columns: &str, table: &str| {
            scratch.query(
                "out.db",
                &format!(
                    "SELECT {columns} FROM {table} AS t JOIN _wadup_inputs AS i ON i.id = t.input_id
                     WHERE i.path LIKE '%/{sample}.jsonl' ORDER BY t.rowid"
                ),
            )
        };
        let mut sandbox = of_input("line, sensor, site, celsius, at, problem", "readings");
        assert!(sandbox.len() >= at_least, "{sandbox:#?}");
        sandbox.extend(of_input("readings, celsius", "means"));
        assert_eq!(sandbox, native.lines().collect::<Vec<_>>(), "{sample}");
    }
}

/// A page inside an archive is seen by the artifact for pages.
#[test]
fn artifacts_work_together() {
    let scratch = Scratch::new();
    let said = run(
        &scratch,
        &["archive-walker", "html-pages"],
        "archive-walker",
    );
    assert_eq!(said.code, Some(3), "{}", said.text());
    let pages = scratch.query(
        "out.db",
        "SELECT p.path, i.path, t.title FROM pages AS t
         JOIN _wadup_inputs AS i ON i.id = t.input_id
         JOIN _wadup_inputs AS p ON p.id = i.parent_id",
    );
    assert_eq!(
        pages,
        ["archive-walker/samples/nested.zip|page.html|inside"]
    );
}
