//! libFuzzer's main: a package: a tgz, or the tar of one.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::package(data));
