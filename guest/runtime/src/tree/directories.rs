//! Listing directories.

use wadup_protocol::bundle::Node;
use wasip1::{Dirent, Size};

use super::stat;

/// Writes entries from the `cookie`th on; `.` and `..` come first. As WASI wants it, the last
/// one is cut where the buffer ends, which tells the caller that there are more.
pub(super) fn read(directory: Node<'static>, buffer: &mut [u8], cookie: u64) -> Size {
    let mut used = 0;
    for (next, name, node) in entries(directory, cookie) {
        if used == buffer.len() {
            break;
        }
        used += copy(&mut buffer[used..], &header(next, name, node));
        used += copy(&mut buffer[used..], name);
    }
    used
}

/// The entries from the `cookie`th on, each with the next one's cookie and its name.
fn entries(
    directory: Node<'static>,
    cookie: u64,
) -> impl Iterator<Item = (u64, &'static [u8], Node<'static>)> {
    let dots: [(&[u8], Node<'static>); 2] = [(b".", directory), (b"..", directory.parent())];
    let skip = usize::try_from(cookie).unwrap_or(usize::MAX);
    dots.into_iter()
        .chain(
            directory
                .children()
                .map(|node| (node.name().as_bytes(), node)),
        )
        .zip(1..)
        .skip(skip)
        .map(|((name, node), next)| (next, name, node))
}

/// A `Dirent` as bytes, without whatever is in its padding.
fn header(next: u64, name: &[u8], node: Node<'_>) -> [u8; size_of::<Dirent>()] {
    let mut bytes = [0; size_of::<Dirent>()];
    bytes[..8].copy_from_slice(&next.to_le_bytes());
    bytes[8..16].copy_from_slice(&stat::inode(node).to_le_bytes());
    bytes[16..20].copy_from_slice(&(name.len() as u32).to_le_bytes());
    bytes[20] = stat::filetype(node).raw();
    bytes
}

fn copy(target: &mut [u8], source: &[u8]) -> usize {
    let len = target.len().min(source.len());
    target[..len].copy_from_slice(&source[..len]);
    len
}
