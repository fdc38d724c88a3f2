//! What can be given to a run.

#![expect(
    clippy::print_stdout,
    reason = "a process of its own tells its parent what it read"
)]

mod support;

use std::ffi::OsString;
use std::fs;
use std::io::Cursor;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{Results, Script, describe, interpreter, run_folder, run_inputs, settings};
use wadup_host::{Cancel, Event, Host, HostSettings, Inputs, Silent, Status};
use wadup_sink::MemorySink;

fn write(folder: &Path, name: &str, script: &Script) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, script.bytes()).unwrap();
}

fn make_fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

/// Path (relative to `folder`) and verdict of every input, in order of path.
fn verdicts(results: &Results, folder: &Path) -> String {
    let mut lines: Vec<String> = results
        .sink
        .inputs
        .iter()
        .map(|input| {
            let path = Path::new(&input.path);
            let path = path.strip_prefix(folder).unwrap_or(path);
            format!("{}: {}", path.display(), describe(&input.outcomes[0]))
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn folders_are_walked_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b/2", "b/10", "a", "c/d/e", ".hidden", "B"] {
        write(folder.path(), name, &Script::new());
    }
    let order = || -> Vec<OsString> {
        let results = run_folder(HostSettings::default(), folder.path());
        let paths = results.sink.inputs.iter().map(|input| {
            let path = Path::new(&input.path);
            path.strip_prefix(folder.path()).unwrap().into()
        });
        paths.collect()
    };
    assert_eq!(order(), [".hidden", "B", "a", "b/10", "b/2", "c/d/e"]);
    assert_eq!(order(), order());
}

#[test]
fn what_cannot_be_read_is_an_outcome_and_never_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "good", &Script::new().rows([1]));
    make_fifo(&root.join("fifo"));
    let _socket = UnixListener::bind(root.join("socket")).unwrap();

    let start = Instant::now();
    let results = run_folder(settings(), root);
    assert!(start.elapsed() < Duration::from_secs(5));
    insta::assert_snapshot!(verdicts(&results, root), @r"
    fifo: unreadable [fifo] it is a named pipe (FIFO)
    good: completed
    socket: unreadable [socket] it is a socket
    ");
    assert_eq!(results.summary.total_rows(), 1);
    let fifo = results.input("fifo");
    assert_eq!((fifo.size, fifo.sha256), (None, None));
}

#[test]
fn the_same_holds_for_what_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make_fifo(&root.join("fifo"));
    symlink("fifo", root.join("link-to-fifo")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    write(root, "file", &Script::new().rows([1]));
    let inputs = Inputs::new()
        .path(root.join("fifo"))
        .path(root.join("link-to-fifo"))
        .path(root.join("loop"))
        .path(root.join("missing"))
        .path(root.join("file/below-a-file"))
        .path("/dev/zero")
        .path("/dev/tty")
        .path("");
    let results = run_inputs(settings(), inputs);
    insta::assert_snapshot!(verdicts(&results, root), @r"
    /dev/tty: unreadable [device] it is a device
    /dev/zero: unreadable [device] it is a device
    : unreadable [not-found] no such file
    fifo: unreadable [fifo] it is a named pipe (FIFO)
    file/below-a-file: unreadable [not-found] no such file
    link-to-fifo: unreadable [fifo] it is a named pipe (FIFO)
    loop: unreadable [symlink-loop] too many levels of symbolic links
    missing: unreadable [not-found] no such file
    ");
}

#[test]
fn permissions_are_respected() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "closed/inside", &Script::new());
    write(root, "unreadable", &Script::new());
    fs::set_permissions(root.join("unreadable"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    let root_user = fs::File::open(root.join("unreadable")).is_ok();
    let results = run_folder(settings(), root);
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    if root_user {
        assert_eq!(results.summary.failed_inputs, 0);
        return;
    }
    insta::assert_snapshot!(verdicts(&results, root), @r"
    closed: unreadable [permission-denied] permission denied
    unreadable: unreadable [permission-denied] permission denied
    ");
}

#[test]
fn links_in_folders_are_passed_over_and_named_links_followed() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret", &Script::new().rows([1]));
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "inside", &Script::new().rows([1]));
    symlink(outside.path(), root.join("link-to-folder")).unwrap();
    symlink(outside.path().join("secret"), root.join("link-to-file")).unwrap();
    symlink(root, root.join("link-to-itself")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    symlink("loop", root.join("loop")).unwrap();

    let results = run_folder(settings(), root);
    assert_eq!(verdicts(&results, root), "inside: completed");
    assert_eq!(results.summary.skipped, 5);

    let named = Inputs::new()
        .path(root.join("link-to-file"))
        .path(root.join("link-to-folder"));
    let results = run_inputs(settings(), named);
    assert_eq!(results.summary.total_rows(), 2);
}

#[test]
fn names_that_are_not_utf_8_work() {
    let folder = tempfile::tempdir().unwrap();
    let name = OsString::from_vec(b"caf\xe9\n\xff".to_vec());
    fs::write(folder.path().join(&name), Script::new().rows([1]).bytes()).unwrap();
    let results = run_folder(settings(), folder.path());
    let input = &results.sink.inputs[0];
    assert_eq!(input.outcomes[0].status, Status::Completed);
    assert_eq!(Path::new(&input.path).file_name(), Some(name.as_ref()));
}

#[test]
fn lists_have_paths_that_end_with_nul() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a", "with\nnewline", "folder/b"] {
        write(root, name, &Script::new().rows([1]));
    }
    let paths = ["a", "with\nnewline", "", "folder", "missing"];
    let list: String = paths
        .iter()
        .map(|name| match *name {
            "" => "\0".to_owned(),
            name => format!("{}/{name}\0", root.display()),
        })
        .collect();
    let results = run_inputs(settings(), Inputs::new().list(Cursor::new(list)));
    assert_eq!(results.summary.inputs, 4);
    assert_eq!(results.summary.total_rows(), 3);
    // The last may lack its NUL.
    let list = format!("{}/a", root.display());
    let results = run_inputs(settings(), Inputs::new().list(Cursor::new(list)));
    assert_eq!(results.summary.total_rows(), 1);
}

#[test]
fn a_list_that_cannot_be_read_ends_the_run() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the pipe broke"))
        }
    }
    let host = Host::new(settings()).unwrap();
    let artifact = interpreter(&host);
    let mut sink = MemorySink::new();
    let error = host
        .run(
            &[artifact],
            Inputs::new().list(Broken),
            &mut sink,
            &Silent,
            &Cancel::new(),
        )
        .unwrap_err();
    assert_eq!(error.to_string(), "read the list of inputs");
}

#[test]
fn patterns_choose_files_in_folders() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["a.toml", "b.txt", "deep/c.toml", "toml"] {
        write(root, name, &Script::new());
    }
    let patterns = globset::GlobSetBuilder::new()
        .add(globset::Glob::new("*.toml").unwrap())
        .build()
        .unwrap();
    let inputs = Inputs::new()
        .path(root)
        .path(root.join("b.txt"))
        .filter(patterns);
    let counter = inputs.counter().expect("files can be counted");
    let results = run_inputs(settings(), inputs);
    assert_eq!(
        verdicts(&results, root),
        "a.toml: completed\nb.txt: completed\ndeep/c.toml: completed"
    );
    assert_eq!(counter(), results.summary.inputs);
    assert!(Inputs::new().path(root).stdin().counter().is_none());
}

#[test]
fn what_is_left_out_of_folders_is_so_by_any_path_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for name in ["in/a", "in/out", "in/deeper/out"] {
        write(&root, name, &Script::new());
    }
    symlink("in", root.join("link")).unwrap();
    let link = root.join("link");
    let inputs = Inputs::new()
        .path(root.join("./in/"))
        .path(&link)
        .path(root.join("in/deeper/../out"))
        .without([root.join("in/out"), root.join("elsewhere")]);
    let counter = inputs.counter().expect("files can be counted");
    let results = run_inputs(settings(), inputs);
    insta::assert_snapshot!(verdicts(&results, &root), @r"
    in/a: completed
    in/deeper/../out: unreadable [output] it is what the run writes
    in/deeper/out: completed
    link/a: completed
    link/deeper/out: completed
    ");
    assert_eq!(counter(), results.summary.inputs);
}

#[test]
fn content_is_read_whole_and_its_digest_is_known() {
    let folder = tempfile::tempdir().unwrap();
    // Below, at and above the length up to which content is read at once.
    for length in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20] {
        let mut script = Script::new().rows([1]);
        if length > script.bytes().len() {
            let rest = length - script.bytes().len();
            script = script.print(vec![b'x'; rest.saturating_sub(5)]);
        }
        write(folder.path(), &format!("{length}"), &script);
    }
    let results = run_folder(settings(), folder.path());
    assert_eq!(results.summary.failed_inputs, 0);
    for input in &results.sink.inputs {
        let content = fs::read(&input.path).unwrap();
        assert_eq!(input.size, Some(content.len() as u64));
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&content).into();
        assert_eq!(input.sha256, Some(digest), "{:?}", input.path);
    }
}

#[test]
fn a_file_of_proc_has_content_though_its_length_is_0() {
    let path = Path::new("/proc/self/status");
    if !path.exists() {
        return;
    }
    let results = run_inputs(settings(), Inputs::new().path(path));
    assert!(results.sink.inputs[0].size.is_some_and(|size| size > 0));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    let script = Script::new()
        .rows([1])
        .sleep(Duration::from_millis(300))
        .print(vec![b'x'; 3 << 20]);
    fs::write(&path, script.bytes()).unwrap();

    let host = Host::new(settings()).unwrap();
    let artifact = interpreter(&host);
    let mut sink = MemorySink::new();
    let reporter = |event: &Event<'_>| {
        if matches!(event, Event::InputStarted { .. }) {
            let path = path.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(150));
                fs::OpenOptions::new()
                    .append(true)
                    .open(path)
                    .and_then(|mut file| std::io::Write::write_all(&mut file, b"more"))
                    .unwrap();
            });
        }
    };
    host.run(
        &[artifact],
        Inputs::new().path(&path),
        &mut sink,
        &reporter,
        &Cancel::new(),
    )
    .unwrap();
    let outcome = &sink.inputs[0].outcomes[0];
    assert_eq!(
        describe(outcome),
        "unreadable [changed] it changed while it was read"
    );
    assert_eq!(outcome.rows_dropped, 1);
}

#[test]
fn thousands_of_inputs_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..3000 {
        write(
            folder.path(),
            &format!("{}/{number}", number % 7),
            &Script::new().rows([number]),
        );
    }
    let results = run_folder(settings(), folder.path());
    let mut numbers: Vec<i64> = results
        .sink
        .rows("t")
        .into_iter()
        .map(|(_, row)| match row.as_slice() {
            [Some(wadup_protocol::metadata::Value::Int64(number))] => *number,
            other => panic!("{other:?}"),
        })
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..3000).collect::<Vec<_>>());
    assert_eq!(results.summary.inputs, 3000);
}

#[test]
fn no_inputs_are_no_error() {
    let results = run_inputs(settings(), Inputs::new());
    assert_eq!(results.summary.inputs, 0);
    assert!(results.summary.is_success());
}

/// Not a test by itself: reads its stdin and prints what came of it, or cancels itself after a
/// while.
#[test]
#[ignore = "started by the tests about stdin, with a stdin of their own"]
fn stdin_reader() {
    let Some(cancel_after) = std::env::var_os("WADUP_TEST_CANCEL_AFTER_MS") else {
        return;
    };
    let cancel_after: u64 = cancel_after.to_str().unwrap().parse().unwrap();
    let host = Host::new(settings()).unwrap();
    let artifact = interpreter(&host);
    let mut sink = MemorySink::new();
    let cancel = Cancel::new();
    std::thread::spawn({
        let cancel = cancel.clone();
        move || {
            std::thread::sleep(Duration::from_millis(cancel_after));
            cancel.stop();
        }
    });
    let inputs = Inputs::new().stdin().stdin();
    let summary = host
        .run(&[artifact], inputs, &mut sink, &Silent, &cancel)
        .unwrap();
    for input in &sink.inputs {
        let size = input.size.unwrap_or(0);
        let verdict = describe(&input.outcomes[0]);
        println!("\nINPUT {} {size} {verdict}", input.path.display());
    }
    println!("\nCANCELLED {}", summary.cancelled);
}

/// What `stdin_reader` prints for `content`; its stdin stays open if that is `None`.
fn read_stdin(content: Option<&[u8]>, cancel_after: u64) -> Vec<String> {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "stdin_reader", "--ignored", "--nocapture"])
        .env("WADUP_TEST_CANCEL_AFTER_MS", cancel_after.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take();
    if let Some(content) = content {
        stdin.take().unwrap().write_all(content).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    drop(stdin);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(str::to_owned);
    lines
        .filter(|line| line.starts_with("INPUT") || line.starts_with("CANCELLED"))
        .collect()
}

#[test]
fn stdin_is_one_input() {
    let short = Script::new().rows([1]);
    let long = Script::new().rows([1]).print(vec![b'x'; 3 << 20]);
    for script in [short, long] {
        let expected = format!("INPUT - {} completed", script.bytes().len());
        assert_eq!(
            read_stdin(Some(script.bytes()), 60_000),
            [expected.as_str(), "CANCELLED false"]
        );
    }
    assert_eq!(
        read_stdin(Some(b""), 60_000),
        ["INPUT - 0 completed", "CANCELLED false"]
    );
}

#[test]
fn a_stdin_that_never_ends_can_be_cancelled() {
    let start = Instant::now();
    assert_eq!(read_stdin(None, 200), ["CANCELLED true"]);
    assert!(start.elapsed() < Duration::from_secs(5));
}
