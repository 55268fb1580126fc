//! A back end's refusal as an error: the table of HTTP statuses, with what real servers mean by them.

use std::time::{Duration, SystemTime};

use adapter::{Error, ErrorKind};
use bytes::Bytes;
use fhir::{Interaction, Issue, IssueType, Severity};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A refusal as it came.
pub(crate) struct Refusal<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    /// The request carried `If-Match`.
    pub(crate) had_version: bool,
    pub(crate) interaction: &'a Interaction,
}

/// The most issues that are passed on, and the longest text of each.
const MOST_ISSUES: usize = 50;
const LONGEST_TEXT: usize = 500;

impl Refusal<'_> {
    /// The error for the client; the body is passed on only as far as it is an OperationOutcome. `name` puts the gateway's
    /// base in the place of the back end's in texts.
    pub(crate) fn error(&self, now: SystemTime, name: impl Fn(&str) -> String) -> Error {
        let issues = issues(self.body, name);
        let kind = self.kind(issues.as_deref());
        let mut error = match issues {
            Some(issues) if issues.iter().any(|issue| issue.severity >= Severity::Error) => {
                Error::from_issues(kind, issues)
            }
            Some(mut issues) => {
                issues.insert(0, Issue::error(kind.issue_type(), text(kind)));
                Error::from_issues(kind, issues)
            }
            None => Error::new(kind, text(kind)),
        };
        error.retry_after = retry_after(self.headers, now);
        error.because(format!("the back end answered {}", self.status.as_u16()))
    }

    fn kind(&self, issues: Option<&[Issue]>) -> ErrorKind {
        let is_foreign = issues.is_none() && !self.body.is_empty();
        match self.status.as_u16() {
            401 => ErrorKind::Credentials,
            403 | 451 => ErrorKind::Forbidden,
            408 | 504 => ErrorKind::Timeout,
            413 | 414 | 431 => ErrorKind::TooCostly,
            428 => ErrorKind::VersionRequired,
            429 => ErrorKind::Throttled,
            501 => ErrorKind::NotSupported,
            502 | 503 => ErrorKind::Unavailable,
            507 => ErrorKind::Storage,
            // An error page instead of an OperationOutcome does not come from the FHIR server: a wrong base, a proxy.
            400..=499 if is_foreign => ErrorKind::BadReply,
            404 => ErrorKind::NotFound,
            405 => ErrorKind::NotSupported,
            409 => self.conflict(issues.unwrap_or_default()),
            410 => ErrorKind::Gone,
            412 => self.condition(issues.unwrap_or_default()),
            422 => ErrorKind::Unprocessable,
            423 => ErrorKind::Locked,
            424 => ErrorKind::Conflict,
            406 | 415 => ErrorKind::BadReply,
            400 => ErrorKind::Invalid,
            402..=499 => ErrorKind::Unprocessable,
            500..=599 => ErrorKind::BackEndFault,
            // What is neither success nor refusal: a redirect above all, which is never followed.
            _ => ErrorKind::BadReply,
        }
    }

    /// Some servers say 409 to a stale version (Oracle Health does); others mean a conflict of content.
    fn conflict(&self, issues: &[Issue]) -> ErrorKind {
        let is_of_content =
            issues.iter().any(|issue| matches!(issue.code, IssueType::Duplicate | IssueType::BusinessRule));
        if self.had_version && !is_of_content { ErrorKind::VersionMismatch } else { ErrorKind::Conflict }
    }

    /// Of a transaction only the server knows which entry's condition it was; its issue says so (issue-type: conflict).
    fn condition(&self, issues: &[Issue]) -> ErrorKind {
        let is_stale = issues.iter().any(|issue| issue.code == IssueType::Conflict);
        match self.interaction {
            Interaction::Batch { .. } if is_stale => ErrorKind::VersionMismatch,
            _ if self.had_version => ErrorKind::VersionMismatch,
            Interaction::Update { .. } | Interaction::Patch { .. } | Interaction::Delete { .. } => {
                ErrorKind::VersionRequired
            }
            _ => ErrorKind::MultipleMatches,
        }
    }
}

/// What the client reads when the back end gave no reason.
const fn text(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "there is no such resource",
        ErrorKind::Gone => "the resource was deleted",
        ErrorKind::NotSupported => "the back end does not serve this",
        ErrorKind::Invalid => "the back end could not read this",
        ErrorKind::Unprocessable => "a rule of the back end refuses this",
        ErrorKind::VersionMismatch => "`If-Match` names another version than the current one",
        ErrorKind::VersionRequired => "the back end expects `If-Match`",
        ErrorKind::MultipleMatches => "the condition matches more than one resource",
        ErrorKind::Conflict => "this conflicts with what the back end has stored",
        ErrorKind::Locked => "somebody else is changing this right now; try again",
        ErrorKind::TooCostly => "this is too large for the back end",
        ErrorKind::Forbidden => "the back end refuses this",
        ErrorKind::Throttled => "the back end limits our rate; try again later",
        ErrorKind::Unavailable => "the back end is not able to answer now",
        ErrorKind::Timeout => "the back end did not finish in time",
        ErrorKind::Credentials => "the back end refused the gateway's credentials",
        ErrorKind::Storage => "the back end has no room left",
        ErrorKind::BadReply => "the back end's answer is not FHIR",
        _ => "the back end failed",
    }
}

/// The issues of an OperationOutcome; none when it is no OperationOutcome.
pub(crate) fn issues(body: &[u8], name: impl Fn(&str) -> String) -> Option<Vec<Issue>> {
    let outcome: Value = serde_json::from_slice(body).ok()?;
    if outcome["resourceType"] != "OperationOutcome" {
        return None;
    }
    let issues = outcome["issue"].as_array()?;
    Some(issues.iter().take(MOST_ISSUES).map(|issue| read_issue(issue, &name)).collect())
}

fn read_issue(issue: &Value, name: &impl Fn(&str) -> String) -> Issue {
    let code = issue["code"].as_str().unwrap_or_default();
    let severity = match issue["severity"].as_str() {
        Some("fatal") => Severity::Fatal,
        Some("warning") => Severity::Warning,
        Some("information") => Severity::Information,
        _ => Severity::Error,
    };
    let texts = [&issue["details"]["text"], &issue["diagnostics"], &issue["details"]["coding"][0]["display"]];
    let text = texts.iter().find_map(|text| text.as_str()).unwrap_or("the back end gave no reason");
    let expression = issue["expression"][0].as_str().or_else(|| issue["location"][0].as_str());
    Issue {
        severity,
        code: IssueType::ALL.iter().copied().find(|known| known.code() == code).unwrap_or(IssueType::Processing),
        text: shortened(&name(text)),
        expression: expression.map(shortened),
        position: None,
    }
}

/// One line of bounded length: stack traces end here.
fn shortened(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(LONGEST_TEXT).collect()
}

/// RFC 9110 10.2.3: seconds, or a date. At most an hour: more is no promise to wait for.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(after.min(Duration::from_secs(3600)))
}

#[cfg(test)]
mod tests {
    use fhir::{Query, Resource, ResourceType, Version};

    use super::*;

    fn update() -> Interaction {
        let resource = Resource::new(ResourceType::SLOT, Version::R4, Bytes::from_static(b"{}"));
        Interaction::Update { id: "1".parse().unwrap(), resource, if_match: None }
    }

    fn conditional() -> Interaction {
        Interaction::ConditionalDelete { resource_type: ResourceType::SLOT, criteria: Query::default() }
    }

    fn refuse(status: u16, body: &'static str, had_version: bool, interaction: &Interaction) -> Error {
        let refusal = Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::new(),
            body: &Bytes::from_static(body.as_bytes()),
            had_version,
            interaction,
        };
        refusal.error(SystemTime::now(), str::to_owned)
    }

    #[test]
    fn each_status_has_its_kind() {
        use ErrorKind::*;
        #[rustfmt::skip]
        let table = [
            (301, BadReply), (304, BadReply), (400, Invalid), (401, Credentials), (403, Forbidden), (404, NotFound),
            (405, NotSupported), (406, BadReply), (408, Timeout), (409, Conflict), (410, Gone), (412, VersionRequired),
            (413, TooCostly), (415, BadReply), (418, Unprocessable), (422, Unprocessable), (423, Locked), (424, Conflict),
            (428, VersionRequired), (429, Throttled), (500, BackEndFault), (501, NotSupported), (502, Unavailable),
            (503, Unavailable), (504, Timeout), (507, Storage), (599, BackEndFault),
        ];
        for (status, kind) in table {
            let error = refuse(status, "", false, &update());
            assert_eq!(error.kind, kind, "{status}");
            assert!(!error.issues.is_empty());
        }
    }

    #[test]
    fn what_409_and_412_mean_depends_on_what_was_asked() {
        assert_eq!(refuse(409, "", true, &update()).kind, ErrorKind::VersionMismatch);
        assert_eq!(refuse(412, "", true, &update()).kind, ErrorKind::VersionMismatch);
        assert_eq!(refuse(412, "", false, &conditional()).kind, ErrorKind::MultipleMatches);
        let stale = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"conflict"}]}"#;
        let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, "{}");
        let transaction = Interaction::Batch { bundle, transaction: true };
        assert_eq!(refuse(412, stale, false, &transaction).kind, ErrorKind::VersionMismatch);
        assert_eq!(refuse(412, "", false, &transaction).kind, ErrorKind::MultipleMatches);
        let taken = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"business-rule"}]}"#;
        assert_eq!(refuse(409, taken, true, &update()).kind, ErrorKind::Conflict);
    }

    #[test]
    fn the_back_ends_own_issues_are_kept_and_cut_to_one_line() {
        let body = r#"{"resourceType":"OperationOutcome","issue":[
            {"severity":"error","code":"required","details":{"text":"expected a name"},"expression":["Patient.name"]},
            {"severity":"fatal","code":"of-their-own","diagnostics":"boom\n  at Server.java:1"}]}"#;
        let error = refuse(422, body, false, &update());
        assert_eq!(error.issues[0].text, "expected a name");
        assert_eq!(error.issues[0].code, IssueType::Required);
        assert_eq!(error.issues[0].expression.as_deref(), Some("Patient.name"));
        assert_eq!((error.issues[1].text.as_str(), error.issues[1].code), ("boom", IssueType::Processing));
    }

    #[test]
    fn an_error_page_is_a_bad_reply_and_none_of_it_is_passed_on() {
        let error = refuse(404, "<html><h1>Everywoman not found</h1></html>", false, &update());
        assert_eq!(error.kind, ErrorKind::BadReply);
        assert!(!format!("{:?} {}", error, error.issues[0].text).contains("Everywoman"));
        assert_eq!(refuse(503, "<html>", false, &update()).kind, ErrorKind::Unavailable);
    }

    #[test]
    fn a_time_to_come_back_is_read_in_seconds_and_as_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let mut headers = HeaderMap::new();
        for (text, expected) in [
            ("7", Some(7)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sat, 06 Nov 1993 08:50:37 GMT", Some(0)),
            ("soon", None),
            ("99999999", Some(3600)),
        ] {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
