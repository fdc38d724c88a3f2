//! Runs a program and lets one of its changes to files fail. For tests only.
//!
//! A *point* is a system call that changes files below some folders, or makes a change durable:
//! a write, a truncation, a new file, a rename, an `fsync` and so on. The kernel hands every
//! such call of the program, of its threads and of the programs that it starts to this process
//! first (a seccomp filter with `SECCOMP_RET_USER_NOTIF`,
//! [seccomp_unotify(2)](https://man7.org/linux/man-pages/man2/seccomp_unotify.2.html)), whichever
//! library it came from, also one that does without libc. Here it is counted, and at the chosen
//! point the [`Fault`] happens. So a test can go through all points of a program in turn, until
//! it meets no further one.
//!
//! What would be left after a power loss is known as well: [`Disk`] follows which changes were
//! made durable by which `fsync`. That it misses none is seen at the end of every run that comes
//! to its end: what it knows has to be what the folders hold.
//!
//! Only on Linux on x86-64.

mod call;
mod disk;
mod process;
mod seccomp;
mod supervisor;

pub use disk::{Disk, Survives};
pub use supervisor::{Fault, Finished, Point, Supervisor};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    fn shell(folder: &std::path::Path, script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder);
        command
    }

    const SCRIPT: &str =
        "echo first > a; echo second >> a; mv a b; mkdir c; echo third > c/d; rm c/d";

    #[test]
    fn every_change_is_a_point() {
        let folder = tempfile::tempdir().unwrap();
        let supervisor = Supervisor::new([folder.path().to_owned()])
            .unwrap()
            .follow_disk();
        let finished = supervisor.run(shell(folder.path(), SCRIPT)).unwrap();
        assert!(finished.output.status.success() && !finished.is_hit);
        let root = folder.path().file_name().unwrap().to_str().unwrap();
        let points = finished
            .points
            .iter()
            .map(|point| point.to_string().replace(root, "ROOT"));
        let points: Vec<_> = points.collect();
        let expected = [
            "openat ROOT/a",
            "write ROOT/a",
            "openat ROOT/a",
            "write ROOT/a",
            "renameat2 ROOT/a ROOT/b",
            "mkdir ROOT/c",
            "openat ROOT/c/d",
            "write ROOT/c/d",
            "unlinkat ROOT/c/d",
        ];
        assert_eq!(points, expected);
        assert!(finished.disk.unwrap().differences().unwrap().is_empty());
    }

    #[test]
    fn a_change_that_was_not_followed_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let supervisor = Supervisor::new([folder.path().to_owned()])
            .unwrap()
            .follow_disk();
        let finished = supervisor.run(shell(folder.path(), SCRIPT)).unwrap();
        fs::write(folder.path().join("b"), "first\nsecunda\n").unwrap();
        let differences = finished.disk.unwrap().differences().unwrap();
        assert_eq!(differences, [folder.path().join("b")]);
    }

    #[test]
    fn faults_are_what_they_are_called() {
        let run = |point, fault| {
            let folder = tempfile::tempdir().unwrap();
            let supervisor = Supervisor::new([folder.path().to_owned()]).unwrap();
            let script = "printf 12345678 > a; printf x > b";
            let finished = supervisor
                .fault(point, fault)
                .run(shell(folder.path(), script))
                .unwrap();
            assert!(finished.is_hit);
            let text = |name| fs::read_to_string(folder.path().join(name)).ok();
            (finished.output.status.code(), text("a"), text("b"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(run(0, Fault::Kill), (None, None, None));
        assert_eq!(run(1, Fault::Kill), (None, some(""), None));
        assert_eq!(run(1, Fault::KillHalfway), (None, some("1234"), None));
        let (code, a, b) = run(1, Fault::Fails(libc::EIO));
        assert_eq!((code, a, b), (Some(0), some(""), some("x")));
        let (code, a, b) = run(1, Fault::FailsFromThenOn(libc::ENOSPC));
        assert_eq!((code, a, b), (Some(2), some(""), None));
        // The rest of a short write is written by the next call.
        assert_eq!(run(1, Fault::Short), (Some(0), some("12345678"), some("x")));
    }

    #[test]
    fn what_is_not_synchronised_can_be_lost() {
        let folder = tempfile::tempdir().unwrap();
        let left = |survives| {
            let script =
                "echo 1 > a; sync a; echo 2 >> a; echo 3 > b; sync .; echo 4 > c; sync c; mv b e";
            let supervisor = Supervisor::new([folder.path().to_owned()])
                .unwrap()
                .follow_disk();
            let finished = supervisor.run(shell(folder.path(), script)).unwrap();
            finished.disk.unwrap().lose_power(survives).unwrap();
            let mut names = Vec::new();
            for entry in fs::read_dir(folder.path()).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                names.push(format!("{name}: {}", fs::read_to_string(&path).unwrap()));
                fs::remove_file(path).unwrap();
            }
            names.sort();
            names
        };
        assert_eq!(left(Survives::Nothing), ["a: 1\n", "b: "]);
        assert_eq!(
            left(Survives::Everything),
            ["a: 1\n2\n", "c: 4\n", "e: 3\n"]
        );
        let some: std::collections::BTreeSet<_> =
            (0..40).map(|seed| left(Survives::Some(seed))).collect();
        assert!(some.len() > 8, "all of what may be: {some:?}");
    }
}
