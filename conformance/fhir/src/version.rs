//! The FHIR releases that Frontdesk speaks.

use std::fmt;
use std::str::FromStr;

/// A FHIR release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Version {
    /// 4.0.1
    R4,
    /// 4.3.0
    R4B,
    /// 5.0.0
    R5,
}

impl Version {
    /// Every release, oldest first.
    pub const ALL: [Self; 3] = [Self::R4, Self::R4B, Self::R5];

    /// The publication number, as `CapabilityStatement.fhirVersion` has it.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::R4 => "4.0.1",
            Self::R4B => "4.3.0",
            Self::R5 => "5.0.0",
        }
    }

    /// The value of the `fhirVersion` media type parameter (FHIR http.html#version-parameter).
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::R4 => "4.0",
            Self::R4B => "4.3",
            Self::R5 => "5.0",
        }
    }

    /// The path segment of this release's base: `/fhir/r4`.
    #[must_use]
    pub const fn segment(self) -> &'static str {
        match self {
            Self::R4 => "r4",
            Self::R4B => "r4b",
            Self::R5 => "r5",
        }
    }

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::R4 => "R4",
            Self::R4B => "R4B",
            Self::R5 => "R5",
        })
    }
}

/// A text that names no release that we speak.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown FHIR version `{0}` (known: R4 or 4.0, R4B or 4.3, R5 or 5.0)")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    /// Takes every usual spelling: `R4`, `r4`, `4.0`, `4.0.1`, `4`.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let plain = text.trim().to_ascii_lowercase();
        let plain = plain.strip_prefix("fhir").unwrap_or(&plain);
        match plain.trim_start_matches(['-', ' ', 'r', 'v']) {
            "4" | "4.0" | "4.0.0" | "4.0.1" => Ok(Self::R4),
            "4b" | "4.1" | "4.1.0" | "4.3" | "4.3.0" => Ok(Self::R4B),
            "5" | "5.0" | "5.0.0" => Ok(Self::R5),
            _ => Err(UnknownVersion(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = UnknownVersion;

    fn try_from(text: String) -> Result<Self, UnknownVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_release_is_taken() {
        for text in ["R4", "r4", "4.0", "4.0.1", "4", "FHIR R4"] {
            assert_eq!(text.parse(), Ok(Version::R4), "{text}");
        }
        for text in ["R4B", "r4b", "4.3", "4.3.0"] {
            assert_eq!(text.parse(), Ok(Version::R4B), "{text}");
        }
        for text in ["R5", "5.0.0", "5.0"] {
            assert_eq!(text.parse(), Ok(Version::R5), "{text}");
        }
        assert!("3.0.2".parse::<Version>().is_err());
    }
}
