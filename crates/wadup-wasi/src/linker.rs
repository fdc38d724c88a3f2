use wasmtime::{Caller, Extern, Linker, Memory};
use wiggle::GuestMemory;

use crate::abi::wasi_snapshot_preview1 as preview1;
use crate::context::WasiCtx;

const MODULE: &str = "wasi_snapshot_preview1";

/// Defines functions of the standard: for each, its name, parameters and result in WebAssembly.
macro_rules! define {
    ($linker:ident, $get:ident: $($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        $linker.func_wrap(MODULE, stringify!($name), move |mut caller: Caller<'_, T> $(, $arg: $type)*| -> wasmtime::Result<$result> {
            let memory = exported_memory(&mut caller)?;
            let (memory, data) = memory.data_and_store_mut(&mut caller);
            let ctx = $get(data);
            ctx.check_stopped()?;
            preview1::$name(ctx, &mut GuestMemory::Unshared(memory) $(, $arg)*)
        })?;
    )*};
}

/// Defines all of `wasi_snapshot_preview1` in `linker`; `get` finds the context in the data of
/// the store. A guest must export its memory as `memory`, and may not share it with threads.
///
/// # Errors
///
/// If one of the functions is defined already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Send + Sync + Copy + 'static,
) -> wasmtime::Result<()> {
    define! { linker, get:
        args_get(argv: i32, buf: i32) -> i32;
        args_sizes_get(count: i32, size: i32) -> i32;
        environ_get(environ: i32, buf: i32) -> i32;
        environ_sizes_get(count: i32, size: i32) -> i32;
        clock_res_get(id: i32, resolution: i32) -> i32;
        clock_time_get(id: i32, precision: i64, time: i32) -> i32;
        fd_advise(fd: i32, offset: i64, len: i64, advice: i32) -> i32;
        fd_allocate(fd: i32, offset: i64, len: i64) -> i32;
        fd_close(fd: i32) -> i32;
        fd_datasync(fd: i32) -> i32;
        fd_fdstat_get(fd: i32, stat: i32) -> i32;
        fd_fdstat_set_flags(fd: i32, flags: i32) -> i32;
        fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64) -> i32;
        fd_filestat_get(fd: i32, stat: i32) -> i32;
        fd_filestat_set_size(fd: i32, size: i64) -> i32;
        fd_filestat_set_times(fd: i32, atim: i64, mtim: i64, flags: i32) -> i32;
        fd_pread(fd: i32, iovs: i32, len: i32, offset: i64, read: i32) -> i32;
        fd_prestat_get(fd: i32, prestat: i32) -> i32;
        fd_prestat_dir_name(fd: i32, path: i32, len: i32) -> i32;
        fd_pwrite(fd: i32, iovs: i32, len: i32, offset: i64, written: i32) -> i32;
        fd_read(fd: i32, iovs: i32, len: i32, read: i32) -> i32;
        fd_readdir(fd: i32, buf: i32, len: i32, cookie: i64, used: i32) -> i32;
        fd_renumber(fd: i32, to: i32) -> i32;
        fd_seek(fd: i32, delta: i64, whence: i32, offset: i32) -> i32;
        fd_sync(fd: i32) -> i32;
        fd_tell(fd: i32, offset: i32) -> i32;
        fd_write(fd: i32, iovs: i32, len: i32, written: i32) -> i32;
        path_create_directory(fd: i32, path: i32, len: i32) -> i32;
        path_filestat_get(fd: i32, lookup: i32, path: i32, len: i32, stat: i32) -> i32;
        path_filestat_set_times(fd: i32, lookup: i32, path: i32, len: i32, atim: i64, mtim: i64, flags: i32) -> i32;
        path_link(fd: i32, lookup: i32, path: i32, len: i32, new_fd: i32, new: i32, new_len: i32) -> i32;
        path_open(fd: i32, lookup: i32, path: i32, len: i32, oflags: i32, base: i64, inheriting: i64, fdflags: i32, opened: i32) -> i32;
        path_readlink(fd: i32, path: i32, len: i32, buf: i32, buf_len: i32, used: i32) -> i32;
        path_remove_directory(fd: i32, path: i32, len: i32) -> i32;
        path_rename(fd: i32, path: i32, len: i32, new_fd: i32, new: i32, new_len: i32) -> i32;
        path_symlink(target: i32, target_len: i32, fd: i32, path: i32, len: i32) -> i32;
        path_unlink_file(fd: i32, path: i32, len: i32) -> i32;
        poll_oneoff(subscriptions: i32, events: i32, count: i32, stored: i32) -> i32;
        proc_exit(code: i32) -> ();
        proc_raise(signal: i32) -> i32;
        sched_yield() -> i32;
        random_get(buf: i32, len: i32) -> i32;
        sock_accept(fd: i32, flags: i32, accepted: i32) -> i32;
        sock_recv(fd: i32, iovs: i32, len: i32, flags: i32, received: i32, out_flags: i32) -> i32;
        sock_send(fd: i32, iovs: i32, len: i32, flags: i32, sent: i32) -> i32;
        sock_shutdown(fd: i32, how: i32) -> i32;
    }
    Ok(())
}

fn exported_memory<T>(caller: &mut Caller<'_, T>) -> wasmtime::Result<Memory> {
    match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => Ok(memory),
        _ => Err(wasmtime::format_err!(
            "the module does not export an unshared memory `memory`"
        )),
    }
}
