//! Back ends of a practice's own over HTTP and JSON: `kind = "http"`, a JSON API that tables describe, and `kind = "process"`, an
//! adapter in a process of its own.

mod document;
mod listing;
pub mod mapped;
pub mod process;
