//! `[telemetry]`: logs and traces.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// `[telemetry]`
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Telemetry {
    /// What is logged, in the language of tracing-subscriber's `EnvFilter`; the variable `FRONTDESK_LOG` goes first.
    pub log: String,
    /// How it is written to stderr.
    pub log_format: LogFormat,
    /// The OTLP collector, http or https; without it nothing is traced.
    pub otlp_endpoint: Option<Url>,
    /// Authorities whose certificate an https collector must show, PEM; without it, those that
    /// this machine trusts.
    pub otlp_authorities: Option<PathBuf>,
    /// How the collector is spoken to.
    pub otlp_protocol: OtlpProtocol,
    /// The part of requests that is traced when the client does not decide, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_ratio: f64,
    /// `service.name` in traces.
    pub service_name: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// `text` on a terminal, `json` elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How an OTLP collector is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtlpProtocol {
    /// gRPC, usually port 4317.
    #[default]
    Grpc,
    /// HTTP with protobuf, usually port 4318.
    Http,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: "info".into(),
            log_format: LogFormat::default(),
            otlp_endpoint: None,
            otlp_authorities: None,
            otlp_protocol: OtlpProtocol::default(),
            sample_ratio: 0.01,
            service_name: "frontdesk".into(),
        }
    }
}
