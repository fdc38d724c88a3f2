//! Keeps the cache from growing for ever: every change of a project makes a new entry.

use std::fs::File;
use std::time::{Duration, SystemTime};

use super::directory::{Directory, Listed};

/// How much the entries may occupy together, in bytes: some two dozen CPythons.
const MAX_TOTAL: u64 = 2 << 30;
/// An entry's time of last use is kept to this precision.
const USE_PRECISION: Duration = Duration::from_secs(24 * 3600);

/// Remembers that the entry is in use.
pub(super) fn touch(entry: &File) {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    if modified.is_ok_and(|time| age(time) > USE_PRECISION) {
        // If that cannot be had, the entry will be made again one day.
        let _ = entry.set_modified(SystemTime::now());
    }
}

/// Removes what was left behind, and the entries that were not used for longest while there
/// is too much. `keep` stays in any case.
pub(super) fn prune(directory: &Directory, keep: &str) {
    prune_to(directory, keep, MAX_TOTAL);
}

fn prune_to(directory: &Directory, keep: &str, max_total: u64) {
    let mut entries = directory.list();
    entries.retain(|entry| {
        if entry.is_temporary() {
            directory.remove_abandoned(&entry.name);
        }
        !entry.is_temporary()
    });
    entries.sort_by_key(|entry| (entry.name == keep, entry.modified));
    let mut total: u64 = entries.iter().map(|entry| entry.length).sum();
    for Listed { name, length, .. } in &entries {
        if total <= max_total || name == keep {
            break;
        }
        directory.remove(name);
        total -= length;
    }
}

fn age(time: SystemTime) -> Duration {
    time.elapsed().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn add(folder: &Path, name: &str, length: usize, hours_old: u64) {
        let path = folder.join(name);
        fs::write(&path, vec![0; length]).unwrap();
        let time = SystemTime::now() - Duration::from_secs(hours_old * 3600);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        for (name, hours) in [
            ("a.cwasm", 3),
            ("b.cwasm", 9),
            ("c.cwasm", 1),
            ("d.cwasm", 5),
        ] {
            add(folder.path(), name, 100, hours);
        }
        let directory = Directory::create(folder.path()).unwrap();
        prune_to(&directory, "b.cwasm", 400);
        assert_eq!(names(folder.path()).len(), 4);
        prune_to(&directory, "b.cwasm", 200);
        assert_eq!(names(folder.path()), ["b.cwasm", "c.cwasm"]);
        prune_to(&directory, "b.cwasm", 0);
        assert_eq!(names(folder.path()), ["b.cwasm"]);
    }

    #[test]
    fn temporary_files_that_nobody_has_go() {
        let folder = tempfile::tempdir().unwrap();
        add(folder.path(), ".x.cwasm.1.0", 10, 0);
        add(folder.path(), "z.cwasm", 10, 1000);
        let directory = Directory::create(folder.path()).unwrap();
        let (name, file) = directory.create_temporary("y.cwasm").unwrap();
        prune(&directory, "z.cwasm");
        assert_eq!(names(folder.path()), [&name, "z.cwasm"]);
        drop(file);
        prune(&directory, "z.cwasm");
        assert_eq!(names(folder.path()), ["z.cwasm"]);
    }

    #[test]
    fn use_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        add(folder.path(), "a.cwasm", 10, 100);
        let file = File::open(folder.path().join("a.cwasm")).unwrap();
        touch(&file);
        let modified = file.metadata().unwrap().modified().unwrap();
        assert!(age(modified) < Duration::from_secs(60));
    }
}
