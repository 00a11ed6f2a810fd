//! See `subaccountd::fuzzing::settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| subaccountd::fuzzing::settings(input));
