use std::fmt;

use sha2::{Digest as _, Sha256};

/// A sha256 in hexadecimal, over parts that cannot run into each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// Collects the parts of a [`Digest`].
#[derive(Clone, Default)]
pub(crate) struct Hasher(Sha256);

impl Digest {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The plain sha256 of `bytes`, as `sha256sum` prints it.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(hexadecimal(&Sha256::digest(bytes)))
    }
}

impl Hasher {
    /// `kind` tells apart digests of different things.
    pub(crate) fn new(kind: &str) -> Self {
        let mut hasher = Self::default();
        hasher.part(kind.as_bytes());
        hasher
    }

    pub(crate) fn part(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.part(text.as_bytes())
    }

    pub(crate) fn finish(&self) -> Digest {
        Digest(hexadecimal(&self.0.clone().finalize()))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_digest_is_sha256() {
        assert_eq!(
            Digest::of(b"").as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: &[&str]| {
            let mut hasher = Hasher::new("test");
            parts.iter().for_each(|part| {
                hasher.text(part);
            });
            hasher.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
    }
}
