//! The one error that the pipeline knows.

use std::borrow::Cow;

use crate::authorize::Caller;
use crate::receive::Markup;
use fhir::{Issue, IssueType};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// What went wrong: what the client may read, and what only the log may read.
#[derive(Debug, thiserror::Error)]
#[error("{status}")]
pub struct Failure {
    /// 4xx or 5xx.
    pub status: StatusCode,
    /// What the client reads; never empty.
    pub issues: Vec<Issue>,
    /// Header fields that belong to the status: WWW-Authenticate, Retry-After, Allow.
    pub headers: Box<HeaderMap>,
    /// Who was refused, for audit, when that is known.
    pub caller: Option<Box<Caller>>,
    /// What only the log may read. Holds no patient data.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    /// A failure with one issue; the text is lowercase, has no full stop and says what was expected.
    pub fn new(status: StatusCode, code: IssueType, text: impl Into<String>) -> Self {
        Self::from_issues(status, vec![Issue::error(code, text)])
    }

    /// A failure with several issues.
    #[must_use]
    pub fn from_issues(status: StatusCode, issues: Vec<Issue>) -> Self {
        Self { status, issues, headers: Box::default(), caller: None, cause: None }
    }

    /// The same failure with a header field; a value that is no header value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<Cow<'static, str>>) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.into().into_owned()) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The same failure with who was refused.
    #[must_use]
    pub fn of(mut self, caller: &Caller) -> Self {
        self.caller = Some(Box::new(caller.clone()));
        self
    }

    /// What a panic leaves of a request: this answer. The hook has logged where it was.
    #[must_use]
    pub fn panicked() -> Self {
        metrics::counter!("frontdesk_panics_total", "stage" => "pipeline").increment(1);
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, IssueType::Exception, "the gateway failed on this request")
    }

    /// The same failure by the lines of what the client sent, when that was XML; 400 when that was no FHIR XML either.
    #[must_use]
    pub fn in_markup(mut self, markup: Option<&Markup>) -> Self {
        let Some(markup) = markup else { return self };
        self.issues = markup.told(self.issues);
        if !markup.is_sound() {
            self.status = StatusCode::BAD_REQUEST;
        }
        self
    }

    /// The same failure with its cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

/// The table of [`adapter::ErrorKind::row`] gives status and issue type.
impl From<adapter::Error> for Failure {
    fn from(error: adapter::Error) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut failure = Self::from_issues(status, error.issues);
        failure.cause = error.cause;
        match error.retry_after {
            // RFC 9110 10.2.3: whole seconds; rounded up, so that nobody comes back too early.
            Some(after) => failure.with_header(http::header::RETRY_AFTER, after.as_secs_f64().ceil().to_string()),
            None => failure,
        }
    }
}
