//! Random sequences of operations have the same results here and on a real directory.
//!
//! The real one is the root of a thread of its own, so that absolute paths and `..` mean the same
//! on both sides. That takes the right to `chroot`; without it, the test says so and passes.
#![cfg(target_os = "linux")]

use std::fmt::Debug;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use rustix::io::Errno;
use wadup_vfs::{Error, FileType, Handle, InodeId, Limits, OpenOptions, SystemTime, Vfs};

const SLOTS: usize = 3;

/// A path, and the slot whose open directory it starts from (else the root).
#[derive(Debug, Clone)]
struct At {
    slot: Option<usize>,
    path: String,
}

#[derive(Debug, Clone)]
enum Operation {
    CreateDirectory(At),
    RemoveDirectory(At),
    RemoveFile(At),
    Rename(At, At),
    Link(At, bool, At),
    Symlink(String, At),
    ReadLink(At),
    Stat(At, bool),
    List(At),
    Open(usize, At, OpenOptions),
    Close(usize),
    Write(usize, u64, usize, u8),
    Read(usize, u64, usize),
    Truncate(usize, u64),
}

/// What an operation answers, in the words of both sides.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Bytes(Vec<u8>),
    Count(usize),
    Stat {
        kind: char,
        size: u64,
        links: Option<u64>,
    },
    Names(Vec<Vec<u8>>),
}

type Answered = Result<Answer, Errno>;

fn paths() -> impl Strategy<Value = String> {
    let component = prop_oneof![
        8 => "[abc]",
        1 => Just(".".to_owned()),
        2 => Just("..".to_owned()),
    ];
    let components = prop::collection::vec(component, 0..5);
    (any::<bool>(), components, prop::bool::weighted(0.15)).prop_map(|(absolute, parts, slash)| {
        format!(
            "{}{}{}",
            if absolute { "/" } else { "" },
            parts.join("/"),
            if slash { "/" } else { "" }
        )
    })
}

fn at() -> impl Strategy<Value = At> {
    // Only from the root: a removed directory may complain first.
    let too_long = At {
        slot: None,
        path: "x".repeat(256),
    };
    prop_oneof![40 => one_of_two(), 1 => Just(too_long)]
}

/// For operations with two paths: which is complained of first when both are wrong is not worth
/// copying.
fn one_of_two() -> impl Strategy<Value = At> {
    (prop::option::weighted(0.2, 0..SLOTS), paths()).prop_map(|(slot, path)| At { slot, path })
}

fn open_options() -> impl Strategy<Value = OpenOptions> {
    let access = prop_oneof![Just((true, false)), Just((false, true)), Just((true, true))];
    (access, any::<[bool; 5]>()).prop_map(
        |((read, write), [create, exclusive, truncate, directory, follow])| OpenOptions {
            read,
            write,
            create,
            exclusive: create && exclusive,
            truncate,
            directory: directory && !create,
            follow,
        },
    )
}

fn operations() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let offset = || prop_oneof![0u64..200, 65_400u64..65_700, 0u64..300_000];
    prop_oneof![
        4 => at().prop_map(CreateDirectory),
        2 => at().prop_map(RemoveDirectory),
        2 => at().prop_map(RemoveFile),
        4 => (one_of_two(), one_of_two()).prop_map(|(old, new)| Rename(old, new)),
        2 => (one_of_two(), any::<bool>(), one_of_two()).prop_map(|(old, follow, new)| Link(old, follow, new)),
        2 => (paths(), at()).prop_map(|(target, at)| Symlink(target, at)),
        1 => at().prop_map(ReadLink),
        2 => (at(), any::<bool>()).prop_map(|(at, follow)| Stat(at, follow)),
        1 => at().prop_map(List),
        6 => (0..SLOTS, at(), open_options()).prop_map(|(slot, at, options)| Open(slot, at, options)),
        1 => (0..SLOTS).prop_map(Close),
        3 => (0..SLOTS, offset(), 0usize..70_000, any::<u8>()).prop_map(|(s, o, n, b)| Write(s, o, n, b)),
        2 => (0..SLOTS, offset(), 0usize..70_000).prop_map(|(s, o, n)| Read(s, o, n)),
        2 => (0..SLOTS, offset()).prop_map(|(slot, len)| Truncate(slot, len)),
    ]
}

struct Ours {
    vfs: Vfs,
    slots: [Option<Handle>; SLOTS],
}

impl Ours {
    fn new() -> Self {
        let limits = Limits::bytes(1 << 40);
        Self {
            vfs: Vfs::new(limits, SystemTime::shared()),
            slots: Default::default(),
        }
    }

    fn base(&self, at: &At) -> InodeId {
        let slot = at.slot.and_then(|slot| self.slots[slot].as_ref());
        slot.map_or(self.vfs.root(), Handle::inode)
    }

    /// The one thing that differs on purpose: `..` of a removed directory does not exist here. On
    /// Linux it is the directory that was above, which may be removed itself.
    fn climbs_from_a_removed_directory(&self, operation: &Operation) -> bool {
        use Operation::*;
        let climbs = |at: &At| {
            let removed = self.vfs.metadata(self.base(at)).unwrap().links == 0;
            removed && at.path.split('/').any(|component| component == "..")
        };
        match operation {
            CreateDirectory(at) | RemoveDirectory(at) | RemoveFile(at) | Symlink(_, at) => {
                climbs(at)
            }
            ReadLink(at) | Stat(at, _) | List(at) | Open(_, at, _) => climbs(at),
            Rename(old, new) | Link(old, _, new) => climbs(old) || climbs(new),
            Close(_) | Write(..) | Read(..) | Truncate(..) => false,
        }
    }

    fn run(&mut self, operation: &Operation) -> Answered {
        self.apply(operation).map_err(errno)
    }

    fn apply(&mut self, operation: &Operation) -> Result<Answer, Error> {
        use Operation::*;
        match operation {
            CreateDirectory(at) => self
                .vfs
                .create_directory(self.base(at), at.path.as_bytes())?,
            RemoveDirectory(at) => self
                .vfs
                .remove_directory(self.base(at), at.path.as_bytes())?,
            RemoveFile(at) => self.vfs.remove_file(self.base(at), at.path.as_bytes())?,
            Rename(old, new) => {
                let (from, to) = (self.base(old), self.base(new));
                self.vfs
                    .rename(from, old.path.as_bytes(), to, new.path.as_bytes())?;
            }
            Link(old, follow, new) => {
                let (from, to) = (self.base(old), self.base(new));
                self.vfs.create_link(
                    from,
                    old.path.as_bytes(),
                    *follow,
                    to,
                    new.path.as_bytes(),
                )?;
            }
            Symlink(target, at) => {
                self.vfs
                    .create_symlink(target.as_bytes(), self.base(at), at.path.as_bytes())?;
            }
            ReadLink(at) => {
                return Ok(Answer::Bytes(
                    self.vfs
                        .read_link(self.base(at), at.path.as_bytes())?
                        .to_vec(),
                ));
            }
            Stat(at, follow) => {
                let inode = self
                    .vfs
                    .lookup(self.base(at), at.path.as_bytes(), *follow)?;
                return Ok(self.stat(inode));
            }
            List(at) => {
                let inode = self.vfs.lookup(self.base(at), at.path.as_bytes(), true)?;
                let mut names: Vec<_> = self
                    .vfs
                    .read_dir(inode, 0)?
                    .map(|entry| entry.name.to_vec())
                    .collect();
                names.sort();
                // Linux lists nothing in a removed directory, some file systems not even the dots.
                if self.vfs.metadata(inode)?.links == 0 {
                    names.clear();
                }
                return Ok(Answer::Names(names));
            }
            Open(slot, at, options) => {
                let handle = self.vfs.open(self.base(at), at.path.as_bytes(), *options)?;
                self.close(*slot);
                self.slots[*slot] = Some(handle);
            }
            Close(slot) => self.close(*slot),
            Write(slot, offset, len, byte) => {
                let Some(handle) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                return Ok(Answer::Count(self.vfs.write_at(
                    handle,
                    *offset,
                    &vec![*byte; *len],
                )?));
            }
            Read(slot, offset, len) => {
                let Some(handle) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                let mut bytes = vec![0xEE; *len];
                let n = self.vfs.read_at(handle, *offset, &mut bytes)?;
                bytes.truncate(n);
                return Ok(Answer::Bytes(bytes));
            }
            Truncate(slot, len) => {
                let Some(handle) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                self.vfs.truncate(handle, *len)?;
            }
        }
        Ok(Answer::Done)
    }

    fn stat(&self, inode: InodeId) -> Answer {
        let metadata = self.vfs.metadata(inode).unwrap();
        let kind = match metadata.file_type {
            FileType::Directory => 'd',
            FileType::Regular => 'f',
            FileType::Symlink => 'l',
            FileType::Device(_) => 'c',
        };
        let size = if kind == 'd' { 0 } else { metadata.size };
        Answer::Stat {
            kind,
            size,
            links: Some(metadata.links),
        }
    }

    fn close(&mut self, slot: usize) {
        if let Some(handle) = self.slots[slot].take() {
            self.vfs.close(handle);
        }
    }
}

#[derive(Default)]
struct Real {
    slots: [Option<OwnedFd>; SLOTS],
    /// Some file systems count 1 for every directory.
    counts_directory_links: bool,
}

impl Real {
    fn run(&mut self, operation: &Operation) -> Answered {
        use Operation::*;
        let fd = |at: &At| {
            at.slot
                .and_then(|slot| self.slots[slot].as_ref())
                .map_or(CWD, |fd| std::os::fd::AsFd::as_fd(fd))
        };
        match operation {
            CreateDirectory(at) => rustix::fs::mkdirat(fd(at), &at.path, Mode::RWXU)?,
            RemoveDirectory(at) => rustix::fs::unlinkat(fd(at), &at.path, AtFlags::REMOVEDIR)?,
            RemoveFile(at) => rustix::fs::unlinkat(fd(at), &at.path, AtFlags::empty())?,
            Rename(old, new) => rustix::fs::renameat(fd(old), &old.path, fd(new), &new.path)?,
            Link(old, follow, new) => {
                let flags = if *follow {
                    AtFlags::SYMLINK_FOLLOW
                } else {
                    AtFlags::empty()
                };
                rustix::fs::linkat(fd(old), &old.path, fd(new), &new.path, flags)?;
            }
            Symlink(target, at) => rustix::fs::symlinkat(target, fd(at), &at.path)?,
            ReadLink(at) => {
                // An empty path would mean the descriptor itself, which WASI does not have.
                if at.path.is_empty() {
                    return Err(Errno::NOENT);
                }
                return Ok(Answer::Bytes(
                    rustix::fs::readlinkat(fd(at), &at.path, Vec::new())?.into_bytes(),
                ));
            }
            Stat(at, follow) => {
                let flags = if *follow {
                    AtFlags::empty()
                } else {
                    AtFlags::SYMLINK_NOFOLLOW
                };
                let stat = rustix::fs::statat(fd(at), &at.path, flags)?;
                let file_type = rustix::fs::FileType::from_raw_mode(stat.st_mode);
                return Ok(self.stat(file_type, stat.st_size as u64, stat.st_nlink as u64));
            }
            List(at) => {
                let dir = rustix::fs::openat(fd(at), &at.path, OFlags::DIRECTORY, Mode::empty())?;
                let mut buffer = Vec::with_capacity(8192);
                let mut entries = RawDir::new(&dir, buffer.spare_capacity_mut());
                let mut names = Vec::new();
                while let Some(entry) = entries.next() {
                    match entry {
                        Ok(entry) => names.push(entry.file_name().to_bytes().to_vec()),
                        Err(Errno::NOENT) => break,
                        Err(errno) => return Err(errno),
                    }
                }
                if rustix::fs::fstat(&dir)?.st_nlink == 0 {
                    names.clear();
                }
                names.sort();
                return Ok(Answer::Names(names));
            }
            Open(slot, at, options) => {
                let opened =
                    rustix::fs::openat(fd(at), &at.path, flags(*options), Mode::RUSR | Mode::WUSR)?;
                self.slots[*slot] = Some(opened);
            }
            Close(slot) => self.slots[*slot] = None,
            Write(slot, offset, len, byte) => {
                let Some(fd) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                return Ok(Answer::Count(rustix::io::pwrite(
                    fd,
                    &vec![*byte; *len],
                    *offset,
                )?));
            }
            Read(slot, offset, len) => {
                let Some(fd) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                let mut bytes = vec![0; *len];
                let n = rustix::io::pread(fd, &mut bytes, *offset)?;
                bytes.truncate(n);
                return Ok(Answer::Bytes(bytes));
            }
            Truncate(slot, len) => {
                let Some(fd) = &self.slots[*slot] else {
                    return Ok(Answer::Done);
                };
                rustix::fs::ftruncate(fd, *len)?;
            }
        }
        Ok(Answer::Done)
    }

    fn stat(&self, file_type: rustix::fs::FileType, size: u64, links: u64) -> Answer {
        let kind = match file_type {
            rustix::fs::FileType::Directory => 'd',
            rustix::fs::FileType::RegularFile => 'f',
            rustix::fs::FileType::Symlink => 'l',
            other => panic!("{other:?}"),
        };
        let known = kind != 'd' || self.counts_directory_links;
        Answer::Stat {
            kind,
            size: if kind == 'd' { 0 } else { size },
            links: known.then_some(links),
        }
    }
}

fn flags(options: OpenOptions) -> OFlags {
    let mut flags = match (options.read, options.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags.set(OFlags::CREATE, options.create);
    flags.set(OFlags::EXCL, options.exclusive);
    flags.set(OFlags::TRUNC, options.truncate);
    flags.set(OFlags::DIRECTORY, options.directory);
    flags.set(OFlags::NOFOLLOW, !options.follow);
    flags
}

fn errno(error: Error) -> Errno {
    match error {
        Error::NotFound => Errno::NOENT,
        Error::Exists => Errno::EXIST,
        Error::NotDirectory => Errno::NOTDIR,
        Error::IsDirectory => Errno::ISDIR,
        Error::NotEmpty => Errno::NOTEMPTY,
        Error::Invalid => Errno::INVAL,
        Error::Loop => Errno::LOOP,
        Error::NameTooLong => Errno::NAMETOOLONG,
        Error::NoSpace => Errno::NOSPC,
        Error::FileTooLarge => Errno::FBIG,
        Error::ReadOnly => Errno::ROFS,
        Error::Busy => Errno::BUSY,
        Error::CrossDevice => Errno::XDEV,
        Error::NotPermitted => Errno::PERM,
        Error::TooManyLinks => Errno::MLINK,
        Error::BadHandle => Errno::BADF,
        Error::Io => Errno::IO,
    }
}

/// All that can be seen of a tree: path, type, links, content.
fn tree_of_ours(ours: &Ours, dir: InodeId, path: &str, seen: &mut Vec<String>) {
    let entries: Vec<_> = ours
        .vfs
        .read_dir(dir, 2)
        .unwrap()
        .map(|entry| entry.name.to_vec())
        .collect();
    for name in entries {
        let inode = ours.vfs.lookup(dir, &name, false).unwrap();
        let path = format!("{path}/{}", String::from_utf8(name).unwrap());
        let metadata = ours.vfs.metadata(inode).unwrap();
        let digest = match metadata.file_type {
            FileType::Directory => String::new(),
            FileType::Symlink => String::from_utf8(
                ours.vfs
                    .read_link(ours.vfs.root(), path.as_bytes())
                    .unwrap()
                    .to_vec(),
            )
            .unwrap(),
            _ => digest(&ours.vfs.read_file(&path, u64::MAX).unwrap()),
        };
        let links = if metadata.file_type == FileType::Directory {
            0
        } else {
            metadata.links
        };
        seen.push(format!("{path} {links} {digest}"));
        if metadata.file_type == FileType::Directory {
            tree_of_ours(ours, inode, &path, seen);
        }
    }
}

fn tree_of_real(dir: &Path, seen: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        assert!(!metadata.file_type().is_char_device());
        let digest = match metadata.file_type() {
            kind if kind.is_dir() => String::new(),
            kind if kind.is_symlink() => String::from_utf8(
                fs::read_link(&path)
                    .unwrap()
                    .as_os_str()
                    .as_bytes()
                    .to_vec(),
            )
            .unwrap(),
            _ => digest(&fs::read(&path).unwrap()),
        };
        let links = if metadata.is_dir() {
            0
        } else {
            metadata.nlink()
        };
        seen.push(format!("{} {links} {digest}", path.display()));
        if metadata.is_dir() {
            tree_of_real(&path, seen);
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{} bytes {:x}", bytes.len(), hasher.finish())
}

fn compare(operations: &[Operation]) -> Result<(), TestCaseError> {
    for entry in fs::read_dir("/").unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .unwrap();
    }
    let counts_directory_links = fs::metadata("/").unwrap().nlink() == 2;
    let (mut ours, mut real) = (
        Ours::new(),
        Real {
            counts_directory_links,
            ..Real::default()
        },
    );
    for operation in operations {
        if ours.climbs_from_a_removed_directory(operation) {
            continue;
        }
        let expected = real.run(operation);
        let mut answer = ours.run(operation);
        if let (Ok(Answer::Stat { links, .. }), Ok(Answer::Stat { links: None, .. })) =
            (&mut answer, &expected)
        {
            *links = None;
        }
        prop_assert_eq!(answer, expected, "{:?}", operation);
    }
    let (mut our_tree, mut real_tree) = (Vec::new(), Vec::new());
    tree_of_ours(&ours, ours.vfs.root(), "", &mut our_tree);
    tree_of_real(Path::new("/"), &mut real_tree);
    our_tree.sort();
    real_tree.sort();
    prop_assert_eq!(our_tree, real_tree);
    empty_and_check_account(ours)
}

/// When all is removed and closed, nothing is charged any more.
fn empty_and_check_account(mut ours: Ours) -> Result<(), TestCaseError> {
    for slot in 0..SLOTS {
        ours.close(slot);
    }
    let mut seen = Vec::new();
    tree_of_ours(&ours, ours.vfs.root(), "", &mut seen);
    let mut paths: Vec<_> = seen
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    paths.sort();
    for path in paths.iter().rev() {
        let root = ours.vfs.root();
        let removed = ours.vfs.remove_file(root, path.as_bytes());
        if removed == Err(Error::IsDirectory) {
            ours.vfs.remove_directory(root, path.as_bytes()).unwrap();
        }
    }
    prop_assert_eq!(ours.vfs.usage().bytes, 0);
    prop_assert_eq!(ours.vfs.usage().inodes, 0);
    Ok(())
}

/// Makes `dir` the root of this thread alone.
fn enter(dir: &Path) -> rustix::io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "the type of `unshare` cannot tell that this flag is harmless"
    )]
    // SAFETY: `CLONE_FS` gives this thread a root and working directory of its own; no memory or
    // descriptor is unshared.
    unsafe {
        rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS)?;
    }
    rustix::process::chroot(dir)?;
    rustix::process::chdir("/")
}

#[test]
fn behaves_as_a_real_directory() {
    let cases = std::env::var("WADUP_VFS_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1500);
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let run = move || {
        if let Err(errno) = enter(&root) {
            return report_skip(&format!("this user may not chroot: {errno}"));
        }
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new(config);
        let sequences = prop::collection::vec(operations(), 1..60);
        if let Err(failed) = runner.run(&sequences, |operations| compare(&operations)) {
            panic!("{failed}");
        }
    };
    std::thread::spawn(run).join().unwrap();
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn report_skip(reason: &impl Debug) {
    eprintln!("skipped: {reason:?}");
}
