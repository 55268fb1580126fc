//! `[adapters.NAME]` with `kind = "fhir-rest"`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use adapter::ConnectError;
use adapter::setting::{Duration, Size};
use exchange::Connection;
pub use exchange::settings::{Header, Smart, SmartAlgorithm, Tls};
use exchange::settings::{
    absolute, default_connect_timeout, default_idle_connections, default_idle_timeout, refuse_plain_http,
};
use fhir::Version;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

/// The settings of the kind `fhir-rest`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The FHIR base of the back end: `https://ehr.example/fhir/r4`.
    pub base: String,
    /// Other bases under which the back end writes its own URLs, for example behind a proxy of its own.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The release that the back end speaks, unless its CapabilityStatement says so itself.
    #[serde(default = "default_version")]
    #[schemars(with = "String")]
    pub fhir_version: Version,
    /// Allows `http://` to a back end on another machine: payloads and tokens then cross the network in the clear.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Speaks HTTP/2 without asking, where the base is `http://`.
    #[serde(default)]
    pub http2_prior_knowledge: bool,
    /// Connecting, TLS included.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Best shorter than the back end's own limit.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout: Duration,
    /// Unused connections that are kept, for each worker.
    #[serde(default = "default_idle_connections")]
    pub idle_connections: usize,
    /// The largest reply that is held in memory: searches, histories, bundles.
    #[serde(default = "default_max_reply")]
    pub max_reply: Size,
    /// From this size on, a single resource is streamed instead of held.
    #[serde(default = "default_stream_from")]
    pub stream_from: Size,
    /// Whom to trust, and who we are.
    #[serde(default)]
    pub tls: Tls,
    /// A header field that authorizes the gateway.
    #[serde(default)]
    pub header: Option<Header>,
    /// SMART Backend Services towards the back end.
    #[serde(default)]
    pub smart: Option<Smart>,
    /// Where the capability comes from.
    #[serde(default)]
    pub capability: CapabilitySource,
    /// A CapabilityStatement: all there is with `capability = "configured"`, otherwise what holds until the back
    /// end's own was read.
    #[serde(default)]
    pub capability_file: Option<PathBuf>,
    /// How often the back end's CapabilityStatement is read.
    #[serde(default = "default_refresh")]
    pub capability_refresh: Duration,
    /// What is otherwise than the CapabilityStatement says, by resource type.
    #[serde(default)]
    pub resources: BTreeMap<String, ResourceOverride>,
    /// The back end serves `[base]/Patient/[id]/[type]`.
    #[serde(default)]
    pub compartment_search: bool,
    /// Searches by `POST [type]/_search`, so that criteria stay out of the back end's access log.
    #[serde(default)]
    pub search_by_post: bool,
    /// How long the link to a page can be followed.
    #[serde(default = "default_page_lifetime")]
    pub page_lifetime: Duration,
}

/// Where the capability comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CapabilitySource {
    /// From `[base]/metadata`, read again and again.
    #[default]
    Discovered,
    /// From the file (or the default) and the overrides alone.
    Configured,
}

/// `[adapters.NAME.resources.TYPE]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct ResourceOverride {
    /// The interactions, instead of the stated ones; an empty list takes the type out.
    pub interactions: Option<Vec<String>>,
    /// Search parameters beside the stated ones: code to type.
    pub search: BTreeMap<String, String>,
    /// `PUT` to an unknown id creates it.
    pub update_create: Option<bool>,
    /// `If-None-Exist` is honoured.
    pub conditional_create: Option<bool>,
    /// `PUT [type]?criteria` is honoured.
    pub conditional_update: Option<bool>,
    /// `single` or `multiple`; `not-supported` takes it out.
    pub conditional_delete: Option<String>,
    /// `no-version`, `versioned` or `versioned-update`.
    pub versioning: Option<String>,
}

fn default_version() -> Version {
    Version::R4
}

fn default_max_reply() -> Size {
    Size::from_mib(16)
}

fn default_stream_from() -> Size {
    Size::from_kib(64)
}

fn default_refresh() -> Duration {
    Duration::from_secs(300)
}

fn default_page_lifetime() -> Duration {
    Duration::from_secs(3600)
}

impl Settings {
    /// How connections are made and kept.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection {
            allow_plain_http: self.allow_plain_http,
            http2_prior_knowledge: self.http2_prior_knowledge,
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            idle_connections: self.idle_connections,
            tls: self.tls.clone(),
        }
    }

    /// The base, and every other base that means it, each without a slash at the end.
    ///
    /// # Errors
    /// A base is no absolute URL of http or https, or plain HTTP to another machine is not allowed.
    pub fn bases(&self) -> Result<Vec<String>, ConnectError> {
        let base = absolute("base", &self.base)?;
        if !self.allow_plain_http {
            refuse_plain_http("base", &base)?;
        }
        let mut bases = vec![written(&base)];
        for alias in &self.aliases {
            bases.push(written(&absolute("aliases", alias)?));
        }
        Ok(bases)
    }
}

fn written(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(base: &str) -> Settings {
        serde_json::from_value(serde_json::json!({ "base": base })).unwrap()
    }

    #[test]
    fn a_base_is_an_absolute_url_and_loses_its_last_slash() {
        assert_eq!(settings("https://ehr.example/fhir/").bases().unwrap(), ["https://ehr.example/fhir"]);
        for wrong in ["ehr.example", "ftp://ehr.example", "https://e.example/?x=1", "https://u:p@e.example/"] {
            assert!(settings(wrong).bases().is_err(), "{wrong}");
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_only_when_the_settings_say_so() {
        assert!(settings("http://127.0.0.1:8090/fhir").bases().is_ok());
        assert!(settings("http://ehr.example/fhir").bases().is_err());
        let mut open = settings("http://ehr.example/fhir");
        open.allow_plain_http = true;
        assert!(open.bases().is_ok());
    }
}
