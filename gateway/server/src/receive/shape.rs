//! The shapes of FHIR's URLs (http.html), and the methods each one takes.

use std::borrow::Cow;

use fhir::interaction::Level;
use fhir::{Compartment, Id, IssueType, ResourceType, Version, VersionId};
use http::{Method, StatusCode, header};

use crate::failure::Failure;

/// What a URL behind a FHIR base names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[base]`
    System,
    /// `[base]/metadata`
    Metadata,
    /// `[base]/.well-known/smart-configuration`
    Discovery,
    /// `[base]/_history`
    SystemHistory,
    /// `[base]/_search`
    SystemSearch,
    /// `[base]/[type]`
    Type(ResourceType),
    /// `[base]/[type]/_history`
    TypeHistory(ResourceType),
    /// `[base]/[type]/_search`
    TypeSearch(ResourceType),
    /// `[base]/[type]/[id]`
    Instance(ResourceType, Id),
    /// `[base]/[type]/[id]/_history`
    InstanceHistory(ResourceType, Id),
    /// `[base]/[type]/[id]/_history/[vid]`
    Version(ResourceType, Id, VersionId),
    /// `[base]/[compartment]/[id]/[type]`, or `*` for every type; with `_search` behind it for POST
    Compartment {
        /// Whose compartment.
        owner: Compartment,
        /// One type, or all.
        of: Option<ResourceType>,
        /// Whether it ends in `_search`.
        by_post: bool,
    },
    /// `[base]/…/$name`
    Operation(Level, String),
}

impl Shape {
    /// Reads the segments behind a base.
    ///
    /// # Errors
    /// 404 for what is no URL of FHIR or names a type that the release does not have, 400 for an id that is none.
    pub fn read(segments: &[Cow<'_, str>], version: Version) -> Result<Self, Failure> {
        let texts: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let known = |name: &str| resource_type(name, version);
        Ok(match texts.as_slice() {
            [] => Self::System,
            ["metadata"] => Self::Metadata,
            [".well-known", "smart-configuration"] => Self::Discovery,
            ["_history"] => Self::SystemHistory,
            ["_search"] => Self::SystemSearch,
            [name] if name.starts_with('$') => Self::Operation(Level::System, operation(name)?),
            [name] => Self::Type(known(name)?),
            [of, "_history"] => Self::TypeHistory(known(of)?),
            [of, "_search"] => Self::TypeSearch(known(of)?),
            [of, name] if name.starts_with('$') => Self::Operation(Level::Type(known(of)?), operation(name)?),
            [of, id] => Self::Instance(known(of)?, logical_id(id)?),
            [of, id, "_history"] => Self::InstanceHistory(known(of)?, logical_id(id)?),
            [of, id, "_history", version] => Self::Version(known(of)?, logical_id(id)?, version_id(version)?),
            [of, id, name] if name.starts_with('$') => {
                Self::Operation(Level::Instance(known(of)?, logical_id(id)?), operation(name)?)
            }
            [owner, id, of] => compartment(known(owner)?, id, of, false, version)?,
            [owner, id, of, "_search"] => compartment(known(owner)?, id, of, true, version)?,
            _ => return Err(not_found("expected a URL of FHIR's RESTful API behind the base")),
        })
    }

    /// The methods that it takes, as an Allow field lists them.
    #[must_use]
    pub const fn allow(&self) -> &'static str {
        match self {
            Self::System => "GET, HEAD, POST, OPTIONS",
            Self::Type(_) => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            Self::Instance(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::SystemSearch | Self::TypeSearch(_) | Self::Compartment { by_post: true, .. } => "POST, OPTIONS",
            Self::Operation(..) => "GET, HEAD, POST, OPTIONS",
            Self::Metadata
            | Self::Discovery
            | Self::SystemHistory
            | Self::TypeHistory(_)
            | Self::InstanceHistory(..)
            | Self::Version(..)
            | Self::Compartment { by_post: false, .. } => "GET, HEAD, OPTIONS",
        }
    }

    /// Whether it takes the method.
    ///
    /// # Errors
    /// 405 with Allow (RFC 9110 15.5.6).
    pub fn check_method(&self, method: &Method) -> Result<(), Failure> {
        if self.allow().split(", ").any(|allowed| allowed == method.as_str()) {
            return Ok(());
        }
        let text = format!("expected one of {} here", self.allow());
        Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, IssueType::NotSupported, text)
            .with_header(header::ALLOW, self.allow()))
    }

    /// Whether anybody may read it without a token, from any origin.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self, Self::Metadata | Self::Discovery)
    }
}

fn compartment(
    resource_type: ResourceType,
    id: &str,
    of: &str,
    by_post: bool,
    version: Version,
) -> Result<Shape, Failure> {
    // compartmentdefinition.html names these; others own nothing.
    if !matches!(resource_type.as_str(), "Patient" | "Practitioner" | "RelatedPerson" | "Device" | "Encounter") {
        return Err(not_found("expected a compartment of Patient, Practitioner, RelatedPerson, Device or Encounter"));
    }
    let of = if of == "*" { None } else { Some(self::resource_type(of, version)?) };
    Ok(Shape::Compartment { owner: Compartment { resource_type, id: logical_id(id)? }, of, by_post })
}

fn resource_type(name: &str, version: Version) -> Result<ResourceType, Failure> {
    name.parse::<ResourceType>().ok().filter(|of| of.is_in(version)).ok_or_else(|| {
        let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        // http.html#read: 404 for a type that is no end-point here.
        Failure::new(
            StatusCode::NOT_FOUND,
            IssueType::NotSupported,
            format!("expected a resource type of FHIR {version}, found `{shown}`"),
        )
    })
}

fn logical_id(text: &str) -> Result<Id, Failure> {
    text.parse().map_err(|error: fhir::id::InvalidId| {
        Failure::new(StatusCode::BAD_REQUEST, IssueType::Value, error.to_string())
    })
}

fn version_id(text: &str) -> Result<VersionId, Failure> {
    text.parse().map_err(|error: fhir::id::InvalidId| {
        Failure::new(StatusCode::BAD_REQUEST, IssueType::Value, error.to_string())
    })
}

fn operation(segment: &str) -> Result<String, Failure> {
    let name = segment.trim_start_matches('$');
    let sound = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if sound { Ok(name.to_owned()) } else { Err(not_found("expected the name of an operation behind `$`")) }
}

fn not_found(text: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, IssueType::NotFound, text)
}

#[cfg(test)]
mod tests {
    use super::super::path::Path;
    use super::*;

    fn shape(raw: &str) -> Result<String, u16> {
        let path = Path::parse(raw).map_err(|failure| failure.status.as_u16())?;
        let shape = Shape::read(path.segments(), Version::R4).map_err(|failure| failure.status.as_u16())?;
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
        let failure = Shape::SystemSearch.check_method(&Method::GET).unwrap_err();
        assert_eq!(failure.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(failure.headers[header::ALLOW], "POST, OPTIONS");
    }
}
