//! A guest whose functions call those of WASI with whatever the test says, from its own memory.
#![allow(dead_code, reason = "each test crate uses a part")]

use std::sync::{Arc, LazyLock};

use wadup_vfs::{Device, Limits, Mount, SystemTime, Vfs};
use wadup_wasi::{WasiConfig, WasiCtx};
use wasmtime::{Engine, Instance, InstancePre, Linker, Memory, Module, Store, Val};

/// The standard's signatures, as https://github.com/WebAssembly/WASI has them: `i` is an i32, `I`
/// an i64.
pub(crate) const SIGNATURES: [(&str, &str); 46] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "iIi"),
    ("fd_advise", "iIIi"),
    ("fd_allocate", "iII"),
    ("fd_close", "i"),
    ("fd_datasync", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_fdstat_set_rights", "iII"),
    ("fd_filestat_get", "ii"),
    ("fd_filestat_set_size", "iI"),
    ("fd_filestat_set_times", "iIIi"),
    ("fd_pread", "iiiIi"),
    ("fd_prestat_get", "ii"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_pwrite", "iiiIi"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiiIi"),
    ("fd_renumber", "ii"),
    ("fd_seek", "iIii"),
    ("fd_sync", "i"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_create_directory", "iii"),
    ("path_filestat_get", "iiiii"),
    ("path_filestat_set_times", "iiiiIIi"),
    ("path_link", "iiiiiii"),
    ("path_open", "iiiiiIIii"),
    ("path_readlink", "iiiiii"),
    ("path_remove_directory", "iii"),
    ("path_rename", "iiiiii"),
    ("path_symlink", "iiiii"),
    ("path_unlink_file", "iii"),
    ("poll_oneoff", "iiii"),
    ("proc_exit", "i"),
    ("proc_raise", "i"),
    ("sched_yield", ""),
    ("random_get", "ii"),
    ("sock_accept", "iii"),
    ("sock_recv", "iiiiii"),
    ("sock_send", "iiiii"),
    ("sock_shutdown", "ii"),
];

pub(crate) const ROOT: i32 = 3;
/// Where results, lists, paths and data are in the guest's memory.
pub(crate) const OUT: i32 = 0;
pub(crate) const LIST: i32 = 1024;
pub(crate) const PATH: i32 = 16384;
pub(crate) const PATH2: i32 = 24576;
pub(crate) const DATA: i32 = 65536;

pub(crate) const CREAT: i32 = 1;
pub(crate) const DIRECTORY: i32 = 2;
pub(crate) const EXCL: i32 = 4;
pub(crate) const TRUNC: i32 = 8;
pub(crate) const READ: i64 = 1 << 1;
pub(crate) const WRITE: i64 = 1 << 6;

/// Errnos by their numbers, so that a change of the witx document shows.
pub(crate) mod errno {
    pub(crate) const SUCCESS: i32 = 0;
    pub(crate) const BADF: i32 = 8;
    pub(crate) const BUSY: i32 = 10;
    pub(crate) const EXIST: i32 = 20;
    pub(crate) const FBIG: i32 = 22;
    pub(crate) const INVAL: i32 = 28;
    pub(crate) const IO: i32 = 29;
    pub(crate) const ISDIR: i32 = 31;
    pub(crate) const LOOP: i32 = 32;
    pub(crate) const MFILE: i32 = 33;
    pub(crate) const NAMETOOLONG: i32 = 37;
    pub(crate) const NOENT: i32 = 44;
    pub(crate) const NOSPC: i32 = 51;
    pub(crate) const NOTDIR: i32 = 54;
    pub(crate) const NOTEMPTY: i32 = 55;
    pub(crate) const NOTSOCK: i32 = 57;
    pub(crate) const NOTSUP: i32 = 58;
    pub(crate) const ROFS: i32 = 69;
    pub(crate) const SPIPE: i32 = 70;
}

/// An argument.
pub(crate) trait IntoVal {
    fn val(self) -> Val;
}
impl IntoVal for i32 {
    fn val(self) -> Val {
        Val::I32(self)
    }
}
impl IntoVal for u32 {
    fn val(self) -> Val {
        Val::I32(self as i32)
    }
}
impl IntoVal for i64 {
    fn val(self) -> Val {
        Val::I64(self)
    }
}

/// Calls a function of WASI: the errno, or the error that ended the guest.
#[macro_export]
macro_rules! try_call {
    ($guest:expr, $name:ident $(, $arg:expr)*) => {
        $guest.call(stringify!($name), &[$($crate::guest::IntoVal::val($arg)),*])
    };
}

/// Calls a function of WASI that does not end the guest.
#[macro_export]
macro_rules! call {
    ($guest:expr, $name:ident $(, $arg:expr)*) => {
        $crate::try_call!($guest, $name $(, $arg)*).unwrap()
    };
}

pub(crate) struct Guest {
    pub(crate) store: Store<WasiCtx>,
    pub(crate) memory: Memory,
    instance: Instance,
}

/// The module of all guests.
static PRE: LazyLock<InstancePre<WasiCtx>> = LazyLock::new(|| {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wadup_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).unwrap();
    let module = Module::new(&engine, source()).unwrap();
    linker.instantiate_pre(&module).unwrap()
});

impl Guest {
    pub(crate) fn new() -> Self {
        Self::with(WasiConfig::new(), layout(Limits::default(), b"0123456789"))
    }

    pub(crate) fn with(config: WasiConfig, vfs: Vfs) -> Self {
        Self::with_ctx(WasiCtx::new(Arc::new(config), vfs))
    }

    pub(crate) fn with_ctx(ctx: WasiCtx) -> Self {
        let mut store = Store::new(PRE.module().engine(), ctx);
        let instance = PRE.instantiate(&mut store).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Self {
            store,
            memory,
            instance,
        }
    }

    pub(crate) fn call(&mut self, name: &str, args: &[Val]) -> wasmtime::Result<i32> {
        let function = self.instance.get_func(&mut self.store, name).unwrap();
        let mut results = vec![Val::I32(0); usize::from(name != "proc_exit")];
        function.call(&mut self.store, args, &mut results)?;
        Ok(results.first().map_or(0, Val::unwrap_i32))
    }

    pub(crate) fn put(&mut self, at: i32, bytes: &[u8]) {
        self.memory
            .write(&mut self.store, at as usize, bytes)
            .unwrap();
    }

    pub(crate) fn get(&self, at: i32, len: usize) -> Vec<u8> {
        self.memory.data(&self.store)[at as usize..][..len].to_vec()
    }

    pub(crate) fn get_u32(&self, at: i32) -> u32 {
        u32::from_le_bytes(self.get(at, 4).try_into().unwrap())
    }

    pub(crate) fn get_u64(&self, at: i32) -> u64 {
        u64::from_le_bytes(self.get(at, 8).try_into().unwrap())
    }

    /// Puts a path to `at`; returns its place and length.
    pub(crate) fn path(&mut self, at: i32, path: &str) -> (i32, i32) {
        self.put(at, path.as_bytes());
        (at, path.len() as i32)
    }

    /// Puts a list of buffers to `LIST`; returns its place and length.
    pub(crate) fn list(&mut self, buffers: &[(u32, u32)]) -> (i32, i32) {
        for (index, (at, len)) in (0..).zip(buffers) {
            self.put(LIST + 8 * index, &at.to_le_bytes());
            self.put(LIST + 8 * index + 4, &len.to_le_bytes());
        }
        (LIST, buffers.len() as i32)
    }

    pub(crate) fn open_at(
        &mut self,
        dir: i32,
        path: &str,
        oflags: i32,
        rights: i64,
    ) -> Result<i32, i32> {
        let (at, len) = self.path(PATH, path);
        match call!(
            self, path_open, dir, 1, at, len, oflags, rights, 0i64, 0, OUT
        ) {
            0 => Ok(self.get_u32(OUT) as i32),
            errno => Err(errno),
        }
    }

    pub(crate) fn open(&mut self, path: &str, oflags: i32, rights: i64) -> Result<i32, i32> {
        self.open_at(ROOT, path, oflags, rights)
    }

    pub(crate) fn write(&mut self, fd: i32, bytes: &[u8]) -> Result<u32, i32> {
        self.put(DATA, bytes);
        let (list, len) = self.list(&[(DATA as u32, bytes.len() as u32)]);
        match call!(self, fd_write, fd, list, len, OUT) {
            0 => Ok(self.get_u32(OUT)),
            errno => Err(errno),
        }
    }

    pub(crate) fn read(&mut self, fd: i32, len: u32) -> Result<Vec<u8>, i32> {
        let (list, count) = self.list(&[(DATA as u32, len)]);
        match call!(self, fd_read, fd, list, count, OUT) {
            0 => Ok(self.get(DATA, self.get_u32(OUT) as usize)),
            errno => Err(errno),
        }
    }

    /// Makes a file with this content, closing it again.
    pub(crate) fn write_file(&mut self, path: &str, bytes: &[u8]) -> i32 {
        let fd = self.open(path, CREAT | TRUNC, WRITE).unwrap();
        assert_eq!(self.write(fd, bytes), Ok(bytes.len() as u32));
        call!(self, fd_close, fd)
    }

    pub(crate) fn ctx(&mut self) -> &mut WasiCtx {
        self.store.data_mut()
    }
}

/// For each function of WASI one of the same name and type that calls it; 4 MiB of memory.
fn source() -> String {
    let types = |signature: &str| -> String {
        signature
            .chars()
            .map(|c| if c == 'i' { " i32" } else { " i64" })
            .collect()
    };
    let result = |name: &str| {
        if name == "proc_exit" {
            ""
        } else {
            "(result i32)"
        }
    };
    let mut source = String::from("(module\n");
    for (name, signature) in SIGNATURES {
        let (params, result) = (types(signature), result(name));
        source += &format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param{params}) {result}))\n"
        );
    }
    source += "(memory (export \"memory\") 64)\n";
    for (name, signature) in SIGNATURES {
        let (params, result) = (types(signature), result(name));
        let args: String = (0..signature.len())
            .map(|i| format!("local.get {i} "))
            .collect();
        source +=
            &format!("(func (export \"{name}\") (param{params}) {result} {args} call ${name})\n");
    }
    source + ")"
}

/// What an input's sandbox looks like.
pub(crate) fn layout(limits: Limits, data: &[u8]) -> Vfs {
    let mut vfs = Vfs::new(limits, SystemTime::shared());
    for dir in ["/dev", "/input", "/tmp", "/metadata", "/subcontent"] {
        vfs.mount(dir, Mount::Directory).unwrap();
    }
    for (path, device) in [
        ("/dev/null", Device::Null),
        ("/dev/zero", Device::Zero),
        ("/dev/urandom", Device::Random),
    ] {
        vfs.mount(path, Mount::Device(device)).unwrap();
    }
    vfs.mount("/data.bin", Mount::Content(Box::new(data.to_vec())))
        .unwrap();
    vfs.seal("/dev").unwrap();
    vfs
}
