//! Files that are complete in a watched directory are handed over while the guest runs.

mod guest;

use std::any::Any;
use std::time::Instant;

use guest::errno::*;
use guest::{CREAT, Guest, PATH, PATH2, ROOT, WRITE, layout};
use wadup_vfs::{Limits, Vfs};
use wadup_wasi::{CloseHandler, ClosedFile, Deadline, Errno, Error, Interrupted, WasiConfig};
use wasmtime::Val;

/// Takes all `*.json`, and refuses those that say so.
#[derive(Default)]
struct Taker {
    taken: Vec<(String, Vec<u8>)>,
    seen: usize,
}

impl CloseHandler for Taker {
    fn closed(&mut self, vfs: &mut Vfs, file: &ClosedFile<'_>, _: &Deadline) -> Result<(), Error> {
        self.seen += 1;
        if !file.name.ends_with(b".json") {
            return Ok(());
        }
        let content = vfs.take_file_at(file.dir, file.name, u64::MAX)?.into_vec();
        if content == b"refuse" {
            return Err(Errno::Nospc.into());
        }
        self.taken.push((
            format!("{}/{}", file.directory, String::from_utf8_lossy(file.name)),
            content,
        ));
        Ok(())
    }
}

fn guest() -> Guest {
    let config = WasiConfig::new()
        .watch("/metadata")
        .watch("/subcontent")
        .watch("/missing");
    let mut guest = Guest::with(config, layout(Limits::default(), b""));
    guest.ctx().set_close_handler(Box::new(Taker::default()));
    guest
}

fn taken(guest: &mut Guest) -> Taker {
    let handler: Box<dyn Any> = guest.ctx().take_close_handler().unwrap();
    *handler.downcast().unwrap()
}

fn rename(guest: &mut Guest, old: &str, new: &str) -> i32 {
    let (old, old_len) = guest.path(PATH, old);
    let (new, new_len) = guest.path(PATH2, new);
    call!(guest, path_rename, ROOT, old, old_len, ROOT, new, new_len)
}

#[test]
fn a_file_is_handed_over_when_it_is_closed() {
    let mut guest = guest();
    let before = guest.ctx().vfs().usage().bytes;
    guest.write_file("/metadata/a.json", b"{}");
    guest.write_file("/subcontent/1.json", b"1");
    guest.write_file("/metadata/notes.txt", b"no");
    guest.write_file("/tmp/a.json", b"elsewhere");
    let mut handler = taken(&mut guest);
    handler.taken.sort();
    let expected = [
        ("/metadata/a.json".to_owned(), b"{}".to_vec()),
        ("/subcontent/1.json".to_owned(), b"1".to_vec()),
    ];
    assert_eq!(handler.taken, expected);
    assert_eq!(handler.seen, 3);
    // Their space is free again.
    for path in ["/metadata/notes.txt", "/tmp/a.json"] {
        guest.ctx().vfs_mut().take_file(path).unwrap();
    }
    assert_eq!(guest.ctx().vfs().usage().bytes, before);
}

#[test]
fn only_the_last_writer_completes_a_file() {
    let mut guest = guest();
    let first = guest.open("/metadata/a.json", CREAT, WRITE).unwrap();
    let second = guest.open("/metadata/a.json", 0, WRITE).unwrap();
    let reader = guest.open("/metadata/a.json", 0, guest::READ).unwrap();
    guest.write(first, b"one").unwrap();
    assert_eq!(call!(guest, fd_close, first), SUCCESS);
    assert_eq!(
        guest.ctx().unclosed_files(),
        [("/metadata", b"a.json".to_vec())]
    );
    call!(guest, fd_seek, second, 3i64, 0, guest::OUT);
    guest.write(second, b"two").unwrap();
    assert_eq!(call!(guest, fd_close, second), SUCCESS);
    assert_eq!(call!(guest, fd_close, reader), SUCCESS);
    assert!(guest.ctx().unclosed_files().is_empty());
    assert_eq!(
        taken(&mut guest).taken,
        [("/metadata/a.json".to_owned(), b"onetwo".to_vec())]
    );
}

/// Each name is a hand-over, and there may be very many.
#[test]
fn names_are_handed_over_while_there_is_time() {
    let mut guest = guest();
    let fd = guest.open("/metadata/0.json", CREAT, WRITE).unwrap();
    let other = guest.open("/metadata/0.json", 0, WRITE).unwrap();
    let (old, old_len) = guest.path(PATH, "/metadata/0.json");
    for number in 1..10 {
        let (new, new_len) = guest.path(PATH2, &format!("/metadata/{number}.json"));
        assert_eq!(
            call!(guest, path_link, ROOT, 0, old, old_len, ROOT, new, new_len),
            SUCCESS
        );
    }
    // Each of them once, however often it is open.
    assert_eq!(guest.ctx().unclosed_files().len(), 10);
    assert_eq!(call!(guest, fd_close, other), SUCCESS);
    guest.ctx().set_deadline(Some(Instant::now()));
    let error = guest.call("fd_close", &[Val::I32(fd)]).unwrap_err();
    assert!(error.is::<Interrupted>(), "{error:?}");
    assert_eq!(taken(&mut guest).seen, 0);
}

#[test]
fn renaming_or_linking_a_closed_file_into_place_hands_it_over() {
    let mut guest = guest();
    guest.write_file("/tmp/a", b"moved");
    assert_eq!(rename(&mut guest, "/tmp/a", "/metadata/a.json"), SUCCESS);
    guest.write_file("/metadata/b.tmp", b"renamed");
    assert_eq!(
        rename(&mut guest, "/metadata/b.tmp", "/metadata/b.json"),
        SUCCESS
    );
    guest.write_file("/tmp/c", b"linked");
    let (old, old_len) = guest.path(PATH, "/tmp/c");
    let (new, new_len) = guest.path(PATH2, "/metadata/c.json");
    assert_eq!(
        call!(guest, path_link, ROOT, 0, old, old_len, ROOT, new, new_len),
        SUCCESS
    );
    let contents: Vec<_> = taken(&mut guest)
        .taken
        .into_iter()
        .map(|(_, content)| content)
        .collect();
    assert_eq!(
        contents,
        [b"moved".to_vec(), b"renamed".to_vec(), b"linked".to_vec()]
    );
    assert_eq!(
        guest.ctx().vfs().read_file("/tmp/c", 10).unwrap(),
        b"linked"
    );
}

#[test]
fn renaming_an_open_file_hands_it_over_under_its_new_name_when_it_is_closed() {
    let mut guest = guest();
    let fd = guest.open("/tmp/a", CREAT, WRITE).unwrap();
    guest.write(fd, b"x").unwrap();
    assert_eq!(rename(&mut guest, "/tmp/a", "/metadata/a.json"), SUCCESS);
    guest.write(fd, b"y").unwrap();
    assert_eq!(call!(guest, fd_close, fd), SUCCESS);
    assert_eq!(
        taken(&mut guest).taken,
        [("/metadata/a.json".to_owned(), b"xy".to_vec())]
    );
}

#[test]
fn a_descriptor_that_is_renumbered_over_is_closed() {
    let mut guest = guest();
    let fd = guest.open("/metadata/a.json", CREAT, WRITE).unwrap();
    guest.write(fd, b"x").unwrap();
    let other = guest.open("/data.bin", 0, guest::READ).unwrap();
    assert_eq!(call!(guest, fd_renumber, other, fd), SUCCESS);
    assert_eq!(taken(&mut guest).taken.len(), 1);
}

#[test]
fn the_handler_s_refusal_is_the_guest_s_errno() {
    let mut guest = guest();
    assert_eq!(guest.write_file("/metadata/a.json", b"refuse"), NOSPC);
}

#[test]
fn directories_links_and_files_below_are_not_handed_over() {
    let mut guest = guest();
    let (dir, len) = guest.path(PATH, "/metadata/d.json");
    assert_eq!(call!(guest, path_create_directory, ROOT, dir, len), SUCCESS);
    guest.write_file("/metadata/d.json/x.json", b"below");
    assert_eq!(
        rename(&mut guest, "/metadata/d.json", "/metadata/e.json"),
        SUCCESS
    );
    guest.write_file("/tmp/t", b"target");
    let (target, target_len) = guest.path(PATH, "/tmp/t");
    let (link, link_len) = guest.path(PATH2, "/metadata/l.json");
    assert_eq!(
        call!(
            guest,
            path_symlink,
            target,
            target_len,
            ROOT,
            link,
            link_len
        ),
        SUCCESS
    );
    // Writing through the link writes the target, which is elsewhere.
    guest.write_file("/metadata/l.json", b"changed");
    assert_eq!(taken(&mut guest).seen, 0);
}

#[test]
fn a_removed_file_is_not_handed_over() {
    let mut guest = guest();
    let fd = guest.open("/metadata/a.json", CREAT, WRITE).unwrap();
    let (path, len) = guest.path(PATH, "/metadata/a.json");
    assert_eq!(call!(guest, path_unlink_file, ROOT, path, len), SUCCESS);
    assert_eq!(call!(guest, fd_close, fd), SUCCESS);
    assert_eq!(taken(&mut guest).seen, 0);
}
