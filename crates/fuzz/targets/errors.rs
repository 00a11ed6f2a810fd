//! See `subaccountd_twilio::fuzzing::errors`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| subaccountd_twilio::fuzzing::errors(input));
