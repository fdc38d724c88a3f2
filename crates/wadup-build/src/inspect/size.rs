//! The bytes of a file by what they are for.

use std::collections::BTreeMap;

use serde::Serialize;
use wadup_protocol::bundle::{APP_DIR, Bundle, Content, Kind, Node, SITE_PACKAGES_DIR};
use wadup_protocol::manifest::Manifest;
use wasmparser::{ConstExpr, DataKind, Operator, Parser, Payload};

use super::InspectError;
use crate::wheel::Metadata;

/// A share of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `code`, `names` (of functions, for backtraces), `data` (of the runtime), `heap` (of the
    /// snapshot), `stdlib`, `package NAME`, `project`, `index` (of the files, and what they are
    /// compressed with) or `other`.
    pub name: String,
    /// In bytes.
    pub size: u64,
}

/// Memory of the bundle starts at a multiple of this.
const PAGE: u64 = 64 * 1024;
/// The most that is read of a bundle; an artifact can be no larger.
const BUNDLE_MAX: u64 = 1 << 30;
/// The most that a `RECORD` may unpack to.
const RECORD_MAX: u32 = 64 << 20;

/// The parts of `wasm`, a valid module, the largest first; `other` is last.
pub(super) fn parts(
    wasm: &[u8],
    manifest: Option<&Manifest>,
    memory_len: u64,
) -> Result<Vec<Part>, InspectError> {
    let mut sizes = BTreeMap::new();
    let mut memory = Memory::default();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::CodeSectionStart { range, .. } => {
                sizes.insert("code".to_owned(), range.len() as u64);
            }
            Payload::CustomSection(section) if section.name() == "name" => {
                sizes.insert("names".to_owned(), section.range().len() as u64);
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    if let DataKind::Active { offset_expr, .. } = &segment.kind
                        && let Some(address) = constant(offset_expr)?
                    {
                        memory.segments.insert(address, segment.data);
                    }
                }
            }
            _ => {}
        }
    }
    match manifest.and_then(|_| memory.bundle(memory_len)) {
        Some((start, bytes)) => memory.divide(start, &bytes, &mut sizes),
        None => add(&mut sizes, "data", memory.size(0, u64::MAX)),
    }
    let mut parts: Vec<Part> = sizes
        .into_iter()
        .map(|(name, size)| Part { name, size })
        .collect();
    parts.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.name.cmp(&b.name)));
    let sum: u64 = parts.iter().map(|part| part.size).sum();
    parts.push(Part {
        name: "other".to_owned(),
        size: wasm.len() as u64 - sum,
    });
    Ok(parts)
}

/// The value of an address; none for one that is only known when an instance is made.
fn constant(expression: &ConstExpr<'_>) -> Result<Option<u64>, InspectError> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        Operator::I64Const { value } => Some(value.cast_unsigned()),
        _ => None,
    })
}

/// The segments that a memory starts with, by address. What is between them is zero.
#[derive(Default)]
struct Memory<'a> {
    segments: BTreeMap<u64, &'a [u8]>,
}

impl Memory<'_> {
    /// How many bytes of the file are from `start` to `end`.
    fn size(&self, start: u64, end: u64) -> u64 {
        let before = self.segments.range(..start).next_back();
        let within = self.segments.range(start..end.max(start));
        let overlap = |(address, data): (&u64, &&[u8])| {
            let last = address.saturating_add(data.len() as u64).min(end);
            last.saturating_sub(start.max(*address))
        };
        before.into_iter().chain(within).map(overlap).sum()
    }

    /// The bundle's address and bytes. It is the one thing that starts at a page and with a
    /// bundle's header: only the first is looked at, as each may say that it is very long.
    fn bundle(&self, memory_len: u64) -> Option<(u64, Vec<u8>)> {
        let (start, len) = self.pages().find_map(|start| {
            let header = self.read(start, Bundle::HEADER_LEN)?;
            Some((start, Bundle::len_in_header(&header)?))
        })?;
        let fits = len <= BUNDLE_MAX && start.checked_add(len)? <= memory_len;
        let bytes = fits.then(|| self.read(start, len))??;
        Bundle::parse(&bytes).is_ok().then_some((start, bytes))
    }

    /// The addresses of the pages whose first byte is in a segment.
    fn pages(&self) -> impl Iterator<Item = u64> {
        self.segments.iter().flat_map(|(address, data)| {
            let first = address.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
            let end = address.saturating_add(data.len() as u64);
            (first..end).step_by(PAGE as usize)
        })
    }

    fn read(&self, start: u64, len: u64) -> Option<Vec<u8>> {
        let end = start.checked_add(len)?;
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        let before = self.segments.range(..start).next_back();
        for (address, data) in before.into_iter().chain(self.segments.range(start..end)) {
            let skip = usize::try_from(start.saturating_sub(*address)).ok()?;
            let place = usize::try_from(address.saturating_sub(start)).ok()?;
            let Some(data) = data.get(skip..) else {
                continue;
            };
            let len = data.len().min(bytes.len() - place);
            bytes[place..place + len].copy_from_slice(&data[..len]);
        }
        Some(bytes)
    }

    fn divide(&self, start: u64, bytes: &[u8], sizes: &mut BTreeMap<String, u64>) {
        let end = start + bytes.len() as u64;
        add(sizes, "data", self.size(0, start));
        add(sizes, "heap", self.size(end, u64::MAX));
        let Ok(bundle) = Bundle::parse(bytes) else {
            return;
        };
        let owners = Owners::of(&bundle);
        let mut files = Vec::new();
        collect(bundle.root(), "", &mut files);
        // The same content twice is there once, and who made the bundle may have files overlap.
        files.sort_by_key(|(_, stored)| stored.as_ptr());
        let (mut of_files, mut counted) = (0, start);
        for (path, stored) in files {
            let place = stored.as_ptr().addr() - bytes.as_ptr().addr();
            let from = start + place as u64;
            let to = from + stored.len() as u64;
            let size = self.size(from.max(counted), to.max(counted));
            add(sizes, &owners.owner(&path), size);
            of_files += size;
            counted = counted.max(to);
        }
        add(sizes, "index", self.size(start, end) - of_files);
    }
}

fn add(sizes: &mut BTreeMap<String, u64>, part: &str, size: u64) {
    *sizes.entry(part.to_owned()).or_default() += size;
}

/// All files, by path, with what is stored of them.
fn collect<'a>(directory: Node<'a>, prefix: &str, files: &mut Vec<(String, &'a [u8])>) {
    for node in directory.children() {
        let path = format!("{prefix}/{}", node.name());
        match node.content() {
            None => collect(node, &path, files),
            Some(Content::Stored(bytes) | Content::Compressed { frame: bytes, .. }) => {
                files.push((path, bytes));
            }
        }
    }
}

/// Which package a file of `site-packages` is of, by their `RECORD`s.
struct Owners(BTreeMap<String, String>);

impl Owners {
    fn of(bundle: &Bundle<'_>) -> Self {
        let mut owners = BTreeMap::new();
        let folder = bundle.get(SITE_PACKAGES_DIR);
        let dist_infos = folder.iter().flat_map(|folder| folder.children());
        for dist_info in dist_infos.filter(|node| node.name().ends_with(".dist-info")) {
            let text = |name: &[u8]| {
                let file = dist_info.child(name)?;
                (file.kind() == Kind::File).then(|| text(bundle, file))?
            };
            let metadata = text(b"METADATA").and_then(|text| Metadata::parse(&text).ok());
            let (Some(metadata), Some(record)) = (metadata, text(b"RECORD")) else {
                continue;
            };
            for line in record.lines() {
                // A path with a comma is in quotes, and no file of Python code.
                let path = line.split(',').next().unwrap_or_default();
                owners.insert(path.to_owned(), metadata.name.to_string());
            }
        }
        Self(owners)
    }

    fn owner(&self, path: &str) -> String {
        if path.starts_with(&format!("{APP_DIR}/")) {
            return "project".to_owned();
        }
        match path.strip_prefix(&format!("{SITE_PACKAGES_DIR}/")) {
            None => "stdlib".to_owned(),
            Some(relative) => match self.0.get(relative) {
                Some(package) => format!("package {package}"),
                None => "stdlib".to_owned(),
            },
        }
    }
}

fn text(bundle: &Bundle<'_>, file: Node<'_>) -> Option<String> {
    let bytes = match file.content()? {
        Content::Stored(bytes) => bytes.to_vec(),
        Content::Compressed { frame, size } if size <= RECORD_MAX => {
            crate::compression::decompress(frame, size, bundle.dictionary()).ok()?
        }
        Content::Compressed { .. } => return None,
    };
    String::from_utf8(bytes).ok()
}
