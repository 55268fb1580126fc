//! What is written down of one interaction.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use adapter::Practice;
use fhir::{Id, InteractionCode, ResourceType, VersionId};

/// One interaction, compact. Becomes one AuditEvent for each of its patients, or one when there is none.
/// Its `Debug` shows no patient, no id and no query.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Whose data.
    pub practice: Practice,
    /// When the interaction ended; kept to the microsecond.
    pub recorded: SystemTime,
    /// What was done.
    pub interaction: InteractionCode,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so, for `AuditEvent.outcomeDesc`: `404 not-found`. No patient data; empty for success.
    pub reason: Arc<str>,
    /// Who asked.
    pub agent: Agent,
    /// The FHIR base that was asked: the server's name and address.
    pub base: Arc<str>,
    /// The resource that was read or written, when there is one.
    pub subject: Option<Subject>,
    /// The patients in whose compartments the request or its result lies, each once.
    pub patients: Vec<Id>,
    /// The raw request of a search (`GET /fhir/r4/Patient?name=…`), or of what is no plain read or write.
    /// At most [`Record::LONGEST_QUERY`] bytes are kept.
    pub query: Option<Arc<str>>,
    /// X-Request-Id.
    pub request_id: Arc<str>,
}

impl Record {
    /// Bytes of a query that are kept; the rest is cut off.
    pub const LONGEST_QUERY: usize = 16 * 1024;
}

/// Who asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Agent {
    /// `client_id`; none before the client is known.
    pub client: Option<Arc<str>>,
    /// The person behind the client, as `fhirUser` or a subject.
    pub user: Option<Arc<str>>,
    /// Where the request came from.
    pub address: IpAddr,
    /// `jti` of the token.
    pub token: Option<Arc<str>>,
    /// The granted scopes as text; empty without a token.
    pub scopes: Arc<str>,
}

/// The resource that was read or written.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: Id,
    /// The version that was read or made.
    pub version_id: Option<VersionId>,
}

/// `AuditEvent.outcome` (http://hl7.org/fhir/ValueSet/audit-event-outcome).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: it was done.
    Success,
    /// 4: the client was refused: 4xx.
    Minor,
    /// 8: the gateway or the back end failed, or the end is unknown: 5xx.
    Serious,
    /// 12: the gateway can no longer work.
    Major,
}

impl Outcome {
    /// The code of the value set.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::Minor => "4",
            Self::Serious => "8",
            Self::Major => "12",
        }
    }

    /// The outcome that an HTTP status stands for.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            0..400 => Self::Success,
            400..500 => Self::Minor,
            _ => Self::Serious,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.as_ref().map(|subject| subject.resource_type.as_str()).unwrap_or_default();
        write!(
            f,
            "Record({} {subject} by {} {:?} {}, {} patients)",
            self.interaction.code(),
            self.agent.client.as_deref().unwrap_or("unknown"),
            self.outcome,
            self.reason,
            self.patients.len()
        )
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({})", self.client.as_deref().unwrap_or("unknown"))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({})", self.resource_type)
    }
}
