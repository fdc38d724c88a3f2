//! Instances of a snapshot tell the truth: about randomness, time, environment and themselves.
//! The artifacts are real, and so are the runs.

mod support;

use std::collections::HashSet;

use support::Scratch;

/// What has to be unique: drawn in `main()`, from what was made at import and from what was not.
const UNIQUE: &str = r#"
import random, secrets, tempfile, uuid
import wadup

rng = random.Random()
names = tempfile._RandomNameSequence()
random.random(), rng.random(), uuid.uuid1(), uuid.uuid4(), secrets.token_hex(), next(names)

def main():
    wadup.define_table("drawn", [(name, "String") for name in (
        "uuid4", "random", "token", "own", "uuid1", "name", "system", "bits",
    )])
    wadup.insert_row("drawn", [
        str(uuid.uuid4()), repr(random.random()), secrets.token_hex(), repr(rng.random()),
        str(uuid.uuid1()), next(names), repr(random.SystemRandom().random()),
        str(random.getrandbits(128)),
    ])
"#;

const COLUMNS: [&str; 8] = [
    "uuid4", "random", "token", "own", "uuid1", "name", "system", "bits",
];

/// Runs `count` inputs, and checks that no two drew the same.
fn nothing_is_drawn_twice(scratch: &Scratch, count: usize) {
    for input in 0..count {
        scratch.write(format!("inputs/{input}"), "");
    }
    // Two runs: what differs within one could be the same in the next.
    for _ in 0..2 {
        let said = scratch.wadup(["run", "project", "--input=inputs", "--output=out.db"]);
        assert_eq!(said.code, Some(0), "{}", said.text());
    }
    for column in COLUMNS {
        let values = scratch.query("out.db", &format!("SELECT \"{column}\" FROM drawn"));
        assert_eq!(values.len(), 2 * count, "{column}");
        let different: HashSet<_> = values.iter().collect();
        assert_eq!(different.len(), 2 * count, "{column}: {values:?}");
    }
}

#[test]
fn a_thousand_instances_of_a_snapshot_draw_different_numbers() {
    let scratch = Scratch::new();
    scratch.project("", "", UNIQUE);
    nothing_is_drawn_twice(&scratch, 1000);
}

#[test]
fn instances_that_start_cold_draw_different_numbers() {
    let scratch = Scratch::new();
    scratch.project_with("snapshot = false", UNIQUE);
    nothing_is_drawn_twice(&scratch, 20);
}

/// Each fact is a row; `at` says whether it was found at import or in `main()`.
const SELF: &str = r#"
import datetime, locale, os, sys, threading, time
from os import environ
import wadup

def facts():
    yield "environ", str(sorted(os.environ.items()))
    yield "environb", str(sorted(os.environb.items()))
    yield "captured", str(sorted(environ.items()))
    yield "getenv", str(os.getenv("GIVEN"))
    yield "class", type(os.environ._data).__name__
    yield "argv", str(sys.argv)
    yield "orig_argv", str(sys.orig_argv)
    yield "executable", repr(sys.executable)
    yield "pid", str(os.getpid())
    yield "cwd", os.getcwd()
    yield "thread", threading.current_thread().name
    yield "threads", str(threading.active_count())
    yield "zone", str((time.timezone, time.tzname, time.localtime(0).tm_hour))
    yield "locale", str(locale.setlocale(locale.LC_ALL))
    yield "encodings", f"{sys.getfilesystemencoding()} {sys.stdout.encoding}"
    yield "hash", str(hash("text"))
    yield "prefix", sys.prefix

AT_IMPORT = list(facts())
CLOCKS = [time.time, time.monotonic, time.perf_counter]
IMPORTED = [clock() for clock in CLOCKS] + [datetime.datetime.now().timestamp()]

def main():
    wadup.define_table("facts", [("at", "String"), ("name", "String"), ("value", "String")])
    for at, all_facts in ("import", AT_IMPORT), ("main", facts()):
        for name, value in all_facts:
            wadup.insert_row("facts", [at, name, value])
    wadup.define_table("clocks", [("name", "String"), ("imported", "Float64"), ("now", "Float64")])
    now = [clock() for clock in CLOCKS] + [datetime.datetime.now().timestamp()]
    for name, imported, now in zip(["time", "monotonic", "perf_counter", "now"], IMPORTED, now):
        wadup.insert_row("clocks", [name, imported, now])
"#;

fn facts(scratch: &Scratch, at: &str) -> Vec<String> {
    scratch.query(
        "out.db",
        &format!("SELECT DISTINCT name, value FROM facts WHERE at = '{at}' ORDER BY name, value"),
    )
}

/// What an instance sees of itself does not depend on who runs it, where, and as whom.
#[test]
fn an_instance_knows_of_itself_what_it_is_given() {
    for (name, wadup) in [("snapshot", ""), ("cold", "snapshot = false")] {
        let scratch = Scratch::new();
        scratch.project_with(wadup, SELF);
        scratch.write("inputs/1", "");
        scratch.write("inputs/2", "");
        let mut run = scratch.command([
            "run",
            "project",
            "--input=inputs",
            "--output=out.db",
            "--env=GIVEN=yes",
            "--env=TZ=Asia/Tokyo",
        ]);
        let output = run
            .env("TZ", "America/Lima")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("PYTHONHASHSEED", "17")
            .env("PYTHONPATH", "/nowhere")
            .output()
            .expect("wadup starts");
        let said = support::Said::from(output);
        assert_eq!(said.code, Some(0), "{}", said.text());
        insta::assert_snapshot!(format!("{name}_main"), facts(&scratch, "main").join("\n"));
        insta::assert_snapshot!(
            format!("{name}_import"),
            facts(&scratch, "import").join("\n")
        );
        now_is_now(&scratch);
    }
}

/// The clocks of `main()` are the machine's.
fn now_is_now(scratch: &Scratch) {
    let wall = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64();
    for clock in ["time", "now"] {
        let now = scratch.query(
            "out.db",
            &format!("SELECT now FROM clocks WHERE name = '{clock}'"),
        );
        assert_eq!(now.len(), 2);
        for now in now {
            let now: f64 = now.parse().expect("a number");
            assert!(
                (0.0..600.0).contains(&(wall - now)),
                "{clock}: {now}, {wall}"
            );
        }
    }
    let backwards = scratch.query("out.db", "SELECT * FROM clocks WHERE now < imported");
    assert_eq!(backwards, [""; 0]);
}

/// What is still buffered at the end of the import is written then, and not by every instance.
const BUFFERED: &str = r#"
import io, logging, sys

print("print", end="")
print("print to stderr", end="", file=sys.stderr)
sys.__stdout__.write("sys.__stdout__")
# Of these nobody but the program knows.
text = open(1, "w", closefd=False)
text.write("text")
binary = open(2, "wb", closefd=False)
binary.write(b"binary")
sys.stdout = io.TextIOWrapper(open(1, "wb", closefd=False), "utf-8")
print("replaced")
memory = io.TextIOWrapper(io.BytesIO())
memory.write("kept")
detached = io.TextIOWrapper(io.BytesIO())
detached.detach()
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
logging.warning("logged")

class Collected:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("collected")

Collected()

def main():
    # Nobody but the program writes to what is its own.
    assert memory.buffer.getvalue() == b""
    memory.flush()
    assert memory.buffer.getvalue() == b"kept"
    print("in main")
    logging.warning("in main")
"#;

#[test]
fn what_the_import_printed_is_shown_by_the_build_and_printed_by_no_instance() {
    let scratch = Scratch::new();
    scratch.project("", "", BUFFERED);
    scratch.write("inputs/1", "");
    scratch.write("inputs/2", "");
    for _ in ["made", "found in the cache"] {
        let said = scratch.wadup(["build", "project", "--output=out.wasm"]);
        assert_eq!(said.code, Some(0), "{}", said.text());
        for text in [
            "print",
            "print to stderr",
            "sys.__stdout__",
            "text",
            "binary",
            "replaced",
            "logged",
            "collected",
        ] {
            assert!(said.stderr.contains(text), "{text}: {}", said.text());
        }
    }
    let said = scratch.wadup(["run", "out.wasm", "--input=inputs", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let printed = scratch.query("out.db", "SELECT stdout, stderr FROM _wadup_outcomes");
    assert_eq!(printed, ["in main\n|in main\n"; 2]);
}

/// Markers in all that a build can see of where it runs, and none of them in the artifact.
#[test]
fn nothing_of_the_build_is_in_the_artifact() {
    let scratch = Scratch::new();
    let source = "import os, sys, time, random, tempfile, logging\n\
                  SEEN = str((dict(os.environ), sys.argv, os.getpid(), time.time()))\n\
                  def main(): print(SEEN)\n";
    scratch.project("", "", source);
    let place = "a-folder-with-a-telling-name";
    std::fs::rename(scratch.path().join("project"), scratch.path().join(place))
        .expect("a project can be moved");
    let mut build = scratch.command(["build", place, "--output=out.wasm"]);
    let output = build
        .env("MARKER_NAME_OF_A_VARIABLE", "marker-value-of-a-variable")
        .env("USER", "marker-user")
        .env("LOGNAME", "marker-user")
        .env("HOSTNAME", "marker-host")
        .output()
        .expect("wadup starts");
    let said = support::Said::from(output);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let wasm = std::fs::read(scratch.path().join("out.wasm")).expect("an artifact");
    let scratch_name = scratch.path().file_name().expect("a name");
    for marker in [
        "MARKER_NAME",
        "marker-value",
        "marker-user",
        "marker-host",
        place,
        scratch_name.to_str().expect("UTF-8"),
    ] {
        let found = wasm.windows(marker.len()).any(|it| it == marker.as_bytes());
        assert!(!found, "{marker}");
    }
}

/// Of what an instance does, the next one sees nothing. (The host's own tests plant more.)
#[test]
fn hooks_run_in_every_instance_in_order_before_main() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        r#"
import wadup

calls = []

@wadup.on_start
def first():
    calls.append("first")

class Second:
    def __call__(self):
        calls.append("second")

wadup.on_start(Second())
wadup.on_start(lambda: calls.append(wadup.input.name))

def main():
    wadup.define_table("calls", [("calls", "String")])
    wadup.insert_row("calls", [" ".join(calls)])
    calls.append("main")
"#,
    );
    for input in 0..20 {
        scratch.write(format!("inputs/{input:02}"), "");
    }
    let said = scratch.wadup(["run", "project", "--input=inputs", "--output=out.db"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let calls = scratch.query("out.db", "SELECT calls FROM calls ORDER BY calls");
    let expected: Vec<_> = (0..20).map(|it| format!("first second {it:02}")).collect();
    assert_eq!(calls, expected);
}

/// The seed is the artifact's: hashes at import and in instances are of one kind.
#[test]
fn the_hash_seed_is_the_projects() {
    let hashes = |wadup: &str| {
        let scratch = Scratch::new();
        scratch.project_with(
            wadup,
            "import wadup\nHASH = hash('text')\nSET = {str(it) for it in range(50)}\n\
             ORDER = ''.join(SET)\n\
             def main():\n    assert HASH == hash('text') and ORDER == ''.join(SET)\n    \
             assert all(str(it) in SET for it in range(50))\n    \
             wadup.define_table('hashes', [('hash', 'Int64'), ('word', 'String')])\n    \
             wadup.insert_row('hashes', [HASH, ORDER])\n",
        );
        scratch.write("inputs/1", "");
        scratch.write("inputs/2", "");
        let said = scratch.wadup(["run", "project", "--input=inputs", "--output=out.db"]);
        assert_eq!(said.code, Some(0), "{}", said.text());
        let hashes = scratch.query("out.db", "SELECT DISTINCT hash, word FROM hashes");
        assert_eq!(hashes.len(), 1, "{hashes:?}");
        hashes
    };
    let default = hashes("");
    assert_eq!(default, hashes(""));
    assert_eq!(default, hashes("snapshot = false"));
    let other = hashes("hash-seed = 5");
    assert_ne!(default, other);
    assert_eq!(other, hashes("hash-seed = 5\nsnapshot = false"));
}
