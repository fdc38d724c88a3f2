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

#[test]
fn two_entries_in_one_place_are_refused() {
    let bytes = wheel(&[("demo.py", b"a"), ("demo-1.0.data/purelib/demo.py", b"b")]);
    insta::assert_snapshot!(error(&bytes), @"demo-1.0-py3-none-any.whl has an entry `demo.py` that cannot be unpacked: another entry has its place");
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
