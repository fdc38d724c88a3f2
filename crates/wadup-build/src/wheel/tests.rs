//! Wheels as they are, and as nobody should make them.

use std::fs::File;
use std::io::{Cursor, Write as _};

use wadup_project::WheelFilename;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::record::record_line;
use super::{WheelError, unpack};

const DIST_INFO: &str = "demo-1.0.dist-info";

fn filename() -> WheelFilename {
    "demo-1.0-py3-none-any.whl".parse().unwrap()
}

/// A wheel of these files, with a RECORD of them all.
fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    let metadata = format!("{DIST_INFO}/METADATA");
    let mut all = files.to_vec();
    all.push((
        &metadata,
        b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    ));
    let mut record: String = all
        .iter()
        .map(|(path, content)| record_line(path, content))
        .collect();
    let own = format!("{DIST_INFO}/RECORD");
    record.push_str(&format!("{own},,\n"));
    all.push((&own, record.as_bytes()));
    archive(&all)
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (path, content) in files {
        zip.start_file(*path, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn unpacked(bytes: &[u8]) -> Result<Vec<String>, WheelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wheel");
    File::create(&path).unwrap().write_all(bytes).unwrap();
    unpack(&path, &filename()).map(|files| files.into_keys().collect())
}

fn error(bytes: &[u8]) -> String {
    unpacked(bytes).unwrap_err().to_string()
}

#[test]
fn files_are_laid_out_as_installers_do() {
    let files = unpacked(&wheel(&[
        ("demo/__init__.py", b""),
        ("demo/data, with comma.txt", b"x"),
        ("demo-1.0.data/purelib/extra.py", b"y"),
        ("demo-1.0.data/scripts/tool", b"#!python"),
        ("demo-1.0.data/data/share/man", b"z"),
    ]));
    assert_eq!(
        files.unwrap(),
        [
            "demo-1.0.dist-info/METADATA",
            "demo/__init__.py",
            "demo/data, with comma.txt",
            "extra.py",
        ]
    );
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    let paths = [
        "/etc/passwd",
        "../evil.py",
        "demo/../../evil.py",
        "demo//x.py",
        "demo\\x.py",
        "C:x.py",
    ];
    let told: Vec<String> = paths
        .iter()
        .map(|path| error(&wheel(&[(path, b"")])))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_record_does_not_vouch_for_is_refused() {
    let good = wheel(&[("demo.py", b"good")]);
    let record = record_line("demo.py", b"good");
    let record_path = format!("{DIST_INFO}/RECORD");
    let with_record =
        |record: &str| archive(&[("demo.py", b"bad!"), (&record_path, record.as_bytes())]);
    let told = [
        error(&with_record(&record)),
        error(&with_record("")),
        error(&with_record(
            &(record_line("demo.py", b"bad!") + &record_line("gone.py", b"")),
        )),
        error(&with_record("demo.py,md5=abc,4\n")),
        error(&archive(&[(&format!("{DIST_INFO}/METADATA"), b"")])),
        error(&archive(&[
            ("demo.py", b""),
            ("other-1.0.dist-info/RECORD", b""),
        ])),
        error(b"no zip"),
        error(&good[..good.len() - 30]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// Changes a field of an entry in the archive's directory.
/// <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>, 4.3.12
fn with_field(mut bytes: Vec<u8>, entry: usize, offset: usize, value: u32) -> Vec<u8> {
    let entries: Vec<usize> = (0..bytes.len())
        .filter(|at| bytes[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    let at = entries[entry] + offset;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

/// Replaces a name by another one of the same length, wherever it is.
fn renamed(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn archives_that_lie_about_themselves_are_refused() {
    const SIZE: usize = 24;
    const COMPRESSED: usize = 20;
    const PLACE: usize = 42;
    let good = || wheel(&[("one.py", &[b'x'; 5000]), ("two.py", b"y")]);
    unpacked(&good()).unwrap();
    let told = [
        // Two entries of one name.
        error(&renamed(good(), b"two.py", b"one.py")),
        // Two entries in one place.
        error(&with_field(good(), 1, PLACE, 0)),
        // A place that is not there.
        error(&with_field(good(), 1, PLACE, 1 << 30)),
        // Longer, shorter, and with a 64-bit size that is missing.
        error(&with_field(good(), 0, SIZE, 5)),
        error(&with_field(good(), 0, SIZE, 5 << 20)),
        error(&with_field(good(), 0, SIZE, u32::MAX)),
        error(&with_field(good(), 0, COMPRESSED, 1)),
        error(&with_field(good(), 0, COMPRESSED, u32::MAX)),
        // Not the content that its checksum is of.
        error(&with_field(good(), 0, 16, 7)),
        // A name that is no UTF-8, although it says so.
        error(&renamed(
            wheel(&[("caf\u{e9}.py", b"")]),
            "caf\u{e9}.py".as_bytes(),
            b"caf\xff\xfe.py",
        )),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_wheel_of_something_else_is_refused() {
    let metadata = format!("{DIST_INFO}/METADATA");
    let with_metadata = |text: &[u8]| {
        let record = record_line(&metadata, text);
        let record_path = format!("{DIST_INFO}/RECORD");
        archive(&[(&metadata, text), (&record_path, record.as_bytes())])
    };
    let told = [
        error(&with_metadata(b"Name: other\nVersion: 1.0\n")),
        error(&with_metadata(b"Name: demo\nVersion: 2\n")),
        error(&with_metadata(b"Name: demo\n")),
        error(&wheel(&[("Demo-1.0.0.dist-info/METADATA", b"")])),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_record_has_in_another_way_is_refused() {
    let record_path = format!("{DIST_INFO}/RECORD");
    let with_record = |record: String| {
        error(&archive(&[
            ("demo.py", b"ok"),
            (&record_path, record.as_bytes()),
        ]))
    };
    let right = record_line("demo.py", b"ok");
    let told = [
        with_record(right.clone() + &record_line("demo.py", b"no")),
        with_record(right.replace("demo.py", "Demo.py")),
        with_record("demo.py,,\n".to_owned()),
        with_record(right.replace(",2", ",3")),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_file_in_the_place_of_a_folder_is_refused() {
    let bytes = wheel(&[("demo", b"a"), ("demo/x.py", b"b")]);
    insta::assert_snapshot!(error(&bytes), @"demo-1.0-py3-none-any.whl has an entry `demo` that cannot be unpacked: another entry has it as a folder");
}

#[test]
fn two_entries_in_one_place_are_refused() {
    let bytes = wheel(&[("demo.py", b"a"), ("demo-1.0.data/purelib/demo.py", b"b")]);
    insta::assert_snapshot!(error(&bytes), @"demo-1.0-py3-none-any.whl has an entry `demo.py` that cannot be unpacked: another entry has its place");
}

/// Folders that go down without end overflow the stack of what walks them.
#[test]
fn a_path_that_is_too_long_is_refused() {
    let deep = |parts: usize| format!("{}x", "a/".repeat(parts - 1));
    unpacked(&wheel(&[(&deep(256), b"")])).unwrap();
    let refused = [deep(257), "a".repeat(4097), deep(30_000)];
    let told: Vec<String> = refused
        .iter()
        .map(|path| error(&wheel(&[(path, b"")])).replace("a/", ""))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    demo-1.0-py3-none-any.whl has an entry `x` that cannot be unpacked: its path has more than 256 parts
    demo-1.0-py3-none-any.whl is too large: it has a path of more than 4,096 bytes
    demo-1.0-py3-none-any.whl is too large: it has a path of more than 4,096 bytes
    ");
}

#[test]
fn symbolic_links_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("demo.py", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    zip.start_file(format!("{DIST_INFO}/RECORD"), SimpleFileOptions::default())
        .unwrap();
    let bytes = zip.finish().unwrap().into_inner();
    insta::assert_snapshot!(error(&bytes), @"demo-1.0-py3-none-any.whl has an entry `demo.py` that cannot be unpacked: it is a symbolic link");
}

#[test]
fn a_file_that_unpacks_to_too_much_is_refused() {
    let zeros = vec![0; 600 << 20];
    insta::assert_snapshot!(error(&wheel(&[("zeros", &zeros)])), @"demo-1.0-py3-none-any.whl is too large: it unpacks to more than 512 MiB");
}
