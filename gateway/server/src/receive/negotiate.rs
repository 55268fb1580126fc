//! Media types (http.html#mime-type): what a body is written in, and what the answer shall be.

use fhir::interaction::PatchFormat;
use fhir::{IssueType, Query, Version};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{bad, only};
use crate::failure::Failure;

/// What an answer is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// The media type that the client asked for.
    pub media: Media,
    /// The release, when the client named one: the answer then names it too.
    pub version: Option<Version>,
}

/// The media types of FHIR's JSON and XML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// `application/fhir+json`
    #[default]
    FhirJson,
    /// `application/json`: a client that asks for the generic type gets it.
    Json,
    /// `application/fhir+xml`
    FhirXml,
    /// `application/xml`: as with JSON.
    Xml,
}

/// How a resource in a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The release, when the client named one.
    pub version: Option<Version>,
    /// XML; JSON otherwise.
    pub is_xml: bool,
}

/// What bodies may be written in.
const TAKEN: &str = "application/fhir+json, application/fhir+xml";

impl Format {
    /// The Content-Type of an answer.
    #[must_use]
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match (self.media, self.version) {
            (Media::FhirJson, None) => "application/fhir+json; charset=utf-8",
            (Media::FhirJson, Some(Version::R4)) => "application/fhir+json; fhirVersion=4.0; charset=utf-8",
            (Media::FhirJson, Some(Version::R4B)) => "application/fhir+json; fhirVersion=4.3; charset=utf-8",
            (Media::FhirJson, Some(Version::R5)) => "application/fhir+json; fhirVersion=5.0; charset=utf-8",
            (Media::Json, _) => "application/json; charset=utf-8",
            (Media::FhirXml, None) => "application/fhir+xml; charset=utf-8",
            (Media::FhirXml, Some(Version::R4)) => "application/fhir+xml; fhirVersion=4.0; charset=utf-8",
            (Media::FhirXml, Some(Version::R4B)) => "application/fhir+xml; fhirVersion=4.3; charset=utf-8",
            (Media::FhirXml, Some(Version::R5)) => "application/fhir+xml; fhirVersion=5.0; charset=utf-8",
            (Media::Xml, _) => "application/xml; charset=utf-8",
        })
    }

    /// Whether an answer is XML; JSON otherwise.
    #[must_use]
    pub const fn is_xml(self) -> bool {
        matches!(self.media, Media::FhirXml | Media::Xml)
    }
}

/// The same before anything else of a request is looked at, so that refusals too are written as the client asked; what cannot
/// be told yet is told later.
#[must_use]
pub fn glimpse(headers: &HeaderMap, query: Option<&str>, base: Version) -> Format {
    let is_said = |value: &HeaderValue| value.as_bytes().windows(3).any(|part| part.eq_ignore_ascii_case(b"xml"));
    let mut fields = headers.get_all(header::ACCEPT).iter().chain(headers.get_all(header::CONTENT_TYPE));
    if !query.is_some_and(|query| query.contains("_format")) && !fields.any(is_said) {
        return Format::default();
    }
    accept(headers, &mut Query::parse(query.unwrap_or_default()), base).unwrap_or_default()
}

/// What the answer shall be: `_format` goes before Accept (http.html#parameters) and is taken out of the query. Where neither
/// prefers one to the other, XML is answered in XML (http.html#mime-type: the Content-Type is what a client without Accept takes).
///
/// # Errors
/// 406 when nothing that we write would do.
pub fn accept(headers: &HeaderMap, query: &mut Query, base: Version) -> Result<Format, Failure> {
    if let Some(wanted) = query.first("_format") {
        // `+` in a query is a blank; hardly anybody writes `%2B`.
        let format = offer(&wanted.replace(' ', "+"), base, Media::FhirJson).ok_or_else(not_acceptable)?;
        query.remove("_format");
        return Ok(format);
    }
    let own = own(headers);
    let mut best: Option<(u16, Format)> = None;
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        let value = value.to_str().map_err(|_| bad("expected Accept in visible ASCII"))?;
        for range in value.split(',').filter(|range| !range.trim().is_empty()) {
            asked = true;
            let weight = quality(range);
            if weight > best.map_or(0, |(weight, _)| weight)
                && let Some(format) = offer(range, base, own)
            {
                best = Some((weight, format));
            }
        }
    }
    match best {
        Some((_, format)) => Ok(format),
        None if asked => Err(not_acceptable()),
        None => Ok(Format { media: own, version: None }),
    }
}

/// What the body of the request is written in.
fn own(headers: &HeaderMap) -> Media {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match Parsed::new(said).essence.as_str() {
        "application/fhir+xml" | "application/xml" | "text/xml" => Media::FhirXml,
        _ => Media::FhirJson,
    }
}

/// The media type of a body that must be a resource.
///
/// # Errors
/// 415 for any other, or for another character set or release.
pub fn resource(headers: &HeaderMap, base: Version) -> Result<Written, Failure> {
    let content_type = content_type(headers)?;
    let media = Parsed::new(content_type);
    let is_xml = match media.essence.as_str() {
        "application/fhir+json" | "application/json" | "text/json" => false,
        "application/fhir+xml" | "application/xml" | "text/xml" => true,
        _ => return Err(unsupported(TAKEN, header::ACCEPT)),
    };
    Ok(Written { version: media.check(base)?, is_xml })
}

/// The language of a patch.
///
/// # Errors
/// 415 with Accept-Patch (RFC 5789 2.2).
pub fn patch(headers: &HeaderMap, base: Version) -> Result<(PatchFormat, Written), Failure> {
    let media = Parsed::new(content_type(headers)?);
    let (format, is_xml) = match media.essence.as_str() {
        "application/json-patch+json" => (PatchFormat::Json, false),
        "application/fhir+json" | "application/json" => (PatchFormat::FhirPath, false),
        "application/fhir+xml" | "application/xml" | "text/xml" => (PatchFormat::FhirPath, true),
        _ => {
            let accepted = "application/json-patch+json, application/fhir+json, application/fhir+xml";
            return Err(unsupported(accepted, http::HeaderName::from_static("accept-patch")));
        }
    };
    Ok((format, Written { version: media.check(base)?, is_xml }))
}

/// Whether a body is a form.
///
/// # Errors
/// 415 for any other.
pub fn form(headers: &HeaderMap) -> Result<(), Failure> {
    let media = Parsed::new(content_type(headers)?);
    if media.essence == "application/x-www-form-urlencoded" {
        return Ok(());
    }
    Err(unsupported("application/x-www-form-urlencoded", header::ACCEPT))
}

/// Compressed bodies are refused: a few bytes could become gigabytes.
fn content_type(headers: &HeaderMap) -> Result<&str, Failure> {
    let encoding = only(headers, &header::CONTENT_ENCODING)?.unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(unsupported("no Content-Encoding", header::ACCEPT_ENCODING));
    }
    Ok(only(headers, &header::CONTENT_TYPE)?.unwrap_or_default())
}

struct Parsed<'a> {
    essence: String,
    parameters: &'a str,
}

impl<'a> Parsed<'a> {
    fn new(text: &'a str) -> Self {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self { essence: essence.trim().to_ascii_lowercase(), parameters }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.split(';').find_map(|parameter| {
            let (known, value) = parameter.split_once('=')?;
            known.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
        })
    }

    fn version(&self, base: Version) -> Result<Option<Version>, ()> {
        match self.parameter("fhirVersion") {
            None => Ok(None),
            Some(text) => text.parse().ok().filter(|version| speaks(base, *version)).map(Some).ok_or(()),
        }
    }

    fn check(&self, base: Version) -> Result<Option<Version>, Failure> {
        if self.parameter("charset").is_some_and(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
            return Err(unsupported("charset utf-8", header::ACCEPT));
        }
        self.version(base).map_err(|()| unsupported(&format!("fhirVersion {}", spoken(base)), header::ACCEPT))
    }
}

/// R4 and R4B are one base: what we serve is the same in both.
fn speaks(base: Version, version: Version) -> bool {
    base == version || (base == Version::R4 && version == Version::R4B)
}

fn spoken(base: Version) -> &'static str {
    if base == Version::R4 { "4.0 or 4.3" } else { base.mime() }
}

fn offer(range: &str, base: Version, whichever: Media) -> Option<Format> {
    let parsed = Parsed::new(range);
    let media = match parsed.essence.as_str() {
        "*/*" | "application/*" => whichever,
        "application/fhir+json" | "json" => Media::FhirJson,
        "application/json" | "text/json" => Media::Json,
        "application/fhir+xml" | "xml" => Media::FhirXml,
        "application/xml" | "text/xml" => Media::Xml,
        _ => return None,
    };
    Some(Format { media, version: parsed.version(base).ok()? })
}

/// The weight of a media range in thousandths (RFC 9110 12.4.2); a broken one counts as nothing.
fn quality(range: &str) -> u16 {
    let Some(weight) = Parsed::new(range).parameter("q") else { return 1000 };
    weight
        .parse::<f32>()
        .ok()
        .filter(|weight| (0.0..=1.0).contains(weight))
        .map_or(0, |weight| (weight * 1000.0) as u16)
}

fn not_acceptable() -> Failure {
    let text = "expected an Accept or _format that takes application/fhir+json or application/fhir+xml";
    Failure::new(StatusCode::NOT_ACCEPTABLE, IssueType::NotSupported, text)
}

fn unsupported(expected: &str, field: http::HeaderName) -> Failure {
    let text = format!("expected a body in {expected}");
    let failure = Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, IssueType::NotSupported, text);
    if field == header::ACCEPT_ENCODING {
        return failure.with_header(field, "identity");
    }
    failure.with_header(field, expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(accept: &str, query: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        if !accept.is_empty() {
            headers.insert(header::ACCEPT, accept.parse().unwrap());
        }
        let format = super::accept(&headers, &mut Query::parse(query), Version::R4).ok()?;
        Some(format.content_type().to_str().unwrap().replace("; charset=utf-8", ""))
    }

    #[test]
    fn the_answer_is_in_what_was_asked_for_or_there_is_none() {
        let (fhir, xml) = (Some("application/fhir+json"), Some("application/fhir+xml"));
        for (accept, query, expected) in [
            ("", "", fhir),
            ("*/*", "", fhir),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", Some("application/xml")),
            ("application/json", "", Some("application/json")),
            ("application/fhir+xml;q=0.5, application/fhir+json", "", fhir),
            ("application/fhir+xml, application/fhir+json;q=0.5", "", xml),
            ("text/xml", "", Some("application/xml")),
            ("application/fhir+xml; fhirVersion=4.0", "", Some("application/fhir+xml; fhirVersion=4.0")),
            ("application/fhir+xml; fhirVersion=5.0", "", None),
            ("text/turtle", "", None),
            ("application/json;q=0.5, application/fhir+json", "", fhir),
            ("application/fhir+json; fhirVersion=4.0", "", Some("application/fhir+json; fhirVersion=4.0")),
            ("application/fhir+json;fhirVersion=\"4.3\"", "", Some("application/fhir+json; fhirVersion=4.3")),
            ("application/fhir+json; fhirVersion=5.0", "", None),
            ("application/fhir+json; fhirVersion=5.0, application/fhir+json", "", fhir),
            ("application/fhir+xml", "", xml),
            ("application/fhir+json;q=0", "", None),
            ("application/fhir+xml", "_format=json", fhir),
            ("", "_format=application/fhir+json", fhir),
            ("", "_format=application/fhir%2Bjson", fhir),
            ("", "_format=xml", xml),
            ("application/json", "_format=application/fhir+xml", xml),
            ("application/fhir+json", "_format=text/turtle", None),
        ] {
            assert_eq!(asked(accept, query).as_deref(), expected, "{accept} {query}");
        }
    }

    #[test]
    fn a_body_in_another_type_character_set_release_or_encoding_is_refused_with_415() {
        for (content_type, encoding, taken) in [
            ("application/fhir+json", "", true),
            ("application/json; charset=UTF-8", "", true),
            ("application/fhir+json; fhirVersion=4.3", "identity", true),
            ("application/fhir+json; fhirVersion=3.0", "", false),
            ("application/fhir+json; charset=iso-8859-1", "", false),
            ("application/fhir+json", "gzip", false),
            ("application/fhir+xml", "", true),
            ("text/xml; charset=utf-8", "", true),
            ("application/fhir+xml; charset=utf-16", "", false),
            ("application/fhir+turtle", "", false),
            ("application/x-www-form-urlencoded", "", false),
            ("", "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            if !encoding.is_empty() {
                headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            }
            let result = resource(&headers, Version::R4);
            assert_eq!(result.is_ok(), taken, "{content_type} {encoding}");
            assert!(
                result.is_ok() || result.is_err_and(|failure| failure.status == StatusCode::UNSUPPORTED_MEDIA_TYPE)
            );
        }
    }
}
