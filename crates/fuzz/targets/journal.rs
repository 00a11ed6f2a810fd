//! See `subaccountd::fuzzing::journal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| subaccountd::fuzzing::journal(input));
