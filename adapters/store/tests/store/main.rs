//! The store from outside, through the adapter trait. What holds on every database is run on each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic, in its helpers too")]
#![allow(clippy::duplicate_mod, reason = "a test that holds on every database is run on each")]

mod backup;
mod crash;
mod damage;
mod disk;
mod gateways;
mod on_postgresql;
mod on_sqlite;
mod outage;
mod server;
mod support;
mod transfer;
mod upgrade;
