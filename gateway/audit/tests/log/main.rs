//! The audit log through its public face: records in, AuditEvents out.

mod balp;
mod durability;
mod searching;
mod support;
