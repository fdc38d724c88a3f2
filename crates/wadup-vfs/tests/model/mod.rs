//! Sequences of operations, run here and on a real directory, which must answer the same.
//!
//! The real one is the root of a thread of its own, so that absolute paths and `..` mean the same
//! on both sides. That takes the right to `chroot`.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir};
use rustix::io::Errno;
use wadup_vfs::{Error, FileType, Handle, InodeId, Limits, OpenOptions, SystemTime, Vfs};

/// How many files and directories are open at most.
pub(crate) const SLOTS: usize = 3;

/// A path, and the slot whose open directory it starts from (else the root).
#[derive(Debug, Clone)]
pub(crate) struct At {
    pub(crate) slot: Option<usize>,
    pub(crate) path: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
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
    Stat { kind: char, size: u64, links: u64 },
    Names(Vec<Vec<u8>>),
}

type Answered = Result<Answer, Errno>;

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
            links: metadata.links,
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
                return Ok(stat_of_real(
                    file_type,
                    stat.st_size as u64,
                    stat.st_nlink as u64,
                ));
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
}

fn stat_of_real(file_type: rustix::fs::FileType, size: u64, links: u64) -> Answer {
    let kind = match file_type {
        rustix::fs::FileType::Directory => 'd',
        rustix::fs::FileType::RegularFile => 'f',
        rustix::fs::FileType::Symlink => 'l',
        other => panic!("{other:?}"),
    };
    let size = if kind == 'd' { 0 } else { size };
    Answer::Stat { kind, size, links }
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

/// What a real directory answers, and what is in it in the end.
struct Seen {
    answers: Vec<Answered>,
    tree: Vec<String>,
    counts_directory_links: bool,
}

/// A real directory, with a thread that has it for its root.
pub(crate) struct RealRoot {
    orders: Sender<Vec<Operation>>,
    seen: Receiver<Seen>,
}

impl RealRoot {
    /// Takes over `dir`: all that is in it goes.
    ///
    /// # Errors
    ///
    /// When this process may not `chroot`.
    pub(crate) fn enter(dir: PathBuf) -> Result<Self, Errno> {
        let (orders, todo) = mpsc::channel::<Vec<Operation>>();
        let (done, seen) = mpsc::channel();
        let (entered, result) = mpsc::channel();
        thread::spawn(move || {
            let ready = enter(&dir);
            let failed = ready.is_err();
            let _ = entered.send(ready);
            if failed {
                return;
            }
            for operations in todo {
                if done.send(run_really(&operations)).is_err() {
                    return;
                }
            }
        });
        result.recv().expect("the thread answers")?;
        Ok(Self { orders, seen })
    }

    fn run(&self, operations: Vec<Operation>) -> Seen {
        self.orders.send(operations).expect("the thread is there");
        self.seen.recv().expect("the thread is there")
    }
}

fn run_really(operations: &[Operation]) -> Seen {
    for entry in fs::read_dir("/").unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(path)
        } else {
            fs::remove_file(path)
        }
        .unwrap();
    }
    let mut real = Real {
        counts_directory_links: fs::metadata("/").unwrap().nlink() == 2,
        ..Real::default()
    };
    let answers = operations
        .iter()
        .map(|operation| real.run(operation))
        .collect();
    let mut tree = Vec::new();
    tree_of_real(Path::new("/"), &mut tree);
    tree.sort();
    Seen {
        answers,
        tree,
        counts_directory_links: real.counts_directory_links,
    }
}

/// Runs `operations` on both sides; tells of the first difference.
pub(crate) fn compare(real: &RealRoot, operations: Vec<Operation>) -> Result<(), String> {
    let mut ours = Ours::new();
    let mut answers = Vec::new();
    let mut operations = operations;
    operations.retain(|operation| {
        let comparable = !ours.climbs_from_a_removed_directory(operation);
        if comparable {
            answers.push(ours.run(operation));
        }
        comparable
    });
    let seen = real.run(operations.clone());
    for ((operation, mut answer), mut expected) in operations.iter().zip(answers).zip(seen.answers)
    {
        if !seen.counts_directory_links {
            forget_directory_links(&mut answer);
            forget_directory_links(&mut expected);
        }
        if answer != expected {
            return Err(format!(
                "{operation:?}: {} here, {} on Linux",
                shown(&answer),
                shown(&expected)
            ));
        }
    }
    let mut tree = Vec::new();
    tree_of_ours(&ours, ours.vfs.root(), "", &mut tree);
    tree.sort();
    if tree != seen.tree {
        return Err(format!("{tree:#?} here, {:#?} on Linux", seen.tree));
    }
    check_account_when_empty(ours)
}

fn forget_directory_links(answer: &mut Answered) {
    if let Ok(Answer::Stat {
        kind: 'd', links, ..
    }) = answer
    {
        *links = 0;
    }
}

fn shown(answer: &Answered) -> String {
    match answer {
        Ok(Answer::Bytes(bytes)) => digest(bytes),
        answer => format!("{answer:?}"),
    }
}

/// When all is removed and closed, nothing is charged any more.
fn check_account_when_empty(mut ours: Ours) -> Result<(), String> {
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
    match ours.vfs.usage() {
        usage if usage.bytes == 0 && usage.inodes == 0 => Ok(()),
        usage => Err(format!("nothing is left, and {usage:?} are charged")),
    }
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
