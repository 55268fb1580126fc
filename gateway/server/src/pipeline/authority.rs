//! stub

use adapter::Practice;
use bytes::Bytes;
use serde_json::{Value, json};
use fhir::IssueType;
use http::StatusCode;
use crate::authorize::Permitted;
use crate::failure::Failure;
use crate::receive::Request;

pub struct Authority;
impl Authority {
    pub fn allows_origin(&self, _: &Practice, _: &str) -> bool { false }
    pub fn smart_configuration(&self, _: &Practice) -> Value { json!({}) }
    pub fn jwks(&self, _: &Practice) -> Bytes { Bytes::new() }
    pub fn token_url(&self, _: &Practice) -> String { String::new() }
}
pub async fn permit(_: Request, _: &Authority) -> Result<Permitted, Failure> {
    Err(Failure::new(StatusCode::UNAUTHORIZED, IssueType::Login, "expected a bearer token"))
}
