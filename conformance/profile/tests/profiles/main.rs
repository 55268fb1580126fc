//! Resources against profiles and definitions of their own.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

mod bindings;
mod elements;
mod expressions;
mod own_types;
mod policy;
mod rules;
mod support;
