//! See `subaccountd::fuzzing::snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| subaccountd::fuzzing::snapshot(input));
