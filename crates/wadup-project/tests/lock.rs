//! Locks, and markers on WASI.

use std::path::Path;

use wadup_project::{Lock, PackageSource, WheelLocation, wasi_environment};

const DIGEST: &str = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";

fn parse(packages: &str) -> Result<Lock, String> {
    let text = format!("lock-version = \"1.0\"\ncreated-by = \"test\"\n{packages}");
    Lock::parse(Path::new("pylock.toml"), &text).map_err(|error| error.to_string())
}

#[test]
fn packages_are_read_with_their_wheels() {
    let lock = parse(&format!(
        "[[packages]]\nname = \"Two_Words\"\nversion = \"1.2\"\n\
         wheels = [{{ url = \"https://example.invalid/a%2Fb/two_words-1.2-py3-none-any.whl#x\", \
         size = 3, hashes = {{ sha256 = \"{DIGEST}\" }} }}, \
         {{ path = \"w/two_words-1.2-cp313-cp313-win32.whl\", hashes = {{}} }}]\n\
         [[packages]]\nname = \"tree\"\ndirectory = {{ path = \".\" }}\n"
    ))
    .unwrap();
    let package = &lock.packages[0];
    assert_eq!(package.name.as_ref(), "two-words");
    let PackageSource::Wheels(wheels) = &package.source else {
        panic!("{package:?}");
    };
    assert_eq!(
        wheels[0].filename.as_str(),
        "two_words-1.2-py3-none-any.whl"
    );
    assert_eq!(wheels[0].sha256, Some(DIGEST.to_ascii_lowercase()));
    assert_eq!(wheels[0].size, Some(3));
    assert!(matches!(&wheels[1].location, WheelLocation::Path(path) if path.starts_with("w")));
    assert_eq!(wheels[1].sha256, None);
    assert_eq!(lock.packages[1].source, PackageSource::Source("directory"));
    assert_eq!(lock.packages[1].version, None);
}

#[test]
fn markers_are_evaluated_for_wasi() {
    let holds = |marker: &str| {
        let lock = parse(&format!(
            "[[packages]]\nname = \"a\"\nmarker = \"{marker}\"\n"
        ))
        .unwrap();
        lock.active(&wasi_environment(&"3.13.5".parse().unwrap()))
            .count()
            == 1
    };
    assert!(holds("sys_platform == 'wasi'"));
    assert!(holds("sys_platform != 'win32' and os_name == 'posix'"));
    assert!(holds(
        "python_full_version >= '3.13.5' and python_version == '3.13'"
    ));
    assert!(holds(
        "platform_machine == 'wasm32' and implementation_name == 'cpython'"
    ));
    assert!(!holds(
        "sys_platform == 'linux' or platform_system == 'Windows'"
    ));
    assert!(!holds("platform_python_implementation == 'PyPy'"));
}

#[test]
fn what_is_wrong_is_named() {
    let wheel =
        |wheel: &str| format!("[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{wheel}]\n");
    let errors = [
        Lock::parse(Path::new("pylock.toml"), "lock-version = \"2.0\"\n")
            .map_err(|e| e.to_string()),
        Lock::parse(Path::new("pylock.toml"), "lock-version = 1\n").map_err(|e| e.to_string()),
        parse("[[packages]]\nname = \"a\"\nversion = \"x\"\n"),
        parse("[[packages]]\nname = \"a\"\nmarker = \"moon == 'full'\"\n"),
        parse(&wheel("{ url = \"https://example.invalid/a.zip\" }")),
        parse(&wheel("{ name = \"a-1-py3-none-any.whl\" }")),
        parse(&wheel(
            "{ url = \"a-1-py3-none-any.whl\", hashes = { sha256 = \"12\" } }",
        )),
    ];
    let errors: Vec<String> = errors.into_iter().map(|error| error.unwrap_err()).collect();
    insta::assert_snapshot!(errors.join("\n"));
}
