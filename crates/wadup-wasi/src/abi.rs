//! The types, the trait and the glue that `wiggle` makes from the witx document.
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "generated code"
)]

use crate::Error;

wiggle::from_witx!({
    witx: ["witx/wasi_snapshot_preview1.witx"],
    errors: { errno => Error },
    tracing: false,
    // `linker` does it: the generated glue needs wasmtime's component model.
    wasmtime: false,
});

impl wiggle::GuestErrorType for types::Errno {
    fn success() -> Self {
        Self::Success
    }
}
