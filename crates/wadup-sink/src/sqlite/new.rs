//! A new database appears whole: after a power loss a half-made one would be no database at all,
//! and be refused by the next run.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::schema;

/// The mode of a file, less what the umask takes away.
const MODE: u32 = 0o666;

/// Makes an empty database, which is on the disk before it has its name, and holds its lock.
/// There must be nothing of this name; its folder must be there. `permissions` are those of any
/// new file unless they are given.
pub(super) fn make(path: &Path, permissions: Option<Permissions>) -> io::Result<File> {
    let image = image().map_err(io::Error::other)?;
    let folder = path.parent().unwrap_or(path);
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, folder, flags, Mode::from_raw_mode(MODE)) {
        Ok(fd) => {
            let file = File::from(fd);
            fill(&file, &image, permissions)?;
            // open(2) shows this way to give a name to a file that has none.
            let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
            rustix::fs::linkat(CWD, unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
            Ok(file)
        }
        // A file system that has no files without a name, such as NFS: a kill leaves this one.
        Err(Errno::OPNOTSUPP | Errno::ISDIR) => {
            let file = tempfile::Builder::new()
                .prefix(".wadup-")
                .permissions(Permissions::from_mode(MODE))
                .tempfile_in(folder)
                // Without the name of a file that nobody asked for.
                .map_err(|error| io::Error::from(error.kind()))?;
            fill(file.as_file(), &image, permissions)?;
            Ok(file.persist_noclobber(path)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn fill(mut file: &File, image: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.lock()?;
    file.write_all(image)?;
    file.sync_data()
}

/// The bytes of a database without inputs.
fn image() -> rusqlite::Result<Vec<u8>> {
    let mut connection = Connection::open_in_memory()?;
    schema::initialise(&mut connection)?;
    Ok(connection.serialize("main")?.to_vec())
}
