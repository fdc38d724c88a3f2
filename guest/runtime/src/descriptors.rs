//! The descriptors of this instance: what each number stands for.
//!
//! wasi-libc takes the host's numbers for its own. Here is a table between the two: a number is
//! one of ours, and stands for a *description* (POSIX's open file description), which is open in
//! the host or is an [`Object`] of ours. Several numbers may share one description, and with it
//! its offset: that is `dup`. Nothing else knows the difference, but for [`crate::system_calls`],
//! which asks [`place`] where a call belongs.
//!
//! | numbers | what |
//! |---|---|
//! | 0, 1, 2 | the standard streams |
//! | 3 to 31 | preopened directories of the host, under its numbers; wasi-libc's, not the program's |
//! | 32 and more | what is opened, the lowest free first |
//! | [`FIRST_MOUNT`] and more | directories of the tree that are mounted; wasi-libc's |
//!
//! What is here is in a snapshot, and right in every instance that is made from it. What is open
//! in the host is not: [`crate::interpreter`] refuses a snapshot of that.

mod object;
mod stream;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasip1::{ERRNO_BADF, ERRNO_INVAL, ERRNO_MFILE, Errno, Fd};

pub(crate) use object::{Object, Readiness};
pub(crate) use stream::{pipe, socket_pair};

/// Mounted directories.
pub(crate) const FIRST_MOUNT: Fd = 0x4000_0000;
/// The standard streams come before.
pub(crate) const FIRST_PREOPEN: Fd = 3;
/// What programs open.
const FIRST_OPENED: Fd = 32;
/// One more than the largest number.
const LIMIT: usize = 4096;

thread_local! {
    static TABLE: RefCell<Option<Table>> = const { RefCell::new(None) };
    static NEXT_IDENTITY: Cell<u32> = const { Cell::new(0) };
}

/// Where a call on a descriptor belongs.
pub(crate) enum Place {
    /// To the host, which knows it under this number.
    Host(Fd),
    Here(Rc<dyn Object>),
}

#[derive(Clone)]
enum Description {
    Host(Rc<Fd>),
    Here(Rc<dyn Object>),
}

#[derive(Clone)]
struct Entry {
    description: Description,
    /// The same for all duplicates, and never used again.
    identity: u32,
    /// Without `exec` it has no effect, but programs set it and look at it.
    close_on_exec: bool,
    /// A preopened directory, which no program has opened and none may close.
    preopened: bool,
}

/// What a snapshot cannot keep.
pub(crate) struct OpenInHost {
    /// The program's number.
    pub(crate) number: Fd,
    /// The host's.
    pub(crate) host: Fd,
}

struct Table {
    entries: Vec<Option<Entry>>,
    mounts: Vec<Rc<dyn Object>>,
    /// Numbers and identities as they were once the entry module had been imported.
    imported: Vec<(Fd, u32)>,
}

/// Where a call on `fd` belongs.
pub(crate) fn place(fd: Fd) -> Result<Place, Errno> {
    with(|table| match fd.checked_sub(FIRST_MOUNT) {
        Some(mount) => {
            let object = table.mounts.get(mount as usize).ok_or(ERRNO_BADF)?;
            Ok(Place::Here(Rc::clone(object)))
        }
        None => Ok(table.entry(fd)?.description.place()),
    })
}

/// A number for what the host has just opened under one of its own.
pub(crate) fn open_in_host(host: Fd) -> Result<Fd, Errno> {
    let entry = Entry::new(Description::Host(Rc::new(host)));
    with(|table| table.insert(entry, 0))
}

/// A number for an object.
pub(crate) fn open(object: Rc<dyn Object>) -> Result<Fd, Errno> {
    let entry = Entry::new(Description::Here(object));
    with(|table| table.insert(entry, 0))
}

/// Another number, not below `from`, for what `fd` stands for.
pub(crate) fn duplicate(fd: Fd, from: Fd, close_on_exec: bool) -> Result<Fd, Errno> {
    if from as usize >= LIMIT {
        return Err(ERRNO_INVAL);
    }
    with(|table| {
        let entry = table.entry(fd)?.duplicate(close_on_exec);
        table.insert(entry, from)
    })
}

/// Makes `to` stand for what `fd` stands for. What it stood for is given to `close_in_host`, if
/// it was the host's and this was its last number.
pub(crate) fn duplicate_to(fd: Fd, to: Fd) -> Result<Option<Fd>, Errno> {
    with(|table| {
        let entry = table.entry(fd)?.duplicate(false);
        if fd == to {
            return Ok(None);
        }
        table.replace(to, Some(entry))
    })
}

/// Moves `fd` to `to`, which has to be open. The result is as that of [`duplicate_to`].
pub(crate) fn renumber(fd: Fd, to: Fd) -> Result<Option<Fd>, Errno> {
    with(|table| {
        table.entry(to)?;
        let entry = table.entry(fd)?.clone();
        if fd == to {
            return Ok(None);
        }
        let closed = table.replace(to, Some(entry))?;
        table.replace(fd, None)?;
        Ok(closed)
    })
}

/// Gives a number back. The host has to close what is returned.
pub(crate) fn close(fd: Fd) -> Result<Option<Fd>, Errno> {
    with(|table| {
        table.entry(fd)?;
        table.replace(fd, None)
    })
}

pub(crate) fn closes_on_exec(fd: Fd) -> Result<bool, Errno> {
    with(|table| Ok(table.entry(fd)?.close_on_exec))
}

pub(crate) fn set_close_on_exec(fd: Fd, close_on_exec: bool) -> Result<(), Errno> {
    with(|table| {
        table.entry(fd)?;
        if let Some(Some(entry)) = table.entries.get_mut(fd as usize) {
            entry.close_on_exec = close_on_exec;
        }
        Ok(())
    })
}

/// Whether the host may have a preopened directory of this number that nobody has asked for.
pub(crate) fn may_be_preopened(fd: Fd) -> bool {
    (FIRST_PREOPEN..FIRST_OPENED).contains(&fd) && with(|table| table.at(fd).is_none())
}

/// The host has a preopened directory of this number.
pub(crate) fn preopened(fd: Fd) {
    let entry = Entry {
        preopened: true,
        ..Entry::new(Description::Host(Rc::new(fd)))
    };
    with(|table| table.put(fd, Some(entry)));
}

/// Another host may have other preopened directories.
pub(crate) fn forget_preopened() {
    with(|table| {
        for entry in &mut table.entries {
            if entry.as_ref().is_some_and(|entry| entry.preopened) {
                *entry = None;
            }
        }
    });
}

/// Numbers the directories that are mounted, from [`FIRST_MOUNT`] on.
pub(crate) fn mount(directories: Vec<Rc<dyn Object>>) {
    with(|table| table.mounts = directories);
}

/// What is open in the host, but for preopened directories and the standard streams where they
/// belong.
pub(crate) fn open_in_the_host() -> Vec<OpenInHost> {
    with(|table| {
        let numbered = (0..).zip(&table.entries);
        let opened = numbered.filter_map(|(number, entry)| match entry {
            Some(Entry {
                description: Description::Host(host),
                preopened: false,
                ..
            }) => Some(OpenInHost {
                number,
                host: **host,
            }),
            _ => None,
        });
        opened
            .filter(|open| open.number >= FIRST_PREOPEN || open.number != open.host)
            .collect()
    })
}

/// The first standard stream that is not the host's any more.
pub(crate) fn replaced_standard_stream() -> Option<Fd> {
    let is_host = |fd| matches!(place(fd), Ok(Place::Host(host)) if host == fd);
    (0..FIRST_PREOPEN).find(|fd| !is_host(*fd))
}

/// The entry module has been imported.
pub(crate) fn imported() {
    with(|table| table.imported = table.numbers().collect());
}

/// Whether all numbers stand for what they stood for when the entry module had been imported.
pub(crate) fn are_as_imported() -> bool {
    with(|table| table.numbers().eq(table.imported.iter().copied()))
}

/// A number that no other has, for `st_ino` and the like.
fn new_identity() -> u32 {
    NEXT_IDENTITY.with(|next| {
        let identity = next.get();
        next.set(identity.wrapping_add(1));
        identity
    })
}

fn with<T>(work: impl FnOnce(&mut Table) -> T) -> T {
    TABLE.with_borrow_mut(|table| work(table.get_or_insert_with(Table::new)))
}

impl Table {
    fn new() -> Self {
        let streams = (0..FIRST_PREOPEN).map(|number| {
            Some(Entry {
                close_on_exec: false,
                ..Entry::new(Description::Host(Rc::new(number)))
            })
        });
        Self {
            entries: streams.collect(),
            mounts: Vec::new(),
            imported: Vec::new(),
        }
    }

    fn at(&self, fd: Fd) -> Option<&Entry> {
        self.entries.get(fd as usize)?.as_ref()
    }

    fn entry(&self, fd: Fd) -> Result<&Entry, Errno> {
        self.at(fd).ok_or(ERRNO_BADF)
    }

    /// Puts an entry at the lowest free number from `from` on.
    fn insert(&mut self, entry: Entry, from: Fd) -> Result<Fd, Errno> {
        let streams = 0..FIRST_PREOPEN;
        let number = streams
            .chain(FIRST_OPENED..LIMIT as Fd)
            .find(|number| *number >= from && self.at(*number).is_none())
            .ok_or(ERRNO_MFILE)?;
        self.put(number, Some(entry));
        Ok(number)
    }

    /// Puts an entry, or none, where another may be; returns what the host has to close then.
    fn replace(&mut self, fd: Fd, entry: Option<Entry>) -> Result<Option<Fd>, Errno> {
        if fd as usize >= LIMIT || self.at(fd).is_some_and(|entry| entry.preopened) {
            return Err(ERRNO_BADF);
        }
        let replaced = self.put(fd, entry);
        Ok(match replaced.map(|entry| entry.description) {
            Some(Description::Host(host)) => Rc::into_inner(host),
            _ => None,
        })
    }

    fn put(&mut self, fd: Fd, entry: Option<Entry>) -> Option<Entry> {
        let index = fd as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, None);
        }
        std::mem::replace(&mut self.entries[index], entry)
    }

    /// All that programs have opened, with the standard streams.
    fn numbers(&self) -> impl Iterator<Item = (Fd, u32)> {
        let numbered = (0..).zip(&self.entries);
        numbered.filter_map(|(number, entry)| {
            let entry = entry.as_ref().filter(|entry| !entry.preopened)?;
            Some((number, entry.identity))
        })
    }
}

impl Entry {
    fn new(description: Description) -> Self {
        Self {
            description,
            identity: new_identity(),
            // wasi-libc has no other way to open anything: its `O_CLOEXEC` is 0.
            close_on_exec: true,
            preopened: false,
        }
    }

    fn duplicate(&self, close_on_exec: bool) -> Self {
        Self {
            close_on_exec,
            preopened: false,
            ..self.clone()
        }
    }
}

impl Description {
    fn place(&self) -> Place {
        match self {
            Self::Host(number) => Place::Host(**number),
            Self::Here(object) => Place::Here(Rc::clone(object)),
        }
    }
}
