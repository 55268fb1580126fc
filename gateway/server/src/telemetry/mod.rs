//! Logs, metrics and traces. None of them holds patient data: no path, no query, no id, no payload.

pub mod breaches;
pub mod counts;
pub mod latency;
mod log;
mod meters;
mod otlp;
mod tracing;
pub mod traffic;

pub use log::{Telemetry, TelemetryError, init};
pub use meters::{Meters, exposition, upkeep};
pub use tracing::Tracing;
