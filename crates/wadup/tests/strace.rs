//! What the kernel is asked for while guests and projects try to get out: every file that is
//! opened, every program that is started and every socket, against a list of what wadup needs.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

use support::{Said, Scratch, project, wheel};

/// Not to be read by anybody.
const CANARY: &str = "e5cb9ad3 is what nobody may read or change";

/// A system call that names files, starts a program or opens a socket.
#[derive(Debug)]
struct Call {
    line: String,
    name: String,
    /// As far as it names any, and made absolute.
    paths: Vec<PathBuf>,
}

/// Whose calls are seen.
#[derive(Clone, Copy)]
enum Of {
    /// wadup's, and those of everything that it starts.
    All,
    /// wadup's, up to those that start another program.
    Wadup,
}

/// Runs `command` under strace, and gives all such calls.
fn traced(scratch: &Scratch, command: &Command, of: Of) -> (Said, Vec<Call>) {
    let log = scratch.path().join("strace.log");
    let mut strace = Command::new("strace");
    strace
        .args(["--follow-forks", "--quiet=all"])
        .arg(match of {
            Of::All => "--seccomp-bpf",
            Of::Wadup => "--detach-on=execve",
        })
        .args(["--decode-fds=path", "--string-limit=4096"])
        .args(["--trace=%file,%network,open_by_handle_at,ptrace,kill,tkill"])
        .arg("--output")
        .arg(&log)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(scratch.path())
        .stdin(std::process::Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    let output = strace.output();
    let said = Said::from(output.expect("strace is installed (Debian's package strace)"));
    let log = fs::read(&log).expect("strace's log");
    let log = String::from_utf8_lossy(&log);
    let calls: Vec<Call> = log
        .lines()
        .filter_map(|line| Call::parse(line, scratch.path()))
        .collect();
    assert!(calls.len() > 20, "strace saw nothing: {}", said.text());
    (said, calls)
}

impl Call {
    /// Of a line `PID NAME(ARGUMENTS) = RESULT`. None if it is another kind of line.
    fn parse(line: &str, folder: &Path) -> Option<Self> {
        let (_, call) = line.split_once(char::is_whitespace)?;
        let (name, arguments) = call.trim_start().split_once('(')?;
        let name = name.trim_start_matches("<... ");
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return None;
        }
        Some(Self {
            line: line.to_owned(),
            name: name.to_owned(),
            paths: paths(arguments, folder),
        })
    }
}

/// What stands between quotes, relative to the descriptor before it.
fn paths(arguments: &str, folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut base = folder.to_owned();
    let mut rest = arguments;
    while let Some(at) = rest.find(['"', '<']) {
        let from = &rest[at + 1..];
        let end = if rest[at..].starts_with('"') {
            '"'
        } else {
            '>'
        };
        let Some(length) = from.find(end) else {
            break;
        };
        let text = &from[..length];
        if end == '>' {
            base = PathBuf::from(text);
        } else if !text.is_empty() {
            // Without a name it is the descriptor's file, which was opened before.
            paths.push(normal(&base.join(text)));
        }
        rest = &from[length + 1..];
    }
    paths
}

/// Without `.` and `..`; none of the paths here has a symbolic link in it.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            component => normal.push(component),
        }
    }
    normal
}

/// What the machine tells any program: how it is linked, how much memory and how many cores there
/// are.
const SYSTEM: [&str; 12] = [
    "/dev/null",
    "/dev/urandom",
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/proc/self",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// Checks that nothing else is named than what is in or below one of `allowed`, nothing else
/// started than `programs` (a path, or a name that is looked for), and no socket opened that could
/// lead anywhere.
fn check(calls: &[Call], allowed: &[PathBuf], programs: &[&Path]) {
    let mut wrong = BTreeSet::new();
    for call in calls {
        let is_allowed = |path: &PathBuf| {
            let system = SYSTEM.iter().any(|known| path.starts_with(known));
            system || allowed.iter().any(|known| path.starts_with(known))
        };
        // The folders on the way are looked at, and not into.
        let is_on_the_way = |path: &PathBuf| allowed.iter().any(|known| known.starts_with(path));
        let right = match call.name.as_str() {
            // Its other strings are arguments.
            "execve" | "execveat" => call.paths.first().is_some_and(|program| {
                let name = program.file_name().map(Path::new);
                programs
                    .iter()
                    .any(|known| *known == program || Some(*known) == name)
            }),
            // What it names is an answer.
            "getcwd" => true,
            // Where the compiler's process is.
            "chdir" if call.paths == [Path::new("/")] => true,
            // Both ends are wadup's: by them a signal wakes the thread that heeds it.
            "socketpair" => call.line.contains("(AF_UNIX,"),
            "socket" | "connect" | "bind" | "sendto" | "ptrace" => false,
            "readlink" | "newfstatat" | "statx" | "access" => {
                let mut paths = call.paths.iter();
                paths.all(|path| is_allowed(path) || is_on_the_way(path))
            }
            _ => call.paths.iter().all(is_allowed),
        };
        if !right {
            wrong.insert(call.line.as_str());
        }
    }
    let shown: Vec<&str> = wrong.iter().take(20).copied().collect();
    assert!(
        wrong.is_empty(),
        "{} calls: {}",
        wrong.len(),
        shown.join("\n")
    );
}

/// A home folder and a neighbour of the inputs, each with a canary.
struct Host {
    scratch: Scratch,
    canaries: Vec<PathBuf>,
}

impl Host {
    fn new() -> Self {
        let scratch = Scratch::new();
        let canaries = ["home/canary", "inputs-not/canary"].map(|name| scratch.write(name, CANARY));
        Self {
            canaries: canaries.into(),
            scratch,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.scratch.command(args);
        command.env("HOME", self.scratch.path().join("home"));
        // What `HOME` says otherwise.
        command.env("WADUP_CACHE_DIR", cache());
        // cargo's own, with which it runs tests.
        command.env_remove("LD_LIBRARY_PATH");
        let home = std::env::home_dir().expect("a home folder");
        for (variable, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            if std::env::var_os(variable).is_none() {
                command.env(variable, home.join(folder));
            }
        }
        command
    }

    fn check_canaries(&self, calls: &[Call]) {
        for canary in &self.canaries {
            let named = calls.iter().find(|call| call.paths.contains(canary));
            assert!(named.is_none(), "{named:?}");
            let content = fs::read_to_string(canary).expect("it is there");
            assert_eq!(content, CANARY);
        }
        let passwd = calls.iter().find(|call| {
            call.paths
                .iter()
                .any(|path| path.starts_with("/etc/passwd"))
        });
        assert!(passwd.is_none(), "{passwd:?}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }
}

/// The cache that all tests share.
fn cache() -> PathBuf {
    let said = Scratch::new().wadup(["toolchain", "path"]);
    PathBuf::from(said.stdout.trim())
}

/// Whether it has a standard library for WebAssembly is looked at.
fn rustup() -> PathBuf {
    let home = || std::env::home_dir().expect("a home folder").join(".rustup");
    std::env::var_os("RUSTUP_HOME").map_or_else(home, PathBuf::from)
}

fn wadup() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_wadup"))
}

#[test]
fn guests_have_nothing_of_the_host_opened() {
    let host = Host::new();
    let scratch = &host.scratch;
    scratch.write(
        "project/pyproject.toml",
        "[project]\nname = \"guests\"\nversion = \"1\"\n\n[tool.wadup]\nentry-point = \"app\"\n",
    );
    for guest in ["escape", "processes_and_network"] {
        let source = project::repository(&format!("hostile/{guest}.py"));
        let text = fs::read_to_string(source).expect("the guest");
        scratch.write(format!("project/src/{guest}.py"), text);
    }
    scratch.write(
        "project/src/app.py",
        "import escape, processes_and_network, wadup\n\n\
         def main():\n    \
         (escape if wadup.input.name.startswith('path') else processes_and_network).main()\n",
    );
    let built = Said::from(
        host.command(&["build", "project", "-o", "guests.wasm"])
            .output()
            .expect("wadup starts"),
    );
    assert_eq!(built.code, Some(0), "{}", built.text());
    let [home, neighbour] = [0, 1].map(|number| host.canaries[number].to_string_lossy());
    let places = [
        &*home,
        &*neighbour,
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/1/root/etc/passwd",
        "/../etc/passwd/",
    ];
    for (number, place) in places.iter().enumerate() {
        scratch.write(format!("inputs/path-{number}"), place);
    }
    scratch.write("inputs/network", "");

    let mut run = host.command(&[
        "run",
        "guests.wasm",
        "--input=inputs",
        "--output=out/rows.db",
        "--jobs=2",
    ]);
    // Nothing in it is compiled, so that this is seen as well.
    run.env("WADUP_CACHE_DIR", host.path("cache"));
    fs::create_dir(host.path("out")).expect("a folder");
    let (said, calls) = traced(scratch, &run, Of::All);
    assert_eq!(said.code, Some(0), "{}", said.text());
    host.check_canaries(&calls);
    let allowed = [
        wadup(),
        host.path("cache"),
        host.path("guests.wasm"),
        host.path("inputs"),
        host.path("out"),
    ];
    // The second to compile.
    check(&calls, &allowed, &[&wadup(), Path::new("/proc/self/exe")]);
    let database = fs::read(host.path("out/rows.db")).expect("the database");
    let found = database
        .windows(CANARY.len())
        .any(|part| part == CANARY.as_bytes());
    assert!(!found, "the canary's content is in the database");
}

/// What a hostile project would leave on the host if any of its code ran there.
fn hostile_project(host: &Host) {
    let scratch = &host.scratch;
    let touched = host.path("touched");
    let touch = format!(
        "open({:?}, 'w').write('code of the project ran here')\n",
        touched
    );
    scratch.write(
        "project/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n\n\
         [project]\nname = \"hostile\"\nversion = \"1\"\ndependencies = [\"hook\"]\n\n\
         [tool.wadup]\nentry-point = \"app\"\n",
    );
    for script in [
        "backend.py",
        "setup.py",
        "src/sitecustomize.py",
        "src/usercustomize.py",
    ] {
        scratch.write(format!("project/{script}"), &touch);
    }
    scratch.write(
        "project/src/escape.py",
        fs::read_to_string(project::repository("hostile/escape.py")).expect("the guest"),
    );
    let app = format!(
        "import pathlib\nimport escape, hook\n\n\
         for place in {:?}:\n    for way in escape.ways(place):\n        \
         escape.refused(open, way)\n        escape.refused(open, way, 'w')\n        \
         escape.refused(pathlib.Path(way).stat)\n\
         try:\n    exec({touch:?})\nexcept OSError:\n    pass\n\ndef main():\n    pass\n",
        [
            host.canaries[0].to_string_lossy(),
            host.canaries[1].to_string_lossy(),
            "/etc/passwd".into(),
            "/proc/self/environ".into(),
        ],
    );
    scratch.write("project/src/app.py", app);
    let files: [(&str, &str); 7] = [
        ("hook.py", ""),
        ("hook.pth", &format!("import os; {touch}")),
        ("setup.py", &touch),
        ("hook-1.data/scripts/hook", &format!("#!python\n{touch}")),
        (
            "hook-1.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: hook\nVersion: 1\n",
        ),
        (
            "hook-1.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        (
            "hook-1.dist-info/entry_points.txt",
            "[console_scripts]\nhook = hook:main\n",
        ),
    ];
    wheel::locked(&host.path("project"), "hook", "1", &files).expect("a wheel");
}

#[test]
fn projects_have_nothing_of_the_host_opened_and_nothing_of_them_runs_there() {
    let host = Host::new();
    fs::create_dir(host.path("out")).expect("a folder");
    // Once before, so that the toolchain is there.
    host.scratch.project("", "", "def main():\n    pass\n");
    let build = host
        .command(&["build", "project", "-o", "out/friendly.wasm"])
        .output();
    let said = Said::from(build.expect("wadup starts"));
    assert_eq!(said.code, Some(0), "{}", said.text());
    fs::remove_dir_all(host.path("project")).expect("a folder");
    hostile_project(&host);
    let build = host.command(&["build", "project", "-o", "out/hostile.wasm"]);
    let (said, calls) = traced(&host.scratch, &build, Of::Wadup);
    assert_eq!(said.code, Some(0), "{}", said.text());
    assert!(
        !host.path("touched").exists(),
        "code of the project ran on the host"
    );
    host.check_canaries(&calls);
    let allowed = [
        wadup(),
        cache(),
        host.path("project"),
        host.path("out"),
        rustup(),
    ];
    // What it asks for their versions.
    let tools = ["cc", "cargo", "rustc"].map(Path::new);
    check(&calls, &allowed, &[&[&*wadup()], &tools[..]].concat());
    let artifact = fs::read(host.path("out/hostile.wasm")).expect("the artifact");
    let found = artifact
        .windows(CANARY.len())
        .any(|part| part == CANARY.as_bytes());
    assert!(!found, "the canary's content is in the artifact");
}

/// What the other tests look for is found where it is.
#[test]
fn calls_that_are_not_allowed_are_noticed() {
    let found = |line: &str| {
        let call = Call::parse(line, Path::new("/work")).expect("a call");
        let check = || {
            check(
                &[call],
                &[PathBuf::from("/work/inputs")],
                &[Path::new("cc")],
            )
        };
        std::panic::catch_unwind(check).is_err()
    };
    for line in [
        r#"7 openat(AT_FDCWD</work>, "inputs/a", O_RDONLY) = 3</work/inputs/a>"#,
        r#"7 openat(3</work/inputs>, "a/../b", O_RDONLY <unfinished ...>"#,
        r#"7 newfstatat(AT_FDCWD</work>, "/work", {st_mode=S_IFDIR}, 0) = 0"#,
        r#"7 execve("/usr/bin/cc", ["cc", "/etc/passwd"], 0x7ff /* 3 vars */ <detached ...>"#,
    ] {
        assert!(!found(line), "{line}");
    }
    for line in [
        r#"7 openat(AT_FDCWD</work>, "/etc/passwd", O_RDONLY) = 3</etc/passwd>"#,
        r#"7 openat(3</work/inputs>, "../canary", O_RDONLY) = -1 ENOENT (No such file)"#,
        r#"7 openat(AT_FDCWD</work>, "inputs/../canary", O_RDONLY <unfinished ...>"#,
        r#"7 openat(AT_FDCWD</work>, "/work", O_RDONLY|O_DIRECTORY) = 3</work>"#,
        r#"7 renameat(3</work/inputs>, "a", AT_FDCWD</work>, "/tmp/b") = 0"#,
        r#"7 execve("/bin/sh", ["cc"], 0x7ff /* 3 vars */) = 0"#,
        r#"7 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3"#,
    ] {
        assert!(found(line), "{line}");
    }
}
