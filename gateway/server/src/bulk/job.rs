//! What an export is: who it is for, what it holds, and where its work stands. All of it is kept, so that it survives a restart.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use adapter::Practice;
use fhir::{Id, ResourceType, Version};
use serde::{Deserialize, Serialize};

use crate::authorize::scope::Context;

/// The name of an export in its URLs: 128 random bits, so that nobody finds another's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct JobId(Arc<str>);

impl JobId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()).into())
    }

    /// Reads one; none for what was never one, so that it can name a folder.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_digit)).then(|| Self(text.into()))
    }

    /// As it stands in URLs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whoever knows the name and has the client's token can read the files: not for logs.
impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobId(…)")
    }
}

/// An export.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub key: i64,
    /// Its name.
    pub id: JobId,
    /// Who asked for it.
    pub asker: Arc<Asker>,
    /// What it holds.
    pub wish: Arc<Wish>,
    /// When it was asked for, in milliseconds since 1970: `transactionTime`.
    pub began: i64,
    /// Whether it runs, or how it ended.
    pub state: State,
}

/// Whether an export runs, or how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits or runs.
    Open,
    /// Its files are there until then, in milliseconds since 1970.
    Done(i64),
    /// It came to nothing: the HTTP status and the OperationOutcome that say why. Kept until then.
    Failed(u16, String, i64),
}

/// Who asked, and by which authority: held against what the client may do at each step.
#[derive(Clone, Serialize, Deserialize)]
pub struct Asker {
    /// The practice.
    pub practice: String,
    /// `client_id`.
    pub client: String,
    /// Who issued the token.
    pub issuer: String,
    /// `fhirUser`, when a person stood behind the client.
    pub user: Option<String>,
    /// `jti` of the token, for audit.
    pub token: Option<String>,
    /// The granted scopes.
    pub scopes: String,
    /// The context whose scopes count.
    #[serde(with = "context")]
    pub context: Context,
    /// The epoch of the client, when the token was one of ours.
    pub epoch: Option<i64>,
    /// The client's address, for audit.
    pub address: IpAddr,
    /// X-Request-Id of the kick-off.
    pub request_id: String,
}

impl Asker {
    /// Whose data.
    #[must_use]
    pub fn practice(&self) -> Practice {
        Practice::new(&self.practice)
    }
}

/// Shows no person and no scope.
impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asker({} of {})", self.client, self.practice)
    }
}

/// What an export holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct Wish {
    /// Of whom.
    pub extent: Extent,
    /// The kick-off URL, for the manifest.
    pub request: String,
    /// The FHIR base that was asked.
    pub base: String,
    /// The release that it speaks.
    pub version: Version,
    /// What changed since then: an instant with milliseconds.
    pub since: Option<String>,
    /// What changed before then.
    pub until: Option<String>,
    /// Names of elements; all of them when there is none.
    pub elements: Vec<String>,
    /// The types, each with its filters.
    pub types: Vec<OfType>,
}

/// Shows no URL: a filter may name a patient.
impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wish({:?}, {} types)", self.extent, self.types.len())
    }
}

/// Of whom an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Extent {
    /// Everything of the practice.
    System,
    /// What is in the compartment of some patient.
    Patients,
    /// What is in the compartments of the patients that are listed.
    Listed,
}

/// A type, and which of its resources.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OfType {
    /// The type.
    pub resource_type: ResourceType,
    /// Queries, of which a resource meets one; all when there is none.
    pub filters: Vec<String>,
    /// Whether `_lastUpdated` is searched by the back end; else it is looked at here.
    pub by_time: bool,
    /// Whether the search is over several back ends: an order in which nothing is passed over must be asked for.
    pub joined: bool,
}

/// A stretch of the work: all of one type.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its number within the job.
    pub number: i64,
    /// What comes of it.
    pub kind: Kind,
    /// The type.
    pub resource_type: ResourceType,
    /// Where it stands.
    pub at: Place,
}

/// What a part comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Resources.
    Output,
    /// What was deleted.
    Deleted,
    /// OperationOutcomes.
    Error,
}

impl Kind {
    /// As it is kept.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Output => 0,
            Self::Deleted => 1,
            Self::Error => 2,
        }
    }

    /// Reads it back.
    #[must_use]
    pub const fn of_code(code: i64) -> Self {
        match code {
            1 => Self::Deleted,
            2 => Self::Error,
            _ => Self::Output,
        }
    }
}

/// Where the work on a part stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Which of its searches, counted from 0: a type has one for each patient and filter.
    pub pass: i64,
    /// The query of the next page of that search; none at its first.
    pub next: Option<String>,
    /// Resources that are asked for at a time; fewer than the setting when pages were too large.
    pub page: u32,
    /// Files that are closed.
    pub file: i64,
    /// Bytes of the file that is open.
    pub bytes: u64,
    /// Lines of it.
    pub lines: u64,
}

/// A closed file.
#[derive(Clone, Debug)]
pub struct Closed {
    /// Its name in URLs and in the folder.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// `type` of the manifest.
    pub resource_type: String,
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A line that may go into a file.
#[derive(Clone, Debug)]
pub struct Line {
    /// Logical id of what it is about: what was seen is written once.
    pub id: Id,
    /// JSON without a line break; empty when there is nothing to write of what was seen.
    pub json: Vec<u8>,
}

mod context {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::Context;

    pub(super) fn serialize<S: Serializer>(context: &Context, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(context.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Context, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = Context::ALL.into_iter().find(|known| known.as_str() == text);
        known.ok_or_else(|| D::Error::custom("expected patient, user or system"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_job_reads_back_and_nothing_else_is_one() {
        let id = JobId::random();
        assert_eq!(JobId::read(id.as_str()), Some(id.clone()));
        assert_ne!(JobId::random(), id);
        for odd in
            ["", "..", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33), "../../../../../../../../../../00"]
        {
            assert_eq!(JobId::read(odd), None, "{odd}");
        }
        assert!(!format!("{id:?}").contains(id.as_str()));
    }
}
