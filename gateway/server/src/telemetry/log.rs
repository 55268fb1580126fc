//! The subscriber of the process: a log on stderr, and a collector when one is configured.

use std::io::IsTerminal;

use config::LogFormat;
use opentelemetry::trace::TracerProvider as _;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::otlp::{self, Collector};
use super::tracing::TARGET;

/// The variable that goes before `telemetry.log`.
const VARIABLE: &str = "FRONTDESK_LOG";

/// Telemetry of this process; what waits is sent when it is dropped.
pub struct Telemetry {
    _collector: Option<Collector>,
}

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is none.
    #[error("cannot read the log filter (expected what tracing-subscriber's EnvFilter takes)")]
    Filter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The collector cannot be set up.
    #[error("cannot set up the export of traces")]
    Collector(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Sets up logs, traces and the panic hook of this process; once, by the command that serves.
///
/// # Errors
/// When the filter or the collector's settings cannot work. A collector that is down is no error.
pub fn init(settings: &config::Telemetry) -> Result<Telemetry, TelemetryError> {
    let collector = settings.otlp_endpoint.as_ref().map(|endpoint| otlp::connect(endpoint, settings)).transpose()?;
    let traces = collector.as_ref().map(|collector| {
        tracing_opentelemetry::layer()
            .with_tracer(collector.provider.tracer("frontdesk"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TARGET))
    });
    let filter = filter(&settings.log)?.and(filter_fn(|metadata| metadata.target() != TARGET));
    let json = match settings.log_format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = if json { log.json().flatten_event(true).boxed() } else { log.compact().boxed() };
    // Another subscriber stays, as in a test that has its own.
    let _ = tracing_subscriber::registry().with(traces).with(log.with_filter(filter)).try_init();
    std::panic::set_hook(Box::new(|panic| {
        // The message may quote what was worked on: only the place is logged.
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        ::tracing::error!(place, "panic");
    }));
    Ok(Telemetry { _collector: collector })
}

fn filter(setting: &str) -> Result<EnvFilter, TelemetryError> {
    let text = std::env::var(VARIABLE).unwrap_or_else(|_| setting.to_owned());
    EnvFilter::try_new(text).map_err(|error| TelemetryError::Filter(error.into()))
}
