//! A suite's test files, each executed by itself; a test that kills its instance (or process)
//! costs that test, and the file is executed again without it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::suite::{Execution, Outcome, Request, Test};

/// Where tests are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Native,
    Sandbox,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Sandbox => "sandbox",
        }
    }
}

/// How often a file is executed at most.
const ATTEMPTS: usize = 20;

/// What all test files of a suite came to on one side.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// By the file's path.
    pub(super) files: BTreeMap<String, FileResult>,
}

/// What one test file came to.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    /// By id. A file that could not be executed to its end has an outcome of its own, by its
    /// path.
    pub(super) tests: BTreeMap<String, Test>,
    /// The ids in the order in which the tests began, each once.
    pub(super) order: Vec<String>,
    /// Of all attempts.
    pub(super) duration: Duration,
}

/// Executes requests, those again that died in a test. Each is for another file.
pub(super) fn run(
    requests: Vec<Request>,
    execute: impl Fn(&[Request]) -> anyhow::Result<Vec<Execution>>,
) -> anyhow::Result<Results> {
    let mut results = Results::default();
    let mut pending = requests;
    for attempt in 1..=ATTEMPTS {
        let mut again = Vec::new();
        for (request, execution) in pending.iter().zip(execute(&pending)?) {
            let file = results.files.entry(request.path.clone()).or_default();
            file.duration += execution.duration;
            let culprit = file.take(&request.path, execution);
            if let Some(culprit) = culprit
                && attempt < ATTEMPTS
            {
                let mut request = request.clone();
                request.without.push(culprit);
                again.push(request);
            }
        }
        if again.is_empty() {
            break;
        }
        pending = again;
    }
    Ok(results)
}

impl FileResult {
    /// Takes what one attempt came to; the test that it ended in, if it did not go on to the
    /// end.
    fn take(&mut self, path: &str, execution: Execution) -> Option<String> {
        for id in execution.run.order {
            if !self.tests.contains_key(&id) {
                self.order.push(id);
            }
        }
        self.tests.extend(execution.run.tests);
        let end = match (execution.death, execution.run.code) {
            (Some(death), _) => death,
            (None, Some(code)) => Test {
                detail: execution.output,
                ..Test::new(
                    Outcome::Exited,
                    format!("the runner ended with code {code}"),
                )
            },
            (None, None) => Test::new(Outcome::Exited, "the runner did not end"),
        };
        if let Some(culprit) = execution.run.running {
            self.tests.insert(culprit.clone(), end);
            return Some(culprit);
        }
        // pytest's 1 is that tests failed, 5 that there is none.
        if !matches!(execution.run.code, Some(0 | 1 | 5)) || end.outcome != Outcome::Exited {
            self.tests.entry(path.to_owned()).or_insert(end);
            self.order.push(path.to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::Run;

    fn request(path: &str) -> Request {
        Request {
            path: path.to_owned(),
            ..Request::default()
        }
    }

    fn execution(stream: &str, death: Option<Outcome>) -> Execution {
        let stream = stream.replace('{', "\u{1e}{").replace('}', "}\n");
        let (run, output) = Run::parse(&stream).unwrap();
        Execution {
            run,
            death: death.map(|outcome| Test::new(outcome, "it died")),
            output,
            duration: Duration::from_secs(1),
        }
    }

    /// Tests `f::a`, `f::b` that traps, `f::c`.
    fn fragile(request: &Request) -> Execution {
        let mut stream = String::new();
        for id in ["f::a", "f::b", "f::c"] {
            if request.without.iter().any(|it| it == id) {
                continue;
            }
            stream.push_str(&format!("{{\"kind\": \"started\", \"id\": {id:?}}}"));
            if id == "f::b" {
                return execution(&stream, Some(Outcome::Trapped));
            }
            stream.push_str(&format!(
                "{{\"kind\": \"outcome\", \"id\": {id:?}, \"outcome\": \"passed\"}}"
            ));
        }
        stream.push_str("{\"kind\": \"end\", \"code\": 0}");
        execution(&stream, None)
    }

    #[test]
    fn a_trap_costs_one_test() {
        let results = run(vec![request("f")], |requests| {
            Ok(requests.iter().map(fragile).collect())
        });
        let results = results.unwrap();
        let file = &results.files["f"];
        let outcomes: Vec<_> = file
            .tests
            .iter()
            .map(|(id, it)| (&**id, it.outcome))
            .collect();
        let expected = [
            ("f::a", Outcome::Passed),
            ("f::b", Outcome::Trapped),
            ("f::c", Outcome::Passed),
        ];
        assert_eq!(outcomes, expected);
        assert_eq!(file.tests["f::b"].message, "it died");
        assert_eq!(file.duration, Duration::from_secs(2));
    }

    #[test]
    fn a_file_that_dies_outside_of_its_tests_has_an_outcome_of_its_own() {
        let results = run(vec![request("f")], |_| {
            Ok(vec![execution("", Some(Outcome::LimitExceeded))])
        });
        let results = results.unwrap();
        assert_eq!(
            results.files["f"].tests["f"].outcome,
            Outcome::LimitExceeded
        );
    }

    #[test]
    fn a_file_that_always_dies_is_given_up() {
        let results = run(vec![request("f")], |requests| {
            let id = format!("f::{}", requests[0].without.len());
            let stream = format!("{{\"kind\": \"started\", \"id\": {id:?}}}");
            Ok(vec![execution(&stream, Some(Outcome::Exited))])
        });
        assert_eq!(results.unwrap().files["f"].tests.len(), ATTEMPTS);
    }

    #[test]
    fn a_runner_that_refuses_is_no_success() {
        let results = run(vec![request("f")], |_| {
            Ok(vec![execution("{\"kind\": \"end\", \"code\": 4}", None)])
        });
        let results = results.unwrap();
        let test = &results.files["f"].tests["f"];
        assert_eq!(test.message, "the runner ended with code 4");
    }
}
