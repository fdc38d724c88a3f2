//! Which files are opened, and how.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::schema::{self, APPLICATION_ID, SCHEMA_VERSION};

/// How long a commit or a query waits for somebody who holds the database.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a database cannot be used for results. The file is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
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
            Self::Directory { .. } => Some("name a file in it, such as results.db"),
            Self::NotAFile { .. } | Self::NotADatabase { .. } | Self::Foreign { .. } => {
                Some("choose another file; wadup only adds to its own databases")
            }
            Self::Newer { .. } => Some("update wadup, or choose another file"),
            Self::Locked { .. } => Some("wait for it to end, or choose another file"),
            Self::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
                Some("make the folder first")
            }
            Self::Io { .. } | Self::Sqlite { .. } => None,
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
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io("open"))?;
    let kind = kind(&mut file).map_err(io("read"))?;
    kind.check(path)?;
    lock(&file, path)?;
    // SQLite gets an absolute path: it takes names such as `:memory:` for something else.
    let absolute = fs::canonicalize(path).map_err(io("resolve"))?;
    let connection = connect(&absolute, &kind).map_err(|source| OpenError::Sqlite {
        step: "open the database",
        path: path.to_path_buf(),
        source,
    })?;
    Ok((connection, file))
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
    // Until the first commit there is nothing that would be worth a wait for the disk: a new
    // database is empty, and of one that is there only the header changes, which is in one
    // sector. A kill does no harm in any case, as there is still a journal. One of an older
    // format is about to be rewritten.
    let is_older = matches!(kind, Kind::Ours { version } if *version < SCHEMA_VERSION);
    if !is_older {
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    // Double quotes are for names only: a misspelt name must not become a text.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Still with a rollback journal: what makes the database ours must be in its first page.
    schema::initialise(&mut connection)?;
    // Where the file system cannot do it (some network ones), SQLite stays with the journal.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    Ok(connection)
}
