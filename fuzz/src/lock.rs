//! A lock: packages whose wheels have names and digests, or an error that can be shown.

use std::path::Path;
use std::sync::LazyLock;

use wadup_project::{Lock, MarkerEnvironment, PackageSource, wasi_environment};

static ENVIRONMENT: LazyLock<MarkerEnvironment> =
    LazyLock::new(|| wasi_environment(&"3.13.5".parse().expect("it is a version")));

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Lock::parse(Path::new("pylock.toml"), text) {
        Ok(lock) => {
            for package in lock.active(&ENVIRONMENT) {
                let PackageSource::Wheels(wheels) = &package.source else {
                    continue;
                };
                for wheel in wheels {
                    let _ = wheel.filename.purity(3, 13);
                    if let Some(digest) = &wheel.sha256 {
                        assert!(digest.len() == 64);
                        assert!(
                            digest
                                .bytes()
                                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                        );
                    }
                }
            }
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
}
