//! Which files are opened, and how.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::new;
use super::schema::{self, APPLICATION_ID, SCHEMA_VERSION};

/// How long a commit or a query waits for somebody who holds the database.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a database cannot be used for results. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error("there is no {}", .path.display())]
    Missing { path: PathBuf },
    #[error("{} is a directory", .path.display())]
    Directory { path: PathBuf },
    #[error("{} is not a regular file", .path.display())]
    NotAFile { path: PathBuf },
    #[error("{} exists and is not a SQLite database", .path.display())]
    NotADatabase { path: PathBuf },
    #[error("{} is a SQLite database that wadup did not make", .path.display())]
    Foreign { path: PathBuf },
    #[error("{} was made by a newer wadup (format {found}, this one knows up to {known})", .path.display())]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("{} was made by an older wadup (format {found}, this one reads {known})", .path.display())]
    Older {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error("another run is writing to {}", .path.display())]
    Locked { path: PathBuf },
    #[error("{step} {}", .path.display())]
    Io {
        step: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{step} {}", .path.display())]
    Sqlite {
        step: &'static str,
        path: PathBuf,
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// What to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => Some("`wadup run … --output FILE` makes one"),
            Self::Directory { .. } => Some("name a file in it, such as results.db"),
            Self::NotAFile { .. } | Self::NotADatabase { .. } | Self::Foreign { .. } => {
                Some("choose another file; wadup only adds to its own databases")
            }
            Self::Newer { .. } => Some("update wadup, or choose another file"),
            Self::Older { .. } => Some("a run into it brings it up to date"),
            Self::Locked { .. } => Some("wait for it to end, or choose another file"),
            Self::Io { source, .. } => match source.kind() {
                ErrorKind::NotFound => Some("make the folder first"),
                ErrorKind::ResourceBusy => Some(
                    "a file that is mounted cannot be replaced: mount its folder, and name a \
                     file in it",
                ),
                _ => None,
            },
            Self::Sqlite { source, .. } => super::hint(source),
        }
    }
}

/// What the first bytes of a file say.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    Ours { version: u32 },
    OtherDatabase,
    Other,
}

pub(super) fn open(path: &Path) -> Result<(Connection, File), OpenError> {
    let io = |step| {
        move |source| OpenError::Io {
            step,
            path: path.to_path_buf(),
            source,
        }
    };
    check_type(path)?;
    // SQLite gets an absolute path: it takes names such as `:memory:` for something else.
    let absolute = resolve(path).map_err(io("open"))?;
    // Of an empty file that was there.
    let mut permissions = None;
    let (file, kind) = loop {
        let mut file = match OpenOptions::new().read(true).write(true).open(&absolute) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                match new::make(&absolute, permissions.clone()) {
                    Ok(file) => file,
                    // Somebody else was faster.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                    Err(source) => return Err(io("open")(source)),
                }
            }
            Err(source) => return Err(io("open")(source)),
        };
        kind(&mut file).map_err(io("read"))?.check(path)?;
        lock(&file, path)?;
        // Whoever had the lock until now may have written to it, or put another in its place.
        let metadata = file.metadata().map_err(io("examine"))?;
        let is_there = metadata.nlink() > 0;
        match kind(&mut file).map_err(io("read"))? {
            // One is made in its place.
            Kind::Empty if is_there => {
                permissions = Some(metadata.permissions());
                fs::remove_file(&absolute).map_err(io("replace"))?;
            }
            kind if is_there => {
                kind.check(path)?;
                break (file, kind);
            }
            _ => {}
        }
    };
    let connection = connect(&absolute, &kind).map_err(|source| OpenError::Sqlite {
        step: "open the database",
        path: path.to_path_buf(),
        source,
    })?;
    Ok((connection, file))
}

/// Opens the results of earlier runs to read them, also while a run goes on.
///
/// Nothing can be changed through the connection, and the database stays as it is; what a run
/// that was killed has left in its log is seen.
///
/// # Errors
///
/// When there is no database of wadup's at `path`, or one of another format.
pub fn read_results(path: impl AsRef<Path>) -> Result<Connection, OpenError> {
    let path = path.as_ref();
    let io = |step| {
        move |source: io::Error| match source.kind() {
            ErrorKind::NotFound => OpenError::Missing {
                path: path.to_path_buf(),
            },
            _ => OpenError::Io {
                step,
                path: path.to_path_buf(),
                source,
            },
        }
    };
    check_type(path)?;
    let mut file = File::open(path).map_err(io("open"))?;
    match kind(&mut file).map_err(io("read"))? {
        Kind::Empty => {
            return Err(OpenError::NotADatabase {
                path: path.to_path_buf(),
            });
        }
        Kind::Ours { version } if version < SCHEMA_VERSION => {
            return Err(OpenError::Older {
                path: path.to_path_buf(),
                found: version,
                known: SCHEMA_VERSION,
            });
        }
        kind => kind.check(path)?,
    }
    let absolute = fs::canonicalize(path).map_err(io("resolve"))?;
    connect_to_read(&absolute).map_err(|source| OpenError::Sqlite {
        step: "open the database",
        path: path.to_path_buf(),
        source,
    })
}

fn connect_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    names_in_double_quotes(&connection)?;
    Ok(connection)
}

/// Double quotes are for names only: a misspelt name must not become a text.
fn names_in_double_quotes(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    Ok(())
}

/// The files that are written for a database at `path`: its own, and SQLite's beside it, which
/// are there at times. Absolute and without symbolic links; none where no database can be.
pub fn database_files(path: impl AsRef<Path>) -> Vec<PathBuf> {
    let Ok(database) = resolve(path.as_ref()) else {
        return Vec::new();
    };
    // <https://www.sqlite.org/tempfiles.html>
    let suffixes = ["", "-wal", "-shm", "-journal"];
    let file = |suffix| {
        let mut file = database.clone().into_os_string();
        file.push(suffix);
        file.into()
    };
    suffixes.into_iter().map(file).collect()
}

/// The path without symbolic links, also of a file that is not there yet.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        result => return result,
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match fs::read_link(path) {
        Ok(target) => resolve(&folder.join(target)),
        Err(_) => {
            let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
    }
}

/// Before anything is opened: opening a device or a FIFO can have effects.
fn check_type(path: &Path) -> Result<(), OpenError> {
    let path = path.to_path_buf();
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(metadata) if metadata.is_dir() => Err(OpenError::Directory { path }),
        Ok(_) => Err(OpenError::NotAFile { path }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(OpenError::Io {
            step: "examine",
            path,
            source,
        }),
    }
}

fn lock(file: &File, path: &Path) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io {
            step: "lock",
            path: path.to_path_buf(),
            source,
        }),
    }
}

/// The header is described at <https://www.sqlite.org/fileformat.html#the_database_header>.
fn kind(file: &mut File) -> io::Result<Kind> {
    let mut header = Vec::with_capacity(100);
    file.rewind()?;
    file.take(100).read_to_end(&mut header)?;
    if header.is_empty() {
        return Ok(Kind::Empty);
    }
    let field = |offset| {
        header
            .get(offset..offset + 4)
            .map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    Ok(match (field(60), field(68)) {
        (Some(version), Some(application)) if header.starts_with(b"SQLite format 3\0") => {
            if application == APPLICATION_ID {
                Kind::Ours { version }
            } else {
                Kind::OtherDatabase
            }
        }
        _ => Kind::Other,
    })
}

impl Kind {
    fn check(&self, path: &Path) -> Result<(), OpenError> {
        let path = path.to_path_buf();
        match *self {
            Self::Other => Err(OpenError::NotADatabase { path }),
            Self::OtherDatabase => Err(OpenError::Foreign { path }),
            Self::Ours { version } if version > SCHEMA_VERSION => Err(OpenError::Newer {
                path,
                found: version,
                known: SCHEMA_VERSION,
            }),
            Self::Empty | Self::Ours { .. } => Ok(()),
        }
    }
}

fn connect(path: &Path, kind: &Kind) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Until the first commit there is nothing that would be worth a wait for the disk: only the
    // header changes, which is in one sector. A kill does no harm in any case, as there is still
    // a journal. One of an older format is about to be rewritten.
    let is_older = matches!(kind, Kind::Ours { version } if *version < SCHEMA_VERSION);
    if !is_older {
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    names_in_double_quotes(&connection)?;
    // Still with a rollback journal: the format must be in the first page.
    schema::initialise(&mut connection)?;
    // Where the file system cannot do it (some network ones), SQLite stays with the journal.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    /// Making them needs half a minute, or a mount.
    #[test]
    fn what_keeps_a_database_from_being_opened_has_a_hint() {
        let busy = ffi::Error::new(ffi::SQLITE_BUSY);
        let held = OpenError::Sqlite {
            step: "open the database",
            path: "results.db".into(),
            source: rusqlite::Error::SqliteFailure(busy, None),
        };
        assert!(held.hint().is_some_and(|hint| hint.contains("close it")));
        let mounted = OpenError::Io {
            step: "replace",
            path: "results.db".into(),
            source: ErrorKind::ResourceBusy.into(),
        };
        let hint = mounted.hint();
        assert!(hint.is_some_and(|hint| hint.contains("mount its folder")));
    }
}
