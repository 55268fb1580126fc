//! libFuzzer's main: JSON of any kind, as a resource.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::json(data));
