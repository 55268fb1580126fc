//! Logical ids and version ids.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A text that is not an id (FHIR datatypes.html#id: 1 to 64 of `A-Z a-z 0-9 - .`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 1 to 64 characters out of A-Z, a-z, 0-9, `-` and `.`")]
pub struct InvalidId;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it stands in a URL or a resource.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if is_id(text.as_bytes()) { Ok(Self(text.into())) } else { Err(InvalidId) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type! {
    /// A logical id. Its `Debug` shows nothing: an id may name a patient.
    Id
}
id_type! {
    /// The id of one version of a resource: what stands in an ETag.
    VersionId
}

impl VersionId {
    /// The version of an entity tag, `W/"1"` or `"1"`: FHIR's versions are weak, and clients write both.
    #[must_use]
    pub fn of_etag(etag: &str) -> Option<Self> {
        let etag = etag.trim();
        let opaque = etag.strip_prefix("W/").unwrap_or(etag);
        opaque.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(…)")
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionId({})", self.0)
    }
}

/// Whether the bytes are an id.
#[must_use]
pub fn is_id(text: &[u8]) -> bool {
    (1..=64).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
