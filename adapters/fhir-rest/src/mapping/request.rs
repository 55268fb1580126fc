//! An interaction as an HTTP request (FHIR http.html).

use std::borrow::Cow;

use adapter::{Call, Error, ErrorKind};
use bytes::Bytes;
use exchange::{Grant, client};
use fhir::interaction::{Level, Parameters, PatchFormat};
use fhir::{Compartment, Handling, Interaction, Query, ResourceType, VersionId};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, IF_MATCH, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

use crate::Server;
use crate::mapping::{confine, page};
use crate::rewrite::{Bases, Rewriter};

/// A request that can be sent again and again.
pub(crate) struct Outgoing {
    method: Method,
    uri: Uri,
    content_type: Option<&'static str>,
    body: Bytes,
    if_match: Option<HeaderValue>,
    if_none_exist: Option<HeaderValue>,
}

const FHIR_JSON: &str = "application/fhir+json";
const JSON_PATCH: &str = "application/json-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";
const IF_NONE_EXIST: HeaderName = HeaderName::from_static("if-none-exist");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Longer queries go into a body: servers take URLs of about 8,000 bytes.
const LONGEST_QUERY: usize = 4_000;

/// Makes the request of a call.
///
/// # Errors
/// What the back end must not be asked: a compartment that cannot be kept, a page link that is not ours, a body or a
/// query that cannot be sent.
pub(crate) fn outgoing(server: &Server, call: &Call, to_back_end: &Bases) -> Result<Outgoing, Error> {
    confine::refuse_unrestricted(call)?;
    let mut request = Draft { server, call, to_back_end }.draw()?;
    if !request.body.is_empty() && request.content_type != Some(FORM) && request.content_type != Some(JSON_PATCH) {
        request.body = rewritten(&request.body, to_back_end)?;
    }
    Ok(request)
}

struct Draft<'a> {
    server: &'a Server,
    call: &'a Call,
    to_back_end: &'a Bases,
}

impl Draft<'_> {
    fn draw(&self) -> Result<Outgoing, Error> {
        match &self.call.interaction {
            Interaction::Read { resource_type, id } => self.plain(Method::GET, format!("/{resource_type}/{id}")),
            Interaction::Vread { resource_type, id, version_id } => {
                self.plain(Method::GET, format!("/{resource_type}/{id}/_history/{version_id}"))
            }
            Interaction::Create { resource, if_none_exist } => {
                let mut request = self.plain(Method::POST, format!("/{}", resource.resource_type))?;
                if let Some(criteria) = if_none_exist {
                    let criteria = confine::criteria(self.call, resource.resource_type, criteria)?;
                    request.if_none_exist = Some(value(&self.query(&criteria))?);
                }
                Ok(request.with_body(FHIR_JSON, &resource.bytes))
            }
            Interaction::Update { id, resource, if_match } => {
                let path = format!("/{}/{id}", resource.resource_type);
                self.plain(Method::PUT, path)?.with_body(FHIR_JSON, &resource.bytes).matching(if_match.as_ref())
            }
            Interaction::ConditionalUpdate { criteria, resource, if_match } => self
                .conditional(Method::PUT, resource.resource_type, criteria)?
                .with_body(FHIR_JSON, &resource.bytes)
                .matching(if_match.as_ref()),
            Interaction::Patch { resource_type, id, patch, if_match } => self
                .plain(Method::PATCH, format!("/{resource_type}/{id}"))?
                .with_body(media_type(patch.format), &patch.bytes)
                .matching(if_match.as_ref()),
            Interaction::ConditionalPatch { resource_type, criteria, patch, if_match } => self
                .conditional(Method::PATCH, *resource_type, criteria)?
                .with_body(media_type(patch.format), &patch.bytes)
                .matching(if_match.as_ref()),
            Interaction::Delete { resource_type, id, if_match } => {
                self.plain(Method::DELETE, format!("/{resource_type}/{id}"))?.matching(if_match.as_ref())
            }
            Interaction::ConditionalDelete { resource_type, criteria } => {
                self.conditional(Method::DELETE, *resource_type, criteria)
            }
            Interaction::Batch { bundle, .. } => {
                Ok(self.plain(Method::POST, String::new())?.with_body(FHIR_JSON, &bundle.bytes))
            }
            Interaction::Capabilities => self.plain(Method::GET, "/metadata".to_owned()),
            Interaction::Operation { name, level, parameters } => self.operation(name, level, parameters),
            _ => self.listing(),
        }
    }

    /// Searches and histories: what answers in pages.
    fn listing(&self) -> Result<Outgoing, Error> {
        let (path, query) = match &self.call.interaction {
            Interaction::SearchType { resource_type, compartment, query } => {
                return self.search(*resource_type, compartment.as_ref(), query);
            }
            Interaction::HistoryInstance { resource_type, id, query } => {
                (format!("/{resource_type}/{id}/_history"), query)
            }
            Interaction::HistoryType { resource_type, query } => (format!("/{resource_type}/_history"), query),
            Interaction::HistorySystem { query } => ("/_history".to_owned(), query),
            Interaction::SearchSystem { compartment: None, query } => (String::new(), query),
            _ => return Err(Error::new(ErrorKind::NotSupported, "this interaction is not served by this back end")),
        };
        match query.first(page::PARAMETER) {
            Some(token) => self.page(token),
            None => self.plain(Method::GET, with_query(path, &self.query(query))),
        }
    }

    fn search(&self, kind: ResourceType, asked: Option<&Compartment>, query: &Query) -> Result<Outgoing, Error> {
        if let Some(token) = query.first(page::PARAMETER) {
            return self.page(token);
        }
        let by_url = self.server.settings.compartment_search;
        let restricted = confine::search(self.call, kind, asked, query, by_url)?;
        let place = match restricted.compartment {
            Some(owner) => format!("/{}/{}/{kind}", owner.resource_type, owner.id),
            None => format!("/{kind}"),
        };
        let query = self.query(&restricted.query);
        if self.server.settings.search_by_post || query.len() > LONGEST_QUERY {
            return Ok(self.plain(Method::POST, format!("{place}/_search"))?.with_body(FORM, &Bytes::from(query)));
        }
        self.plain(Method::GET, with_query(place, &query))
    }

    fn page(&self, token: &str) -> Result<Outgoing, Error> {
        self.plain(Method::GET, page::open(self.server, self.call, token)?)
    }

    fn conditional(&self, method: Method, kind: ResourceType, criteria: &Query) -> Result<Outgoing, Error> {
        let criteria = confine::criteria(self.call, kind, criteria)?;
        self.plain(method, with_query(format!("/{kind}"), &self.query(&criteria)))
    }

    fn operation(&self, name: &str, level: &Level, parameters: &Parameters) -> Result<Outgoing, Error> {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if name.is_empty() || !is_name {
            return Err(Error::new(ErrorKind::Invalid, "expected the name of an operation"));
        }
        let path = match level {
            Level::System => format!("/${name}"),
            Level::Type(resource_type) => format!("/{resource_type}/${name}"),
            Level::Instance(resource_type, id) => format!("/{resource_type}/{id}/${name}"),
        };
        match parameters {
            Parameters::Query(query) => self.plain(Method::GET, with_query(path, &self.query(query))),
            Parameters::Body(resource) => Ok(self.plain(Method::POST, path)?.with_body(FHIR_JSON, &resource.bytes)),
        }
    }

    fn plain(&self, method: Method, path: String) -> Result<Outgoing, Error> {
        let prefix = &self.server.prefix;
        let mut target = String::with_capacity(prefix.len() + path.len() + 1);
        target.push_str(prefix);
        target.push_str(&path);
        if target.is_empty() || target.starts_with('?') {
            target.insert(0, '/');
        }
        Ok(Outgoing {
            method,
            uri: client::uri(&self.server.base_uri, target)?,
            content_type: None,
            body: Bytes::new(),
            if_match: None,
            if_none_exist: None,
        })
    }

    /// Encodes a query; references to the gateway's base become references to the back end's.
    fn query(&self, query: &Query) -> String {
        let pairs = query.iter().filter(|(name, _)| !matches!(*name, "_format" | "_pretty"));
        let translated: Query =
            pairs.map(|(name, value)| (name.to_owned(), self.references(value).into_owned())).collect();
        translated.encode()
    }

    fn references<'v>(&self, value: &'v str) -> Cow<'v, str> {
        if !value.contains(&*self.call.base) {
            return Cow::Borrowed(value);
        }
        let parts: Vec<Cow<'_, str>> = value
            .split(',')
            .map(|part| self.to_back_end.replace(part).map_or(Cow::Borrowed(part), Cow::Owned))
            .collect();
        Cow::Owned(parts.join(","))
    }
}

impl Outgoing {
    fn with_body(mut self, content_type: &'static str, bytes: &Bytes) -> Self {
        self.content_type = Some(content_type);
        self.body = bytes.clone();
        self
    }

    fn matching(mut self, version: Option<&VersionId>) -> Result<Self, Error> {
        self.if_match = version.map(|version| value(&format!("W/\"{version}\""))).transpose()?;
        Ok(self)
    }

    /// Whether it carries `If-Match`.
    pub(crate) const fn has_version(&self) -> bool {
        self.if_match.is_some()
    }

    /// The request as it goes out. Only what stands here reaches the back end: no field of the client's is passed on.
    pub(crate) fn request(&self, call: &Call, grant: &Grant) -> Result<Request<Full<Bytes>>, Error> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.reserve(12);
        headers.insert(ACCEPT, HeaderValue::from_static(FHIR_JSON));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("frontdesk/", env!("CARGO_PKG_VERSION"))));
        if let Some(content_type) = self.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        insert(headers, PREFER, preference(call));
        insert(headers, IF_MATCH, self.if_match.clone());
        insert(headers, IF_NONE_EXIST, self.if_none_exist.clone());
        trace(headers, call);
        grant.apply(headers);
        Ok(request)
    }
}

/// What the back end is asked for: the resource that it wrote, and not to pass over what it does not know unless the client
/// may be answered so (search.html#errors).
fn preference(call: &Call) -> Option<HeaderValue> {
    let is_search = matches!(call.interaction, Interaction::SearchType { .. } | Interaction::SearchSystem { .. });
    let text = match call.handling {
        Handling::Lenient if is_search => "handling=lenient",
        Handling::Strict if is_search => "handling=strict",
        _ if !call.interaction.is_safe() => "return=representation",
        _ => return None,
    };
    Some(HeaderValue::from_static(text))
}

fn trace(headers: &mut HeaderMap, call: &Call) {
    let text = |text: &str| HeaderValue::from_str(text).ok();
    insert(headers, REQUEST_ID, text(&call.trace.request_id).filter(|id| !id.is_empty()));
    insert(headers, TRACEPARENT, call.trace.traceparent.as_deref().and_then(text));
    insert(headers, TRACESTATE, call.trace.tracestate.as_deref().and_then(text));
    insert(headers, IDEMPOTENCY_KEY, call.idempotency_key.as_deref().and_then(text));
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::Invalid, "expected a condition that fits into a header field"))
}

fn with_query(path: String, query: &str) -> String {
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

const fn media_type(format: PatchFormat) -> &'static str {
    match format {
        PatchFormat::Json => JSON_PATCH,
        PatchFormat::FhirPath => FHIR_JSON,
    }
}

fn rewritten(body: &Bytes, bases: &Bases) -> Result<Bytes, Error> {
    let mut rewriter = Rewriter::new(bases.clone());
    let written = rewriter.push(body).and_then(|written| rewriter.finish().map(|()| written));
    written.map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))
}
