//! Logs, metrics and traces. None of them holds patient data: no path, no query, no id, no payload.

mod log;
mod meters;
mod otlp;
mod tracing;

pub use log::{Telemetry, TelemetryError, init};
pub use meters::{Meters, exposition, upkeep};
pub use tracing::Tracing;
