//! Audit: who did what to whose data. Compact records go into a segmented log of their own, grouped into one fsync a
//! few milliseconds later, and are read back as AuditEvents of IHE's Basic Audit Log Patterns (BALP).

mod codec;
mod index;
mod log;
mod record;
mod segment;
mod writer;

pub use log::{Full, Log, NotFlushed, OnFull, OpenError, Settings};
pub use record::{Agent, Outcome, Record, Subject};
