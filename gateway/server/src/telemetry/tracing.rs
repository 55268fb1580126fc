//! Which requests are traced, and what is logged of a failed one. The decision falls once, when a request is received; spans
//! are built for sampled requests only, those of the stages at the end, out of the times that were taken anyway.

use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use opentelemetry::trace::{Span as _, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, Tracer as _};
use opentelemetry::{Context, KeyValue};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::failure::Failure;
use crate::passage::Passage;
use crate::receive::Envelope;

/// The target of the spans that go to the collector, and to no log.
pub(super) const TARGET: &str = "frontdesk::trace";

/// Decides which requests are traced.
#[derive(Clone, Copy, Debug)]
pub struct Tracing {
    /// The part of requests that is sampled when the caller does not say, 0 to 1; none without a collector.
    ratio: Option<f64>,
}

impl Tracing {
    /// By the settings.
    #[must_use]
    pub fn new(settings: &config::Telemetry) -> Self {
        Self { ratio: settings.otlp_endpoint.as_ref().map(|_| settings.sample_ratio) }
    }

    /// Begins the span of a request that is sampled, and puts it into the `traceparent` for the next hop.
    #[must_use]
    pub fn begin(&self, envelope: &mut Envelope) -> Option<Span> {
        let ratio = self.ratio?;
        let sampled = envelope.sampled.unwrap_or_else(|| rand::random::<f64>() < ratio);
        if !sampled {
            return None;
        }
        let span = tracing::info_span!(target: TARGET, parent: None, "request", otel.kind = "server",
            request_id = %envelope.trace.request_id);
        if let Some(parent) = envelope.trace.traceparent.as_deref().and_then(remote) {
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        let context = span.context();
        let ours = context.span().span_context().clone();
        if ours.is_valid() {
            let parent = format!("00-{}-{}-{:02x}", ours.trace_id(), ours.span_id(), ours.trace_flags().to_u8());
            envelope.trace.traceparent = Some(Arc::from(parent));
        }
        Some(span)
    }

    /// Ends the span of a request, with a span for each stage in it.
    pub fn end(&self, span: &Span, passage: &Passage, status: StatusCode) {
        let context = span.context();
        let route = passage.route.as_deref().unwrap_or("none").to_owned();
        let interaction = passage.interaction.map_or("none", fhir::InteractionCode::code);
        let root = context.span();
        root.update_name(format!("{interaction} {route}"));
        root.set_attribute(KeyValue::new("frontdesk.route", route));
        root.set_attribute(KeyValue::new("frontdesk.interaction", interaction));
        root.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            root.set_status(opentelemetry::trace::Status::error(""));
        }
        let tracer = opentelemetry::global::tracer("frontdesk");
        let mut at = SystemTime::now() - passage.began.elapsed();
        for (stage, spent) in passage.stages() {
            let builder = tracer.span_builder(stage.name()).with_start_time(at);
            at += spent;
            tracer.build_with_context(builder, &context).end_with_timestamp(at);
        }
    }

    /// Logs what the client was not told: the cause of a failure that is ours or a back end's.
    pub fn log(&self, failure: &Failure, passage: &Passage, envelope: &Envelope) {
        let status = failure.status.as_u16();
        let route = passage.route.as_deref().unwrap_or("none");
        let interaction = passage.interaction.map_or("none", fhir::InteractionCode::code);
        let request_id = &*envelope.trace.request_id;
        let cause = failure.cause.as_deref().map(chain);
        if failure.status.is_server_error() {
            tracing::warn!(status, route, interaction, request_id, cause, "request failed");
        } else {
            tracing::debug!(status, route, interaction, request_id, cause, "request refused");
        }
    }
}

/// An error and its sources in one line.
fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Reads a `traceparent` that was checked when it came in.
fn remote(parent: &str) -> Option<SpanContext> {
    let mut parts = parent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    Some(SpanContext::new(trace, span, TraceFlags::new(flags), true, opentelemetry::trace::TraceState::default()))
}
