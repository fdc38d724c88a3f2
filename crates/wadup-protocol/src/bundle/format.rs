//! The numbers of the format, shared by writer and reader; [`super`] describes it.

/// The version that [`super::BundleWriter`] writes and [`super::Bundle::parse`] reads.
pub const FORMAT_VERSION: u32 = 2;

pub(super) const MAGIC: &[u8; 8] = b"wadupbdl";
pub(super) const HEADER_LEN: usize = 64;
pub(super) const NODE_LEN: usize = 28;
/// The most parts that a path may have, so that a tree can be walked by recursion.
pub(super) const DEPTH_MAX: usize = 1000;
/// Where the dictionary starts is a multiple of this.
pub(super) const DATA_ALIGN: usize = 64;

/// The `u32`s that follow the magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) nodes: u32,
    pub(super) names_len: u32,
    pub(super) boot_len: u32,
    pub(super) dictionary_len: u32,
    pub(super) data_len: u32,
}

impl Header {
    pub(super) fn encode(self) -> [u8; HEADER_LEN] {
        let fields = [
            self.version,
            self.nodes,
            self.names_len,
            self.boot_len,
            self.dictionary_len,
            self.data_len,
        ];
        let mut bytes = [0; HEADER_LEN];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        encode_u32s(&mut bytes[MAGIC.len()..], &fields);
        bytes
    }

    /// `None` when the magic or the length is wrong.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.get(..HEADER_LEN)?.strip_prefix(MAGIC)?;
        Some(Self {
            version: u32_at(fields, 0),
            nodes: u32_at(fields, 1),
            names_len: u32_at(fields, 2),
            boot_len: u32_at(fields, 3),
            dictionary_len: u32_at(fields, 4),
            data_len: u32_at(fields, 5),
        })
    }
}

/// One node as it is stored; what the fields mean depends on the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: u32,
    pub(super) name_offset: u32,
    pub(super) name_len: u32,
    pub(super) parent: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    /// Of a file: the length of its content. 0 for a directory.
    pub(super) size: u32,
}

impl Record {
    pub(super) const DIRECTORY: u32 = 0;
    pub(super) const STORED: u32 = 1;
    pub(super) const COMPRESSED: u32 = 2;

    pub(super) fn encode(self) -> [u8; NODE_LEN] {
        let fields = [
            self.kind,
            self.name_offset,
            self.name_len,
            self.parent,
            self.first,
            self.count,
            self.size,
        ];
        let mut bytes = [0; NODE_LEN];
        encode_u32s(&mut bytes, &fields);
        bytes
    }

    /// # Panics
    /// When `bytes` is shorter than [`NODE_LEN`].
    pub(super) fn decode(bytes: &[u8]) -> Self {
        Self {
            kind: u32_at(bytes, 0),
            name_offset: u32_at(bytes, 1),
            name_len: u32_at(bytes, 2),
            parent: u32_at(bytes, 3),
            first: u32_at(bytes, 4),
            count: u32_at(bytes, 5),
            size: u32_at(bytes, 6),
        }
    }
}

fn encode_u32s(bytes: &mut [u8], fields: &[u32]) {
    for (chunk, field) in bytes.chunks_exact_mut(4).zip(fields) {
        chunk.copy_from_slice(&field.to_le_bytes());
    }
}

fn u32_at(bytes: &[u8], index: usize) -> u32 {
    let start = index * 4;
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[start..start + 4]);
    u32::from_le_bytes(field)
}

/// Whether a file or directory can have this name.
pub(super) fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}
