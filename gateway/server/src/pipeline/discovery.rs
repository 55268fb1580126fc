//! `/metadata` and `.well-known/smart-configuration`: what anybody may know.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter::Practice;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use fhir::{Query, Shape};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Pipeline;
use crate::failure::Failure;
use crate::federate::across;
use crate::listener::Body;
use crate::operations;
use crate::passage::Passage;
use crate::receive::negotiate;
use crate::receive::site::Site;
use crate::receive::{Preferences, check_method};
use crate::respond::{self, Manner};

/// How long a statement is good for: capabilities change rarely, and anybody may ask.
const FRESH: Duration = Duration::from_secs(2);

/// What `/metadata` said last, by base.
#[derive(Default)]
pub struct Statements(Mutex<Vec<(Arc<str>, Instant, Stated)>>);

/// A statement, and what tells it from others.
#[derive(Clone)]
struct Stated {
    bytes: Bytes,
    /// Weak (RFC 9110 8.8.3): one for all formats.
    tag: HeaderValue,
}

impl Statements {
    fn fresh(&self, base: &Arc<str>) -> Option<Stated> {
        let known = self.0.lock();
        known.iter().find(|(of, made, _)| of == base && made.elapsed() < FRESH).map(|(_, _, stated)| stated.clone())
    }

    fn keep(&self, base: &Arc<str>, stated: Stated) {
        let mut known = self.0.lock();
        known.retain(|(of, _, _)| of != base);
        known.push((Arc::clone(base), Instant::now(), stated));
    }
}

impl Stated {
    fn new(bytes: Bytes) -> Self {
        let hash = digest(&SHA256, &bytes);
        let text: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let tag = HeaderValue::try_from(format!("W/\"{text}\"")).unwrap_or(HeaderValue::from_static("W/\"\""));
        Self { bytes, tag }
    }

    /// RFC 9110 13.1.2: whether the client has it, by a comparison that is weak.
    fn is_known(&self, head: &Parts) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = self.tag.to_str().map(opaque).unwrap_or_default();
        let fields = head.headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
        fields.flat_map(|field| field.split(',')).any(|tag| tag.trim() == "*" || opaque(tag) == own)
    }
}

impl Pipeline {
    /// `[base]/metadata`: a CapabilityStatement of what this base's practice can do now.
    pub(super) fn state(
        &self,
        head: &Parts,
        shape: &Shape,
        site: &Site,
        passage: &mut Passage,
    ) -> Result<Response<Body>, Failure> {
        check_method(shape, &head.method)?;
        let mut query = Query::parse(head.uri.query().unwrap_or_default());
        let format = negotiate::accept(&head.headers, &mut query, site.version)?;
        passage.format = format;
        passage.interaction = Some(fhir::InteractionCode::Capabilities);
        let stated = self.statements.fresh(&site.base).unwrap_or_else(|| {
            let stated = Stated::new(self.statement(site).to_string().into());
            self.statements.keep(&site.base, stated.clone());
            stated
        });
        let pretty = query.first("_pretty") == Some("true");
        let preferences = Preferences { format, pretty, ..Preferences::default() };
        let manner = Manner::to_read(preferences, head.method == Method::HEAD, site.version);
        let mut response = match stated.is_known(head) {
            true => respond::empty(StatusCode::NOT_MODIFIED),
            false => respond::resource(&manner, stated.bytes)?,
        };
        response.headers_mut().insert(header::ETAG, stated.tag);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }

    /// `[base]/.well-known/smart-configuration`: JSON whatever Accept says.
    pub(super) fn discover(&self, head: &Parts, shape: &Shape, site: &Site) -> Result<Response<Body>, Failure> {
        check_method(shape, &head.method)?;
        let document = self.authority.smart_configuration(&site.practice);
        Ok(public_json(head, document))
    }

    /// The public keys of the authorization server.
    pub(super) fn keys(&self, head: &Parts) -> Result<Response<Body>, Failure> {
        check_method(&Shape::Discovery, &head.method)?;
        Ok(public_json(head, self.authority.jwks()))
    }

    fn statement(&self, site: &Site) -> Value {
        let mut capability = self.routes.capability(&site.practice);
        for (of, resource) in &mut capability.resources {
            resource.operations.extend(operations::offered(&self.routes, &site.practice, Some(*of)));
        }
        capability.operations.extend(operations::offered(&self.routes, &site.practice, None));
        across::add_includes(&self.routes, &site.practice, &mut capability);
        let patches = |resource: &fhir::capability::ResourceCapability| {
            resource.interactions.contains(&fhir::InteractionCode::Patch)
        };
        let mut rest = capability.to_rest();
        if let Some(rest) = rest.as_object_mut() {
            rest.insert("security".into(), self.security(&site.practice));
        }
        let mut statement = json!({
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": date(self.started),
            "publisher": "Frontdesk",
            "kind": "instance",
            "software": { "name": "Frontdesk", "version": env!("CARGO_PKG_VERSION") },
            "implementation": { "description": "Frontdesk, a FHIR integration gateway", "url": &*site.base },
            "fhirVersion": site.version.number(),
            "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
            "rest": [rest],
        });
        // Bulk Data Access 2.0.0 asks for it of whoever exports.
        if capability.operations.contains_key("export") {
            statement["instantiates"] = json!(["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"]);
        }
        if capability.resources.values().any(patches) {
            statement["patchFormat"] =
                json!(["application/json-patch+json", "application/fhir+json", "application/fhir+xml"]);
        }
        statement
    }

    fn security(&self, practice: &Practice) -> Value {
        json!({
            "cors": true,
            "service": [{
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                    "code": "SMART-on-FHIR",
                }],
                "text": "SMART Backend Services: a token of the token endpoint, by a signed assertion",
            }],
            "extension": [{
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{ "url": "token", "valueUri": self.authority.token_endpoint(practice) }],
            }],
        })
    }
}

fn public_json(head: &Parts, document: impl Into<Bytes>) -> Response<Body> {
    let mut response = respond::json(StatusCode::OK, document);
    if head.method == Method::HEAD {
        let length = response.body().length().unwrap_or_default();
        *response.body_mut() = Body::empty();
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
    response
}

fn date(at: SystemTime) -> String {
    OffsetDateTime::from(at)
        .replace_nanosecond(0)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc3339)
        .unwrap_or_default()
}
