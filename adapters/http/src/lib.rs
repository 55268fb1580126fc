//! Back ends of a practice's own over HTTP and JSON: `kind = "process"`, an adapter in a process of its own.

mod document;
mod listing;
pub mod process;
