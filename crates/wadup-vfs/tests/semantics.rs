//! What a differential test cannot show: mount points, quotas, cookies, the host's side.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wadup_vfs::{
    ContentSource, Device, Error, Handle, Limits, Mount, OpenOptions, PATH_MAX, SetTime,
    SystemTime, TimeSource, Vfs,
};

fn vfs() -> Vfs {
    with_limits(Limits::default())
}

fn with_limits(limits: Limits) -> Vfs {
    Vfs::new(limits, SystemTime::shared())
}

fn write_only() -> OpenOptions {
    OpenOptions {
        write: true,
        follow: true,
        ..OpenOptions::default()
    }
}

fn create(vfs: &mut Vfs, path: &str) -> Handle {
    let options = OpenOptions {
        read: true,
        ..OpenOptions::create_new()
    };
    vfs.open(vfs.root(), path.as_bytes(), options).unwrap()
}

fn touch(vfs: &mut Vfs, path: &str) -> Result<(), Error> {
    let handle = vfs.open(vfs.root(), path.as_bytes(), OpenOptions::create_new())?;
    vfs.close(handle);
    Ok(())
}

fn names(vfs: &Vfs, path: &str) -> Vec<String> {
    let dir = vfs.lookup(vfs.root(), path.as_bytes(), true).unwrap();
    vfs.read_dir(dir, 0)
        .unwrap()
        .map(|entry| String::from_utf8(entry.name.to_vec()).unwrap())
        .collect()
}

#[test]
fn dot_dot_never_leaves_the_root() {
    let mut vfs = vfs();
    vfs.mount("/tmp", Mount::Directory).unwrap();
    let root = vfs.root();
    for path in [
        "..",
        "../../..",
        "/..",
        "/tmp/../..",
        "/tmp/../../../tmp/..",
    ] {
        assert_eq!(vfs.lookup(root, path.as_bytes(), true), Ok(root), "{path}");
    }
    vfs.create_symlink(b"/../../..", root, b"up").unwrap();
    assert_eq!(vfs.lookup(root, b"up", true), Ok(root));
    assert_eq!(vfs.lookup(root, b"up/tmp/../..", true), Ok(root));
}

/// Found by the fuzz target `vfs`.
#[test]
fn a_directory_cannot_be_linked_and_a_removed_one_is_complained_of_first() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.create_directory(root, b"dir").unwrap();
    let options = OpenOptions {
        directory: true,
        ..OpenOptions::read()
    };
    let handle = vfs.open(root, b"dir", options).unwrap();
    let inside = handle.inode();
    let link = |vfs: &mut Vfs| vfs.create_link(root, b"/", false, inside, b"b");
    assert_eq!(link(&mut vfs), Err(Error::NotPermitted));
    vfs.remove_directory(root, b"dir").unwrap();
    assert_eq!(link(&mut vfs), Err(Error::NotFound));
    vfs.close(handle);
}

#[test]
fn a_removed_directory_has_no_parent_and_takes_no_entries() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.create_directories("/a/b").unwrap();
    let open = vfs.open(root, b"a/b", OpenOptions::read()).unwrap();
    vfs.remove_directory(root, b"a/b").unwrap();
    vfs.remove_directory(root, b"a").unwrap();
    // Were the inode of `a` found by its old number, this would be another directory.
    vfs.create_directories("/c").unwrap();
    assert_eq!(vfs.lookup(open.inode(), b"..", true), Err(Error::NotFound));
    assert_eq!(
        vfs.create_directory(open.inode(), b"x"),
        Err(Error::NotFound)
    );
    assert_eq!(vfs.metadata(open.inode()).unwrap().links, 0);
    let gone = open.inode();
    vfs.close(open);
    assert_eq!(vfs.metadata(gone), Err(Error::BadHandle));
}

#[test]
fn links_are_followed_forty_times_and_loops_end() {
    let mut vfs = vfs();
    let root = vfs.root();
    touch(&mut vfs, "/l0").unwrap();
    for i in 1..=41 {
        vfs.create_symlink(
            format!("l{}", i - 1).as_bytes(),
            root,
            format!("l{i}").as_bytes(),
        )
        .unwrap();
    }
    assert!(vfs.lookup(root, b"l40", true).is_ok());
    assert_eq!(vfs.lookup(root, b"l41", true), Err(Error::Loop));
    vfs.create_symlink(b"self/self/self", root, b"self")
        .unwrap();
    assert_eq!(vfs.lookup(root, b"self", true), Err(Error::Loop));
}

#[test]
fn a_path_of_a_hundred_thousand_segments_is_refused_at_once() {
    let mut vfs = vfs();
    let (root, path) = (vfs.root(), "a/".repeat(100_000));
    assert_eq!(
        vfs.create_directory(root, path.as_bytes()),
        Err(Error::NameTooLong)
    );
    assert_eq!(
        vfs.create_symlink(path.as_bytes(), root, b"l"),
        Err(Error::NameTooLong)
    );
    assert_eq!(
        vfs.lookup(root, "/".repeat(PATH_MAX - 1).as_bytes(), true),
        Ok(root)
    );
    assert_eq!(
        vfs.lookup(root, "/".repeat(PATH_MAX).as_bytes(), true),
        Err(Error::NameTooLong)
    );
    assert_eq!(vfs.lookup(root, b"a\0b", true), Err(Error::Invalid));
}

#[test]
fn depth_is_bounded_by_the_quota_only() {
    let mut vfs = vfs();
    let mut dir = vfs.root();
    for _ in 0..100_000 {
        vfs.create_directory(dir, b"d").unwrap();
        dir = vfs.lookup(dir, b"d", false).unwrap();
    }
    // Neither the walk up that a rename does nor dropping it all may recurse.
    let root = vfs.root();
    assert_eq!(vfs.rename(root, b"d", dir, b"x"), Err(Error::Invalid));
}

#[test]
fn mount_points_stay_where_they_are() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.mount("/tmp", Mount::Directory).unwrap();
    vfs.mount("/data.bin", Mount::Content(Box::new(b"data".to_vec())))
        .unwrap();
    touch(&mut vfs, "/mine").unwrap();
    assert_eq!(vfs.remove_directory(root, b"tmp"), Err(Error::Busy));
    assert_eq!(vfs.remove_file(root, b"data.bin"), Err(Error::Busy));
    assert_eq!(
        vfs.rename(root, b"data.bin", root, b"tmp/x"),
        Err(Error::Busy)
    );
    assert_eq!(
        vfs.rename(root, b"mine", root, b"data.bin"),
        Err(Error::Busy)
    );
    assert_eq!(
        vfs.create_link(root, b"data.bin", true, root, b"tmp/x"),
        Err(Error::CrossDevice)
    );
    assert_eq!(vfs.mount("/tmp", Mount::Directory), Err(Error::Exists));
}

#[test]
fn content_is_read_only_and_read_on_demand() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.mount(
        "/data.bin",
        Mount::Content(Box::new(b"0123456789".to_vec())),
    )
    .unwrap();
    for options in [
        write_only(),
        OpenOptions {
            truncate: true,
            ..OpenOptions::read()
        },
    ] {
        assert_eq!(
            vfs.open(root, b"data.bin", options).unwrap_err(),
            Error::ReadOnly
        );
    }
    let handle = vfs.open(root, b"data.bin", OpenOptions::read()).unwrap();
    assert_eq!(vfs.metadata(handle.inode()).unwrap().size, 10);
    let mut buf = [0; 4];
    assert_eq!(vfs.read_at(&handle, 3, &mut buf), Ok(4));
    assert_eq!(&buf, b"3456");
    assert_eq!(vfs.read_at(&handle, 8, &mut buf), Ok(2));
    assert_eq!(vfs.read_at(&handle, u64::MAX, &mut buf), Ok(0));
    assert_eq!(
        vfs.set_times(handle.inode(), SetTime::Now, SetTime::Now),
        Err(Error::ReadOnly)
    );
    vfs.close(handle);
}

#[test]
fn an_error_of_the_source_is_eio_for_the_guest_and_kept_for_the_host() {
    struct Broken;
    impl ContentSource for Broken {
        fn len(&self) -> u64 {
            10
        }
        fn read_at(&mut self, _: u64, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let mut vfs = vfs();
    vfs.mount("/data.bin", Mount::Content(Box::new(Broken)))
        .unwrap();
    let handle = vfs
        .open(vfs.root(), b"data.bin", OpenOptions::read())
        .unwrap();
    assert_eq!(vfs.read_at(&handle, 0, &mut [0; 4]), Err(Error::Io));
    assert_eq!(vfs.content_error().unwrap().to_string(), "the disk is gone");
    vfs.close(handle);
}

#[test]
fn sealed_directories_and_files_cannot_be_changed() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.mount("/input", Mount::Directory).unwrap();
    vfs.mount("/input/path", Mount::File(b"a/b".to_vec()))
        .unwrap();
    vfs.seal("/input").unwrap();
    vfs.seal("/input/path").unwrap();
    assert_eq!(touch(&mut vfs, "/input/x"), Err(Error::ReadOnly));
    assert_eq!(vfs.create_directory(root, b"input/x"), Err(Error::ReadOnly));
    assert_eq!(vfs.remove_file(root, b"input/path"), Err(Error::ReadOnly));
    assert_eq!(
        vfs.rename(root, b"input/path", root, b"x"),
        Err(Error::ReadOnly)
    );
    assert_eq!(
        vfs.open(root, b"input/path", write_only()).unwrap_err(),
        Error::ReadOnly
    );
    // Not what is sealed for the host.
    vfs.write_file("/input/path", b"c".to_vec()).unwrap();
    assert_eq!(vfs.read_file("/input/path", 10).unwrap(), b"c");
}

#[test]
fn entries_made_and_removed_during_a_reading_disturb_no_others() {
    let mut vfs = vfs();
    vfs.create_directories("/d").unwrap();
    let dir = vfs.lookup(vfs.root(), b"d", true).unwrap();
    for i in 0..100 {
        touch(&mut vfs, &format!("/d/{i}")).unwrap();
    }
    let (mut cookie, mut seen) = (0, Vec::new());
    loop {
        let entry = vfs
            .read_dir(dir, cookie)
            .unwrap()
            .next()
            .map(|entry| (entry.name.to_vec(), entry.next));
        let Some((name, next)) = entry else { break };
        cookie = next;
        let name = String::from_utf8(name).unwrap();
        if let Ok(number) = name.parse::<u32>() {
            vfs.remove_file(dir, name.as_bytes()).unwrap();
            if number % 10 == 0 && number < 100 {
                touch(&mut vfs, &format!("/d/new{number}")).unwrap();
            }
        }
        seen.push(name);
    }
    let numbers: Vec<u32> = seen.iter().filter_map(|name| name.parse().ok()).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    assert_eq!(names(&vfs, "/d").len(), 2 + 10);
}

#[test]
fn a_hole_of_any_size_costs_nothing() {
    let limits = Limits {
        file_size: 1 << 62,
        ..Limits::bytes(1 << 20)
    };
    let mut vfs = with_limits(limits);
    let file = create(&mut vfs, "/sparse");
    let before = vfs.usage().bytes;
    vfs.truncate(&file, 1 << 62).unwrap();
    assert_eq!(vfs.usage().bytes, before);
    vfs.write_at(&file, (1 << 61) + 65_000, b"x").unwrap();
    assert!(vfs.usage().bytes < before + (64 << 10) + 1024);
    let mut buf = [9; 3];
    assert_eq!(vfs.read_at(&file, (1 << 61) + 64_999, &mut buf), Ok(3));
    assert_eq!(buf, [0, b'x', 0]);
    assert_eq!(vfs.truncate(&file, (1 << 62) + 1), Err(Error::FileTooLarge));
    vfs.truncate(&file, 0).unwrap();
    assert_eq!(vfs.usage().bytes, before);
    vfs.close(file);
}

#[test]
fn a_file_cannot_be_longer_than_the_limit_and_that_is_remembered() {
    let mut vfs = with_limits(Limits::bytes(1 << 20));
    let file = create(&mut vfs, "/f");
    assert_eq!(vfs.truncate(&file, 1 << 62), Err(Error::FileTooLarge));
    assert_eq!(
        vfs.write_at(&file, u64::MAX - 1, b"xyz"),
        Err(Error::FileTooLarge)
    );
    assert!(vfs.refusals().file_size && !vfs.refusals().bytes);
    // What fits is written, and only the rest is refused.
    assert_eq!(vfs.write_at(&file, (1 << 20) - 2, b"xyz"), Ok(2));
    vfs.close(file);
}

#[test]
fn writing_beyond_the_quota_is_short_then_enospc_and_space_comes_back() {
    let mut vfs = with_limits(Limits::bytes(1 << 20));
    let file = create(&mut vfs, "/f");
    let block = vec![1; 300_000];
    let mut written = 0;
    let refused = loop {
        match vfs.write_at(&file, written, &block) {
            Ok(n) => written += n as u64,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, Error::NoSpace);
    assert!(vfs.refusals().bytes);
    assert!(
        written > 900_000 && vfs.usage().bytes <= 1 << 20,
        "{written}"
    );
    assert_eq!(vfs.metadata(file.inode()).unwrap().size, written);
    vfs.truncate(&file, 0).unwrap();
    assert_eq!(vfs.write_at(&file, 0, &block), Ok(block.len()));
    vfs.close(file);
}

#[test]
fn a_million_empty_files_do_not_fit() {
    let mut vfs = vfs();
    let mut made = 0;
    let refused = loop {
        match touch(&mut vfs, &format!("/{made}")) {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, Error::NoSpace);
    assert!((200_000..1_000_000).contains(&made), "{made}");

    let mut few = with_limits(Limits {
        inodes: 3,
        ..Limits::default()
    });
    for i in 0..3 {
        touch(&mut few, &format!("/{i}")).unwrap();
    }
    assert_eq!(touch(&mut few, "/3"), Err(Error::NoSpace));
    assert!(few.refusals().inodes && !few.refusals().bytes);
    few.remove_file(few.root(), b"0").unwrap();
    touch(&mut few, "/3").unwrap();
}

#[test]
fn allocating_more_than_the_quota_is_refused_before_any_work() {
    let mut vfs = with_limits(Limits {
        file_size: 1 << 62,
        ..Limits::bytes(1 << 20)
    });
    let file = create(&mut vfs, "/f");
    assert_eq!(vfs.allocate(&file, 0, 1 << 61), Err(Error::NoSpace));
    assert_eq!(
        vfs.allocate(&file, 1 << 61, u64::MAX),
        Err(Error::FileTooLarge)
    );
    vfs.allocate(&file, 100, 200_000).unwrap();
    assert_eq!(vfs.metadata(file.inode()).unwrap().size, 200_100);
    let used = vfs.usage().bytes;
    vfs.write_at(&file, 0, &[1; 200_100]).unwrap();
    assert_eq!(vfs.usage().bytes, used);
    vfs.close(file);
}

#[test]
fn a_taken_file_is_gone_and_its_space_is_free() {
    let mut vfs = vfs();
    let empty = vfs.usage().bytes;
    for len in [0, 10, 65_536, 200_000] {
        let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
        vfs.write_file("/f", bytes.clone()).unwrap();
        let taken = vfs.take_file("/f").unwrap();
        assert_eq!(taken.len(), len as u64);
        assert_eq!(vfs.usage().bytes, empty);
        assert_eq!(taken.into_vec(), bytes);
        assert_eq!(vfs.take_file("/f").unwrap_err(), Error::NotFound);
    }
}

#[test]
fn taking_a_file_that_the_guest_still_has_leaves_it_its_own() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.write_file("/f", b"one".to_vec()).unwrap();
    vfs.create_link(root, b"f", true, root, b"g").unwrap();
    assert_eq!(vfs.take_file("/f").unwrap().into_vec(), b"one");
    assert_eq!(vfs.read_file("/g", 10).unwrap(), b"one");

    let open = vfs.open(root, b"g", write_only()).unwrap();
    assert_eq!(vfs.take_file("/g").unwrap().into_vec(), b"one");
    vfs.write_at(&open, 3, b"two").unwrap();
    assert_eq!(vfs.metadata(open.inode()).unwrap().size, 6);
    vfs.close(open);
    assert_eq!(vfs.usage().inodes, 0);
}

#[test]
fn a_file_is_not_taken_that_is_too_long_or_would_be_there_twice_without_room() {
    let mut vfs = Vfs::new(Limits::bytes(100_000), SystemTime::shared());
    let root = vfs.root();
    vfs.write_file("/f", vec![1; 60_000]).unwrap();
    assert_eq!(
        vfs.take_file_at(root, b"f", 59_999).unwrap_err(),
        Error::FileTooLarge
    );
    vfs.create_link(root, b"f", true, root, b"g").unwrap();
    assert!(!vfs.refusals().any());
    assert_eq!(vfs.take_file("/f").unwrap_err(), Error::NoSpace);
    assert!(vfs.refusals().bytes);
    vfs.remove_file(root, b"g").unwrap();
    assert_eq!(vfs.take_file_at(root, b"f", 60_000).unwrap().len(), 60_000);
    assert_eq!(vfs.usage().bytes, 0);
}

/// It was taken out of the file, and stayed charged.
#[test]
fn a_chunk_that_is_cut_off_at_its_start_is_released() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.write_file("/f", vec![1; 65_536]).unwrap();
    let used = vfs.usage().bytes;
    let file = vfs.open(root, b"f", write_only()).unwrap();
    for _ in 0..3 {
        vfs.write_at(&file, 65_536, &[1; 64]).unwrap();
        vfs.truncate(&file, 65_536).unwrap();
        assert_eq!(vfs.usage().bytes, used);
    }
    vfs.close(file);
}

/// As on Linux: that the new name cannot be made is found first.
#[test]
fn renaming_into_a_removed_directory_is_enoent_whatever_is_wrong_with_the_old_name() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.write_file("/f", Vec::new()).unwrap();
    vfs.create_directory(root, b"d").unwrap();
    let removed = vfs.open(root, b"d", OpenOptions::read()).unwrap();
    vfs.remove_directory(root, b"d").unwrap();
    let renamed = vfs.rename(root, b"f/", removed.inode(), b"x");
    assert_eq!(renamed, Err(Error::NotFound));
    assert_eq!(
        vfs.rename(root, b"f/", root, b"x"),
        Err(Error::NotDirectory)
    );
    vfs.close(removed);
}

#[test]
fn taking_does_not_follow_links_or_take_what_is_not_a_file() {
    let mut vfs = vfs();
    let root = vfs.root();
    vfs.mount("/data.bin", Mount::Content(Box::new(b"data".to_vec())))
        .unwrap();
    vfs.mount("/null", Mount::Device(Device::Null)).unwrap();
    vfs.create_symlink(b"/data.bin", root, b"link").unwrap();
    assert_eq!(vfs.take_file("/link").unwrap_err(), Error::Invalid);
    assert_eq!(vfs.take_file("/data.bin").unwrap_err(), Error::Busy);
    assert_eq!(vfs.take_file("/null").unwrap_err(), Error::Busy);
    assert_eq!(vfs.take_file("/").unwrap_err(), Error::IsDirectory);
}

#[test]
fn a_taken_file_can_be_the_content_of_another_file_system() {
    let mut first = vfs();
    first.write_file("/f", vec![7; 100_000]).unwrap();
    let taken = first.take_file("/f").unwrap();
    drop(first);
    let mut second = vfs();
    second
        .mount("/data.bin", Mount::Content(Box::new(taken)))
        .unwrap();
    let handle = second
        .open(second.root(), b"data.bin", OpenOptions::read())
        .unwrap();
    let mut bytes = vec![0; 100_001];
    assert_eq!(second.read_at(&handle, 0, &mut bytes), Ok(100_000));
    assert!(bytes[..100_000].iter().all(|byte| *byte == 7));
    second.close(handle);
}

#[test]
fn read_file_refuses_what_is_longer_than_asked_for() {
    let mut vfs = vfs();
    vfs.write_file("/f", vec![0; 11]).unwrap();
    assert_eq!(vfs.read_file("/f", 10), Err(Error::FileTooLarge));
    assert_eq!(vfs.read_file("/", 10), Err(Error::IsDirectory));
}

#[test]
fn timestamps_come_from_the_injected_clock() {
    struct Ticks(AtomicU64);
    impl TimeSource for Ticks {
        fn now(&self) -> u64 {
            self.0.fetch_add(1, Ordering::SeqCst)
        }
    }
    let mut vfs = Vfs::new(Limits::default(), Arc::new(Ticks(AtomicU64::new(1000))));
    let file = create(&mut vfs, "/f");
    let made = vfs.metadata(file.inode()).unwrap();
    assert_eq!(made.accessed, made.modified);
    vfs.write_at(&file, 0, b"x").unwrap();
    let written = vfs.metadata(file.inode()).unwrap();
    assert!(written.modified > made.modified && written.changed == written.modified);
    assert_eq!(written.accessed, made.accessed);
    vfs.set_times(file.inode(), SetTime::To(5), SetTime::Keep)
        .unwrap();
    let set = vfs.metadata(file.inode()).unwrap();
    assert_eq!((set.accessed, set.modified), (5, written.modified));
    assert!(set.changed > written.changed && set.changed < 2000);
    vfs.close(file);
}

#[test]
fn numbers_are_never_used_again() {
    let mut vfs = vfs();
    let mut seen = Vec::new();
    for _ in 0..10 {
        touch(&mut vfs, "/f").unwrap();
        let inode = vfs.lookup(vfs.root(), b"f", true).unwrap();
        seen.push(vfs.metadata(inode).unwrap().number);
        vfs.rename(vfs.root(), b"f", vfs.root(), b"g").unwrap();
        assert_eq!(vfs.metadata(inode).unwrap().number, *seen.last().unwrap());
        vfs.remove_file(vfs.root(), b"g").unwrap();
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 10);
}

#[test]
fn a_file_has_a_limited_number_of_names() {
    let mut vfs = vfs();
    let root = vfs.root();
    touch(&mut vfs, "/f").unwrap();
    let refused = (0..70_000).find_map(|i| {
        vfs.create_link(root, b"f", true, root, format!("{i}").as_bytes())
            .err()
    });
    assert_eq!(refused, Some(Error::TooManyLinks));
    let inode = vfs.lookup(root, b"f", true).unwrap();
    assert_eq!(vfs.metadata(inode).unwrap().links, 65_000);
}
