//! The answer to `POST /perform` as a reply. Every byte of it is a stranger's.

use std::time::{Duration, SystemTime};

use adapter::reply::Subject;
use adapter::{Call, Error, ErrorKind, Host, Reply, Status};
use bytes::Bytes;
use fhir::{Interaction, Issue, IssueType, Query, ResourceType, Severity};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::protocol;
use crate::document::{head, index};
use crate::listing::{self, Entry, Page};

/// The most issues that are passed on, and the longest text of each.
const MOST_ISSUES: usize = 50;
const LONGEST_TEXT: usize = 500;
/// The longest time to come back that is passed on.
const LONGEST_WAIT: u64 = 3600;

/// What is needed to read an answer.
pub(super) struct Reading<'a> {
    pub(super) host: &'a Host,
    pub(super) call: &'a Call,
    /// The query of the first page.
    pub(super) began: &'a Query,
    pub(super) page_lifetime: Duration,
}

impl Reading<'_> {
    /// Reads an answer.
    ///
    /// # Errors
    /// What the process refused, and [`ErrorKind::BadReply`] for what is no answer to what was asked.
    pub(super) fn read(&self, bytes: &Bytes) -> Result<Reply, Error> {
        // The error would quote the answer: only its class is kept.
        let answer: protocol::Answer<'_> = serde_json::from_slice(bytes)
            .map_err(|error| bad("something else than the protocol has").because(format!("{:?}", error.classify())))?;
        if let Some(failure) = answer.error {
            return Err(failed(failure));
        }
        let status = answer.status.ok_or_else(|| bad("neither a status nor an error"))?;
        let mut reply = Reply::new(ended(status));
        reply.subject = answer.subject.map(|subject| self.subject(subject)).transpose()?;
        reply.last_modified = answer.last_modified.as_deref().map(instant).transpose()?;
        reply.issues = issues(answer.issues, IssueType::Informational, Severity::Information);
        match (answer.page, answer.resource) {
            (Some(page), None) if self.is_listing() => Ok(reply.with_body(self.bundle(&page)?)),
            (None, Some(_)) if self.is_listing() => Err(bad("a resource instead of a page")),
            (None, Some(resource)) => {
                self.check(resource, reply.subject.as_ref())?;
                Ok(reply.with_body(bytes.slice_ref(resource.get().as_bytes())))
            }
            (None, None) if self.call.interaction.is_safe() => Err(bad("an empty answer")),
            (None, None) => Ok(reply),
            (Some(_), _) => Err(bad("a page that was not asked for")),
        }
    }

    fn is_listing(&self) -> bool {
        listing::query(self.call).is_some()
    }

    fn subject(&self, subject: protocol::Subject) -> Result<Subject, Error> {
        let resource_type = match subject.r#type {
            Some(name) => name.parse().ok(),
            None => self.call.interaction.resource_type(),
        };
        let resource_type = resource_type.ok_or_else(|| bad("a subject of an unknown type"))?;
        let id: fhir::Id = subject.id.parse().map_err(|_| bad("a subject whose id is none"))?;
        let asked = self.call.interaction.id().is_some_and(|asked| *asked != id);
        let is_other = self.call.interaction.resource_type().is_some_and(|asked| asked != resource_type);
        if asked || is_other {
            return Err(bad("another resource than was asked for"));
        }
        let version_id = subject.version_id.map(|version| version.parse()).transpose();
        let version_id = version_id.map_err(|_| bad("a subject whose version id is none"))?;
        Ok(Subject { resource_type, id, version_id })
    }

    /// A resource must be what was asked for, and what the subject says.
    fn check(&self, resource: &RawValue, subject: Option<&Subject>) -> Result<(), Error> {
        let found = head(resource.get().as_bytes())?;
        let expected = match &self.call.interaction {
            Interaction::Operation { .. } => return Ok(()),
            Interaction::Batch { .. } => Some(ResourceType::BUNDLE),
            other => other.resource_type(),
        };
        if found.resource_type != expected {
            return Err(bad("another resource type than was asked for"));
        }
        let id = self.call.interaction.id().or(subject.map(|subject| &subject.id));
        if id.is_some_and(|id| found.id.as_ref() != Some(id)) {
            return Err(bad("another resource than was asked for"));
        }
        Ok(())
    }

    fn bundle(&self, page: &protocol::Page<'_>) -> Result<Vec<u8>, Error> {
        let entries = page.entries.iter().map(entry).collect::<Result<_, _>>()?;
        let page = Page { entries, total: page.total, next: page.next.as_deref() };
        listing::bundle(self.host, self.call, self.began, &page, self.page_lifetime)
    }
}

fn entry<'a>(entry: &'a protocol::Entry<'a>) -> Result<Entry<'a>, Error> {
    for part in [entry.request, entry.response].into_iter().flatten() {
        index(part.get().as_bytes())?;
    }
    let mode = entry.mode.map(|mode| match mode {
        protocol::Mode::Match => "match",
        protocol::Mode::Include => "include",
        protocol::Mode::Outcome => "outcome",
    });
    let (full_url, resource) = (entry.full_url.as_deref(), entry.resource);
    Ok(Entry { resource, full_url, mode, request: entry.request, response: entry.response })
}

const fn ended(status: protocol::Status) -> Status {
    match status {
        protocol::Status::Ok => Status::Ok,
        protocol::Status::Created => Status::Created,
        protocol::Status::Accepted => Status::Accepted,
        protocol::Status::NoContent => Status::NoContent,
    }
}

fn instant(text: &str) -> Result<SystemTime, Error> {
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| bad("a time that is no RFC 3339 instant"))?;
    Ok(time.into())
}

fn failed(failure: protocol::Failure) -> Error {
    let known = ErrorKind::ALL.into_iter().find(|kind| kind.code() == failure.kind);
    let Some(kind) = known else { return bad("a kind of error that is not known") };
    let issues = issues(failure.issues, kind.issue_type(), Severity::Error);
    let mut error = if issues.iter().any(|issue| issue.severity >= Severity::Error) {
        Error::from_issues(kind, issues)
    } else {
        let mut error = Error::new(kind, format!("the back end refuses this: {}", kind.code()));
        error.issues.extend(issues);
        error
    };
    error.retry_after = failure.retry_after.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT)));
    error
}

fn issues(issues: Vec<protocol::Issue>, code: IssueType, severity: Severity) -> Vec<Issue> {
    let read = |issue: protocol::Issue| Issue {
        severity: match issue.severity.as_deref() {
            Some("fatal") => Severity::Fatal,
            Some("error") => Severity::Error,
            Some("warning") => Severity::Warning,
            Some("information") => Severity::Information,
            _ => severity,
        },
        code: issue
            .code
            .and_then(|code| IssueType::ALL.iter().copied().find(|known| known.code() == code))
            .unwrap_or(code),
        text: cut(&issue.text),
        expression: issue.expression.as_deref().map(cut),
        position: None,
    };
    issues.into_iter().take(MOST_ISSUES).map(read).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

fn bad(found: &str) -> Error {
    Error::new(ErrorKind::BadReply, format!("the back end answered with {found}"))
}
