//! `package.json`

use fhir::Version;
use fhir::json::{Document, Limits, Value, scan};

use super::BadArchive;
use crate::draft::{canonical, items, word};

/// What a package says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `hl7.fhir.us.core`, without the scope that npm may need.
    pub name: String,
    /// `6.1.0`
    pub version: String,
    /// Under which URL its own artefacts are.
    pub canonical: Option<String>,
    /// The releases it is for, as far as they are known here.
    pub fhir_versions: Vec<Version>,
    /// Names and versions of the packages it builds on.
    pub dependencies: Vec<(String, String)>,
}

impl Manifest {
    /// The manifest of a JSON text.
    ///
    /// # Errors
    /// No JSON, or no `name` or `version`.
    pub fn read(json: &[u8]) -> Result<Self, BadArchive> {
        let mut nodes = Vec::new();
        scan(json, &mut nodes, Limits::default())?;
        let root = Document::new(json, &nodes).root().ok_or(BadArchive::Incomplete("name"))?;
        let name = word(root, "name").ok_or(BadArchive::Incomplete("name"))?;
        Ok(Self {
            name: plain(&name).to_owned(),
            version: word(root, "version").ok_or(BadArchive::Incomplete("version"))?,
            canonical: canonical(root, "canonical"),
            fhir_versions: releases(root),
            dependencies: root
                .member("dependencies")
                .into_iter()
                .flat_map(Value::children)
                .filter_map(dependency)
                .collect(),
        })
    }

    /// Whether it is for a release. One that names none is for all.
    #[must_use]
    pub fn is_for(&self, version: Version) -> bool {
        self.fhir_versions.is_empty() || self.fhir_versions.contains(&version)
    }

    /// Whether it is the specification itself: `hl7.fhir.r4.core`.
    #[must_use]
    pub fn is_core(&self) -> bool {
        is_core(&self.name)
    }

    /// `hl7.fhir.us.core#6.1.0`
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}#{}", self.name, self.version)
    }
}

/// The member has had two names.
fn releases(root: Value<'_>) -> Vec<Version> {
    let named = |name| items(root, name).filter_map(|item| item.text()?.parse().ok()).collect::<Vec<_>>();
    let versions = named("fhirVersions");
    if versions.is_empty() { named("fhir-version-list") } else { versions }
}

/// A package that needs two versions of another one calls one of them by another name: `"us.core.v6": "npm:hl7.fhir.us.core@6.1.0"`.
fn dependency(member: Value<'_>) -> Option<(String, String)> {
    let version = member.text()?;
    let version = version.trim();
    match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        Some((name, version)) if !name.is_empty() => Some((plain(name).to_owned(), version.to_owned())),
        _ => Some((plain(member.name()).to_owned(), version.to_owned())),
    }
}

/// A package's name without the scope that npm may need: `@hl7/hl7.fhir.r4.core` and `hl7.fhir.r4.core` are one.
#[must_use]
pub(crate) fn plain(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

/// Whether a package is the specification itself.
#[must_use]
pub(crate) fn is_core(name: &str) -> bool {
    name == "hl7.fhir.core"
        || name.starts_with("hl7.fhir.r") && name.ends_with(".core") && name.matches('.').count() == 3
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails")]

    use super::*;

    #[test]
    fn a_dependency_under_another_name_is_the_package_that_it_names() {
        let json = br#"{"name": "a", "version": "1", "dependencies": {"us.core.v6": "npm:hl7.fhir.us.core@6.1.0",
            "x": "npm:@hl7/hl7.fhir.uv.ips@1.1.0", "y": " 1.0.x "}}"#;
        let needs = Manifest::read(json).unwrap().dependencies;
        let needs: Vec<_> = needs.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
        assert_eq!(needs, [("hl7.fhir.us.core", "6.1.0"), ("hl7.fhir.uv.ips", "1.1.0"), ("y", "1.0.x")]);
    }
}
