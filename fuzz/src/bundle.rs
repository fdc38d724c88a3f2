//! The bundle: whatever is parsed can be walked, and says the same when it is written again.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use wadup_protocol::bundle::{Boot, Bundle, BundleError, BundleWriter, Content, Kind, Node};
use wadup_protocol::manifest::Start;

type Files = BTreeMap<String, Content<Vec<u8>>>;

pub fn check(data: &[u8]) {
    if let Ok(bundle) = Bundle::parse(data) {
        assert_eq!(Bundle::len_in_header(data), Some(data.len() as u64));
        let read = files(&bundle);
        if let Ok(again) = write(bundle.boot(), bundle.dictionary(), &read) {
            let again = Bundle::parse(&again).expect("what is written can be read");
            assert_eq!(files(&again), read);
            assert_eq!(again.boot(), bundle.boot());
            assert_eq!(again.dictionary(), bundle.dictionary());
        }
    }
    let _ = write_any(data);
}

/// Writes files of any names and contents.
fn write_any(data: &[u8]) -> arbitrary::Result<()> {
    let mut input = Unstructured::new(data);
    let boot = Boot {
        entry_point: input.arbitrary()?,
        start: *input.choose(&[Start::Cold, Start::Snapshot])?,
        hash_seed: input.arbitrary()?,
    };
    let mut added = Files::new();
    let mut writer = BundleWriter::new(boot.clone());
    for _ in 0..input.int_in_range(0..=16)? {
        let top = *input.choose(&["/lib/", "/app/", "/", ""])?;
        let path = format!("{top}{}", input.arbitrary::<&str>()?);
        let bytes = input.arbitrary::<Vec<u8>>()?;
        let content = match input.arbitrary()? {
            None => Content::Stored(bytes),
            Some(size) => Content::Compressed { frame: bytes, size },
        };
        if writer.add_file(&path, content.clone()).is_ok() {
            added.insert(path, content);
        }
    }
    let bytes = writer.finish().expect("it is small");
    let bundle = Bundle::parse(&bytes).expect("what is written can be read");
    assert_eq!(bundle.boot(), &boot);
    assert_eq!(files(&bundle), added);
    Ok(())
}

fn write(boot: &Boot, dictionary: &[u8], files: &Files) -> Result<Vec<u8>, BundleError> {
    let mut writer = BundleWriter::new(boot.clone()).with_dictionary(dictionary.to_vec());
    for (path, content) in files {
        writer.add_file(path, content.clone())?;
    }
    writer.finish()
}

/// All files by path. On the way, every node is looked at in every way that there is.
fn files(bundle: &Bundle<'_>) -> Files {
    let mut files = Files::new();
    walk(bundle, bundle.root(), "", &mut files);
    files
}

fn walk(bundle: &Bundle<'_>, directory: Node<'_>, path: &str, files: &mut Files) {
    for node in directory.children() {
        let path = format!("{path}/{}", node.name());
        assert_eq!(node.parent().id(), directory.id());
        assert_eq!(bundle.get(&path).map(|found| found.id()), Some(node.id()));
        assert_eq!(
            bundle.node(node.id()).map(|found| found.name()),
            Some(node.name())
        );
        match node.content() {
            None => {
                assert_eq!(node.kind(), Kind::Directory);
                walk(bundle, node, &path, files);
            }
            Some(content) => {
                assert_eq!(content.size(), node.size());
                let content = match content {
                    Content::Stored(bytes) => Content::Stored(bytes.to_vec()),
                    Content::Compressed { frame, size } => Content::Compressed {
                        frame: frame.to_vec(),
                        size,
                    },
                };
                files.insert(path, content);
            }
        }
    }
}
