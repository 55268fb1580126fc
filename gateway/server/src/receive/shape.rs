//! What the shapes of FHIR's URLs ([`fhir::Shape`]) are in HTTP.

use fhir::shape::UnknownShape;
use fhir::{IssueType, Shape};
use http::{Method, StatusCode, header};

use crate::failure::Failure;

/// Whether the shape takes the method.
///
/// # Errors
/// 405 with Allow (RFC 9110 15.5.6).
pub fn check_method(shape: &Shape, method: &Method) -> Result<(), Failure> {
    if shape.takes(method.as_str()) {
        return Ok(());
    }
    let text = format!("expected one of {} here", shape.allow());
    Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
        .with_header(header::ALLOW, shape.allow()))
}

impl From<UnknownShape> for Failure {
    fn from(unknown: UnknownShape) -> Self {
        let (status, code) = match &unknown {
            UnknownShape::Form(_) => (StatusCode::NOT_FOUND, IssueType::NotFound),
            // http.html#read: 404 for a type that is no end-point here.
            UnknownShape::Type(..) => (StatusCode::NOT_FOUND, IssueType::NotSupported),
            UnknownShape::Id(_) => (StatusCode::BAD_REQUEST, IssueType::Value),
        };
        Self::new(status, code, unknown.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::Path;
    use super::*;
    use fhir::Version;

    fn shape(raw: &str) -> Result<String, u16> {
        let path = Path::parse(raw).map_err(|failure| failure.status.as_u16())?;
        let shape =
            Shape::read(path.segments(), Version::R4).map_err(|unknown| Failure::from(unknown).status.as_u16())?;
        let methods = shape.allow().replace(", OPTIONS", "").replace(", ", " ");
        let name = format!("{shape:?}");
        Ok(format!("{} {methods}", name.split(['(', ' ']).next().unwrap_or_default()))
    }

    #[test]
    fn every_url_of_fhirs_api_has_its_shape_and_its_methods() {
        for (url, expected) in [
            ("/", "System GET HEAD POST"),
            ("/metadata", "Metadata GET HEAD"),
            ("/.well-known/smart-configuration", "Discovery GET HEAD"),
            ("/_history", "SystemHistory GET HEAD"),
            ("/_search", "SystemSearch POST"),
            ("/Patient", "Type GET HEAD POST PUT PATCH DELETE"),
            ("/Patient/", "Type GET HEAD POST PUT PATCH DELETE"),
            ("/Patient/_search", "TypeSearch POST"),
            ("/Patient/_history", "TypeHistory GET HEAD"),
            ("/Patient/p-1", "Instance GET HEAD PUT PATCH DELETE"),
            ("/Patient/p-1/_history", "InstanceHistory GET HEAD"),
            ("/Patient/p-1/_history/3", "Version GET HEAD"),
            ("/Patient/p-1/Appointment", "Compartment GET HEAD"),
            ("/Patient/p-1/*", "Compartment GET HEAD"),
            ("/Patient/p-1/Appointment/_search", "Compartment POST"),
            ("/$export", "Operation GET HEAD POST"),
            ("/Patient/$match", "Operation GET HEAD POST"),
            ("/Patient/p-1/$everything", "Operation GET HEAD POST"),
        ] {
            assert_eq!(shape(url).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_fhirs_api_is_not_found_and_a_broken_id_is_refused() {
        for (url, status) in [
            ("/patient", 404),
            ("/Nothing/1", 404),
            ("/Ingredient/1", 404),
            ("/Slot/1/Appointment", 404),
            ("/Patient/1/Nothing", 404),
            ("/Patient/1/_history/2/3", 404),
            ("/Patient/1/x/y", 404),
            ("/$", 404),
            ("/$a b", 404),
            ("/Patient/a_b", 400),
            ("/Patient/a%20b", 400),
            ("/Patient/1/_history/%3F", 400),
        ] {
            assert_eq!(shape(url), Err(status), "{url}");
        }
        let long = format!("/Patient/{}", "a".repeat(65));
        assert_eq!(shape(&long), Err(400));
    }

    #[test]
    fn another_method_is_405_and_told_what_is_allowed() {
        let failure = check_method(&Shape::SystemSearch, &Method::GET).unwrap_err();
        assert_eq!(failure.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(failure.headers[header::ALLOW], "POST, OPTIONS");
    }
}
