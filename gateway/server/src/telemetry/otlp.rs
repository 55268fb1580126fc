//! The way to an OTLP collector. A thread of its own drives it, so that a slow collector costs no request anything;
//! spans that cannot be sent are dropped.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use config::OtlpProtocol;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry::KeyValue;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::runtime::Tokio;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{BatchConfigBuilder, SdkTracerProvider};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let provider = {
        let _inside = runtime.enter();
        provider(endpoint, settings)?
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

/// What makes spans and sends them, on the runtime that this is called on.
fn provider(endpoint: &Url, settings: &config::Telemetry) -> Result<SdkTracerProvider, TelemetryError> {
    let processor = BatchSpanProcessor::builder(exporter(endpoint, settings)?, Tokio)
        .with_batch_config(BatchConfigBuilder::default().with_scheduled_delay(DELAY).build())
        .build();
    let resource = Resource::builder()
        .with_service_name(settings.service_name.clone())
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        // The gateway has decided already; a span that exists is sampled.
        .with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOn)
        .with_resource(resource)
        .build())
}

fn exporter(endpoint: &Url, settings: &config::Telemetry) -> Result<SpanExporter, TelemetryError> {
    let authorities = settings.otlp_authorities.as_deref();
    match settings.otlp_protocol {
        OtlpProtocol::Grpc => {
            let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint.as_str()).with_timeout(PATIENCE);
            match endpoint.scheme() {
                "https" => exporter.with_tls_config(grpc_tls(authorities)?).build(),
                _ => exporter.build(),
            }
        }
        OtlpProtocol::Http => SpanExporter::builder()
            .with_http()
            .with_http_client(HyperClient::new(connector(authorities)?, PATIENCE, None))
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces(endpoint))
            .with_timeout(PATIENCE)
            .build(),
    }
    .map_err(failed)
}

fn grpc_tls(authorities: Option<&Path>) -> Result<ClientTlsConfig, TelemetryError> {
    let tls = ClientTlsConfig::new();
    match authorities {
        Some(path) => Ok(tls.ca_certificate(Certificate::from_pem(std::fs::read(path).map_err(failed)?))),
        None => Ok(tls.with_native_roots()),
    }
}

fn connector(authorities: Option<&Path>) -> Result<HttpsConnector<HttpConnector>, TelemetryError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(failed)?;
    let tls = match authorities {
        Some(path) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(path).map_err(failed)? {
                roots.add(certificate.map_err(failed)?).map_err(failed)?;
            }
            builder.with_root_certificates(roots)
        }
        None => builder.with_native_roots().map_err(failed)?,
    };
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth()).https_or_http().enable_http1().build())
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

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A collector behind TLS: the first bytes of the first connection, or nothing when the handshake failed.
    async fn hear(listener: TcpListener, key: &CertifiedKey<rcgen::KeyPair>, alpn: &[u8]) -> String {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![key.cert.der().clone()],
                PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(stream).await else { return String::new() };
        let mut heard = vec![0; 64];
        let length = stream.read(&mut heard).await.unwrap_or(0);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        String::from_utf8_lossy(heard.get(..length).unwrap()).into_owned()
    }

    async fn heard(protocol: OtlpProtocol, alpn: &[u8], is_trusted: bool) -> String {
        let key = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let authorities = folder.path().join("ca.pem");
        std::fs::write(&authorities, if is_trusted { key.cert.pem() } else { other.cert.pem() }).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint: Url = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let settings = config::Telemetry {
            otlp_endpoint: Some(endpoint.clone()),
            otlp_protocol: protocol,
            otlp_authorities: Some(authorities),
            ..config::Telemetry::default()
        };
        let provider = provider(&endpoint, &settings).unwrap();
        drop(provider.tracer("test").start("span"));
        let heard = tokio::time::timeout(Duration::from_secs(10), hear(listener, &key, alpn)).await.unwrap();
        tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(PATIENCE)).await.unwrap().ok();
        heard
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn spans_go_to_a_collector_behind_tls_in_either_protocol() {
        assert!(heard(OtlpProtocol::Http, b"http/1.1", true).await.starts_with("POST /v1/traces HTTP/1.1"));
        assert!(heard(OtlpProtocol::Grpc, b"h2", true).await.starts_with("PRI * HTTP/2.0"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_collector_that_shows_a_strangers_certificate_gets_nothing() {
        for protocol in [OtlpProtocol::Http, OtlpProtocol::Grpc] {
            assert_eq!(heard(protocol, b"", false).await, "", "{protocol:?}");
        }
    }
}
