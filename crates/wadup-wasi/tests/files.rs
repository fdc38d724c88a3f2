//! Descriptors, paths, directories and streams.

mod guest;

use guest::errno::*;
use guest::{
    CREAT, DATA, DIRECTORY, EXCL, Guest, OUT, PATH, PATH2, READ, ROOT, SIGNATURES, TRUNC, WRITE,
    layout,
};
use wadup_vfs::Limits;
use wadup_wasi::{ProcExit, WasiConfig};

const SEEK_SET: i32 = 0;
const SEEK_CUR: i32 = 1;
const SEEK_END: i32 = 2;

#[test]
fn every_function_of_the_standard_links() {
    // The harness imports them all with the standard's types.
    let mut guest = Guest::new();
    assert_eq!(SIGNATURES.len(), 46);
    assert_eq!(call!(guest, sched_yield), SUCCESS);
}

#[test]
fn the_root_is_the_only_preopened_directory() {
    let mut guest = Guest::new();
    assert_eq!(call!(guest, fd_prestat_get, ROOT, OUT), SUCCESS);
    assert_eq!((guest.get_u32(OUT), guest.get_u32(OUT + 4)), (0, 1));
    assert_eq!(call!(guest, fd_prestat_dir_name, ROOT, DATA, 1), SUCCESS);
    assert_eq!(guest.get(DATA, 1), b"/");
    assert_eq!(
        call!(guest, fd_prestat_dir_name, ROOT, DATA, 0),
        NAMETOOLONG
    );
    for fd in [0, 1, 2, 4] {
        assert_eq!(call!(guest, fd_prestat_get, fd, OUT), BADF);
    }
}

#[test]
fn arguments_and_environment_are_the_given_ones() {
    let config = WasiConfig::new().arg("prog").arg("-x").env("KEY", "value");
    let mut guest = Guest::with(config, layout(Limits::default(), b""));
    assert_eq!(call!(guest, args_sizes_get, OUT, OUT + 4), SUCCESS);
    assert_eq!((guest.get_u32(OUT), guest.get_u32(OUT + 4)), (2, 8));
    assert_eq!(call!(guest, args_get, OUT, DATA), SUCCESS);
    assert_eq!(guest.get(DATA, 8), b"prog\0-x\0");
    assert_eq!(
        (guest.get_u32(OUT), guest.get_u32(OUT + 4)),
        (DATA as u32, DATA as u32 + 5)
    );
    assert_eq!(call!(guest, environ_sizes_get, OUT, OUT + 4), SUCCESS);
    assert_eq!((guest.get_u32(OUT), guest.get_u32(OUT + 4)), (1, 10));
    assert_eq!(call!(guest, environ_get, OUT, DATA), SUCCESS);
    assert_eq!(guest.get(DATA, 10), b"KEY=value\0");
}

#[test]
fn a_file_is_written_read_and_positioned() {
    let mut guest = Guest::new();
    let fd = guest.open("/tmp/f", CREAT, READ | WRITE).unwrap();
    assert_eq!(guest.write(fd, b"hello world"), Ok(11));
    assert_eq!(call!(guest, fd_seek, fd, -5i64, SEEK_END, OUT), SUCCESS);
    assert_eq!(guest.get_u64(OUT), 6);
    assert_eq!(guest.read(fd, 100).unwrap(), b"world");
    assert_eq!(guest.read(fd, 100).unwrap(), b"");
    assert_eq!(call!(guest, fd_seek, fd, -100i64, SEEK_CUR, OUT), INVAL);
    assert_eq!(call!(guest, fd_seek, fd, i64::MIN, SEEK_SET, OUT), INVAL);
    assert_eq!(call!(guest, fd_seek, fd, i64::MAX, SEEK_END, OUT), INVAL);
    assert_eq!(call!(guest, fd_seek, fd, 0i64, 99, OUT), INVAL);
    assert_eq!(call!(guest, fd_tell, fd, OUT), SUCCESS);
    assert_eq!(guest.get_u64(OUT), 11);

    let (list, len) = guest.list(&[(DATA as u32, 2), (DATA as u32 + 100, 3)]);
    assert_eq!(call!(guest, fd_pread, fd, list, len, 1i64, OUT), SUCCESS);
    assert_eq!(
        (guest.get(DATA, 2), guest.get(DATA + 100, 3)),
        (b"el".to_vec(), b"lo ".to_vec())
    );
    guest.put(DATA, b"HE");
    let (list, len) = guest.list(&[(DATA as u32, 2)]);
    assert_eq!(call!(guest, fd_pwrite, fd, list, len, 0i64, OUT), SUCCESS);
    assert_eq!(call!(guest, fd_tell, fd, OUT), SUCCESS);
    assert_eq!(guest.get_u64(OUT), 11);
    assert_eq!(
        guest.ctx().vfs().read_file("/tmp/f", 100).unwrap(),
        b"HEllo world"
    );
}

#[test]
fn appending_writes_at_the_end() {
    let mut guest = Guest::new();
    guest.write_file("/tmp/f", b"one");
    let (path, len) = guest.path(PATH, "/tmp/f");
    assert_eq!(
        call!(guest, path_open, ROOT, 1, path, len, 0, WRITE, 0i64, 1, OUT),
        SUCCESS
    );
    let fd = guest.get_u32(OUT) as i32;
    guest.write(fd, b"two").unwrap();
    assert_eq!(
        guest.ctx().vfs().read_file("/tmp/f", 100).unwrap(),
        b"onetwo"
    );
    assert_eq!(call!(guest, fd_fdstat_set_flags, fd, 0), SUCCESS);
    assert_eq!(call!(guest, fd_seek, fd, 0i64, SEEK_SET, OUT), SUCCESS);
    guest.write(fd, b"ONE").unwrap();
    assert_eq!(
        guest.ctx().vfs().read_file("/tmp/f", 100).unwrap(),
        b"ONEtwo"
    );
}

#[test]
fn the_mode_of_a_descriptor_is_enforced() {
    let mut guest = Guest::new();
    guest.write_file("/tmp/f", b"one");
    let reader = guest.open("/tmp/f", 0, READ).unwrap();
    let writer = guest.open("/tmp/f", 0, WRITE).unwrap();
    assert_eq!(guest.write(reader, b"x"), Err(BADF));
    assert_eq!(guest.read(writer, 1), Err(BADF));
    assert_eq!(call!(guest, fd_filestat_set_size, reader, 0i64), INVAL);
    assert_eq!(call!(guest, fd_allocate, reader, 0i64, 1i64), BADF);
    assert_eq!(guest.open("/tmp", 0, READ | WRITE), Err(ISDIR));
    assert_eq!(guest.read(ROOT, 1), Err(ISDIR));
    assert_eq!(guest.write(ROOT, b"x"), Err(BADF));
}

#[test]
fn rights_tell_the_access_mode_and_no_terminal() {
    let mut guest = Guest::new();
    let mut rights = |fd| {
        assert_eq!(call!(guest, fd_fdstat_get, fd, OUT), SUCCESS);
        (guest.get(OUT, 1)[0], guest.get_u64(OUT + 8) as i64)
    };
    const SEEK_OR_TELL: i64 = 1 << 2 | 1 << 5;
    // wasi-libc takes a character device without the rights to seek and tell for a terminal.
    assert_eq!(rights(0).0, 2);
    assert_eq!(
        rights(0).1 & (SEEK_OR_TELL | READ | WRITE),
        SEEK_OR_TELL | READ
    );
    assert_eq!((rights(1).0, rights(1).1 & (READ | WRITE)), (0, WRITE));
    assert_eq!(rights(ROOT).0, 3);
}

#[test]
fn the_input_is_read_only() {
    let mut guest = Guest::new();
    let fd = guest.open("/data.bin", 0, READ).unwrap();
    assert_eq!(guest.read(fd, 4).unwrap(), b"0123");
    assert_eq!(guest.read(fd, 100).unwrap(), b"456789");
    assert_eq!(guest.write(fd, b"x"), Err(BADF));
    for (oflags, rights) in [(0, WRITE), (0, READ | WRITE), (TRUNC, READ), (CREAT, WRITE)] {
        assert_eq!(guest.open("/data.bin", oflags, rights), Err(ROFS));
    }
    assert_eq!(guest.open("/data.bin", CREAT | EXCL, WRITE), Err(EXIST));
    let (path, len) = guest.path(PATH, "/data.bin");
    assert_eq!(call!(guest, path_unlink_file, ROOT, path, len), BUSY);
    let (to, to_len) = guest.path(PATH2, "/tmp/x");
    assert_eq!(
        call!(guest, path_rename, ROOT, path, len, ROOT, to, to_len),
        BUSY
    );
    assert_eq!(
        call!(guest, path_rename, ROOT, to, to_len, ROOT, path, len),
        NOENT
    );
    let (path, len) = guest.path(PATH, "/dev/new");
    assert_eq!(call!(guest, path_create_directory, ROOT, path, len), ROFS);
}

#[test]
fn nothing_is_outside_of_the_root() {
    let mut guest = Guest::new();
    let tmp = guest.open("/tmp", DIRECTORY, READ).unwrap();
    for path in [
        "../../../etc/passwd",
        "/etc/passwd",
        "/proc/self/environ",
        "..//../proc/1/cmdline",
    ] {
        assert_eq!(guest.open_at(tmp, path, 0, READ), Err(NOENT), "{path}");
    }
    for (target, link) in [
        ("../../../../../..", "/tmp/up"),
        ("/", "/tmp/top"),
        ("/tmp/self", "/tmp/self"),
    ] {
        let (at, len) = guest.path(PATH, target);
        let (link, link_len) = guest.path(PATH2, link);
        assert_eq!(
            call!(guest, path_symlink, at, len, ROOT, link, link_len),
            SUCCESS
        );
    }
    // Both lead to the sandbox's own root.
    assert!(guest.open("/tmp/up/data.bin", 0, READ).is_ok());
    assert!(guest.open("/tmp/top/../../data.bin", 0, READ).is_ok());
    assert_eq!(guest.open("/tmp/top/etc/passwd", 0, READ), Err(NOENT));
    assert_eq!(guest.open("/tmp/self", 0, READ), Err(LOOP));
    assert_eq!(guest.open("/data.bin/", 0, READ), Err(NOTDIR));
    assert_eq!(guest.open("", 0, READ), Err(NOENT));
    assert_eq!(guest.open("/tmp\0/x", 0, READ), Err(INVAL));
    assert_eq!(guest.open(&"a/".repeat(3000), 0, READ), Err(NAMETOOLONG));
}

#[test]
fn links_are_made_read_and_removed() {
    let mut guest = Guest::new();
    guest.write_file("/tmp/f", b"x");
    let (old, old_len) = guest.path(PATH, "tmp/f");
    let (new, new_len) = guest.path(PATH2, "tmp/g");
    assert_eq!(
        call!(guest, path_link, ROOT, 0, old, old_len, ROOT, new, new_len),
        SUCCESS
    );
    assert_eq!(
        call!(guest, path_filestat_get, ROOT, 1, new, new_len, OUT),
        SUCCESS
    );
    assert_eq!(guest.get_u64(OUT + 24), 2);
    assert_eq!(call!(guest, path_unlink_file, ROOT, old, old_len), SUCCESS);
    assert_eq!(
        call!(guest, path_filestat_get, ROOT, 1, old, old_len, OUT),
        NOENT
    );
    let (link, link_len) = guest.path(PATH, "tmp/s");
    assert_eq!(
        call!(guest, path_symlink, new, new_len, ROOT, link, link_len),
        SUCCESS
    );
    assert_eq!(
        call!(guest, path_readlink, ROOT, link, link_len, DATA, 3, OUT),
        SUCCESS
    );
    assert_eq!(
        (guest.get_u32(OUT), guest.get(DATA, 3)),
        (3, b"tmp".to_vec())
    );
    assert_eq!(
        call!(guest, path_filestat_get, ROOT, 0, link, link_len, OUT),
        SUCCESS
    );
    assert_eq!(guest.get(OUT + 16, 1), [7]);
}

#[test]
fn a_large_directory_is_read_in_small_pieces() {
    let mut guest = Guest::new();
    for i in 0..200 {
        guest.write_file(&format!("/tmp/file-{i}"), b"");
    }
    let fd = guest.open("/tmp", DIRECTORY, READ).unwrap();
    let (mut cookie, mut names) = (0, Vec::new());
    loop {
        assert_eq!(
            call!(guest, fd_readdir, fd, DATA, 100, cookie as i64, OUT),
            SUCCESS
        );
        let used = guest.get_u32(OUT) as usize;
        let bytes = guest.get(DATA, used);
        let mut at = 0;
        while at + 24 <= used {
            let len = u32::from_le_bytes(bytes[at + 16..at + 20].try_into().unwrap()) as usize;
            if at + 24 + len > used {
                break;
            }
            cookie = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
            names.push(String::from_utf8(bytes[at + 24..at + 24 + len].to_vec()).unwrap());
            at += 24 + len;
        }
        if used < 100 {
            break;
        }
    }
    assert_eq!(names.len(), 202);
    assert_eq!(
        (&names[..2], &names[201]),
        (
            &[".".to_owned(), "..".to_owned()][..],
            &"file-199".to_owned()
        )
    );
    assert_eq!(call!(guest, fd_readdir, fd, DATA, 100, -1i64, OUT), SUCCESS);
    assert_eq!(guest.get_u32(OUT), 0);
    assert_eq!(call!(guest, fd_readdir, 1, DATA, 100, 0i64, OUT), NOTDIR);
}

#[test]
fn descriptors_are_limited_renumbered_and_used_again() {
    let config = WasiConfig::new().max_descriptors(8);
    let mut guest = Guest::with(config, layout(Limits::default(), b"0123456789"));
    let fds: Vec<i32> = (0..4)
        .map(|_| guest.open("/data.bin", 0, READ).unwrap())
        .collect();
    assert_eq!(fds, [4, 5, 6, 7]);
    assert!(!guest.ctx().ran_out_of_descriptors());
    assert_eq!(guest.open("/tmp/new", CREAT, WRITE), Err(MFILE));
    assert!(guest.ctx().ran_out_of_descriptors());
    // What could not be opened was not made either.
    assert!(guest.ctx().vfs().read_file("/tmp/new", 1).is_err());
    assert_eq!(call!(guest, fd_close, 5), SUCCESS);
    assert_eq!(call!(guest, fd_close, 5), BADF);
    assert_eq!(guest.open("/tmp", DIRECTORY, READ), Ok(5));
    assert_eq!(guest.read(6, 2).unwrap(), b"01");
    assert_eq!(call!(guest, fd_renumber, 6, 4), SUCCESS);
    assert_eq!(guest.read(4, 2).unwrap(), b"23");
    assert_eq!(guest.read(6, 2), Err(BADF));
    assert_eq!(call!(guest, fd_renumber, 6, 4), BADF);
    assert_eq!(call!(guest, fd_renumber, 4, 6), BADF);
    assert_eq!(call!(guest, fd_renumber, 4, 4), SUCCESS);
    for fd in [-1, i32::MAX, i32::MIN, 100] {
        assert_eq!(call!(guest, fd_close, fd), BADF);
    }
}

#[test]
fn output_beyond_its_cap_is_dropped_and_counted() {
    let config = WasiConfig::new().output_caps(5, 0);
    let mut guest = Guest::with(config, layout(Limits::default(), b""));
    assert_eq!(guest.write(1, b"abc"), Ok(3));
    assert_eq!(guest.write(1, b"defg"), Ok(4));
    assert_eq!(guest.write(2, b"error"), Ok(5));
    let (stdout, stderr) = guest.ctx().take_output();
    assert_eq!((stdout.bytes(), stdout.dropped()), (&b"abcde"[..], 2));
    assert_eq!((stderr.bytes(), stderr.dropped()), (&b""[..], 5));
    assert_eq!(guest.read(0, 10).unwrap(), b"");
    assert_eq!(guest.write(0, b"x"), Err(BADF));
    assert_eq!(guest.read(1, 1), Err(BADF));
    assert_eq!(call!(guest, fd_seek, 1, 0i64, 0, OUT), SPIPE);
}

#[test]
fn devices_are_what_they_are() {
    let mut guest = Guest::new();
    let null = guest.open("/dev/null", 0, READ | WRITE).unwrap();
    assert_eq!(guest.write(null, b"xyz"), Ok(3));
    assert_eq!(guest.read(null, 3).unwrap(), b"");
    let zero = guest.open("/dev/zero", 0, READ).unwrap();
    assert_eq!(guest.read(zero, 3).unwrap(), [0; 3]);
    let random = guest.open("/dev/urandom", 0, READ).unwrap();
    let (one, two) = (
        guest.read(random, 16).unwrap(),
        guest.read(random, 16).unwrap(),
    );
    assert!(one.len() == 16 && one != two);
    assert_eq!(guest.open("/dev/null", TRUNC, WRITE).map(|_| ()), Ok(()));
}

#[test]
fn a_full_file_system_is_enospc_and_the_host_knows_which_limit() {
    let limits = Limits {
        inodes: 20,
        ..Limits::bytes(100_000)
    };
    let mut guest = Guest::with(WasiConfig::new(), layout(limits, b""));
    let fd = guest.open("/tmp/f", CREAT, WRITE).unwrap();
    let block = vec![1; 65_536];
    assert!(guest.write(fd, &block).unwrap() > 0);
    assert_eq!(
        (0..3).find_map(|_| guest.write(fd, &block).err()),
        Some(NOSPC)
    );
    let refusals = guest.ctx().vfs().refusals();
    assert!(refusals.bytes && !refusals.file_size && !refusals.inodes);
    assert_eq!(call!(guest, fd_filestat_set_size, fd, 1i64 << 62), FBIG);
    assert!(guest.ctx().vfs().refusals().file_size);
    assert_eq!(call!(guest, fd_allocate, fd, 0i64, 90_000i64), NOSPC);
    assert_eq!(call!(guest, fd_filestat_set_size, fd, 0i64), SUCCESS);
    let refused = (0..20).find_map(|i| guest.open(&format!("/tmp/{i}"), CREAT, WRITE).err());
    assert_eq!(refused, Some(NOSPC));
    assert!(guest.ctx().vfs().refusals().inodes);
}

#[test]
fn times_are_set_and_kept() {
    let mut guest = Guest::new();
    guest.write_file("/tmp/f", b"");
    let (path, len) = guest.path(PATH, "/tmp/f");
    assert_eq!(
        call!(
            guest,
            path_filestat_set_times,
            ROOT,
            1,
            path,
            len,
            7i64,
            9i64,
            1 | 4
        ),
        SUCCESS
    );
    assert_eq!(
        call!(guest, path_filestat_get, ROOT, 1, path, len, OUT),
        SUCCESS
    );
    assert_eq!((guest.get_u64(OUT + 40), guest.get_u64(OUT + 48)), (7, 9));
    assert_eq!(
        call!(
            guest,
            path_filestat_set_times,
            ROOT,
            1,
            path,
            len,
            7i64,
            9i64,
            1 | 2
        ),
        INVAL
    );
    let fd = guest.open("/tmp/f", 0, READ).unwrap();
    assert_eq!(
        call!(guest, fd_filestat_set_times, fd, 0i64, 11i64, 4),
        SUCCESS
    );
    assert_eq!(call!(guest, fd_filestat_get, fd, OUT), SUCCESS);
    assert_eq!((guest.get_u64(OUT + 40), guest.get_u64(OUT + 48)), (7, 11));
}

#[test]
fn what_is_not_there_says_so() {
    let mut guest = Guest::new();
    assert_eq!(call!(guest, sock_shutdown, ROOT, 1), NOTSOCK);
    assert_eq!(call!(guest, sock_accept, 77, 0, OUT), BADF);
    assert_eq!(call!(guest, sock_send, 1, 0, 0, 0, OUT), NOTSOCK);
    assert_eq!(call!(guest, sock_recv, 0, 0, 0, 0, OUT, OUT), NOTSOCK);
    assert_eq!(call!(guest, proc_raise, 9), NOTSUP);
    assert_eq!(call!(guest, fd_fdstat_set_rights, ROOT, 0i64, 0i64), NOTSUP);
    assert_eq!(call!(guest, clock_time_get, 2, 0i64, OUT), INVAL);
    assert_eq!(call!(guest, clock_time_get, 77, 0i64, OUT), INVAL);
    assert_eq!(call!(guest, fd_advise, ROOT, 0i64, 0i64, 99), INVAL);
    assert_eq!(guest.open("/tmp", 1 << 10, READ), Err(INVAL));
}

#[test]
fn directories_are_made_moved_and_removed() {
    let mut guest = Guest::new();
    let (dir, len) = guest.path(PATH, "/tmp/d");
    assert_eq!(call!(guest, path_create_directory, ROOT, dir, len), SUCCESS);
    assert_eq!(call!(guest, path_create_directory, ROOT, dir, len), EXIST);
    guest.write_file("/tmp/d/f", b"");
    let (dir, len) = guest.path(PATH, "/tmp/d");
    assert_eq!(
        call!(guest, path_remove_directory, ROOT, dir, len),
        NOTEMPTY
    );
    assert_eq!(call!(guest, path_unlink_file, ROOT, dir, len), ISDIR);
    let (below, below_len) = guest.path(PATH2, "/tmp/d/e");
    assert_eq!(
        call!(guest, path_rename, ROOT, dir, len, ROOT, below, below_len),
        INVAL
    );
    let (to, to_len) = guest.path(PATH2, "/tmp/e");
    assert_eq!(
        call!(guest, path_rename, ROOT, dir, len, ROOT, to, to_len),
        SUCCESS
    );
    assert!(guest.open("/tmp/e/f", 0, READ).is_ok());
}

#[test]
fn exit_carries_its_code() {
    let mut guest = Guest::new();
    let ended = try_call!(guest, proc_exit, 0xFFFF_FFFFu32).unwrap_err();
    assert_eq!(ended.downcast_ref::<ProcExit>(), Some(&ProcExit(u32::MAX)));
}
