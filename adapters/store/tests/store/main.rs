//! The embedded store from outside, through the adapter trait.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, in its helpers too")]

mod backup;
mod contract;
mod crash;
mod damage;
mod disk;
mod oracle;
mod search;
mod support;
mod write;
