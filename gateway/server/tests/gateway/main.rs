//! The gateway in this process, spoken to over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

mod harness;

mod batches;
mod bulk;
mod confinement;
mod console;
mod disconnects;
mod everything;
mod everything_apart;
mod faults;
mod federation;
mod interactions;
mod matching;
mod metadata;
mod negotiation;
mod packages;
mod patching;
mod practices;
mod shutdown;
mod terminology;
mod tls;
mod transactions;
mod validation;
mod wire;
mod writes;
mod xml_bodies;
