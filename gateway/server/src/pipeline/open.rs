//! What needs no FHIR request: the token endpoint, keys, and checks of the head.

use adapter::Practice;
use fhir::IssueType;
use http::request::Parts;
use http::{StatusCode, Version, header};

use super::Pipeline;
use crate::failure::Failure;
use crate::respond::cors::Readers;

/// RFC 9112 3.2: exactly one Host on HTTP/1.1. Its value is not used: links are built on the public URL.
pub(super) fn check_host(head: &Parts) -> Result<(), Failure> {
    if head.version != Version::HTTP_11 || head.headers.get_all(header::HOST).iter().count() == 1 {
        return Ok(());
    }
    Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, "expected one Host field"))
}

impl Pipeline {
    /// Who may read the answer from a page of another origin.
    pub(super) fn readers(&self, head: &Parts, practice: &Practice, public: bool) -> Readers {
        Readers::of(&head.headers, public, |origin| {
            self.origins.iter().any(|known| known == origin) || self.authority.allows_origin(practice, origin)
        })
    }
}
