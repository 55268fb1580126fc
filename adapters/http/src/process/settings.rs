//! `[adapters.NAME]` with `kind = "process"`.

use std::path::PathBuf;

use adapter::ConnectError;
use adapter::setting::{Duration, Secret, Size};
use exchange::Connection;
use exchange::settings::{absolute, refuse_plain_http};
use fhir::Version;
use schemars::JsonSchema;
use serde::Deserialize;

/// The settings of the kind `process`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Where the process listens: `http://127.0.0.1:9100`. Either this or `socket`.
    #[serde(default)]
    pub url: Option<String>,
    /// The Unix socket that the process listens on.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// A secret that both know: every request carries it as `Authorization: Bearer …`.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// The release that the process speaks, unless its capability says so itself.
    #[serde(default = "default_version")]
    #[schemars(with = "String")]
    pub fhir_version: Version,
    /// A CapabilityStatement that holds until the process gave its own; without it, plain reading, writing and searching of
    /// every type.
    #[serde(default)]
    pub capability_file: Option<PathBuf>,
    /// How often the process is asked for its capability.
    #[serde(default = "default_refresh")]
    pub capability_refresh: Duration,
    /// The largest answer that is taken.
    #[serde(default = "default_max_reply")]
    pub max_reply: Size,
    /// How long the link to a page can be followed.
    #[serde(default = "default_page_lifetime")]
    pub page_lifetime: Duration,
    /// How connections are made and kept.
    #[serde(default)]
    pub connection: Connection,
}

fn default_version() -> Version {
    Version::R4
}

fn default_refresh() -> Duration {
    Duration::from_secs(60)
}

fn default_max_reply() -> Size {
    Size::from_mib(16)
}

fn default_page_lifetime() -> Duration {
    Duration::from_secs(3600)
}

/// Where a process listens.
pub(super) enum Place {
    /// A URL, without a slash at its end.
    Url(String),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Settings {
    /// Where the process listens.
    ///
    /// # Errors
    /// Both or none of `url` and `socket`, no absolute URL, or plain HTTP to another machine.
    pub(super) fn place(&self) -> Result<Place, ConnectError> {
        match (&self.url, &self.socket) {
            (Some(text), None) => {
                let url = absolute("url", text)?;
                if !self.connection.allow_plain_http {
                    refuse_plain_http("url", &url)?;
                }
                Ok(Place::Url(url.as_str().trim_end_matches('/').to_owned()))
            }
            (None, Some(path)) => Ok(Place::Socket(path.clone())),
            _ => Err(ConnectError::Settings("expected one of `url` and `socket`".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> Settings {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_process_has_one_place_on_this_machine_or_behind_tls() {
        assert!(settings(serde_json::json!({ "url": "http://127.0.0.1:9100/" })).place().is_ok());
        assert!(settings(serde_json::json!({ "url": "https://billing.example" })).place().is_ok());
        assert!(settings(serde_json::json!({ "socket": "/run/billing.sock" })).place().is_ok());
        for wrong in [
            serde_json::json!({}),
            serde_json::json!({ "url": "http://billing.example" }),
            serde_json::json!({ "url": "billing" }),
            serde_json::json!({ "url": "http://127.0.0.1:9100", "socket": "/run/billing.sock" }),
        ] {
            assert!(settings(wrong.clone()).place().is_err(), "{wrong}");
        }
    }
}
