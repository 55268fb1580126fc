//! The way to an OTLP collector. A thread of its own drives it, so that a slow collector costs no request anything;
//! spans that cannot be sent are dropped.

use std::time::Duration;

use config::OtlpProtocol;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{BatchConfigBuilder, SdkTracerProvider};
use tokio::sync::oneshot;
use url::Url;

use super::TelemetryError;

/// How long spans are gathered.
const DELAY: Duration = Duration::from_secs(1);
/// How long a batch may take, and the last one at the end.
const PATIENCE: Duration = Duration::from_secs(3);

/// A collector that spans are sent to.
pub(super) struct Collector {
    pub(super) provider: SdkTracerProvider,
    stop: Option<oneshot::Sender<()>>,
}

pub(super) fn connect(endpoint: &Url, settings: &config::Telemetry) -> Result<Collector, TelemetryError> {
    if endpoint.scheme() != "http" {
        return Err(failed("expected an http URL in telemetry.otlp-endpoint: a collector on this machine or network"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let provider = {
        let _inside = runtime.enter();
        let processor = BatchSpanProcessor::builder(exporter(endpoint, settings.otlp_protocol)?, Tokio)
            .with_batch_config(BatchConfigBuilder::default().with_scheduled_delay(DELAY).build())
            .build();
        SdkTracerProvider::builder()
            .with_span_processor(processor)
            // The gateway has decided already; a span that exists is sampled.
            .with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOn)
            .with_resource(
                Resource::builder()
                    .with_service_name(settings.service_name.clone())
                    .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
                    .build(),
            )
            .build()
    };
    let (stop, stopped) = oneshot::channel();
    std::thread::Builder::new()
        .name("telemetry".into())
        .spawn(move || {
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })
        .map_err(failed)?;
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    opentelemetry::global::set_tracer_provider(provider.clone());
    Ok(Collector { provider, stop: Some(stop) })
}

fn exporter(endpoint: &Url, protocol: OtlpProtocol) -> Result<SpanExporter, TelemetryError> {
    match protocol {
        OtlpProtocol::Grpc => SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint.as_str())
            .with_timeout(PATIENCE)
            .build()
            .map_err(failed),
        OtlpProtocol::Http => SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces(endpoint))
            .with_timeout(PATIENCE)
            .build()
            .map_err(failed),
    }
}

/// OTLP/HTTP: the signal's path stands behind the endpoint, unless the setting has it already.
fn traces(endpoint: &Url) -> String {
    let base = endpoint.as_str().trim_end_matches('/');
    if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TelemetryError {
    TelemetryError::Collector(error.into())
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(PATIENCE) {
            ::tracing::warn!(%error, "the last spans were not sent");
        }
        drop(self.stop.take());
    }
}
