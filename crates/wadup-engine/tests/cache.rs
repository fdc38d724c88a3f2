//! The cache of compiled code: what it keeps, and what it never executes.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use support::{engine, wasi};
use wadup_engine::{CompiledCache, End, Engine, EngineSettings, Limits, Origin, Problem, Program};

struct Fixture {
    root: tempfile::TempDir,
    engine: Engine,
}

impl Fixture {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            engine: engine(EngineSettings {
                instances: 8,
                ..EngineSettings::default()
            }),
        }
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("compiled")
    }

    fn load(&self, result: i32) -> Program {
        let cache = CompiledCache::at(self.directory());
        Program::load(&self.engine, module(result).as_bytes(), &cache).unwrap()
    }

    /// Runs it, so that what was loaded is known to be the right code.
    fn check(&self, program: &Program, result: i32) {
        let finished = self
            .engine
            .on_worker(|worker| program.run(worker, wasi(), &Limits::default()))
            .unwrap();
        assert_eq!(finished.end, End::Returned(result));
    }

    fn entries(&self) -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> = fs::read_dir(self.directory())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        entries
    }

    fn only_entry(&self) -> PathBuf {
        let entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].clone()
    }
}

fn module(result: i32) -> String {
    format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 0) "some data, so that there is an image")
            (func (export "process") (result i32) (i32.const {result})))"#
    )
}

fn is_compiled(program: &Program) -> bool {
    matches!(program.origin(), Origin::Compiled { .. })
}

/// Entries are read-only.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
}

#[test]
fn the_second_load_comes_from_the_cache() {
    let fixture = Fixture::new();
    let first = fixture.load(7);
    assert!(is_compiled(&first));
    fixture.check(&first, 7);
    let second = fixture.load(7);
    assert_eq!(second.origin(), Origin::Cached);
    fixture.check(&second, 7);
    assert!(second.cache_problems().is_empty());
}

#[test]
fn only_the_owner_can_get_at_it() {
    let fixture = Fixture::new();
    fixture.load(7);
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&fixture.directory()), 0o700);
    assert_eq!(mode(&fixture.only_entry()), 0o400);
}

#[test]
fn an_open_directory_is_closed_to_others() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.directory()).unwrap();
    fs::set_permissions(fixture.directory(), fs::Permissions::from_mode(0o777)).unwrap();
    fixture.load(7);
    assert_eq!(
        fs::metadata(fixture.directory()).unwrap().mode() & 0o7777,
        0o700
    );
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_and_repaired() {
    let fixture = Fixture::new();
    fixture.load(7);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    // Every byte of the trailer, and a sample of all others.
    let trailer = good.len() - 80..good.len();
    for position in (0..good.len()).step_by(97).chain(trailer) {
        let mut bad = good.clone();
        bad[position] ^= 1 << (position % 8);
        overwrite(&entry, &bad);
        let program = fixture.load(7);
        assert!(is_compiled(&program), "byte {position}");
        assert!(
            matches!(program.cache_problems(), [problem] if matches!(problem.problem, Problem::Damaged)),
            "byte {position}: {:?}",
            program.cache_problems()
        );
        assert_eq!(fs::read(&entry).unwrap(), good, "byte {position}");
        fixture.check(&program, 7);
    }
    assert_eq!(fixture.load(7).origin(), Origin::Cached);
}

#[test]
fn a_flipped_bit_in_the_elf_header_is_noticed() {
    let fixture = Fixture::new();
    fixture.load(7);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    for bit in 0..64 * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        overwrite(&entry, &bad);
        let program = fixture.load(7);
        assert!(is_compiled(&program), "bit {bit}");
        fixture.check(&program, 7);
    }
}

/// The one name under which another's code could be found.
#[test]
fn a_hard_link_to_another_entry_is_noticed() {
    let fixture = Fixture::new();
    fixture.load(7);
    let seven = fixture.only_entry();
    fixture.load(8);
    let eight = fixture.entries().into_iter().find(|entry| *entry != seven);
    fs::remove_file(&seven).unwrap();
    fs::hard_link(eight.unwrap(), &seven).unwrap();
    let program = fixture.load(7);
    assert!(is_compiled(&program));
    assert_eq!(program.cache_problems().len(), 1);
    fixture.check(&program, 7);
    fixture.check(&fixture.load(8), 8);
}

#[test]
fn an_entry_of_another_length_is_noticed() {
    let fixture = Fixture::new();
    fixture.load(7);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    let longer = [good.as_slice(), b"more"].concat();
    let bad: [&[u8]; 5] = [b"", b"short", &good[..good.len() / 2], &good[1..], &longer];
    for bytes in bad {
        overwrite(&entry, bytes);
        let program = fixture.load(7);
        assert!(is_compiled(&program), "{} bytes", bytes.len());
        fixture.check(&program, 7);
    }
}

#[test]
fn swapped_entries_are_noticed() {
    let fixture = Fixture::new();
    fixture.load(7);
    fixture.load(8);
    let entries = fixture.entries();
    let (first, second) = (
        fs::read(&entries[0]).unwrap(),
        fs::read(&entries[1]).unwrap(),
    );
    overwrite(&entries[0], &second);
    overwrite(&entries[1], &first);
    for result in [7, 8] {
        let program = fixture.load(result);
        assert!(is_compiled(&program));
        assert_eq!(program.cache_problems().len(), 1);
        fixture.check(&program, result);
    }
}

#[test]
fn an_entry_that_others_could_write_is_not_used() {
    let fixture = Fixture::new();
    fixture.load(7);
    fs::set_permissions(fixture.only_entry(), fs::Permissions::from_mode(0o620)).unwrap();
    let program = fixture.load(7);
    assert!(is_compiled(&program));
    assert!(matches!(
        program.cache_problems(),
        [problem] if matches!(problem.problem, Problem::Writable { mode: 0o620 })
    ));
    assert_eq!(fixture.load(7).origin(), Origin::Cached);
}

/// Only root can give files away; elsewhere there is nothing to test, which is said.
#[expect(
    clippy::print_stderr,
    reason = "a test that tests nothing must not look as if it had"
)]
fn give_away(path: &Path) -> bool {
    let given = std::os::unix::fs::chown(path, Some(12345), None);
    if let Err(error) = &given {
        eprintln!("SKIPPED: {} cannot be given away: {error}", path.display());
    }
    given.is_ok()
}

#[test]
fn an_entry_of_somebody_else_is_not_used() {
    let fixture = Fixture::new();
    fixture.load(7);
    if !give_away(&fixture.only_entry()) {
        return;
    }
    let program = fixture.load(7);
    assert!(is_compiled(&program));
    assert!(matches!(
        program.cache_problems(),
        [problem] if matches!(problem.problem, Problem::ForeignEntry { owner: 12345 })
    ));
    assert_eq!(fixture.load(7).origin(), Origin::Cached);
}

#[test]
fn a_directory_of_somebody_else_is_not_used() {
    let fixture = Fixture::new();
    fixture.load(7);
    if !give_away(&fixture.directory()) {
        return;
    }
    let program = fixture.load(7);
    assert!(is_compiled(&program));
    assert!(!program.cache_problems().is_empty());
    fixture.check(&program, 7);
}

#[test]
fn links_are_not_followed() {
    let fixture = Fixture::new();
    fixture.load(7);
    // An entry that is a link to a good entry elsewhere.
    let entry = fixture.only_entry();
    let elsewhere = fixture.root.path().join("elsewhere");
    fs::rename(&entry, &elsewhere).unwrap();
    symlink(&elsewhere, &entry).unwrap();
    assert!(is_compiled(&fixture.load(7)));
    // A cache that is a link to a good cache elsewhere.
    let real = fixture.root.path().join("real");
    fs::rename(fixture.directory(), &real).unwrap();
    symlink(&real, fixture.directory()).unwrap();
    let program = fixture.load(7);
    assert!(is_compiled(&program));
    assert!(matches!(
        program.cache_problems()[0].problem,
        Problem::NotADirectory
    ));
}

#[test]
fn a_fifo_in_place_of_an_entry_does_not_hang() {
    let fixture = Fixture::new();
    fixture.load(7);
    let entry = fixture.only_entry();
    fs::remove_file(&entry).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &entry, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(is_compiled(&fixture.load(7)));
    assert_eq!(fixture.load(7).origin(), Origin::Cached);
}

#[test]
fn a_cache_that_cannot_be_written_is_no_error() {
    let fixture = Fixture::new();
    fs::write(fixture.directory(), "a file").unwrap();
    let program = fixture.load(7);
    fixture.check(&program, 7);
    assert!(!program.cache_problems().is_empty());
}

#[test]
fn settings_that_change_code_have_entries_of_their_own() {
    let fixture = Fixture::new();
    fixture.load(7);
    let fuel = engine(EngineSettings {
        fuel: true,
        ..EngineSettings::default()
    });
    let cache = CompiledCache::at(fixture.directory());
    let program = Program::load(&fuel, module(7).as_bytes(), &cache).unwrap();
    assert!(is_compiled(&program));
    // More memory or more instances do not.
    let larger = engine(EngineSettings {
        instances: 3,
        max_memory: 1 << 30,
        max_stack: 64 << 20,
        ..EngineSettings::default()
    });
    let program = Program::load(&larger, module(7).as_bytes(), &cache).unwrap();
    assert_eq!(program.origin(), Origin::Cached);
    assert_eq!(fixture.entries().len(), 2);
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for result in 0..4 {
                    let program = fixture.load(result);
                    assert!(program.cache_problems().is_empty());
                    fixture.check(&program, result);
                }
            });
        }
    });
    assert_eq!(fixture.entries().len(), 4);
}

/// A module with so much code that its functions are shared, which tells its result by `data`.
fn large(data: u8, functions: usize) -> Vec<u8> {
    let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 1664525)) (i32.load8_u (i32.const 0))))\n";
    let body = body.repeat(400);
    let mut text =
        format!("(module (memory (export \"memory\") 1) (data (i32.const 0) \"\\{data:02x}\")\n");
    for number in 0..functions {
        text.push_str(&format!(
            "(func $f{number} (param i32) (result i32) {body} (i32.xor (local.get 0) (i32.const {number})))\n"
        ));
    }
    let last = functions - 1;
    text.push_str(&format!(
        "(func (export \"process\") (result i32)
           (drop (call $f{last} (i32.const 1))) (i32.load8_u (i32.const 0))))"
    ));
    wat::parse_str(text).unwrap()
}

/// Functions are compiled code as well: a changed pack is not linked into the next artifact.
#[test]
fn shared_functions_that_were_changed_are_compiled_again() {
    let fixture = Fixture::new();
    let cache = CompiledCache::at(fixture.directory());
    let load = |data| {
        let wasm = large(data, 220);
        Program::load(&fixture.engine, &wasm, &cache).unwrap()
    };
    let is_pack = |path: &PathBuf| path.extension().is_some_and(|name| name == "functions");
    fixture.check(&load(1), 1);
    let pack = fixture.entries().into_iter().find(is_pack).expect("a pack");
    let good = fs::read(&pack).unwrap();
    let mut rng = StdRng::seed_from_u64(6);
    for number in 2..8 {
        let mut bad = good.clone();
        let position = rng.random_range(0..bad.len());
        bad[position] ^= 1 << rng.random_range(0..8);
        overwrite(&pack, &bad);
        let program = load(number);
        assert!(
            matches!(program.cache_problems(), [problem] if matches!(problem.problem, Problem::Damaged)),
            "byte {position}: {:?}",
            program.cache_problems()
        );
        fixture.check(&program, i32::from(number));
    }
    // Another module's compiled code in its place, and a pack that others could write.
    let module = fixture.entries().into_iter().find(|path| !is_pack(path));
    overwrite(&pack, &fs::read(module.unwrap()).unwrap());
    let program = load(8);
    assert_eq!(program.cache_problems().len(), 1);
    fixture.check(&program, 8);
    fs::set_permissions(&pack, fs::Permissions::from_mode(0o606)).unwrap();
    let program = load(9);
    assert!(matches!(
        program.cache_problems(),
        [problem] if matches!(problem.problem, Problem::Writable { mode: 0o606 })
    ));
    fixture.check(&program, 9);
}

#[test]
fn a_bit_flipped_at_random_is_noticed() {
    let fixture = Fixture::new();
    fixture.load(7);
    let entry = fixture.only_entry();
    let good = fs::read(&entry).unwrap();
    let mut rng = StdRng::seed_from_u64(6);
    for _ in 0..200 {
        let mut bad = good.clone();
        let position = rng.random_range(0..bad.len());
        bad[position] ^= 1 << rng.random_range(0..8);
        overwrite(&entry, &bad);
        let program = fixture.load(7);
        assert!(is_compiled(&program), "byte {position}");
        fixture.check(&program, 7);
    }
}
