//! The entries of a batch-response or transaction-response.

use bytes::Bytes;

use super::LIMITS;
use crate::json::{Document, Kind, Value, scan};
use crate::{Id, ResourceType, VersionId};

/// How one entry was answered. Its `Debug` shows no resource and no id.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Absolute URL of the resource.
    pub full_url: Option<String>,
    /// Where the version is that was written or found, relative to the base: `Patient/1/_history/2`.
    pub location: Option<String>,
    /// Its version.
    pub version_id: Option<VersionId>,
    /// When that was made: an instant.
    pub last_modified: Option<String>,
    /// What was read, or what a write made.
    pub resource: Option<Bytes>,
    /// An OperationOutcome.
    pub outcome: Option<Bytes>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer({})", self.status)
    }
}

impl Answer {
    /// The answers of a Bundle, in order; none when it is no Bundle of answers.
    #[must_use]
    pub fn read_all(bundle: &Bytes) -> Option<Vec<Self>> {
        let mut nodes = Vec::new();
        scan(bundle, &mut nodes, LIMITS).ok()?;
        let root = Document::new(bundle, &nodes).root()?;
        if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
            return None;
        }
        let entries = root.member("entry").into_iter().flat_map(Value::children);
        entries.map(|entry| Self::read(entry, bundle)).collect()
    }

    fn read(entry: Value<'_>, bundle: &Bytes) -> Option<Self> {
        let response = entry.member("response")?;
        let text = |object: Value<'_>, name| object.member(name).and_then(Value::text).map(|text| text.into_owned());
        let slice = |value: Value<'_>| {
            let (start, end) = (value.node().start as usize, value.node().end as usize);
            (value.kind() == Kind::Object && end <= bundle.len()).then(|| bundle.slice(start..end))
        };
        Some(Self {
            // Bundle.entry.response.status begins with three digits.
            status: text(response, "status")?.get(..3)?.parse().ok()?,
            full_url: text(entry, "fullUrl"),
            location: text(response, "location"),
            version_id: text(response, "etag").and_then(|etag| VersionId::of_etag(&etag)),
            last_modified: text(response, "lastModified"),
            resource: entry.member("resource").and_then(slice),
            outcome: response.member("outcome").and_then(slice),
        })
    }

    /// The resource that its location names: type, id, and version where it says one.
    #[must_use]
    pub fn subject(&self) -> Option<(ResourceType, Id, Option<VersionId>)> {
        let location = self.location.as_deref()?;
        let (place, version) = location.split_once("/_history/").map_or((location, None), |(at, of)| (at, Some(of)));
        let mut parts = place.rsplit('/');
        let (id, kind) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let version = version.and_then(|version| version.parse().ok());
        Some((kind, id, version.or_else(|| self.version_id.clone())))
    }
}

/// A Bundle of answers being written.
#[derive(Debug)]
pub struct Answers {
    out: Vec<u8>,
    count: usize,
}

impl Answers {
    /// `batch-response` or `transaction-response`.
    #[must_use]
    pub fn new(transaction: bool) -> Self {
        let kind = if transaction { "transaction-response" } else { "batch-response" };
        Self { out: format!(r#"{{"resourceType":"Bundle","type":"{kind}""#).into_bytes(), count: 0 }
    }

    /// Adds an answer.
    pub fn push(&mut self, answer: &Answer) {
        // FHIR json.html: an array is never empty, so that it begins with its first item.
        self.out.extend_from_slice(if self.count == 0 { br#","entry":[{"# } else { b",{" });
        self.count += 1;
        if let (Some(url), Some(_)) = (&answer.full_url, &answer.resource) {
            self.text("fullUrl", url);
            self.out.push(b',');
        }
        if let Some(resource) = &answer.resource {
            self.raw("resource", resource);
            self.out.push(b',');
        }
        self.out.extend_from_slice(br#""response":{"#);
        self.text("status", format!("{} {}", answer.status, reason(answer.status)).trim_end());
        let etag = answer.version_id.as_ref().map(|version| format!("W/\"{version}\""));
        for (name, value) in [("location", &answer.location), ("etag", &etag), ("lastModified", &answer.last_modified)]
        {
            if let Some(value) = value {
                self.out.push(b',');
                self.text(name, value);
            }
        }
        if let Some(outcome) = &answer.outcome {
            self.out.push(b',');
            self.raw("outcome", outcome);
        }
        self.out.extend_from_slice(b"}}");
    }

    /// Bytes so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is no answer yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The JSON.
    #[must_use]
    pub fn into_bytes(mut self) -> Bytes {
        self.out.extend_from_slice(if self.count == 0 { b"}" } else { b"]}" });
        self.out.into()
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, serde_json::Value::from(value).to_string().as_bytes());
    }

    fn raw(&mut self, name: &str, value: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out.extend_from_slice(value);
    }
}

/// The words of a status (RFC 9110 15); none for what entries are not answered with.
#[must_use]
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
