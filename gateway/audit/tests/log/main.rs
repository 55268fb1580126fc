//! The audit log through its public face: records in, AuditEvents out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod balp;
mod durability;
mod searching;
mod support;
