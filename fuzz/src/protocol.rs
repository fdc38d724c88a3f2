//! The JSON of the protocol: what is read says the same when it is written again.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wadup_protocol::audit::Audit;
use wadup_protocol::bundle::Boot;
use wadup_protocol::manifest::Manifest;
use wadup_protocol::metadata::{Failure, Metadata, SubContent};

pub fn check(data: &[u8]) {
    comes_back::<Manifest>(data);
    comes_back::<Boot>(data);
    comes_back::<Audit>(data);
    comes_back::<Metadata>(data);
    comes_back::<SubContent>(data);
    comes_back::<Failure>(data);
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(json) else {
        return;
    };
    let written = serde_json::to_vec(&value).expect("what was JSON can be written as JSON");
    let again: T = serde_json::from_slice(&written).expect("what is written can be read");
    assert_eq!(again, value);
}
