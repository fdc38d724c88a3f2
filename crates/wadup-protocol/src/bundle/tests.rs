//! Writer and reader against each other, and the reader against broken bytes.

use super::format::{DATA_ALIGN, DEPTH_MAX, HEADER_LEN, Header, NODE_LEN, Record};
use super::*;

fn boot() -> Boot {
    Boot {
        entry_point: "app".to_owned(),
        start: Start::Snapshot,
        hash_seed: 7,
    }
}

fn writer() -> BundleWriter {
    let mut writer = BundleWriter::new(boot());
    writer
        .add_file("/lib/python3.13/os.py", stored(b"os"))
        .unwrap();
    writer
        .add_file("/lib/python3.13/json/__init__.py", stored(b"json"))
        .unwrap();
    writer
        .add_file("/lib/python3.13/json.txt", stored(b"sorts before json/"))
        .unwrap();
    writer
        .add_file("/app/pkg/données.txt", stored("é".as_bytes()))
        .unwrap();
    writer.add_file("/app/empty", stored(b"")).unwrap();
    writer.add_directory("/app/hollow").unwrap();
    writer
}

fn bytes() -> Vec<u8> {
    writer().finish().unwrap()
}

fn stored(content: &[u8]) -> Content<Vec<u8>> {
    Content::Stored(content.to_vec())
}

fn names(node: Node<'_>) -> Vec<&str> {
    node.children().map(|child| child.name()).collect()
}

#[test]
fn what_is_written_is_what_is_read() {
    let bytes = bytes();
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!(bundle.boot(), &boot());
    assert_eq!(names(bundle.root()), ["app", "lib"]);
    assert_eq!(
        names(bundle.get("/app").unwrap()),
        ["empty", "hollow", "pkg"]
    );
    let content = |path| match bundle.get(path).unwrap().content() {
        Some(Content::Stored(bytes)) => Some(bytes),
        Some(Content::Compressed { .. }) => panic!("{path} is compressed"),
        None => None,
    };
    assert_eq!(content("/lib/python3.13/os.py"), Some(&b"os"[..]));
    assert_eq!(
        content("/lib/python3.13/json.txt"),
        Some(&b"sorts before json/"[..])
    );
    assert_eq!(content("/app/pkg/données.txt"), Some("é".as_bytes()));
    assert_eq!(content("/app/empty"), Some(&[][..]));
    assert_eq!(content("/app/hollow"), None);
    assert_eq!(bundle.get("/app/hollow").unwrap().children().len(), 0);
    assert!(bundle.get("/app/nothing").is_none());
    assert!(bundle.get("app").is_none());
}

#[test]
fn node_numbers_are_unique_and_lead_back() {
    let bytes = bytes();
    let bundle = Bundle::parse(&bytes).unwrap();
    let mut seen = vec![bundle.root().id()];
    let mut waiting = vec![bundle.root()];
    while let Some(node) = waiting.pop() {
        for child in node.children() {
            assert!(!seen.contains(&child.id()));
            assert_eq!(child.parent().id(), node.id());
            assert_eq!(bundle.node(child.id()).unwrap().name(), child.name());
            seen.push(child.id());
            waiting.push(child);
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(bundle.node(12).is_none());
}

#[test]
fn paths_are_walked_as_posix_has_it() {
    let bytes = bytes();
    let bundle = Bundle::parse(&bytes).unwrap();
    let app = bundle.get("/app").unwrap();
    let walk = |path: &str| app.walk(path.as_bytes(), app).map(|node| node.name());
    assert_eq!(walk("."), Ok("app"));
    assert_eq!(walk("pkg//./données.txt"), Ok("données.txt"));
    assert_eq!(walk("pkg/../hollow/"), Ok("hollow"));
    assert_eq!(walk("pkg/nothing"), Err(WalkError::NotFound));
    assert_eq!(walk("nothing/../empty"), Err(WalkError::NotFound));
    assert_eq!(walk("empty/"), Err(WalkError::NotADirectory));
    assert_eq!(walk("empty/."), Err(WalkError::NotADirectory));
    assert_eq!(walk("empty/.."), Err(WalkError::NotADirectory));
    assert_eq!(walk("empty/deeper"), Err(WalkError::NotADirectory));
    assert_eq!(walk(".."), Err(WalkError::Outside));
    assert_eq!(walk("pkg/../../lib"), Err(WalkError::Outside));
    assert_eq!(walk("\u{0}"), Err(WalkError::NotFound));
}

#[test]
fn the_order_of_adding_does_not_matter() {
    let mut other = BundleWriter::new(boot());
    other.add_directory("/app/hollow").unwrap();
    other.add_file("/app/empty", stored(b"")).unwrap();
    other.add_directory("/app/pkg").unwrap();
    other
        .add_file("/app/pkg/données.txt", stored("é".as_bytes()))
        .unwrap();
    other
        .add_file("/app/pkg/données.txt", stored("é".as_bytes()))
        .unwrap();
    other
        .add_file("/lib/python3.13/json.txt", stored(b"sorts before json/"))
        .unwrap();
    other
        .add_file("/lib/python3.13/json/__init__.py", stored(b"json"))
        .unwrap();
    other
        .add_file("/lib/python3.13/os.py", stored(b"os"))
        .unwrap();
    assert_eq!(other.finish().unwrap(), bytes());
}

#[test]
fn a_bundle_without_files_has_its_mount_points() {
    let bytes = BundleWriter::new(boot()).finish().unwrap();
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!(names(bundle.root()), ["app", "lib"]);
}

#[test]
fn paths_that_a_bundle_cannot_hold_are_refused() {
    let refused = |path: &str| {
        writer()
            .add_file(path, stored(b""))
            .unwrap_err()
            .to_string()
    };
    assert!(refused("lib/x").contains("not absolute"));
    for path in [
        "/lib//x",
        "/lib/../x",
        "/lib/./x",
        "/lib/x/",
        "/lib/a\0b",
        "/lib/",
        "",
    ] {
        let message = refused(path);
        assert!(message.contains("is not a path of the bundle"), "{message}");
    }
    for path in ["/etc/passwd", "/lib", "/libx/y", "/"] {
        let message = refused(path);
        assert!(message.contains("is not a path of the bundle"), "{message}");
    }
    assert!(refused("/app/empty/x").contains("both a file and a directory"));
    assert!(refused("/app/pkg").contains("both a file and a directory"));
    let duplicate = writer().add_file("/app/empty", stored(b"x")).unwrap_err();
    assert!(matches!(duplicate, BundleError::Duplicate { path } if path == "/app/empty"));
    let directory = writer().add_directory("/app/empty").unwrap_err();
    assert!(matches!(directory, BundleError::FileAndDirectory { .. }));
}

#[test]
fn every_cut_is_refused() {
    let bytes = bytes();
    for len in 0..bytes.len() {
        assert!(Bundle::parse(&bytes[..len]).is_err(), "cut to {len}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(Bundle::parse(&longer).is_err());
}

/// Whatever is in the index, reading it neither panics nor leaves the bytes.
#[test]
fn every_flipped_byte_is_refused_or_harmless() {
    let bytes = bytes();
    let index_len = HEADER_LEN + 12 * NODE_LEN + 100;
    for position in 0..index_len {
        for value in [0x00, 0x01, 0x2f, 0x7f, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[position] = value;
            if let Ok(bundle) = Bundle::parse(&broken) {
                read_everything(bundle.root());
            }
        }
    }
}

fn read_everything(node: Node<'_>) {
    assert!(node.content().is_some() || node.kind() == Kind::Directory);
    for child in node.children() {
        let found = node.child(child.name().as_bytes()).unwrap();
        assert_eq!(found.id(), child.id());
        assert!(child.id() > node.id());
        read_everything(child);
    }
}

/// A bundle of one path of that many folders, whatever the writer says to it.
fn chain(depth: u32) -> Vec<u8> {
    let boot = serde_json::to_vec(&boot()).unwrap();
    let header = Header {
        version: FORMAT_VERSION,
        nodes: depth + 1,
        names_len: 1,
        boot_len: boot.len() as u32,
        dictionary_len: 0,
        data_len: 0,
    };
    let mut bytes = header.encode().to_vec();
    for id in 0..=depth {
        let record = Record {
            kind: Record::DIRECTORY,
            name_offset: 0,
            name_len: u32::from(id > 0),
            parent: id.saturating_sub(1),
            first: id + 1,
            count: u32::from(id < depth),
            size: 0,
        };
        bytes.extend(record.encode());
    }
    bytes.push(b'a');
    bytes.extend(boot);
    bytes.resize(bytes.len().next_multiple_of(DATA_ALIGN), 0);
    bytes
}

/// What walks a bundle by recursion must not overflow its stack.
#[test]
fn a_path_of_too_many_parts_is_refused() {
    let deepest = chain(DEPTH_MAX as u32);
    read_everything(Bundle::parse(&deepest).unwrap().root());
    for depth in [DEPTH_MAX as u32 + 1, 30_000] {
        let error = Bundle::parse(&chain(depth)).unwrap_err();
        assert!(matches!(error, BundleError::Malformed { .. }), "{error}");
    }
    let path = |parts: usize| format!("/app{}", "/a".repeat(parts - 1));
    let mut writer = writer();
    writer.add_file(&path(DEPTH_MAX), stored(b"x")).unwrap();
    let error = writer.add_directory(&path(DEPTH_MAX + 1)).unwrap_err();
    assert!(error.to_string().ends_with("it has more than 1,000 parts"));
    let bytes = writer.finish().unwrap();
    read_everything(Bundle::parse(&bytes).unwrap().root());
}

#[test]
fn another_version_is_named() {
    let mut bytes = bytes();
    bytes[8] = 9;
    let error = Bundle::parse(&bytes).unwrap_err();
    assert!(matches!(
        error,
        BundleError::Version {
            found: 9,
            expected: FORMAT_VERSION
        }
    ));
}

#[test]
fn a_compressed_file_has_two_lengths_and_needs_the_dictionary() {
    let mut writer = writer().with_dictionary(b"words".to_vec());
    let content = Content::Compressed {
        frame: b"frame".to_vec(),
        size: 1000,
    };
    writer.add_file("/app/large", content).unwrap();
    let bytes = writer.finish().unwrap();
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!(bundle.dictionary(), b"words");
    let node = bundle.get("/app/large").unwrap();
    assert_eq!(node.size(), 1000);
    let content = node.content().unwrap();
    assert_eq!(content.size(), 1000);
    assert_eq!(content.stored(), b"frame");
    assert_eq!(bundle.get("/app/pkg/données.txt").unwrap().size(), 2);
    assert_eq!(bundle.get("/app").unwrap().size(), 0);
}

#[test]
fn the_same_content_twice_takes_up_space_once() {
    let content = vec![b'x'; 1000];
    let with = |paths: &[&str]| {
        let mut writer = writer();
        for path in paths {
            writer.add_file(path, stored(&content)).unwrap();
        }
        writer.finish().unwrap()
    };
    let (one, two) = (with(&["/lib/a"]), with(&["/lib/a", "/lib/b"]));
    assert!(two.len() < one.len() + content.len());
    let bundle = Bundle::parse(&two).unwrap();
    let second = bundle.get("/lib/b").unwrap().content();
    assert_eq!(second, Some(Content::Stored(content.as_slice())));
}
