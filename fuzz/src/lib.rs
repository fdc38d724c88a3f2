//! What fuzzers check of code that reads bytes that nobody vouches for.
//!
//! Each module is one target of `fuzz_targets/`: its `check` takes any bytes, and panics if what
//! it promises does not hold. `docs/inside/fuzzing.md` says how to run them. The tests here run the
//! seeds in `seeds/`, which hold what was ever found.

pub mod bundle;
pub mod lock;
pub mod metadata;
pub mod module;
pub mod protocol;
pub mod pyproject;
pub mod terminal;
pub mod vfs;
pub mod wasi;
pub mod wheel;

mod heap;

/// The guest of wadup-wasi's tests, whose functions are WASI's.
#[path = "../../crates/wadup-wasi/tests/guest/mod.rs"]
mod guest;

/// wadup's own renderer of errors, which is in a binary.
#[path = "../../crates/wadup/src/diagnostics/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a part is used here")]
mod diagnostics;
#[path = "../../crates/wadup/src/exit_code.rs"]
#[expect(dead_code, reason = "a part is used here")]
mod exit_code;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Runs every seed of a target.
    #[expect(clippy::print_stdout, reason = "the name of a seed that fails")]
    fn replay(target: &str, check: fn(&[u8])) {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(target);
        let mut count = 0;
        for entry in fs::read_dir(&seeds).unwrap() {
            let seed = entry.unwrap().path();
            // The harness shows it when the check panics.
            println!("{}", seed.display());
            check(&fs::read(seed).unwrap());
            count += 1;
        }
        assert!(count > 0, "{} has no seeds", seeds.display());
    }

    macro_rules! replay {
        ($($target:ident)*) => {$(
            #[test]
            fn $target() {
                replay(stringify!($target), crate::$target::check);
            }
        )*};
    }

    replay!(bundle lock metadata module protocol pyproject terminal vfs wasi wheel);
}
