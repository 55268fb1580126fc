//! libFuzzer's main: an expression, a line break, a document.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::fhirpath(data));
