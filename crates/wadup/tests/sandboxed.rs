//! `wadup call`, `wadup python` and `wadup test`: one program in the sandbox, seen at once.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use support::{
    Said, Scratch,
    guest::{Guest, greeting, raising},
    native,
};

/// How long something may take that never takes long: what hangs is to fail, and not to hang.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn help() {
    let scratch = Scratch::new();
    for command in ["call", "python", "test"] {
        let said = scratch.wadup([command, "--help"]);
        insta::assert_snapshot!(format!("help_of_{command}"), said.text());
    }
}

#[test]
fn call_prints_the_rows_of_one_record() {
    let scratch = Scratch::new();
    scratch.write_module("greeting.wasm", &greeting());
    let said = scratch.wadup(["call", "greeting.wasm", "--json", "{}"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(
        said.stdout,
        "{\"input\":\"record.json\",\"table\":\"greetings\",\"row\":{\"text\":\"hello\",\"number\":1}}\n"
    );
    let said = feed(&scratch, &["call", "greeting.wasm", "--input", "-"], "x");
    assert!(
        said.stdout.starts_with("{\"input\":\"-\","),
        "{}",
        said.text()
    );
    // Nothing is left on the disk.
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
}

#[test]
fn call_says_how_an_input_failed() {
    let scratch = Scratch::new();
    let traceback = "Traceback (most recent call last):\nValueError: no\u{1b}[2J\u{9b}2J\n";
    scratch.write_module("bad.wasm", &raising("ValueError", "no", traceback));
    let said = scratch.wadup(["call", "bad.wasm", "--json", "[]"]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    assert_eq!(said.stdout, "");
    assert!(
        said.stderr.starts_with("raised record.json"),
        "{}",
        said.text()
    );
    assert!(
        said.stderr
            .contains("  ValueError: no\\u{1b}[2J\\u{9b}2J\n")
    );

    scratch.write_module("loop.wasm", &Guest::new().print(1, "here\x1b[2J\n").loops());
    let said = scratch.wadup(["call", "loop.wasm", "--json=1", "--timeout=200ms"]);
    assert_eq!(said.code, Some(3), "{}", said.text());
    assert!(
        said.stderr.starts_with("here\\u{1b}[2J\nlimit-exceeded"),
        "{}",
        said.text()
    );
}

#[test]
fn call_refuses_what_is_no_record() {
    let scratch = Scratch::new();
    scratch.write_module("a/greeting.wasm", &greeting());
    scratch.write_module("a/other.wasm", &greeting());
    let one = "a/greeting.wasm";
    for (args, code, reason) in [
        (
            vec![one, "--json", "{'a': 1}"],
            2,
            "it is no JSON document: key must be a string",
        ),
        (vec![one, "--json", ""], 2, "EOF while parsing"),
        (
            vec![one, "--json", "{}", "--input", "x"],
            2,
            "cannot be used with",
        ),
        (vec![one], 2, "required arguments"),
        (vec![one, "--input", "nothing"], 8, "No such file"),
        (vec![one, "--input", "a"], 8, "it is a folder"),
        (vec!["a", "--json", "{}"], 2, "the folder has 2"),
        (vec!["nothing", "--json", "{}"], 6, "No such file"),
    ] {
        let said = scratch.wadup([vec!["call"], args.clone()].concat());
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.text());
        assert!(said.stderr.contains(reason), "{args:?}: {}", said.text());
    }
}

#[test]
fn call_keeps_values_exactly_and_follows_sub_content() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        r#"
import wadup

def main():
    record = wadup.input.json()
    print("reading", wadup.input.path)
    wadup.define_table("values", [("i", "Int64"), ("f", "Float64"), ("s", "String"), ("n", "Int64")])
    wadup.insert_row("values", [-(2**63), 1.0, "é\n\x1b\x9b\u202e", None])
    wadup.insert_row("values", [record.get("i"), 1e300, "", 0])
    if "inner" in record:
        wadup.emit_bytes(b"{}", "inner.json")
"#,
    );
    let record = "{\n \"i\": 9223372036854775807,\n \"inner\": true}\n";
    let said = feed(&scratch, &["call", "project", "--json", "-"], record);
    assert_eq!(said.code, Some(0), "{}", said.text());
    let first = r#""table":"values","row":{"i":-9223372036854775808,"f":1.0,"s":"é\n\u001b\u009b\u202e","n":null}}"#;
    let expected = [
        format!("{{\"input\":\"record.json\",{first}"),
        r#"{"input":"record.json","table":"values","row":{"i":9223372036854775807,"f":1e+300,"s":"","n":0}}"#.to_owned(),
        format!("{{\"input\":\"inner.json\",{first}"),
        r#"{"input":"inner.json","table":"values","row":{"i":null,"f":1e+300,"s":"","n":0}}"#.to_owned(),
    ];
    assert_eq!(said.stdout.lines().collect::<Vec<_>>(), expected);
    let told = "reading record.json\nsub-content inner.json\nreading inner.json\n";
    assert!(said.stderr.ends_with(told), "{}", said.text());
}

#[test]
fn python_runs_programs_as_python_does() {
    let scratch = Scratch::new();
    let script = "import sys\nprint(sys.argv, __name__)\nprint(list(sys.stdin))\nsys.exit(7)\n";
    scratch.write("folder/script.py", script);
    let show = "import sys; print(sys.argv)";
    for (args, stdin, code, stdout) in [
        (
            vec!["-c", show, "a", "--timeout", "-x"],
            "",
            0,
            "['-c', 'a', '--timeout', '-x']\n",
        ),
        (
            vec!["folder/script.py", "-c", "--help"],
            "1\n2\n",
            7,
            "['folder/script.py', '-c', '--help'] __main__\n['1\\n', '2\\n']\n",
        ),
        (vec![], show, 0, "['']\n"),
        (vec!["-", "a"], show, 0, "['-', 'a']\n"),
        (
            vec!["-m", "json.tool", "--compact"],
            "[1,\n2]",
            0,
            "[1,2]\n",
        ),
        (vec!["-c", "raise SystemExit(300)"], "", 44, ""),
        (vec!["-c", "import os; os._exit(5)"], "", 5, ""),
        (vec!["-c", "print(open('/etc/passwd'))"], "", 1, ""),
        (
            vec!["-c", "import os; print(sorted(os.listdir('/')))"],
            "",
            0,
            "['app', 'console', 'data.bin', 'dev', 'input', 'lib', 'metadata', 'subcontent', 'tmp']\n",
        ),
        (
            vec!["-c", "import os; print(dict(os.environ))"],
            "",
            0,
            "{}\n",
        ),
    ] {
        let all = [vec!["python", "--no-project"], args.clone()].concat();
        let said = feed(&scratch, &all, stdin);
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.text());
        assert_eq!(said.stdout, stdout, "{args:?}: {}", said.text());
    }
}

#[test]
fn python_shows_a_traceback_of_the_program_only() {
    let scratch = Scratch::new();
    scratch.write("fails.py", "def f():\n    1/0\n\nf()\n");
    let said = scratch.wadup(["python", "--no-project", "fails.py"]);
    assert_eq!(said.code, Some(1), "{}", said.text());
    insta::assert_snapshot!(said.stderr, @r#"
    Traceback (most recent call last):
      File "fails.py", line 4, in <module>
        f()
        ~^^
      File "fails.py", line 2, in f
        1/0
        ~^~
    ZeroDivisionError: division by zero
    "#);
    let said = scratch.wadup(["python", "--no-project", "-m", "nothing"]);
    assert_eq!(said.code, Some(1), "{}", said.text());
    assert_eq!(said.stderr, "python: No module named nothing\n");
}

#[test]
fn python_has_limits_and_errors_of_its_own() {
    let scratch = Scratch::new();
    let forever = "while True: pass";
    for (args, code, reason) in [
        (
            vec!["--timeout=200ms", "-c", forever],
            3,
            "the time limit was reached",
        ),
        (
            vec!["--fuel=100000000", "-c", forever],
            3,
            "all fuel was consumed",
        ),
        (
            vec!["--max-memory=64MiB", "-c", "'a' * 10**9"],
            1,
            "MemoryError",
        ),
        (
            vec![
                "--max-files=1MiB",
                "-c",
                "open('/tmp/a', 'w').write('a' * 10**7)",
            ],
            1,
            "OSError",
        ),
        (vec!["-c", "import os; os.abort()"], 3, "unreachable"),
        (vec!["nothing.py"], 8, "No such file"),
        (vec!["."], 8, "it is no file"),
        (vec!["--input=nothing", "-c", ""], 8, "No such file"),
        (vec!["--with=no such", "-c", ""], 2, "--with"),
        (vec!["-c", ""], 0, ""),
    ] {
        let said = scratch.wadup([vec!["python", "--no-project"], args.clone()].concat());
        assert_eq!(said.code, Some(code), "{args:?}: {}", said.text());
        assert!(said.stderr.contains(reason), "{args:?}: {}", said.text());
    }
}

#[test]
fn python_has_the_project_and_an_input() {
    let scratch = Scratch::new();
    scratch.project(
        "",
        "",
        "import wadup\n\ndef main():\n    wadup.define_table('t', [('n', 'Int64')])\n    \
         wadup.insert_row('t', [wadup.input.size])\n",
    );
    scratch.write("input.txt", "four");
    let code = "import app, importlib.metadata as m; app.main(); print(m.version('app'), app.wadup.input.name)";
    let said = scratch.wadup([
        "python",
        "--project=project",
        "--input=input.txt",
        "-c",
        code,
    ]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert_eq!(said.stdout, "1.0 input.txt\n");
    assert!(
        said.stderr.contains("1 row went nowhere"),
        "{}",
        said.text()
    );
}

/// Output is there while the program runs, and so is input.
#[test]
fn python_is_live() {
    let scratch = Scratch::new();
    let code = "print('first')\nprint('got', input())\n";
    let mut child = scratch
        .command(["python", "--no-project", "-c", code])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("wadup starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("UTF-8"), "first");
    stdin.write_all(b"an answer\n").expect("somebody reads");
    assert_eq!(
        lines.next().expect("a line").expect("UTF-8"),
        "got an answer"
    );
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_session_on_a_terminal() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch, "python --no-project");
    terminal.expect("Ctrl-D ends");
    terminal.type_line("x = [1]", ">>> ");
    terminal.type_line("def f(n):", "... ");
    terminal.type_line("\treturn n / 0", "... ");
    terminal.type_line("", ">>> ");
    terminal.send("f(x[0])\r");
    terminal.expect("ZeroDivisionError: division by zero");
    terminal.expect(">>> ");
    terminal.send("print(\r");
    terminal.expect("... ");
    // Ctrl-C drops what was typed, and ends a statement, of which nothing is left.
    terminal.send("\x03");
    terminal.expect("KeyboardInterrupt");
    terminal.expect(">>> ");
    terminal.send("print('on' + 'going'); x.extend(iter(int, 1))\r");
    terminal.expect("ongoing");
    terminal.send("\x03");
    terminal.expect("what it did to variables is undone");
    terminal.expect(">>> ");
    terminal.send("x, 'after'\r");
    terminal.expect("([1], 'after')");
    // Files are still open, input() reads from the terminal, and lines that are pasted are lines.
    // The prompt is not what is typed: what comes before it would be for the session.
    terminal.expect(">>> ");
    terminal.send("file = open('/tmp/a', 'w+')\rfile.write(input('wh' 'o? '))\r");
    terminal.expect("who? ");
    terminal.send("Ada\r");
    terminal.expect("3");
    terminal.send("print('\\x1b[2J', file.seek(0), file.read())\r");
    terminal.expect("\\u{1b}[2J 0 Ada");
    terminal.send("import atexit; atexit.register(print, 'the', 'end') and None\r");
    terminal.expect(">>> ");
    terminal.send("exit(3)\r");
    terminal.expect("the end");
    assert_eq!(terminal.exit_code(), Some(3));
}

#[test]
fn a_session_ends_at_the_end_of_input() {
    let scratch = Scratch::new();
    let mut terminal = Terminal::start(&scratch, "python --no-project --timeout 1s");
    terminal.expect(">>> ");
    terminal.send("while True: pass\r\r");
    terminal.expect("the time limit was reached");
    terminal.expect(">>> ");
    terminal.send("\x04");
    assert_eq!(terminal.exit_code(), Some(0));
}

#[test]
fn a_new_project_is_tested_at_once() {
    let scratch = Scratch::new();
    scratch.wadup(["new", "my-project"]);
    let said = scratch.wadup(["test", "my-project"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stdout.contains("tests/test_my_project.py .."),
        "{}",
        said.text()
    );
    assert!(said.stdout.contains("2 passed"), "{}", said.text());
    // With a lock of uv's, which has the groups.
    native::lock(&scratch.path().join("my-project"));
    let said = scratch.wadup(["test", "my-project", "--locked", "--", "-q", "-k", "wrong"]);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        said.stdout.contains("1 passed, 1 deselected"),
        "{}",
        said.text()
    );
    assert!(!said.stdout.contains('\x1b'), "{}", said.text());
}

#[test]
fn how_tests_end_is_the_exit_code() {
    let scratch = Scratch::new();
    let project = scratch.project(
        "",
        "",
        "def main():\n    pass\n\ndef half(n):\n    return n // 2\n",
    );
    let pyproject = project.join("pyproject.toml");
    let text = fs::read_to_string(&pyproject).unwrap();
    let said = scratch.wadup(["test", "project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(
        said.stderr.contains("hint: `uv add --dev pytest` adds it"),
        "{}",
        said.text()
    );

    fs::write(
        &pyproject,
        format!("{text}\n[dependency-groups]\ntest = [\"pytest\"]\n"),
    )
    .unwrap();
    let said = scratch.wadup(["test", "project"]);
    assert_eq!(said.code, Some(4), "{}", said.text());
    assert!(said.stderr.contains("it has no tests"), "{}", said.text());

    for (test, code, shown) in [
        ("assert half(4) == 2", 0, "1 passed"),
        ("assert half(4) == 3", 3, "1 failed"),
        ("import subprocess; subprocess.run(['ls'])", 3, "1 failed"),
        (
            "import threading; threading.Thread(target=print).start()",
            3,
            "can't start new thread",
        ),
        ("import os; os._exit(0)", 3, ""),
        ("open('data.txt').read()", 0, "1 passed"),
        ("open('.hidden').read()", 3, "1 failed"),
        ("open('made.txt', 'w').write('x')", 0, "1 passed"),
        ("def", 3, "1 error"),
    ] {
        let source = format!("from app import half\n\ndef test_it():\n    {test}\n");
        scratch.write("project/tests/test_it.py", source);
        scratch.write("project/data.txt", "");
        scratch.write("project/.hidden", "");
        let said = scratch.wadup(["test", "project"]);
        assert_eq!(said.code, Some(code), "{test}: {}", said.text());
        assert!(said.stdout.contains(shown), "{test}: {}", said.text());
    }
    assert!(!project.join("made.txt").exists());
    let said = scratch.wadup(["test", "project", "--", "--no-such-option"]);
    assert_eq!(said.code, Some(2), "{}", said.text());
}

/// `wadup` with something on stdin.
fn feed(scratch: &Scratch, args: &[&str], stdin: &str) -> Said {
    let mut child = scratch
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("wadup starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // One that does not read it ends before.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    Said::from(child.wait_with_output().expect("wadup ends"))
}

/// `wadup` on a pseudo terminal, which util-linux's `script` makes.
struct Terminal {
    child: Child,
    output: Receiver<Vec<u8>>,
    /// What was shown and not expected yet.
    shown: String,
}

impl Terminal {
    fn start(scratch: &Scratch, args: &str) -> Self {
        // In the shell's place: one that stays would take Ctrl-C for itself too, and end with 130.
        let command = format!("exec {} {args}", env!("CARGO_BIN_EXE_wadup"));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &command])
            .arg("/dev/null")
            .current_dir(scratch.path())
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` of util-linux is installed");
        let mut stdout = child.stdout.take().expect("a pipe");
        let (sender, output) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            output,
            shown: String::new(),
        }
    }

    fn send(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        stdin.write_all(text.as_bytes()).expect("somebody reads");
        stdin.flush().expect("somebody reads");
    }

    /// Types a line, and waits for the next prompt.
    fn type_line(&mut self, line: &str, prompt: &str) {
        self.send(&format!("{line}\r"));
        self.expect("\n");
        self.expect(prompt);
    }

    /// Waits until this is shown.
    fn expect(&mut self, text: &str) {
        loop {
            if let Some(at) = self.shown.find(text) {
                self.shown.drain(..at + text.len());
                return;
            }
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{text:?} was not shown, but {:?}", self.shown),
            }
        }
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}
