//! What guests can hand over wrongly, and how that is said.

mod support;

use support::{Script, describe, folder, outcome, run_folder, settings};
use wadup_host::Status;

const USERS: &str = r#"{"name":"users","columns":[{"name":"name","data_type":"String"},{"name":"age","data_type":"Int64"},{"name":"score","data_type":"Float64"}]}"#;

fn tables(tables: &str) -> String {
    format!(r#"{{"tables":[{tables}]}}"#)
}

fn rows(rows: &str) -> String {
    format!(r#"{{"tables":[{USERS}],"rows":[{rows}]}}"#)
}

/// The verdict on metadata, without its temporary name.
fn verdict(json: &str) -> String {
    describe(&outcome(Script::new().metadata(json)))
}

fn verdicts<'a>(cases: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = cases.into_iter().map(verdict).collect();
    texts.join("\n")
}

#[test]
fn good_metadata_in_all_its_forms_is_taken() {
    let good = [
        "{}",
        r#"{"rows":[]}"#,
        &tables(USERS),
        &rows(r#"{"table_name":"users","values":[{"String":"Ann"},{"Int64":3},{"Float64":0.5}]}"#),
        &rows(r#"{"table_name":"users","values":[null,null,null]}"#),
        // An integer is a number; names do not tell ASCII case apart; the order is free.
        &rows(
            r#"{"values":[{"String":"\u00e9\n"},{"Int64":-9223372036854775808},{"Float64":1}],"table_name":"USERS"}"#,
        ),
        &format!(
            r#"{{"rows":[{{"table_name":"users","values":[null,{{"Int64":1}},null]}}],"tables":[{USERS}]}}"#
        ),
        // The same definition twice.
        &tables(&format!("{USERS},{USERS}")),
        &tables(
            r#"{"name":"with space; DROP TABLE x\"--","columns":[{"name":"select","data_type":"String"}]}"#,
        ),
    ];
    for json in good {
        assert_eq!(verdict(json), "completed", "{json}");
    }
}

#[test]
fn what_is_no_json_is_rejected() {
    insta::assert_snapshot!(verdicts([
        "",
        "{",
        "[]",
        "null",
        r#"{"tables":[]} more"#,
        r#"{"tables":[],"tables":[]}"#,
        r#"{"rowz":[]}"#,
        r#"{"rows":[{"table_name":"users"}]}"#,
        r#"{"rows":[{"table_name":"users","values":[],"extra":1}]}"#,
        "{\"tables\":[{\"name\":\"\u{fffd}",
    ]), @r#"
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: EOF while parsing a value at line 1 column 0
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: EOF while parsing an object at line 1 column 1
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: invalid type: sequence, expected an object with `tables` and `rows` at line 1 column 0
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: invalid type: null, expected an object with `tables` and `rows` at line 1 column 4
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: trailing characters at line 1 column 15
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: duplicate field `tables` at line 1 column 21
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: unknown field `rowz`, expected `tables` or `rows` at line 1 column 7
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: missing field `values` at line 1 column 31
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: unknown field `extra`, expected `table_name` or `values` at line 1 column 50
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: EOF while parsing a string at line 1 column 23
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    "#);
}

#[test]
fn unknown_types_are_rejected() {
    insta::assert_snapshot!(verdicts([
        tables(r#"{"name":"t","columns":[{"name":"ok","data_type":"Bool"}]}"#).as_str(),
        &tables(r#"{"name":"t","columns":[{"name":"when","data_type":"datetime"}]}"#),
        &rows(r#"{"table_name":"users","values":[{"Bool":true},null,null]}"#),
    ]), @r#"
    rejected [unknown-type] failed to parse metadata JSON in /metadata/0.json: table `t`, column `ok`: unknown variant `Bool`, expected one of `Int64`, `Float64`, `String`
    hint: use Int64 for booleans: True is stored as 1, False as 0
    rejected [unknown-type] failed to parse metadata JSON in /metadata/0.json: table `t`, column `when`: unknown variant `datetime`, expected one of `Int64`, `Float64`, `String`
    hint: use String with value.isoformat(), or Int64 with a Unix timestamp
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: unknown variant `Bool`, expected one of `Int64`, `Float64`, `String` at line 1 column 199
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    "#);
}

#[test]
fn odd_tables_are_rejected() {
    let table = |name: &str, columns: &str| {
        tables(&format!(r#"{{"name":"{name}","columns":[{columns}]}}"#))
    };
    let column = |name: &str| format!(r#"{{"name":"{name}","data_type":"Int64"}}"#);
    let n = column("n");
    let cases = [
        table("", &n),
        table(&"x".repeat(129), &n),
        table("_wadup_runs", &n),
        table("SQLITE_x", &n),
        table(r"a\u0000b", &n),
        table(r"a\u001b[31mb", &n),
        table("t", ""),
        table("t", &column("")),
        table("t", &format!("{n},{}", column("N"))),
        table("t", &column("Input_Id")),
        table("t", &vec![n.clone(); 2000].join(",")),
        tables(&format!(r#"{USERS},{{"name":"Users","columns":[{n}]}}"#)),
    ];
    insta::assert_snapshot!(verdicts(cases.iter().map(String::as_str)), @r#"
    rejected [invalid-table] /metadata/0.json: a table needs a name, got an empty one
    rejected [invalid-table] /metadata/0.json: the name of table `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` has 129 characters, more than the 128 allowed
    rejected [invalid-table] /metadata/0.json: table names that start with `_wadup` are reserved, got `_wadup_runs`
    rejected [invalid-table] /metadata/0.json: table names that start with `sqlite_` are reserved, got `SQLITE_x`
    rejected [invalid-table] /metadata/0.json: the name of table "a\0b" has a control character in it
    rejected [invalid-table] /metadata/0.json: the name of table "a\u{1b}[31mb" has a control character in it
    rejected [invalid-table] /metadata/0.json: table `t` has no columns
    rejected [invalid-table] /metadata/0.json: a column needs a name, got an empty one
    rejected [invalid-table] /metadata/0.json: table `t` has two columns `N` (upper and lower case do not count)
    rejected [invalid-table] /metadata/0.json: table `t`: the column `input_id` is added to every table by wadup
    rejected [invalid-table] /metadata/0.json: table `t` has 2000 columns, more than the 1999 allowed
    rejected [schema-conflict] /metadata/0.json: table `Users` was defined before with other columns: column 1 is `name` String there and `n` Int64 here
    hint: give the table another name, or write to another database
    "#);
}

/// What it was called was in the message in full.
#[test]
fn a_definition_that_differs_is_checked_before_it_is_compared() {
    let long = USERS.replace(
        r#""name":"score""#,
        &format!(r#""name":"{}""#, "s".repeat(1 << 20)),
    );
    let message = verdict(&tables(&format!("{USERS},{long}")));
    assert!(message.starts_with("rejected [invalid-table]"));
    assert!(message.len() < 1000);
}

#[test]
fn rows_that_do_not_suit_their_table_are_rejected() {
    let good = r#"{"table_name":"users","values":[null,null,null]}"#;
    let row = |values: &str| {
        rows(&format!(
            r#"{good},{{"table_name":"users","values":[{values}]}}"#
        ))
    };
    let cases = [
        rows(r#"{"table_name":"user","values":[]}"#),
        rows(r#"{"table_name":"a\u001b[0m\n","values":[]}"#),
        row(r#"{"String":"x"}"#),
        row(r#"null,null,null,null"#),
        row(r#"{"Int64":1},null,null"#),
        row(r#"null,{"String":"1"},null"#),
        row(r#"null,{"Float64":1.5},null"#),
        row(r#"null,null,{"Int64":1}"#),
        row(r#"null,{"Int64":1.5},null"#),
        row(r#"null,{"Int64":9223372036854775808},null"#),
        row(r#"{"String":"a\u0000b"},null,null"#),
        row("null,null,{\"Float64\":NaN}"),
        row("null,null,{\"Float64\":-Infinity}"),
        row("null,null,{\"Float64\":1e999}"),
    ];
    insta::assert_snapshot!(verdicts(cases.iter().map(String::as_str)), @r#"
    rejected [undefined-table] /metadata/0.json: row 1, table `user`: the table was not defined
    hint: define the table before its first row
    rejected [undefined-table] /metadata/0.json: row 1, table `a\u{1b}[0m\n`: the table was not defined
    hint: define the table before its first row
    rejected [wrong-arity] /metadata/0.json: row 2, table `users`: 1 values for 3 columns
    rejected [wrong-arity] /metadata/0.json: row 2, table `users`: 4 values for 3 columns
    rejected [wrong-type] /metadata/0.json: row 2, table `users`, column `name`: expected String, got Int64
    rejected [wrong-type] /metadata/0.json: row 2, table `users`, column `age`: expected Int64, got String
    rejected [wrong-type] /metadata/0.json: row 2, table `users`, column `age`: expected Int64, got Float64
    rejected [wrong-type] /metadata/0.json: row 2, table `users`, column `score`: expected Float64, got Int64
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: invalid type: floating point `1.5`, expected i64 at line 1 column 258
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: invalid value: integer `9223372036854775808`, expected i64 at line 1 column 274
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    rejected [nul-character] /metadata/0.json: row 2, table `users`, column `name`: the text contains a NUL character
    hint: remove the NUL, or insert the bytes as hex or base64
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: JSON has no NaN (line 1 column 263)
    hint: insert None (null) for a number that there is not
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: JSON has no -Infinity (line 1 column 264)
    hint: insert None (null) for a number that there is not
    rejected [invalid-json] failed to parse metadata JSON in /metadata/0.json: number out of range at line 1 column 267
    hint: values are {"Int64": …}, {"Float64": …}, {"String": …} or null
    "#);
}

#[test]
fn rows_of_a_table_that_another_input_defined_are_rejected() {
    let script = Script::new().metadata(r#"{"rows":[{"table_name":"t","values":[{"Int64":1}]}]}"#);
    let folder = folder([("a", Script::new().rows([1])), ("b", script)]);
    let results = run_folder(settings(), folder.path());
    assert_eq!(results.status("a"), Status::Completed);
    assert_eq!(results.status("b"), Status::Rejected);
}

#[test]
fn a_later_file_may_use_a_table_of_an_earlier_one() {
    let script = Script::new()
        .rows([1])
        .metadata(r#"{"rows":[{"table_name":"t","values":[{"Int64":2}]}]}"#);
    assert_eq!(outcome(script).rows.len(), 2);
}

#[test]
fn only_the_first_rejection_counts_and_the_guest_goes_on() {
    let script = Script::new()
        .rows([1])
        .metadata("first")
        .metadata(r#"{"rows":[{"table_name":"unknown","values":[]}]}"#)
        .print("still here");
    let outcome = outcome(script);
    assert_eq!(outcome.error_kind.as_deref(), Some("invalid-json"));
    assert_eq!(outcome.stdout, "still here");
    assert_eq!(outcome.rows_dropped, 1);
}

#[test]
fn a_guest_that_fails_by_itself_failed_for_that() {
    let outcome = outcome(Script::new().metadata("{").exit(3));
    assert_eq!(outcome.status, Status::Exited);
}

#[test]
fn tables_must_agree_between_inputs() {
    let other = Script::new().metadata(
        r#"{"tables":[{"name":"T","columns":[{"name":"n","data_type":"String"}]}],
            "rows":[{"table_name":"T","values":[{"String":"x"}]}]}"#,
    );
    let more = Script::new().metadata(
        r#"{"tables":[{"name":"fresh","columns":[{"name":"n","data_type":"Int64"}]},
                      {"name":"t","columns":[{"name":"n","data_type":"Int64"},{"name":"m","data_type":"Int64"}]}]}"#,
    );
    let folder = folder([("1", Script::new().rows([1])), ("2", other), ("3", more)]);
    let one_job = wadup_host::HostSettings::default();
    let results = run_folder(one_job, folder.path());
    assert_eq!(results.status("1"), Status::Completed);
    insta::assert_snapshot!(
        [
            describe(&results.input("2").outcomes[0]),
            describe(&results.input("3").outcomes[0])
        ]
        .join("\n"),
        @r"
    rejected [schema-conflict] table `T` has other columns than another input or artifact gave it: column 1 is `n` Int64 there and `n` String here
    hint: give the table another name, or write to another database
    rejected [schema-conflict] table `t` has other columns than another input or artifact gave it: 1 columns there and 2 here
    hint: give the table another name, or write to another database
    "
    );
    // Of a rejected input, not even the table that would have been new is taken.
    assert_eq!(results.summary.rows.keys().collect::<Vec<_>>(), ["t"]);
}

#[test]
fn broken_sub_content_is_rejected() {
    let bin = |script: Script| script.write("/subcontent/0.bin", "content");
    let json = |json: &str| bin(Script::new()).write("/subcontent/0.json", json);
    let cases = [
        bin(Script::new()),
        Script::new().write("/subcontent/7.json", r#"{"filename":"x"}"#),
        bin(Script::new().write("/subcontent/0.json", r#"{"filename":"x"}"#)),
        json(""),
        json("{}"),
        json(r#"{"filename":3}"#),
        json(r#"{"filename":"x","other":1}"#),
        json(r#"{"filename":""}"#),
        json(r#"{"filename":"a\u0000b"}"#),
        json(&format!(r#"{{"filename":"{}"}}"#, "x".repeat(5000))),
        json(&format!(r#"{{"filename":"{}"}}"#, "x".repeat(70_000))),
    ];
    let texts: Vec<String> = cases
        .into_iter()
        .map(|script| describe(&outcome(script)))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    rejected [incomplete-subcontent] /subcontent/0.bin was written without /subcontent/0.json, which hands it over
    hint: write N.bin first, then N.json
    rejected [incomplete-subcontent] /subcontent/7.json was written without /subcontent/7.bin, the content that it names
    hint: write N.bin first, then N.json
    rejected [incomplete-subcontent] /subcontent/0.json was written without /subcontent/0.bin, the content that it names
    hint: write N.bin first, then N.json
    rejected [invalid-subcontent] failed to parse sub-content JSON in /subcontent/0.json: EOF while parsing a value at line 1 column 0
    rejected [invalid-subcontent] failed to parse sub-content JSON in /subcontent/0.json: missing field `filename` at line 1 column 2
    rejected [invalid-subcontent] failed to parse sub-content JSON in /subcontent/0.json: invalid type: integer `3`, expected a string at line 1 column 13
    rejected [invalid-subcontent] failed to parse sub-content JSON in /subcontent/0.json: unknown field `other`, expected `filename` at line 1 column 23
    rejected [invalid-subcontent] /subcontent/0.json: `filename` is empty
    rejected [invalid-subcontent] /subcontent/0.json: `filename` contains a NUL character
    rejected [invalid-subcontent] /subcontent/0.json: `filename` is longer than 4096 bytes
    rejected [invalid-subcontent] failed to parse sub-content JSON in /subcontent/0.json: it has more than 65536 bytes
    ");
}

#[test]
fn other_files_in_the_watched_directories_mean_nothing() {
    let script = Script::new()
        .write("/metadata/notes.txt", "anything")
        .write("/subcontent/notes.txt", "anything")
        .write("/tmp/0.json", "anything")
        .rows([1]);
    assert_eq!(outcome(script).status, Status::Completed);
}
