//! What `wadup build` says of an import whose effects its snapshot freezes, and what it refuses.

mod support;

use support::{Scratch, wheel};

/// One of each kind; and what is no finding.
const IMPURE: &str = r#"
import datetime, os, random, secrets, tempfile, time, uuid
from os import environ
from random import random as draw
import settings

STARTED = time.time()
CREATED = datetime.datetime.now(), time.monotonic(), time.localtime()
TOKEN, ID = secrets.token_hex(), uuid.uuid4()
LUCK = draw()
rng = random.Random()
SALT = rng.getrandbits(64)
DEBUG = "DEBUG" in os.environ and environb[b"DEBUG"]
LEVEL = settings.variable("LEVEL")
HOME = settings.variable("HOME")
EVERYTHING = dict(environ)
with open("/dev/urandom", "rb", buffering=0) as device:
    device.read(8)
with open("/tmp/kept", "w") as file:
    file.write("for nobody")
os.mkdir("/tmp/folder")
for _ in range(3):
    time.perf_counter()

def main():
    pass
"#;

const PURE: &str = r#"
import asyncio, calendar, datetime, decimal, email.message, http.client, inspect, json, locale
import logging, os, random, secrets, shutil, sqlite3, tempfile, time, unittest, uuid, zoneinfo

os.environ["SET"] = "at import"
os.environ.setdefault("PREFERRED", "given")
logging.basicConfig(level="INFO")
seeded = random.Random(42)
NUMBERS = [seeded.random() for _ in range(3)]
# Seeded anew in every instance.
rng, system = random.Random(), random.SystemRandom()
BIRTHDAY = datetime.datetime(2000, 1, 1).timestamp()
TEXT = time.strftime("%Y", time.gmtime(0))
open(__file__).read()
with open("/tmp/scratch", "w") as file:
    file.write("and gone again")
os.rename("/tmp/scratch", "/tmp/other")
os.remove("/tmp/other")

def main():
    pass
"#;

const SETTINGS: &str = "import os\n\ndef variable(name):\n    return os.environ.get(name)\n";

fn impure() -> Scratch {
    let scratch = Scratch::new();
    scratch.project("", "", &IMPURE.replace("environb", "os.environb"));
    scratch.write("project/src/settings.py", SETTINGS);
    scratch
}

#[test]
fn every_kind_is_told_of_with_its_place() {
    let scratch = impure();
    let said = scratch.wadup(["build", "project", "--output=out.wasm"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let warning: Vec<_> = said.stderr.lines().collect();
    assert!(
        warning
            .iter()
            .all(|line| line.chars().count() <= 80 || line.contains("out.wasm")),
        "{}",
        said.stderr
    );
    insta::assert_snapshot!(without_headline(&said.stderr));

    // The artifact that is found in the cache has frozen the same.
    let again = scratch.wadup(["build", "project", "--output=out.wasm"]);
    assert!(again.stderr.contains("was up to date"), "{}", again.text());
    assert_eq!(
        without_headline(&again.stderr),
        without_headline(&said.stderr)
    );
}

/// The warning, without what was installed or written before it, and the line on the artifact.
fn without_headline(stderr: &str) -> String {
    let lines = stderr.lines();
    let lines = lines.skip_while(|line| !line.starts_with("warning"));
    let lines = lines.filter(|line| !line.contains("out.wasm"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn impure_imports_can_be_denied() {
    let scratch = impure();
    for _ in ["made", "found in the cache"] {
        let said = scratch.wadup(["build", "project", "--deny-impure", "--output=out.wasm"]);
        assert_eq!(said.code, Some(4), "{}", said.text());
        assert!(
            said.stderr.contains("STARTED = time.time()"),
            "{}",
            said.text()
        );
        assert!(
            said.stderr.contains("hint: move it into main()"),
            "{}",
            said.text()
        );
        assert!(!scratch.path().join("out.wasm").exists());
    }
    scratch.write("input", "");
    let run = ["run", "project", "--input=input", "--output=out.db"];
    let said = scratch.wadup(run.into_iter().chain(["--deny-impure"]));
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(!scratch.path().join("out.db").exists());
    let said = scratch.wadup(run);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stderr.contains("STARTED = time.time()"),
        "{}",
        said.text()
    );
}

/// Where every instance imports for itself, nothing is frozen.
#[test]
fn a_cold_artifact_freezes_nothing() {
    let scratch = Scratch::new();
    scratch.project_with(
        "snapshot = false",
        &IMPURE.replace("environb", "os.environb"),
    );
    scratch.write("project/src/settings.py", SETTINGS);
    let said = scratch.wadup(["build", "project", "--deny-impure"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(!said.stderr.contains("warning"), "{}", said.text());
}

#[test]
fn what_the_runtime_resets_and_what_is_the_same_every_time_is_no_finding() {
    let scratch = Scratch::new();
    scratch.project("", "", PURE);
    let said = scratch.wadup(["build", "project", "--deny-impure", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let impure = said.json_lines();
    assert!(
        impure.iter().all(|it| it["event"] != "impure"),
        "{}",
        said.stdout
    );
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
}

/// pydantic reads a variable for every class of models: known, and nobody's fault.
#[test]
fn pydantic_is_not_denied() {
    let scratch = Scratch::new();
    let classes: String = (0..300)
        .map(|number| format!("class Model{number}(BaseModel):\n    value: int\n\n"))
        .collect();
    let app = format!(
        "from pydantic import BaseModel\n\n{classes}Model1(value=3)\n\ndef main():\n    pass\n"
    );
    scratch.project("", "\"pydantic\"", &app);
    let said = scratch.wadup(["build", "project", "--deny-impure", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(!said.stderr.contains("warning"), "{}", said.stderr);
    let events = said.json_lines();
    let impure: Vec<_> = events.iter().filter(|it| it["event"] == "impure").collect();
    let [known] = &*impure else {
        panic!("{impure:?}")
    };
    assert_eq!(known["expected"], true);
    assert_eq!(known["variable"], "PYDANTIC_DISABLE_PLUGINS");
    assert_eq!(known["count"], 300);
}

/// What a package does is reported like what the project does: at its place, and with the line
/// of the project that led there.
#[test]
fn packages_are_reported_too() {
    let scratch = Scratch::new();
    scratch.project(
        "\"library\"",
        "",
        "from library import core\n\ndef main():\n    pass\n",
    );
    let core = "import os, time\n\ndef home():\n    return os.environ['HOME']\n\n\
                try:\n    home()\nexcept KeyError:\n    START = time.time()\n";
    let metadata = "Metadata-Version: 2.1\nName: library\nVersion: 1.0\n";
    let files = [
        ("library/__init__.py", ""),
        ("library/core.py", core),
        ("library-1.0.dist-info/METADATA", metadata),
        ("library-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n"),
    ];
    let project = scratch.path().join("project");
    wheel::locked(&project, "library", "1.0", &files).expect("a wheel");
    let said = scratch.wadup(["build", "project", "--output=out.wasm"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    insta::assert_snapshot!(without_headline(&said.stderr));
    let said = scratch.wadup(["build", "project", "--deny-impure"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
}

#[test]
fn json_has_every_finding_and_its_stack() {
    let scratch = impure();
    let said = scratch.wadup(["build", "project", "--json"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let events = said.json_lines();
    let level = events
        .iter()
        .find(|it| it["variable"] == "LEVEL")
        .expect("a finding");
    insta::assert_snapshot!(format!("{level:#}"));
}

/// What listened during the import is gone: `os.environ` and the generators are CPython's own.
#[test]
fn no_trace_of_the_audit_is_left() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        r#"
import os, random, sys
from os import environ
random.random(), os.environ.get("X")

def main():
    assert environ is os.environ
    assert type(environ._data) is dict and environ._data is os.environb._data
    assert environ._data is sys.modules["posix"].environ
    environ["X"] = "1"
    assert os.environb[b"X"] == b"1"
    random.seed(1)
    assert random.random() == 0.13436424411240122
"#,
    );
    scratch.write("input", "");
    let said = scratch.wadup(["run", "project", "--input=input", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
}
