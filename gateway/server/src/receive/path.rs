//! The one place where a path is taken apart. Authorize and route see what comes out of here, never the raw text, so that no
//! spelling of a path passes one and means something else to the other.

use std::borrow::Cow;

use fhir::IssueType;
use http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::failure::Failure;

/// No URL of FHIR has more: practice, base, type, id, `_history`, version.
const MOST_SEGMENTS: usize = 12;

/// A path as its decoded segments. No segment is empty, `.` or `..`, or holds a slash.
#[derive(Clone, PartialEq, Eq)]
pub struct Path<'a>(Vec<Cow<'a, str>>);

/// Shows how deep only: an id may name a patient.
impl std::fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Path({} segments)", self.0.len())
    }
}

impl<'a> Path<'a> {
    /// Takes a path apart. One slash at the end is allowed.
    ///
    /// # Errors
    /// 400 for empty segments, dot segments, and what decodes to a slash, a percent sign, a control character or no UTF-8.
    pub fn parse(raw: &'a str) -> Result<Self, Failure> {
        let inner = raw.strip_prefix('/').ok_or_else(|| refuse("a path that begins with a slash"))?;
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return if raw.len() <= 1 { Ok(Self(Vec::new())) } else { Err(refuse("no empty path segment")) };
        }
        let segments = inner.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > MOST_SEGMENTS {
            return Err(refuse("at most 12 path segments"));
        }
        Ok(Self(segments))
    }

    /// The segments.
    pub fn segments(&self) -> &[Cow<'a, str>] {
        &self.0
    }
}

fn segment(raw: &str) -> Result<Cow<'_, str>, Failure> {
    let plain = raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%' && byte != b'\\');
    let decoded = if plain {
        Cow::Borrowed(raw)
    } else {
        percent_decode_str(raw).decode_utf8().map_err(|_| refuse("a path in UTF-8"))?
    };
    if decoded.is_empty() {
        return Err(refuse("no empty path segment"));
    }
    if decoded == "." || decoded == ".." {
        return Err(refuse("no dot segment in the path"));
    }
    // A percent sign that is left was encoded twice: whoever decodes once more reads another path.
    if decoded.chars().any(|c| matches!(c, '/' | '\\' | '%') || c.is_control()) {
        return Err(refuse("no encoded slash, percent sign or control character in the path"));
    }
    Ok(decoded)
}

fn refuse(expected: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(raw: &str) -> Option<String> {
        Path::parse(raw).ok().map(|path| path.segments().join("|"))
    }

    #[test]
    fn a_path_has_one_meaning_or_none() {
        for (raw, segments) in [
            ("/", ""),
            ("/fhir/r4", "fhir|r4"),
            ("/fhir/r4/", "fhir|r4"),
            ("/fhir/r4/Patient/a%2Db", "fhir|r4|Patient|a-b"),
            ("/fhir/r4/%24export", "fhir|r4|$export"),
        ] {
            assert_eq!(joined(raw).as_deref(), Some(segments), "{raw}");
        }
        for raw in [
            "",
            "fhir",
            "//",
            "//fhir/r4",
            "/fhir//r4",
            "/fhir/r4//",
            "/fhir/./r4",
            "/fhir/../r4",
            "/fhir/%2e%2e/r4",
            "/fhir/.%2E/r4",
            "/fhir/r4/Patient%2F1",
            "/fhir/r4/Patient%5C1",
            "/fhir/r4/Patient\\1",
            "/fhir/r4/Patient%252F1",
            "/fhir/r4/a%00b",
            "/fhir/r4/%ff",
            "/a/b/c/d/e/f/g/h/i/j/k/l/m",
        ] {
            assert_eq!(joined(raw), None, "{raw}");
        }
    }
}
