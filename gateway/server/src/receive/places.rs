//! The URLs of a practice: what answers, tokens and discovery name.

use std::sync::Arc;

use adapter::Practice;
use fhir::Version;

/// Where the gateway is, as clients see it.
#[derive(Clone, Debug)]
pub struct Places {
    root: Arc<str>,
}

impl Places {
    /// The places under a public URL; a slash at its end is left out.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self { root: public_url.trim_end_matches('/').into() }
    }

    /// `iss` of our tokens.
    #[must_use]
    pub fn issuer(&self, practice: &Practice) -> String {
        if *practice == Practice::default() { self.root.to_string() } else { format!("{}/{practice}", self.root) }
    }

    /// The token endpoint: `aud` of client assertions.
    #[must_use]
    pub fn token(&self, practice: &Practice) -> String {
        format!("{}/auth/token", self.issuer(practice))
    }

    /// The FHIR base of a release.
    #[must_use]
    pub fn base(&self, practice: &Practice, version: Version) -> String {
        format!("{}/fhir/{}", self.issuer(practice), version.segment())
    }

    /// The FHIR bases that a token of the practice is for: `aud` of our tokens.
    #[must_use]
    pub fn audiences(&self, practice: &Practice) -> Vec<String> {
        vec![self.base(practice, Version::R4)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_practice_has_no_name_in_its_urls() {
        let places = Places::new("https://gateway.example/");
        assert_eq!(places.token(&Practice::default()), "https://gateway.example/auth/token");
        assert_eq!(places.base(&Practice::default(), Version::R4), "https://gateway.example/fhir/r4");
        assert_eq!(places.base(&Practice::new("north"), Version::R4), "https://gateway.example/north/fhir/r4");
    }
}
