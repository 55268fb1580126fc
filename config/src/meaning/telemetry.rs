//! The way to the collector.

use super::Meaning;
use super::network::file;

pub(super) fn check(meaning: &mut Meaning<'_>) {
    let telemetry = &meaning.config.telemetry;
    let scheme = telemetry.otlp_endpoint.as_ref().map(|endpoint| endpoint.scheme());
    if scheme.is_some_and(|scheme| !matches!(scheme, "http" | "https")) {
        meaning.fault(
            &["telemetry", "otlp-endpoint"],
            "`otlp-endpoint` is neither http nor https",
            "expected such as http://127.0.0.1:4317",
        );
    }
    if let Some(authorities) = &telemetry.otlp_authorities {
        file(meaning, &["telemetry", "otlp-authorities"], authorities);
        if scheme != Some("https") {
            meaning.fault(
                &["telemetry", "otlp-authorities"],
                "no collector that shows a certificate",
                "expected an https `otlp-endpoint` beside it",
            );
        }
    }
}
