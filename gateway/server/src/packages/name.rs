//! `NAME#VERSION`

use std::fmt;
use std::str::FromStr;

/// The name and the version of a package. Both are safe as the name of a folder: they may come from anywhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName {
    /// `hl7.fhir.us.core`
    pub name: String,
    /// `6.1.0`; where a package is asked for, also `6.1.x` or `latest`.
    pub version: String,
}

/// A text that names no package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a package as NAME#VERSION, such as hl7.fhir.us.core#6.1.0, found `{0}`")]
pub struct NoPackageName(String);

impl PackageName {
    /// # Errors
    /// One of them is empty, begins with a dot, or has a character that names of packages do not have.
    pub fn new(name: &str, version: &str) -> Result<Self, NoPackageName> {
        if is_safe(name) && is_safe(version) {
            Ok(Self { name: name.to_owned(), version: version.to_owned() })
        } else {
            Err(NoPackageName(format!("{name}#{version}")))
        }
    }

    /// Whether it names one version, not `1.x` or `latest`.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.version.starts_with(|first: char| first.is_ascii_digit()) && !self.version.ends_with(".x")
    }
}

fn is_safe(part: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    !part.is_empty() && part.len() <= 200 && !part.starts_with('.') && part.bytes().all(is_known)
}

impl FromStr for PackageName {
    type Err = NoPackageName;

    fn from_str(text: &str) -> Result<Self, NoPackageName> {
        let (name, version) = text.split_once('#').ok_or_else(|| NoPackageName(text.to_owned()))?;
        Self::new(name, version).map_err(|_| NoPackageName(text.to_owned()))
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_leave_its_folder_is_none() {
        for text in ["a#1.0", "hl7.fhir.us.core#6.1.0", "x.y#1.0.0-ballot", "a#current"] {
            assert_eq!(text.parse::<PackageName>().unwrap().to_string(), text);
        }
        for text in ["a", "a#", "#1", "../a#1", "a#../1", "a/b#1", "a#1/2", ".a#1", "a b#1", "a#1#2", "@s/a#1"] {
            assert!(text.parse::<PackageName>().is_err(), "{text}");
        }
    }
}
