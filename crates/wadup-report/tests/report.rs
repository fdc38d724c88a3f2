//! What is read from a database, and how it is packed into a page.

mod support;

use std::time::Duration;

use support::{Fixture, completed, input, people, raised, sample};
use wadup_report::Limits;
use wadup_sink::{OutcomeRecord, Rows};

fn json(fixture: &Fixture, limits: Limits) -> serde_json::Value {
    serde_json::to_value(fixture.report(limits)).expect("JSON")
}

#[test]
fn a_report_has_all_there_is_to_show() {
    let report = json(&sample(), Limits::default());
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("JSON"));
}

#[test]
fn a_database_without_inputs_is_a_report_too() {
    let fixture = Fixture::new();
    fixture.run(Vec::new(), false);
    let report = json(&fixture, Limits::default());
    assert_eq!(report["totals"]["inputs"], 0);
    assert_eq!(report["runs"][0]["ended"], serde_json::Value::Null);
    assert!(
        fixture
            .report(Limits::default())
            .to_html()
            .contains("results.db")
    );
}

#[test]
fn counts_are_of_everything_and_rows_are_the_first() {
    let fixture = Fixture::new();
    let many: Vec<(&str, Option<i64>)> = (0..50).map(|age| ("somebody", Some(age))).collect();
    let mut inputs: Vec<_> = (0..20)
        .map(|number| input(number, None, "a", completed(people(&many))))
        .collect();
    inputs.push(input(20, None, "b", completed(Rows::new())));
    inputs.push(input(21, Some(20), "c", raised("ValueError", "no")));
    fixture.run(inputs, true);
    let report = json(
        &fixture,
        Limits {
            rows: 5,
            ..Limits::default()
        },
    );
    let people = &report["tables"][0];
    assert_eq!(people["total"], 1000);
    assert_eq!(people["rows"].as_array().map(Vec::len), Some(5));
    // The first five, the one that failed, and what that was in.
    let inputs = report["inputs"].as_array().expect("inputs");
    let ids: Vec<_> = inputs.iter().map(|input| input["id"].as_i64()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 21, 22].map(Some));
    assert_eq!(report["totals"]["inputs"], 22);
    let timeline = &report["runs"][0]["timeline"];
    let sum = |name: &str| -> i64 {
        let counts = timeline[name].as_array().expect("counts");
        counts.iter().filter_map(serde_json::Value::as_i64).sum()
    };
    assert_eq!((sum("completed"), sum("failed")), (21, 1));
}

#[test]
fn a_page_of_long_rows_stays_within_its_size() {
    let fixture = Fixture::new();
    let long = "x".repeat(3000);
    let rows: Vec<(&str, Option<i64>)> = (0..100).map(|_| (long.as_str(), None)).collect();
    fixture.run(vec![input(0, None, "a", completed(people(&rows)))], true);
    let limits = Limits {
        bytes: 40_000,
        ..Limits::default()
    };
    let report = json(&fixture, limits);
    let people = &report["tables"][0];
    assert_eq!(people["rows"].as_array().map(Vec::len), Some(13));
    assert_eq!(people["total"], 100);
}

#[test]
fn failures_are_grouped_with_the_most_frequent_messages_first() {
    let fixture = Fixture::new();
    let failures = ["rare", "often", "often", "two", "three", "four", "five"];
    let mut inputs: Vec<_> = (0..)
        .zip(failures)
        .map(|(number, message)| input(number, None, "a", raised("ValueError", message)))
        .collect();
    inputs.push(input(7, None, "b", raised("KeyError", "'x'")));
    fixture.run(inputs, true);
    let report = json(&fixture, Limits::default());
    let groups = report["failures"].as_array().expect("groups");
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0]["kind"], "ValueError");
    assert_eq!(
        (&groups[0]["count"], &groups[0]["messages"]),
        (&7.into(), &6.into())
    );
    let examples = groups[0]["examples"].as_array().expect("examples");
    let messages: Vec<_> = examples.iter().map(|example| &example["message"]).collect();
    assert_eq!(messages, ["often", "rare", "two", "three", "four"]);
    assert_eq!(examples[0]["input"], 2);
}

#[test]
fn durations_without_end_or_length_are_counted() {
    let fixture = Fixture::new();
    let with = |duration| OutcomeRecord {
        duration,
        ..completed(Rows::new())
    };
    fixture.run(
        vec![
            input(0, None, "a", with(Duration::ZERO)),
            input(1, None, "b", with(Duration::from_secs(1 << 40))),
        ],
        true,
    );
    let durations = &json(&fixture, Limits::default())["durations"];
    assert_eq!(durations["first"], -30);
    let counts = durations["counts"].as_array().expect("counts");
    assert_eq!(counts.len(), 121);
    assert_eq!((&counts[0], &counts[120]), (&1.into(), &1.into()));
}
