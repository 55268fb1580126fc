//! How an interaction ends badly.

use std::time::Duration;

use fhir::{Issue, IssueType};

/// The kinds of failure, named by what the client can do about them. The table of (HTTP status, issue type, retry)
/// for each kind stands in [`ErrorKind::row`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// There is no such resource.
    NotFound,
    /// It was deleted.
    Gone,
    /// The back end does not serve this.
    NotSupported,
    /// What was sent is not FHIR, or not a sound query.
    Invalid,
    /// A rule of the back end refuses it.
    Unprocessable,
    /// `If-Match` named another version than the current one.
    VersionMismatch,
    /// The back end demands `If-Match`, and there was none.
    VersionRequired,
    /// A condition matched more than one resource.
    MultipleMatches,
    /// It conflicts with what is stored: a slot that is taken, a duplicate.
    Conflict,
    /// Somebody else holds it right now.
    Locked,
    /// Too large a search or write.
    TooCostly,
    /// The back end itself refuses the user or the practice.
    Forbidden,
    /// The back end limits our rate.
    Throttled,
    /// Not reachable: nothing was sent.
    Unreachable,
    /// Not taken: shed by the gateway, or the breaker is open. Nothing was sent.
    Shed,
    /// The back end says that it is not able to now.
    Unavailable,
    /// No answer in time. A write may or may not have happened.
    Timeout,
    /// The connection broke after something was sent. A write may or may not have happened.
    Broken,
    /// What came back is not an answer to what was asked.
    BadReply,
    /// The back end refused the gateway's own credentials.
    Credentials,
    /// A fault of the back end.
    BackEndFault,
    /// A fault of the gateway or of the adapter.
    Internal,
    /// Storage is full or broken.
    Storage,
}

/// Whether a second try can be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The answer will be the same.
    Never,
    /// Nothing was sent: any interaction may be tried again.
    Always,
    /// Something may have happened: only a repeatable interaction ([`fhir::Interaction::is_repeatable`]) may be tried
    /// again.
    IfRepeatable,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::NotFound,
        Self::Gone,
        Self::NotSupported,
        Self::Invalid,
        Self::Unprocessable,
        Self::VersionMismatch,
        Self::VersionRequired,
        Self::MultipleMatches,
        Self::Conflict,
        Self::Locked,
        Self::TooCostly,
        Self::Forbidden,
        Self::Throttled,
        Self::Unreachable,
        Self::Shed,
        Self::Unavailable,
        Self::Timeout,
        Self::Broken,
        Self::BadReply,
        Self::Credentials,
        Self::BackEndFault,
        Self::Internal,
        Self::Storage,
    ];

    /// The one table: HTTP status, issue type, retry. FHIR http.html names the statuses; 502, 503 and 504 are RFC 9110's.
    #[must_use]
    #[rustfmt::skip]
    pub const fn row(self) -> (u16, IssueType, Retry) {
        match self {
            Self::NotFound        => (404, IssueType::NotFound,        Retry::Never),
            Self::Gone            => (410, IssueType::Deleted,         Retry::Never),
            Self::NotSupported    => (405, IssueType::NotSupported,    Retry::Never),
            Self::Invalid         => (400, IssueType::Invalid,         Retry::Never),
            Self::Unprocessable   => (422, IssueType::BusinessRule,    Retry::Never),
            // http.html#concurrency: a mismatch is 412, not 409.
            Self::VersionMismatch => (412, IssueType::Conflict,        Retry::Never),
            Self::VersionRequired => (412, IssueType::Required,        Retry::Never),
            Self::MultipleMatches => (412, IssueType::MultipleMatches, Retry::Never),
            Self::Conflict        => (409, IssueType::Conflict,        Retry::Never),
            Self::Locked          => (423, IssueType::LockError,       Retry::Always),
            Self::TooCostly       => (413, IssueType::TooCostly,       Retry::Never),
            Self::Forbidden       => (403, IssueType::Forbidden,       Retry::Never),
            Self::Throttled       => (429, IssueType::Throttled,       Retry::Always),
            Self::Unreachable     => (503, IssueType::Transient,       Retry::Always),
            Self::Shed            => (503, IssueType::Throttled,       Retry::Never),
            Self::Unavailable     => (503, IssueType::Transient,       Retry::IfRepeatable),
            Self::Timeout         => (504, IssueType::Timeout,         Retry::Never),
            Self::Broken          => (502, IssueType::Transient,       Retry::IfRepeatable),
            Self::BadReply        => (502, IssueType::Exception,       Retry::Never),
            Self::Credentials     => (502, IssueType::Security,        Retry::Never),
            Self::BackEndFault    => (502, IssueType::Exception,       Retry::IfRepeatable),
            Self::Internal        => (500, IssueType::Exception,       Retry::Never),
            Self::Storage         => (503, IssueType::NoStore,         Retry::Never),
        }
    }

    /// Its name in metrics and logs: `not-found`, `version-mismatch`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Gone => "gone",
            Self::NotSupported => "not-supported",
            Self::Invalid => "invalid",
            Self::Unprocessable => "unprocessable",
            Self::VersionMismatch => "version-mismatch",
            Self::VersionRequired => "version-required",
            Self::MultipleMatches => "multiple-matches",
            Self::Conflict => "conflict",
            Self::Locked => "locked",
            Self::TooCostly => "too-costly",
            Self::Forbidden => "forbidden",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::Shed => "shed",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::BadReply => "bad-reply",
            Self::Credentials => "credentials",
            Self::BackEndFault => "back-end-fault",
            Self::Internal => "internal",
            Self::Storage => "storage",
        }
    }

    /// The HTTP status for the client.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The issue type for the client.
    #[must_use]
    pub const fn issue_type(self) -> IssueType {
        self.row().1
    }

    /// Whether a second try can be sound.
    #[must_use]
    pub const fn retry(self) -> Retry {
        self.row().2
    }

    /// Whether it says that the back end is unwell: what a breaker counts.
    #[must_use]
    pub const fn is_back_end_fault(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Unavailable
                | Self::Timeout
                | Self::Broken
                | Self::BadReply
                | Self::BackEndFault
                | Self::Storage
        )
    }
}

/// A failed interaction: what the client may read, and what only the log may read.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}")]
pub struct Error {
    /// Of what kind.
    pub kind: ErrorKind,
    /// What the client may read; never empty.
    pub issues: Vec<Issue>,
    /// When to come back, where the back end said so.
    pub retry_after: Option<Duration>,
    /// What only the log may read. Must hold no patient data.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure with a text for the client: lowercase, no full stop, says what was expected.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self::from_issues(kind, vec![Issue::error(kind.issue_type(), text)])
    }

    /// A failure with the issues of a back end's own OperationOutcome.
    #[must_use]
    pub fn from_issues(kind: ErrorKind, issues: Vec<Issue>) -> Self {
        Self { kind, issues, retry_after: None, cause: None }
    }

    /// The same failure with its cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same failure with a time to come back.
    #[must_use]
    pub const fn after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_fault_is_4xx_and_only_what_was_not_done_may_always_be_tried_again() {
        for kind in ErrorKind::ALL {
            let (status, _, retry) = kind.row();
            assert!((400..600).contains(&status), "{kind:?}");
            if kind.is_back_end_fault() {
                assert!(matches!(status, 502..=504), "{kind:?} is the back end's fault");
            }
            if retry == Retry::Always {
                assert!(
                    matches!(kind, ErrorKind::Locked | ErrorKind::Throttled | ErrorKind::Unreachable),
                    "{kind:?} may have been done"
                );
            }
        }
    }
}
