//! The functions of `wasi_snapshot_preview1`, in the standard's order. What takes more than a few
//! lines is in the modules named for it.

use wiggle::{GuestMemory, GuestPtr};

use crate::Error;
use crate::abi::types::{
    Advice, Ciovec, Clockid, Errno, Event, Fd, Fdflags, Fdstat, Filestat, Iovec, Prestat,
    PrestatDir, Roflags, Subscription,
};
use crate::abi::wasi_snapshot_preview1::WasiSnapshotPreview1;
use crate::context::WasiCtx;
use crate::descriptor::Descriptor;
use crate::error::ProcExit;
use crate::memory::{bytes, strings_size, write_strings};
use crate::paths::{Open, follows};

type Memory<'a> = GuestMemory<'a>;
type Bytes = GuestPtr<[u8]>;

/// The name of the one preopened directory.
const ROOT: &[u8] = b"/";

impl WasiSnapshotPreview1 for WasiCtx {
    fn args_get(
        &mut self,
        memory: &mut Memory<'_>,
        argv: GuestPtr<GuestPtr<u8>>,
        argv_buf: GuestPtr<u8>,
    ) -> Result<(), Error> {
        write_strings(memory, &self.config.args, argv, argv_buf)
    }

    fn args_sizes_get(&mut self, _: &mut Memory<'_>) -> Result<(u32, u32), Error> {
        strings_size(&self.config.args)
    }

    fn environ_get(
        &mut self,
        memory: &mut Memory<'_>,
        environ: GuestPtr<GuestPtr<u8>>,
        environ_buf: GuestPtr<u8>,
    ) -> Result<(), Error> {
        write_strings(memory, &self.config.env, environ, environ_buf)
    }

    fn environ_sizes_get(&mut self, _: &mut Memory<'_>) -> Result<(u32, u32), Error> {
        strings_size(&self.config.env)
    }

    fn clock_res_get(&mut self, _: &mut Memory<'_>, id: u32) -> Result<u64, Error> {
        self.read_clock(id)?;
        Ok(1)
    }

    fn clock_time_get(
        &mut self,
        _: &mut Memory<'_>,
        id: u32,
        _precision: u64,
    ) -> Result<u64, Error> {
        self.read_clock(id)
    }

    fn fd_advise(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        _offset: u64,
        _len: u64,
        advice: u32,
    ) -> Result<(), Error> {
        Advice::try_from(advice as i32)?;
        match self.descriptors.get(fd)? {
            Descriptor::File(_) => Ok(()),
            _ => Err(Errno::Spipe.into()),
        }
    }

    fn fd_allocate(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        offset: u64,
        len: u64,
    ) -> Result<(), Error> {
        let file = self.descriptors.get(fd)?.file(Errno::Spipe)?;
        Ok(self.vfs.allocate(&file.handle, offset, len)?)
    }

    fn fd_close(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<(), Error> {
        let descriptor = self.descriptors.remove(fd)?;
        self.close(descriptor)
    }

    /// What is in memory needs no synchronisation.
    fn fd_datasync(&mut self, memory: &mut Memory<'_>, fd: Fd) -> Result<(), Error> {
        self.fd_sync(memory, fd)
    }

    fn fd_fdstat_get(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<Fdstat, Error> {
        let descriptor = self.descriptors.get(fd)?;
        let (fs_rights_base, fs_rights_inheriting) = descriptor.rights();
        Ok(Fdstat {
            fs_filetype: descriptor.file_type(),
            fs_flags: descriptor.flags(),
            fs_rights_base,
            fs_rights_inheriting,
        })
    }

    fn fd_fdstat_set_flags(&mut self, _: &mut Memory<'_>, fd: Fd, flags: u32) -> Result<(), Error> {
        let flags = Fdflags::try_from(flags as i32)?;
        match self.descriptors.get_mut(fd)? {
            Descriptor::File(file) => file.flags = flags,
            // A stream appends, and never blocks, whatever its flags.
            Descriptor::Stdin | Descriptor::Output(_) => {}
        }
        Ok(())
    }

    /// Rights are not enforced one by one, so that dropping them cannot be promised.
    fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        _: u64,
        _: u64,
    ) -> Result<(), Error> {
        self.descriptors.get(fd)?;
        Err(Errno::Notsup.into())
    }

    fn fd_filestat_get(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<Filestat, Error> {
        match self.descriptors.get(fd)? {
            Descriptor::File(file) => Ok(crate::stat::filestat(
                self.vfs.metadata(file.handle.inode())?,
            )),
            stream => Ok(crate::stat::stream(stream.file_type())),
        }
    }

    fn fd_filestat_set_size(&mut self, _: &mut Memory<'_>, fd: Fd, size: u64) -> Result<(), Error> {
        let file = self.descriptors.get(fd)?.file(Errno::Inval)?;
        Ok(self.vfs.truncate(&file.handle, size)?)
    }

    fn fd_filestat_set_times(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result<(), Error> {
        let inode = self.descriptors.get(fd)?.file(Errno::Inval)?.handle.inode();
        let (accessed, modified) = crate::stat::set_times(atim, mtim, fst_flags)?;
        Ok(self.vfs.set_times(inode, accessed, modified)?)
    }

    fn fd_pread(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        iovs: GuestPtr<[Iovec]>,
        offset: u64,
    ) -> Result<u32, Error> {
        self.read(memory, fd, iovs, Some(offset))
    }

    fn fd_prestat_get(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<Prestat, Error> {
        self.preopen(fd)?;
        Ok(Prestat::Dir(PrestatDir {
            pr_name_len: ROOT.len() as u32,
        }))
    }

    fn fd_prestat_dir_name(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        path: GuestPtr<u8>,
        path_len: u32,
    ) -> Result<(), Error> {
        self.preopen(fd)?;
        if path_len < ROOT.len() as u32 {
            return Err(Errno::Nametoolong.into());
        }
        Ok(memory.copy_from_slice(ROOT, path.as_array(ROOT.len() as u32))?)
    }

    fn fd_pwrite(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        iovs: GuestPtr<[Ciovec]>,
        offset: u64,
    ) -> Result<u32, Error> {
        self.write(memory, fd, iovs, Some(offset))
    }

    fn fd_read(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        iovs: GuestPtr<[Iovec]>,
    ) -> Result<u32, Error> {
        self.read(memory, fd, iovs, None)
    }

    fn fd_readdir(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        buf: GuestPtr<u8>,
        buf_len: u32,
        cookie: u64,
    ) -> Result<u32, Error> {
        self.read_directory(memory, fd, buf.as_array(buf_len), cookie)
    }

    fn fd_renumber(&mut self, _: &mut Memory<'_>, fd: Fd, to: Fd) -> Result<(), Error> {
        match self.descriptors.renumber(fd, to)? {
            Some(replaced) => self.close(replaced),
            None => Ok(()),
        }
    }

    fn fd_seek(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        offset: i64,
        whence: u32,
    ) -> Result<u64, Error> {
        self.seek(fd, offset, whence)
    }

    fn fd_sync(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<(), Error> {
        match self.descriptors.get(fd)? {
            Descriptor::File(_) => Ok(()),
            _ => Err(Errno::Inval.into()),
        }
    }

    fn fd_tell(&mut self, _: &mut Memory<'_>, fd: Fd) -> Result<u64, Error> {
        self.seek(fd, 0, 1)
    }

    fn fd_write(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        iovs: GuestPtr<[Ciovec]>,
    ) -> Result<u32, Error> {
        self.write(memory, fd, iovs, None)
    }

    fn path_create_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        path: Bytes,
    ) -> Result<(), Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        Ok(self.vfs.create_directory(base, bytes(memory, path)?)?)
    }

    fn path_filestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        flags: u32,
        path: Bytes,
    ) -> Result<Filestat, Error> {
        self.stat_path(memory, fd, flags, path)
    }

    fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        flags: u32,
        path: Bytes,
        atim: u64,
        mtim: u64,
        fst_flags: u32,
    ) -> Result<(), Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        let (accessed, modified) = crate::stat::set_times(atim, mtim, fst_flags)?;
        let inode = self
            .vfs
            .lookup(base, bytes(memory, path)?, follows(flags)?)?;
        Ok(self.vfs.set_times(inode, accessed, modified)?)
    }

    fn path_link(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: Fd,
        old_flags: u32,
        old_path: Bytes,
        new_fd: Fd,
        new_path: Bytes,
    ) -> Result<(), Error> {
        self.link(memory, (old_fd, old_flags, old_path), (new_fd, new_path))
    }

    fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        lookup: u32,
        path: Bytes,
        oflags: u32,
        rights: u64,
        _inheriting: u64,
        fdflags: u32,
    ) -> Result<Fd, Error> {
        self.open(
            memory,
            fd,
            path,
            &Open {
                lookup,
                oflags,
                rights,
                fdflags,
            },
        )
    }

    fn path_readlink(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        path: Bytes,
        buf: GuestPtr<u8>,
        buf_len: u32,
    ) -> Result<u32, Error> {
        self.read_link(memory, fd, path, buf.as_array(buf_len))
    }

    fn path_remove_directory(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        path: Bytes,
    ) -> Result<(), Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        Ok(self.vfs.remove_directory(base, bytes(memory, path)?)?)
    }

    fn path_rename(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: Fd,
        old_path: Bytes,
        new_fd: Fd,
        new_path: Bytes,
    ) -> Result<(), Error> {
        self.rename(memory, (old_fd, old_path), (new_fd, new_path))
    }

    fn path_symlink(
        &mut self,
        memory: &mut Memory<'_>,
        old_path: Bytes,
        fd: Fd,
        new_path: Bytes,
    ) -> Result<(), Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        Ok(self
            .vfs
            .create_symlink(bytes(memory, old_path)?, base, bytes(memory, new_path)?)?)
    }

    fn path_unlink_file(
        &mut self,
        memory: &mut Memory<'_>,
        fd: Fd,
        path: Bytes,
    ) -> Result<(), Error> {
        let base = self.descriptors.get(fd)?.directory()?;
        Ok(self.vfs.remove_file(base, bytes(memory, path)?)?)
    }

    fn poll_oneoff(
        &mut self,
        memory: &mut Memory<'_>,
        in_: GuestPtr<Subscription>,
        out: GuestPtr<Event>,
        nsubscriptions: u32,
    ) -> Result<u32, Error> {
        self.poll(memory, in_, out, nsubscriptions)
    }

    fn proc_exit(&mut self, _: &mut Memory<'_>, rval: u32) -> wasmtime::Error {
        ProcExit(rval).into()
    }

    /// There are no signals.
    fn proc_raise(&mut self, _: &mut Memory<'_>, _sig: u32) -> Result<(), Error> {
        Err(Errno::Notsup.into())
    }

    fn sched_yield(&mut self, _: &mut Memory<'_>) -> Result<(), Error> {
        self.check_interrupt()
    }

    fn random_get(
        &mut self,
        memory: &mut Memory<'_>,
        buf: GuestPtr<u8>,
        buf_len: u32,
    ) -> Result<(), Error> {
        self.random(memory, buf.as_array(buf_len))
    }

    fn sock_accept(&mut self, _: &mut Memory<'_>, fd: Fd, _flags: u32) -> Result<Fd, Error> {
        self.not_a_socket(fd)
    }

    fn sock_recv(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        _data: GuestPtr<[Iovec]>,
        _flags: u32,
    ) -> Result<(u32, Roflags), Error> {
        self.not_a_socket(fd)
    }

    fn sock_send(
        &mut self,
        _: &mut Memory<'_>,
        fd: Fd,
        _data: GuestPtr<[Ciovec]>,
        _flags: u32,
    ) -> Result<u32, Error> {
        self.not_a_socket(fd)
    }

    fn sock_shutdown(&mut self, _: &mut Memory<'_>, fd: Fd, _how: u32) -> Result<(), Error> {
        self.not_a_socket(fd)
    }
}

impl WasiCtx {
    fn read_clock(&self, id: u32) -> Result<u64, Error> {
        match Clockid::try_from(id)? {
            Clockid::Realtime => Ok(self.config.clock.realtime()),
            Clockid::Monotonic => Ok(self.config.clock.monotonic()),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Err(Errno::Inval.into()),
        }
    }

    fn preopen(&self, fd: Fd) -> Result<(), Error> {
        match self.descriptors.get(fd)? {
            Descriptor::File(file) if file.is_preopen => Ok(()),
            _ => Err(Errno::Badf.into()),
        }
    }

    fn not_a_socket<T>(&self, fd: Fd) -> Result<T, Error> {
        self.descriptors.get(fd)?;
        Err(Errno::Notsock.into())
    }
}
