use std::sync::Arc;

use crate::directory::{Cookie, Name};
use crate::inode::{InodeId, Node};
use crate::path::{self, NAME_MAX, SYMLINK_MAX};
use crate::{Error, Vfs};

/// What to do when the last component is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Follow {
    /// Follow it.
    Always,
    /// Follow it only if a slash comes after it, as `lstat` does.
    TrailingSlash,
    /// Never: the entry itself is to be made, removed or renamed.
    Never,
    /// A file is to be made if there is none. A slash after its name asks for a directory.
    Create { follow: bool },
}

impl Follow {
    fn follows(self, trailing_slash: bool) -> bool {
        match self {
            Follow::Always | Follow::Create { follow: true } => true,
            Follow::TrailingSlash => trailing_slash,
            Follow::Never | Follow::Create { follow: false } => false,
        }
    }
}

/// Where a path ends.
#[derive(Debug)]
pub(crate) enum Place {
    Entry {
        dir: InodeId,
        cookie: Cookie,
        inode: InodeId,
    },
    /// All but the last component exist.
    Missing { dir: InodeId, name: Name },
    /// The path has no last name: it is `/`, or ends with `.` or `..`.
    Nameless { inode: InodeId, last: Nameless },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nameless {
    Root,
    Dot,
    DotDot,
}

#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) place: Place,
    pub(crate) trailing_slash: bool,
}

impl Resolved {
    /// The inode that is there.
    pub(crate) fn inode(&self) -> Result<InodeId, Error> {
        match self.place {
            Place::Entry { inode, .. } | Place::Nameless { inode, .. } => Ok(inode),
            Place::Missing { .. } => Err(Error::NotFound),
        }
    }
}

impl Vfs {
    /// Walks `path` from the directory `base`. The work is linear in the path and the targets of
    /// at most [`SYMLINK_MAX`] links.
    pub(crate) fn resolve(
        &self,
        base: InodeId,
        path: &[u8],
        follow: Follow,
    ) -> Result<Resolved, Error> {
        path::check(path)?;
        let mut current = if path[0] == b'/' { self.root } else { base };
        self.directory(current)?;
        let mut last = Nameless::Root;
        let mut rest = path;
        // What comes after the links that are being followed, innermost last.
        let mut later: Vec<&[u8]> = Vec::new();
        let mut links = 0;
        loop {
            let Some(component) = path::next_component(&mut rest) else {
                match later.pop() {
                    Some(outer) => rest = outer,
                    None => return Ok(nameless(current, last)),
                }
                continue;
            };
            match component {
                b"." => last = Nameless::Dot,
                b".." => {
                    last = Nameless::DotDot;
                    current = self.parent(current)?;
                }
                name if name.len() > NAME_MAX => return Err(Error::NameTooLong),
                name => {
                    let is_last = later.is_empty() && path::is_exhausted(rest);
                    let trailing_slash = is_last && !rest.is_empty();
                    if trailing_slash && matches!(follow, Follow::Create { .. }) {
                        return Err(Error::IsDirectory);
                    }
                    let Some((cookie, inode)) = self.directory(current)?.find(name) else {
                        if !is_last {
                            return Err(Error::NotFound);
                        }
                        let place = Place::Missing {
                            dir: current,
                            name: Arc::from(name),
                        };
                        return Ok(Resolved {
                            place,
                            trailing_slash,
                        });
                    };
                    let through = !is_last || follow.follows(trailing_slash);
                    match &self.inode(inode)?.node {
                        Node::Symlink(target) if through => {
                            links += 1;
                            if links > SYMLINK_MAX {
                                return Err(Error::Loop);
                            }
                            // A trailing slash must outlive the link that it comes after.
                            if !rest.is_empty() && (trailing_slash || !path::is_exhausted(rest)) {
                                later.push(rest);
                            }
                            rest = target;
                            if target.first() == Some(&b'/') {
                                current = self.root;
                            }
                            last = Nameless::Root;
                        }
                        node if is_last => {
                            let is_directory = matches!(node, Node::Directory(_));
                            if trailing_slash && !is_directory && follow != Follow::Never {
                                return Err(Error::NotDirectory);
                            }
                            let place = Place::Entry {
                                dir: current,
                                cookie,
                                inode,
                            };
                            return Ok(Resolved {
                                place,
                                trailing_slash,
                            });
                        }
                        Node::Directory(_) => current = inode,
                        _ => return Err(Error::NotDirectory),
                    }
                }
            }
        }
    }

    /// The inode at `path`.
    pub(crate) fn find(
        &self,
        base: InodeId,
        path: &[u8],
        follow: Follow,
    ) -> Result<InodeId, Error> {
        self.resolve(base, path, follow)?.inode()
    }

    /// The directory above; that of the root is the root. A removed directory has none: on Linux
    /// it remembers its last one, which would keep that alive.
    fn parent(&self, dir: InodeId) -> Result<InodeId, Error> {
        if dir == self.root {
            return Ok(dir);
        }
        self.inode(dir)?
            .links
            .first()
            .map(|link| link.dir)
            .ok_or(Error::NotFound)
    }

    /// Whether `dir` is `ancestor` or below it.
    pub(crate) fn is_within(&self, mut dir: InodeId, ancestor: InodeId) -> bool {
        loop {
            if dir == ancestor {
                return true;
            }
            match self.parent(dir) {
                Ok(parent) if parent != dir => dir = parent,
                _ => return false,
            }
        }
    }
}

fn nameless(inode: InodeId, last: Nameless) -> Resolved {
    Resolved {
        place: Place::Nameless { inode, last },
        trailing_slash: false,
    }
}
