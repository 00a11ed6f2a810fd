//! See `subaccountd::fuzzing::state`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| subaccountd::fuzzing::state(input));
