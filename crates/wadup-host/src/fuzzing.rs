//! What `fuzz/` calls, and no part of the interface.

use wadup_sink::Rows;
use wadup_wasi::Deadline;

use crate::metadata::{Refusal, Spool};

/// The rows of one file `/metadata/*.json`, or why it is refused.
///
/// # Errors
///
/// When the host would refuse it.
pub fn take_metadata(json: &[u8], max_bytes: u64, max_tables: u32) -> Result<Rows, String> {
    let mut spool = Spool::new(max_bytes, max_tables);
    match spool.take_in("/metadata/fuzz.json", json, &Deadline::default()) {
        Ok(()) => Ok(spool.into_rows()),
        Err(Refusal::Rejected(rejection)) => {
            assert_eq!(spool.into_rows().len(), 0, "refused, and kept");
            Err(format!("{rejection} {:?}", rejection.hint()))
        }
        Err(Refusal::TooMuch(cap)) => Err(format!("{cap:?}")),
        Err(Refusal::Late(_)) => unreachable!("there is no deadline"),
    }
}
