//! Nothing leaks: what a token sees is what it would see on a back end that holds only what the token may see, over random data and
//! random requests, through whole gateways.
//!
//! `CASES` says how many cases each property is tried on (16), `SEED` which ones; a failure prints the seed and the smallest case found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod ask;
mod case;
#[allow(dead_code, reason = "the other tests of the gateway use more of it")]
#[path = "../gateway/harness.rs"]
mod harness;
mod leaks;
mod plain;
mod properties;
mod shown;
mod world;
