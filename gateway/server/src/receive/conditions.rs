//! Conditions of reads and writes (http.html#concurrency, #cread, #ccreate).

use fhir::{IssueType, Query, ResourceType, VersionId};
use http::{HeaderMap, HeaderName, StatusCode, header};

use super::{Preferences, bad, only};
use crate::failure::Failure;

/// `If-None-Match` and `If-Modified-Since`. What cannot be read is passed over: the answer is then whole (RFC 9110 13.1.3).
pub(super) fn of_read(headers: &HeaderMap, preferences: &mut Preferences) {
    let value = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    preferences.if_none_match = value.and_then(VersionId::of_etag);
    preferences.if_none_match_any = value.is_some_and(is_any);
    // RFC 9110 13.1.3: If-Modified-Since counts only without If-None-Match.
    if !headers.contains_key(header::IF_NONE_MATCH) {
        preferences.if_modified_since = headers
            .get(header::IF_MODIFIED_SINCE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| httpdate::parse_http_date(value).ok());
    }
}

/// `If-Match` of an update by id, which may have `If-None-Match: *` instead ([`Preferences::if_none_match_any`]).
///
/// # Errors
/// As [`if_match`].
pub(super) fn of_update(headers: &HeaderMap) -> Result<Option<VersionId>, Failure> {
    match only(headers, &header::IF_NONE_MATCH)? {
        Some(value) if is_any(value) && !headers.contains_key(header::IF_MATCH) => Ok(None),
        _ => if_match(headers),
    }
}

fn is_any(value: &str) -> bool {
    value.trim() == "*"
}

/// `If-Match: W/"1"` of a write.
///
/// # Errors
/// 400 for anything else than one version: a condition that is passed over is a lost update.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<VersionId>, Failure> {
    if headers.contains_key(header::IF_NONE_MATCH) || headers.contains_key(header::IF_UNMODIFIED_SINCE) {
        let text = "expected If-Match: other conditions of a write are not supported";
        return Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::NotSupported, text));
    }
    let Some(value) = only(headers, &header::IF_MATCH)? else { return Ok(None) };
    VersionId::of_etag(value).map(Some).ok_or_else(|| bad("expected If-Match with one version, as in W/\"1\""))
}

/// The condition of a create: `If-None-Exist`, or criteria in the URL. FHIR gives these no meaning, but clients that send them (fhirpy)
/// mean a condition: passed over, they would make a duplicate.
///
/// # Errors
/// As [`if_none_exist`]; 400 for criteria in both places.
pub(super) fn of_create(headers: &HeaderMap, of: ResourceType, query: Query) -> Result<Option<Query>, Failure> {
    match if_none_exist(headers, of)? {
        Some(_) if !query.is_empty() => Err(bad("expected criteria in If-None-Exist or in the URL, not in both")),
        None if !query.is_empty() => Ok(Some(query)),
        condition => Ok(condition),
    }
}

/// `If-None-Exist`: the criteria, with or without `?` or `[type]?` before them.
///
/// # Errors
/// 400 when there are no criteria: nothing must match everything.
fn if_none_exist(headers: &HeaderMap, resource_type: ResourceType) -> Result<Option<Query>, Failure> {
    let Some(value) = only(headers, &HeaderName::from_static("if-none-exist"))? else { return Ok(None) };
    let criteria = value.strip_prefix(resource_type.as_str()).unwrap_or(value);
    let query = Query::parse(criteria.strip_prefix('?').unwrap_or(criteria));
    if query.is_empty() {
        return Err(bad("expected search criteria in If-None-Exist"));
    }
    Ok(Some(query))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        headers
    }

    #[test]
    fn a_write_takes_one_version_and_no_other_condition() {
        for value in ["W/\"7\"", "\"7\"", " W/\"7\" "] {
            assert_eq!(if_match(&with("if-match", value)).unwrap().unwrap().as_str(), "7");
        }
        for value in ["7", "*", "W/\"1\", W/\"2\"", "W/\"\"", "\""] {
            assert_eq!(if_match(&with("if-match", value)).unwrap_err().status, StatusCode::BAD_REQUEST, "{value}");
        }
        assert!(if_match(&with("if-none-match", "*")).is_err());
        assert_eq!(of_update(&with("if-none-match", "*")).unwrap(), None);
        assert!(of_update(&with("if-none-match", "W/\"1\"")).is_err());
        let mut both = with("if-none-match", "*");
        both.insert(header::IF_MATCH, "W/\"1\"".parse().unwrap());
        assert!(of_update(&both).is_err());
    }

    #[test]
    fn a_conditional_create_needs_criteria() {
        for value in ["identifier=a|1", "?identifier=a|1", "Patient?identifier=a|1"] {
            let query = if_none_exist(&with("if-none-exist", value), ResourceType::PATIENT).unwrap().unwrap();
            assert_eq!(query.first("identifier"), Some("a|1"), "{value}");
        }
        for value in ["", "?", "Patient?"] {
            assert!(if_none_exist(&with("if-none-exist", value), ResourceType::PATIENT).is_err(), "{value}");
        }
    }

    #[test]
    fn criteria_in_the_url_of_a_create_are_its_condition() {
        let of = |headers: &HeaderMap, query: &str| of_create(headers, ResourceType::PATIENT, Query::parse(query));
        let condition = of(&HeaderMap::new(), "identifier=a|1").unwrap().unwrap();
        assert_eq!(condition.first("identifier"), Some("a|1"));
        assert!(of(&HeaderMap::new(), "").unwrap().is_none());
        assert!(of(&with("if-none-exist", "identifier=a|1"), "identifier=a|1").is_err());
    }

    #[test]
    fn a_date_counts_only_without_an_etag() {
        let mut headers = with("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT");
        let mut preferences = Preferences::default();
        of_read(&headers, &mut preferences);
        assert!(preferences.if_modified_since.is_some());
        headers.insert(header::IF_NONE_MATCH, "W/\"1\"".parse().unwrap());
        let mut preferences = Preferences::default();
        of_read(&headers, &mut preferences);
        assert!(preferences.if_modified_since.is_none() && preferences.if_none_match.is_some());
    }
}
