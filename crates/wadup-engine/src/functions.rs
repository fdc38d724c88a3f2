//! Compiled functions, shared between modules that have the same code.
//!
//! All artifacts of one runtime have the same code section and differ in their data. When one
//! of them has been compiled, Cranelift can take every function of the next from what it made
//! then: it still translates and inlines, which tells it that the function is the same, but
//! does not optimise and emit it again.
//!
//! The functions of one code section are kept together in a *pack*, which the cache keeps and
//! verifies like any other entry.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use wasmtime::CacheStore;

/// Cranelift's digest of a function before it is compiled.
type FunctionKey = [u8; 32];

/// Functions by their digest.
#[derive(Debug, Default)]
pub(crate) struct Pack(HashMap<FunctionKey, Arc<[u8]>>);

/// What Cranelift asks. Between [`SharedFunctions::begin`] and [`Session::end`] it has a pack
/// and collects what is not in it.
#[derive(Debug, Default)]
pub(crate) struct SharedFunctions {
    /// One compilation at a time shares functions.
    turn: Mutex<()>,
    pack: RwLock<Option<Pack>>,
    added: Mutex<Vec<(FunctionKey, Vec<u8>)>>,
}

/// A compilation that shares functions.
pub(crate) struct Session<'s> {
    functions: &'s SharedFunctions,
    _turn: MutexGuard<'s, ()>,
}

impl SharedFunctions {
    pub(crate) fn begin(&self, pack: Pack) -> Session<'_> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        *self.pack.write().unwrap_or_else(PoisonError::into_inner) = Some(pack);
        Session {
            functions: self,
            _turn: turn,
        }
    }

    fn take(&self) -> (Pack, Vec<(FunctionKey, Vec<u8>)>) {
        let pack = self
            .pack
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        (pack.unwrap_or_default(), std::mem::take(&mut added))
    }
}

impl Session<'_> {
    /// All functions that there are now, if enough of them are new to be kept: Cranelift's
    /// digest of a function is not always the same, so that a few seem new each time.
    pub(crate) fn end(self) -> Option<Pack> {
        let (mut pack, added) = self.functions.take();
        if added.len() <= pack.0.len() / 100 {
            return None;
        }
        let added = added.into_iter().map(|(key, code)| (key, code.into()));
        pack.0.extend(added);
        Some(pack)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        drop(self.functions.take());
    }
}

impl CacheStore for SharedFunctions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let pack = self.pack.read().unwrap_or_else(PoisonError::into_inner);
        let code = pack.as_ref()?.0.get(key)?;
        Some(Cow::Owned(code.to_vec()))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let Ok(key) = FunctionKey::try_from(key) else {
            return false;
        };
        let shares = self
            .pack
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        if shares {
            let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
            added.push((key, value));
        }
        shares
    }
}

impl Pack {
    /// Key, length (u32, little endian) and code of every function, in order of key.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut functions: Vec<_> = self.0.iter().collect();
        functions.sort();
        let mut bytes = Vec::with_capacity(self.0.values().map(|code| code.len() + 36).sum());
        for (key, code) in functions {
            let Ok(length) = u32::try_from(code.len()) else {
                continue;
            };
            bytes.extend(key);
            bytes.extend(length.to_le_bytes());
            bytes.extend(code.iter());
        }
        bytes
    }

    /// Of verified bytes; `None` if they are no pack all the same.
    pub(crate) fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut functions = HashMap::new();
        while !bytes.is_empty() {
            let (key, rest) = bytes.split_first_chunk::<32>()?;
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (code, rest) = rest.split_at_checked(length)?;
            functions.insert(*key, code.into());
            bytes = rest;
        }
        Some(Self(functions))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Interruption};
    use crate::settings::EngineSettings;

    #[test]
    fn packs_come_back_as_they_went_in() {
        let functions = SharedFunctions::default();
        assert!(!functions.insert(&[1; 32], vec![1]), "nobody is compiling");
        let session = functions.begin(Pack::default());
        assert!(functions.insert(&[1; 32], vec![1, 2, 3]));
        assert!(functions.insert(&[2; 32], vec![]));
        let bytes = session.end().unwrap().to_bytes();

        let session = functions.begin(Pack::parse(&bytes).unwrap());
        assert_eq!(functions.get(&[1; 32]).as_deref(), Some(&[1, 2, 3][..]));
        assert_eq!(functions.get(&[2; 32]).as_deref(), Some(&[][..]));
        assert_eq!(functions.get(&[3; 32]), None);
        assert!(session.end().is_none(), "nothing is new");
        assert_eq!(functions.get(&[1; 32]), None);
    }

    /// What is compiled with shared functions is byte for byte what is compiled without.
    #[test]
    fn sharing_changes_nothing_but_the_time() {
        let module = |data: &str, second: i32| {
            wat::parse_str(format!(
                r#"(module
                    (memory (export "memory") 1)
                    (data (i32.const 0) "{data}")
                    (func $helper (param i32) (result i32)
                        (i32.mul (i32.load (local.get 0)) (i32.const 3)))
                    (func $other (param i32) (result i32)
                        (i32.div_s (call $helper (local.get 0)) (i32.const {second})))
                    (func (export "process") (result i32)
                        (i32.add (call $helper (i32.const 4)) (call $other (i32.const 8)))))"#
            ))
            .unwrap()
        };
        let compile = |wasm: &[u8], pack: Option<Pack>| {
            let engine = Engine::new(EngineSettings::default()).unwrap();
            let variant = engine.variant(Interruption::Signal).unwrap();
            variant.compiler.compile(wasm, pack).unwrap()
        };
        let (first, second) = (module("first", 7), module("the second", 7));
        let (_, pack) = compile(&first, Some(Pack::default()));
        let pack = pack.expect("all functions are new");
        let count = pack.0.len();
        let pack = Pack::parse(&pack.to_bytes()).unwrap();

        let (shared, added) = compile(&second, Some(pack));
        let new = |pack: Option<Pack>| pack.map_or(0, |pack| pack.0.len() - count);
        assert!(new(added) <= ODD, "nearly all functions are known");
        assert_eq!(shared, compile(&second, None).0);

        // A function that differs is compiled, and hardly another.
        let pack = compile(&first, Some(Pack::default())).1.unwrap();
        let third = module("third", 8);
        let (shared, added) = compile(&third, Some(pack));
        assert!((1..=1 + ODD).contains(&new(added)));
        assert_eq!(shared, compile(&third, None).0);
    }

    /// Now and then Cranelift's digest of the same function comes out differently.
    const ODD: usize = 2;

    #[test]
    fn what_is_no_pack_is_none() {
        assert!(Pack::parse(&[0; 35]).is_none());
        assert!(Pack::parse(&[9; 40]).is_none());
    }
}
