//! What stands under which path: FHIR bases of practices, token endpoints, discovery.

use std::borrow::Cow;
use std::sync::Arc;

use adapter::Practice;
use fhir::Version;

use super::places::Places;

/// One FHIR base.
#[derive(Clone, Debug)]
pub struct Site {
    /// Whose it is.
    pub practice: Practice,
    /// The release that it speaks.
    pub version: Version,
    /// Its absolute URL, without a slash at the end.
    pub base: Arc<str>,
}

/// Every FHIR base, and the authorization server of every practice.
#[derive(Clone, Debug)]
pub struct Sites(Vec<Site>);

/// What a path leads to.
#[derive(Debug)]
pub enum Door<'p> {
    /// A FHIR base, with the segments behind it.
    Fhir(&'p Site, &'p [Cow<'p, str>]),
    /// The token endpoint of a practice.
    Token(&'p Practice),
    /// Its public keys.
    Keys(&'p Practice),
    /// Nothing.
    Nowhere,
}

impl Sites {
    /// The bases of the default practice (`/fhir/r4`) and of others by name (`/NAME/fhir/r4`).
    #[must_use]
    pub fn new<'a>(places: &Places, others: impl IntoIterator<Item = &'a str>) -> Self {
        let version = Version::R4;
        let site = |practice: Practice| Site { base: places.base(&practice, version).into(), practice, version };
        Self(std::iter::once(Practice::default()).chain(others.into_iter().map(Practice::new)).map(site).collect())
    }

    /// Every base.
    #[must_use]
    pub fn all(&self) -> &[Site] {
        &self.0
    }

    /// What a path leads to.
    #[must_use]
    pub fn door<'p>(&'p self, segments: &'p [Cow<'p, str>]) -> Door<'p> {
        match segments {
            [first, rest @ ..] if matches!(first.as_ref(), "fhir" | "auth") => {
                self.enter(Practice::default().as_str(), first, rest)
            }
            // The default practice has one way in: two spellings of a path would be two places with the same content.
            [name, first, rest @ ..] if *name != Practice::default().as_str() => self.enter(name, first, rest),
            _ => Door::Nowhere,
        }
    }

    fn enter<'p>(&'p self, practice: &str, first: &str, rest: &'p [Cow<'p, str>]) -> Door<'p> {
        let mut sites = self.0.iter().filter(|site| site.practice.as_str() == practice);
        match (first, rest) {
            ("fhir", [version, rest @ ..]) => sites
                .find(|site| site.version.segment() == version)
                .map_or(Door::Nowhere, |site| Door::Fhir(site, rest)),
            ("auth", [end]) => match (end.as_ref(), sites.next()) {
                ("token", Some(site)) => Door::Token(&site.practice),
                ("jwks", Some(site)) => Door::Keys(&site.practice),
                _ => Door::Nowhere,
            },
            _ => Door::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::path::Path;
    use super::*;

    fn leads_to(raw: &str) -> String {
        let sites = Sites::new(&Places::new("https://gw.example/"), ["north"]);
        let path = Path::parse(raw).unwrap();
        match sites.door(path.segments()) {
            Door::Fhir(site, rest) => format!("{} {} +{}", site.practice, site.base, rest.len()),
            Door::Token(practice) => format!("{practice} token"),
            Door::Keys(practice) => format!("{practice} keys"),
            Door::Nowhere => "nowhere".into(),
        }
    }

    #[test]
    fn each_practice_has_its_own_doors_and_there_are_no_others() {
        assert_eq!(leads_to("/fhir/r4/Patient/1"), "default https://gw.example/fhir/r4 +2");
        assert_eq!(leads_to("/north/fhir/r4"), "north https://gw.example/north/fhir/r4 +0");
        assert_eq!(leads_to("/auth/token"), "default token");
        assert_eq!(leads_to("/north/auth/jwks"), "north keys");
        for raw in [
            "/",
            "/fhir",
            "/fhir/r5/Patient",
            "/south/fhir/r4",
            "/auth",
            "/auth/token/x",
            "/north",
            "/x/y/z",
            "/default/fhir/r4",
            "/default/auth/token",
            "/NORTH/fhir/r4",
            "/north/FHIR/r4",
            "/north/north/fhir/r4",
        ] {
            assert_eq!(leads_to(raw), "nowhere", "{raw}");
        }
    }
}
