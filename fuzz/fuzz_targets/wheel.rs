#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wadup_fuzz::wheel::check(data));
