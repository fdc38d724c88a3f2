//! What wasi-libc and CPython make of all this, with a real interpreter.
//!
//! `WADUP_TEST_PYTHON` is a `python.wasm` (a command), `WADUP_TEST_PYTHON_LIB` the folder with its
//! `python3.13`. Without them, the test says so and passes: this crate does not build an
//! interpreter.

mod guest;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wadup_vfs::{Limits, Vfs};
use wadup_wasi::{Interrupted, ProcExit, WasiConfig, WasiCtx};
use wasmtime::{Engine, Linker, Module, Store};

struct Python {
    engine: Engine,
    module: Module,
    lib: PathBuf,
}

/// How a script ended: exit code, stdout, stderr.
struct Ended {
    code: u32,
    stdout: String,
    stderr: String,
    interrupted: bool,
}

impl Python {
    fn from_env() -> Option<Self> {
        let module = std::env::var_os("WADUP_TEST_PYTHON")?;
        let lib = std::env::var_os("WADUP_TEST_PYTHON_LIB")?.into();
        let mut config = wasmtime::Config::new();
        config.async_stack_size(8 << 20).max_wasm_stack(4 << 20);
        let engine = Engine::new(&config).unwrap();
        let module = Module::from_file(&engine, module).unwrap();
        Some(Self {
            engine,
            module,
            lib,
        })
    }

    fn run(&self, script: &str, deadline: Option<Duration>) -> Ended {
        let mut vfs = guest::layout(Limits::bytes(1 << 30), b"the input");
        load(&mut vfs, &self.lib, "/usr/lib");
        let config = WasiConfig::new()
            .arg("/usr/bin/python3.13")
            .arg("-c")
            .arg(script)
            .env("PYTHONHOME", "/usr")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let mut ctx = WasiCtx::new(Arc::new(config), vfs);
        ctx.set_deadline(deadline.map(|deadline| Instant::now() + deadline));
        let mut linker = Linker::new(&self.engine);
        wadup_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
        let mut store = Store::new(&self.engine, ctx);
        let instance = linker.instantiate(&mut store, &self.module).unwrap();
        let start = instance
            .get_typed_func::<(), ()>(&mut store, "_start")
            .unwrap();
        let ended = start.call(&mut store, ());
        let (code, interrupted) = match &ended {
            Ok(()) => (0, false),
            Err(error) if error.is::<Interrupted>() => (0, true),
            Err(error) => (
                error
                    .downcast_ref::<ProcExit>()
                    .unwrap_or_else(|| panic!("{error:?}"))
                    .0,
                false,
            ),
        };
        let (stdout, stderr) = store.data_mut().take_output();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            code,
            stdout: text(stdout.into_bytes()),
            stderr: text(stderr.into_bytes()),
            interrupted,
        }
    }
}

fn load(vfs: &mut Vfs, from: &Path, to: &str) {
    vfs.create_directories(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = format!("{to}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            load(vfs, &path, &to);
        } else {
            vfs.write_file(&to, fs::read(&path).unwrap()).unwrap();
        }
    }
}

const FILES: &str = r#"
import os, sys, tempfile, shutil, pathlib, io, stat, time
import errno, glob, zipfile, json, random, hashlib, fileinput, contextlib

assert os.getcwd() == "/", os.getcwd()
assert open("/data.bin", "rb").read() == b"the input"
for mode in ("wb", "ab", "r+b"):
    try:
        open("/data.bin", mode)
    except OSError as e:
        assert e.errno == errno.EROFS, e
    else:
        raise SystemExit("wrote the input")
assert not sys.stdout.isatty() and not sys.stdin.isatty() and sys.stdin.read() == ""

base = pathlib.Path(tempfile.mkdtemp())
assert base.parent == pathlib.Path("/tmp"), base
for i in range(300):
    d = base / f"d{i % 7}" / f"e{i % 3}"
    d.mkdir(parents=True, exist_ok=True)
    (d / f"f{i}.txt").write_text("x" * i)
walked = sum(len(files) for _, _, files in os.walk(base))
assert walked == 300, walked
assert len(glob.glob(str(base / "**" / "*.txt"), recursive=True)) == 300
sizes = sorted(p.stat().st_size for p in base.rglob("*.txt"))
assert sizes == list(range(300))
with os.scandir(base) as it:
    entries = sorted((e.name, e.is_dir(), e.is_file(), e.is_symlink(), e.inode() == os.stat(e.path).st_ino) for e in it)
assert entries == [(f"d{i}", True, False, False, True) for i in range(7)], entries

a, b = base / "a", base / "b"
a.write_bytes(b"one"); b.write_bytes(b"two")
os.replace(a, b)
assert b.read_bytes() == b"one" and not a.exists()
os.symlink(b, a)
assert a.is_symlink() and os.readlink(a) == str(b) and a.read_bytes() == b"one"
assert stat.S_ISLNK(os.lstat(a).st_mode) and stat.S_ISREG(os.stat(a).st_mode)
assert a.resolve() == b.resolve()
os.link(b, base / "c")
assert os.stat(b).st_nlink == 2 and os.path.samefile(b, base / "c")
os.utime(b, ns=(5_000_000_000, 7_000_000_000))
assert os.stat(b).st_mtime_ns == 7_000_000_000
os.truncate(b, 1) if hasattr(os, "truncate") else None
with open(b, "r+b") as f:
    f.seek(100_000); f.write(b"end"); f.flush(); os.fsync(f.fileno())
    f.seek(0); assert len(f.read()) == 100_003
    f.truncate(10)
assert b.stat().st_size == 10
with open(b, "ab") as f:
    f.write(b"more"); assert f.tell() == 14
try:
    os.rmdir(base)
except OSError as e:
    assert e.errno == errno.ENOTEMPTY
try:
    os.mkdir(base)
except FileExistsError:
    pass
with tempfile.TemporaryFile() as f:
    f.write(b"z" * 1_000_000); f.seek(0); assert len(f.read()) == 1_000_000
with tempfile.NamedTemporaryFile("w+", suffix=".json") as f:
    json.dump({"k": [1, 2]}, f); f.flush()
    assert json.load(open(f.name)) == {"k": [1, 2]}
with tempfile.TemporaryDirectory() as d:
    with zipfile.ZipFile(f"{d}/z.zip", "w") as z:
        z.writestr("inside.txt", "hi")
    assert zipfile.ZipFile(f"{d}/z.zip").read("inside.txt") == b"hi"
shutil.copytree(base / "d1", base / "copy")
shutil.move(base / "copy", base / "moved")
shutil.copyfile(b, base / "b2")
shutil.rmtree(base)
assert not base.exists()
try:
    pathlib.Path("/etc/passwd").read_text()
except FileNotFoundError:
    pass
name = os.fsdecode(b"/tmp/\xff\xfe.bin")
with open(name, "w") as f: f.write("odd")
assert os.listdir(b"/tmp") == [b"\xff\xfe.bin"], os.listdir(b"/tmp")
os.unlink(name)
assert len(os.urandom(1000)) == 1000 and os.urandom(8) != os.urandom(8)
assert open("/dev/urandom", "rb", buffering=0).read(10) and open("/dev/null").read() == ""
start = time.monotonic(); time.sleep(0.01); slept = time.monotonic() - start
assert 0.009 < slept < 1, slept
assert abs(time.time() - EXPECTED_NOW) < 60
print("done", file=sys.stdout); print("oops", file=sys.stderr)
sys.exit(7)
"#;

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn python_works_with_files() {
    let Some(python) = Python::from_env() else {
        eprintln!("skipped: WADUP_TEST_PYTHON and WADUP_TEST_PYTHON_LIB are not set");
        return;
    };
    // The interpreter wants more stack than a thread of a test has.
    let run = thread::Builder::new()
        .stack_size(16 << 20)
        .spawn(move || check(&python))
        .unwrap();
    run.join().unwrap();
}

fn check(python: &Python) {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        .to_string();
    let script = FILES.replace("EXPECTED_NOW", &now);
    let ended = python.run(&script, None);
    assert_eq!(
        (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
        (7, "done\n", "oops\n")
    );

    let start = Instant::now();
    let ended = python.run(
        "import time\ntime.sleep(100000)",
        Some(Duration::from_secs(3)),
    );
    assert!(ended.interrupted, "{} {}", ended.code, ended.stderr);
    assert!(start.elapsed() < Duration::from_secs(10));
}
