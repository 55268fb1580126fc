//! Audit: who did what to whose data. Compact records go into a segmented log of their own, grouped into one fsync a
//! few milliseconds later, and are read back as AuditEvents of IHE's Basic Audit Log Patterns (BALP).

mod balp;
mod codec;
mod date;
mod events;
mod index;
mod log;
mod query;
mod record;
mod search;
mod segment;
mod writer;

pub use events::Events;
pub use log::{Full, Log, NotFlushed, OnFull, OpenError, Settings};
pub use record::{Agent, Outcome, Record, Subject};
