use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::reply::Subject;
use fhir::{IssueType, ResourceType};

use super::*;

fn manner(write: bool, preferences: Preferences) -> Manner {
    let base = Arc::from("http://gw/fhir/r4");
    Manner { preferences, head: false, write, create: write, version: fhir::Version::R4, base }
}

fn stored(status: Status) -> Reply {
    let mut reply = Reply::new(status).with_body(r#"{"resourceType":"Patient"}"#);
    reply.subject = Some(Subject {
        resource_type: ResourceType::PATIENT,
        id: "p1".parse().unwrap(),
        version_id: Some("3".parse().unwrap()),
    });
    reply.last_modified = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500));
    reply
}

fn field<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

#[test]
fn a_read_says_its_version_and_when_it_was_made() {
    let response = reply(&manner(false, Preferences::default()), stored(Status::Ok), &[]);
    assert_eq!(response.status(), 200);
    assert_eq!(field(&response, "etag"), Some("W/\"3\""));
    assert_eq!(field(&response, "last-modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(field(&response, "content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(response.body().length(), Some(26));
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    for (if_none_match, if_modified_since, status) in [
        (Some("3"), None, 304),
        (Some("2"), None, 200),
        (None, at(784_111_777), 304),
        (None, at(784_111_776), 200),
        (Some("2"), at(784_111_777), 200),
    ] {
        let preferences = Preferences {
            if_none_match: if_none_match.map(|version| version.parse().unwrap()),
            if_modified_since,
            ..Preferences::default()
        };
        let response = reply(&manner(false, preferences), stored(Status::Ok), &[]);
        assert_eq!(response.status(), status);
        assert_eq!(field(&response, "etag"), Some("W/\"3\""));
        assert_eq!(response.body().length() == Some(0), status == 304);
    }
}

#[test]
fn a_create_says_where_and_sends_back_what_prefer_says() {
    for (returns, length) in
        [(None, Some(26)), (Some(Returns::Representation), Some(26)), (Some(Returns::Minimal), Some(0))]
    {
        let response =
            reply(&manner(true, Preferences { returns, ..Preferences::default() }), stored(Status::Created), &[]);
        assert_eq!(response.status(), 201);
        assert_eq!(field(&response, "location"), Some("http://gw/fhir/r4/Patient/p1/_history/3"));
        assert_eq!(response.body().length(), length);
    }
    let preferences = Preferences { returns: Some(Returns::OperationOutcome), ..Preferences::default() };
    let warning = Issue::warning(IssueType::CodeInvalid, "expected another code");
    let response = reply(&manner(true, preferences), stored(Status::Created), &[warning]);
    assert_eq!(field(&response, "preference-applied"), Some("return=OperationOutcome"));
    assert_eq!(field(&response, "x-frontdesk-warnings"), Some("1"));
    assert!(response.body().length() > Some(26));
}

#[test]
fn a_head_has_the_fields_of_the_get_and_no_body() {
    let head = Manner { head: true, ..manner(false, Preferences::default()) };
    let response = reply(&head, stored(Status::Ok), &[]);
    assert_eq!(field(&response, "content-length"), Some("26"));
    assert_eq!(response.body().length(), Some(0));
}

#[test]
fn a_delete_has_no_content_unless_an_outcome_is_asked_for() {
    let mut delete = manner(true, Preferences::default());
    delete.create = false;
    assert_eq!(reply(&delete, Reply::new(Status::NoContent), &[]).status(), 204);
    delete.preferences.returns = Some(Returns::OperationOutcome);
    let response = reply(&delete, Reply::new(Status::NoContent), &[]);
    assert_eq!(response.status(), 200);
    assert!(response.body().length() > Some(0));
}
