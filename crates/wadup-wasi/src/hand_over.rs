use std::any::Any;

use wadup_vfs::{InodeId, Vfs};

use crate::Error;
use crate::context::WasiCtx;
use crate::descriptor::{Descriptor, OpenFile};
use crate::interrupt::Deadline;

/// Is told of the files that a guest completes in the [watched](crate::WasiConfig::watch)
/// directories.
pub trait CloseHandler: Any + Send {
    /// A file is complete: its last descriptor for writing was closed, or it was renamed or linked
    /// into the directory while none was open. The handler may take it, see
    /// [`Vfs::take_file_at`]. The guest waits, so what takes long has to keep to its `deadline`.
    ///
    /// # Errors
    ///
    /// The guest's call fails with the error, an errno or a trap.
    fn closed(
        &mut self,
        vfs: &mut Vfs,
        file: &ClosedFile<'_>,
        deadline: &Deadline,
    ) -> Result<(), Error>;
}

/// A file that is complete.
#[derive(Debug, Clone, Copy)]
pub struct ClosedFile<'a> {
    /// The watched directory, as it was configured.
    pub directory: &'a str,
    /// Its inode, from which [`name`](Self::name) can be resolved.
    pub dir: InodeId,
    /// The name in the directory; it need not be UTF-8.
    pub name: &'a [u8],
}

/// A directory of [`WasiConfig::watch`](crate::WasiConfig::watch) that exists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    /// Index in the configuration.
    index: usize,
    dir: InodeId,
}

impl Watched {
    pub(crate) fn all(directories: &[String], vfs: &Vfs) -> Vec<Self> {
        let find = |(index, path): (usize, &String)| {
            let dir = vfs.lookup(vfs.root(), path.as_bytes(), true).ok()?;
            Some(Self { index, dir })
        };
        directories.iter().enumerate().filter_map(find).collect()
    }
}

impl WasiCtx {
    /// Closes what a descriptor stood for, and hands over the file if it is complete now.
    pub(crate) fn close(&mut self, descriptor: Descriptor) -> Result<(), Error> {
        let Descriptor::File(OpenFile { handle, .. }) = descriptor else {
            return Ok(());
        };
        let (inode, written) = (handle.inode(), handle.is_writable());
        self.vfs.close(handle);
        if !written || self.vfs.is_being_written(inode) {
            return Ok(());
        }
        // There may be as many names as a file can have links.
        for (watched, name) in self.watched_names(inode) {
            self.check_interrupt()?;
            self.hand_over(watched, &name)?;
        }
        Ok(())
    }

    /// Hands over a file that got a new name (its last one), if that is in a watched directory.
    pub(crate) fn named(&mut self, inode: InodeId) -> Result<(), Error> {
        let is_file = self.vfs.metadata(inode)?.file_type == wadup_vfs::FileType::Regular;
        if !is_file || self.watched.is_empty() || self.vfs.is_being_written(inode) {
            return Ok(());
        }
        let Some((dir, name)) = self.vfs.names(inode).last() else {
            return Ok(());
        };
        let Some(watched) = self
            .watched
            .iter()
            .find(|watched| watched.dir == dir)
            .copied()
        else {
            return Ok(());
        };
        let name = name.to_vec();
        self.hand_over(watched, &name)
    }

    fn hand_over(&mut self, watched: Watched, name: &[u8]) -> Result<(), Error> {
        let Some(handler) = &mut self.close_handler else {
            return Ok(());
        };
        let directory = &self.config.watched[watched.index];
        let file = ClosedFile {
            directory,
            dir: watched.dir,
            name,
        };
        handler.closed(&mut self.vfs, &file, &self.deadline)
    }

    fn watched_names(&self, inode: InodeId) -> Vec<(Watched, Vec<u8>)> {
        let watched = |dir| {
            self.watched
                .iter()
                .find(|watched| watched.dir == dir)
                .copied()
        };
        self.vfs
            .names(inode)
            .filter_map(|(dir, name)| Some((watched(dir)?, name.to_vec())))
            .collect()
    }

    /// The files in watched directories that are still open for writing, so that they were never
    /// handed over: directory and name.
    pub fn unclosed_files(&self) -> Vec<(&str, Vec<u8>)> {
        let mut inodes: Vec<InodeId> = self
            .descriptors
            .iter()
            .filter_map(|descriptor| match descriptor {
                Descriptor::File(file) if file.handle.is_writable() => Some(file.handle.inode()),
                _ => None,
            })
            .collect();
        // Many descriptors may be of one file, and that may have many names.
        inodes.sort();
        inodes.dedup();
        let names = inodes
            .into_iter()
            .flat_map(|inode| self.watched_names(inode));
        let mut files: Vec<_> = names
            .map(|(watched, name)| (self.config.watched[watched.index].as_str(), name))
            .collect();
        files.sort();
        files
    }
}
