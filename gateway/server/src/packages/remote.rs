//! A registry of packages, asked as npm's is: `GET REGISTRY/NAME` lists versions and where their archives are.

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA512, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use package::canonical::{compare_versions, satisfies};
use serde_json::Value;
use url::Url;

use super::PackageError;
use super::name::PackageName;
use crate::authorize::fetch::Fetch;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of one archive, at most.
const MOST_BYTES: usize = 128 << 20;

/// A registry that answers over HTTP.
pub struct Remote {
    base: Url,
    fetch: Fetch,
}

/// An archive and the package it is of.
pub struct Fetched {
    /// The package, its version exact.
    pub name: PackageName,
    /// The archive.
    pub archive: Bytes,
}

impl Remote {
    /// The registry at a URL.
    #[must_use]
    pub const fn new(base: Url) -> Self {
        Self { base, fetch: Fetch::of_files(PATIENCE, MOST_BYTES) }
    }

    /// Fetches a package. `1.0.x` means the newest of its kind, `latest` and any other tag what the registry says it means.
    ///
    /// # Errors
    /// The registry does not answer, does not have it, or what it sends is not what it announced.
    pub async fn get(&self, wanted: &PackageName) -> Result<Fetched, PackageError> {
        let url = self.listing(&wanted.name)?;
        let listing = self.ask(&url).await?;
        let listing: Value = serde_json::from_slice(&listing).map_err(|_| Self::odd(&url, "JSON"))?;
        let version = choose(&listing, wanted).ok_or_else(|| self.absent(wanted, &listing))?;
        let entry = listing.get("versions").and_then(|versions| versions.get(&version));
        let dist = entry.and_then(|entry| entry.get("dist")).unwrap_or(&Value::Null);
        let archive_url = match dist.get("tarball").and_then(Value::as_str) {
            Some(tarball) => url.join(tarball).map_err(|_| Self::odd(&url, "a URL in `dist.tarball`"))?,
            None => return Err(Self::odd(&url, "`dist.tarball` for each version")),
        };
        let hash = Announced::of(dist).ok_or_else(|| Self::odd(&url, "`dist.integrity` or `dist.shasum`"))?;
        let archive = self.ask(&archive_url).await?;
        if !hash.agrees(&archive) {
            return Err(Self::odd(&archive_url, hash.expected()));
        }
        Ok(Fetched { name: PackageName::new(&wanted.name, &version)?, archive })
    }

    fn listing(&self, name: &str) -> Result<Url, PackageError> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut segments) => _ = segments.pop_if_empty().push(name),
            Err(()) => return Err(Self::odd(&self.base, "an http(s) URL")),
        }
        Ok(url)
    }

    async fn ask(&self, url: &Url) -> Result<Bytes, PackageError> {
        let fetched = self.fetch.get(url).await;
        Ok(fetched.map_err(|source| PackageError::Registry { url: url.to_string(), source })?.body)
    }

    fn odd(url: &Url, expected: &'static str) -> PackageError {
        PackageError::Answer { url: url.to_string(), expected }
    }

    fn absent(&self, wanted: &PackageName, listing: &Value) -> PackageError {
        // The build of the day: a registry has what is published.
        if matches!(wanted.version.as_str(), "current" | "dev") {
            return PackageError::Moving(wanted.clone());
        }
        let mut known = versions(listing);
        known.sort_by(|left, right| compare_versions(left, right));
        let known = known.iter().rev().take(5).copied().collect::<Vec<_>>().join(", ");
        PackageError::Absent { name: wanted.to_string(), registry: self.base.to_string(), known }
    }
}

fn versions(listing: &Value) -> Vec<&str> {
    let versions = listing.get("versions").and_then(Value::as_object);
    versions.map(|versions| versions.keys().map(String::as_str).collect()).unwrap_or_default()
}

/// The version that is meant: that one, what a tag stands for, or the newest of a kind.
fn choose(listing: &Value, wanted: &PackageName) -> Option<String> {
    let known = versions(listing);
    let wanted = wanted.version.as_str();
    if known.contains(&wanted) {
        return Some(wanted.to_owned());
    }
    let tagged = listing.get("dist-tags").and_then(|tags| tags.get(wanted)).and_then(Value::as_str);
    if let Some(tagged) = tagged.filter(|tagged| known.contains(tagged)) {
        return Some(tagged.to_owned());
    }
    let is_kind = wanted == "latest" || wanted.ends_with(['x', 'X']);
    newest(known.into_iter().filter(|version| is_kind && satisfies(version, wanted))).map(str::to_owned)
}

/// The newest that is no pre-release, else the newest pre-release.
fn newest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (drafts, published): (Vec<&str>, Vec<&str>) = versions.partition(|version| version.contains('-'));
    let newest = |versions: Vec<&'a str>| versions.into_iter().max_by(|left, right| compare_versions(left, right));
    newest(published).or_else(|| newest(drafts))
}

/// The hash of an archive that its registry announces.
enum Announced {
    /// SHA-512, base64 (Subresource Integrity): any of these.
    Sha512(Vec<String>),
    /// SHA-1 in hexadecimal digits: all that most registries of FHIR packages say.
    Sha1(String),
}

impl Announced {
    /// The strongest hash that is said; none when none is, or only kinds that are not known here.
    fn of(dist: &Value) -> Option<Self> {
        let text = |name| dist.get(name).and_then(Value::as_str).unwrap_or_default();
        let strong = text("integrity").split_whitespace().filter_map(|hash| hash.strip_prefix("sha512-"));
        let strong: Vec<String> = strong.map(|hash| hash.split('?').next().unwrap_or_default().to_owned()).collect();
        if !strong.is_empty() {
            return Some(Self::Sha512(strong));
        }
        let weak = text("shasum").trim();
        (!weak.is_empty()).then(|| Self::Sha1(weak.to_ascii_lowercase()))
    }

    fn agrees(&self, archive: &[u8]) -> bool {
        match self {
            Self::Sha512(announced) => announced.contains(&BASE64_STANDARD.encode(digest(&SHA512, archive))),
            Self::Sha1(announced) => {
                let found = digest(&SHA1_FOR_LEGACY_USE_ONLY, archive);
                *announced == found.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
            }
        }
    }

    const fn expected(&self) -> &'static str {
        match self {
            Self::Sha512(_) => "the archive that `dist.integrity` announces",
            Self::Sha1(_) => "the archive that `dist.shasum` announces",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_exact_what_a_tag_means_or_the_newest_of_its_kind() {
        let listing = json!({"versions": {"1.0.0": {}, "1.0.9": {}, "1.0.10": {}, "1.0.11-ballot": {}, "2.0.0": {},
            "3.0.0-ballot": {}}, "dist-tags": {"latest": "1.0.10", "next": "2.0.0", "gone": "9.0.0"}});
        let chosen = |version: &str| choose(&listing, &PackageName::new("a", version).unwrap());
        assert_eq!(chosen("1.0.0").as_deref(), Some("1.0.0"));
        assert_eq!(chosen("1.0.x").as_deref(), Some("1.0.10"));
        assert_eq!(chosen("1.x").as_deref(), Some("1.0.10"));
        assert_eq!(chosen("3.0.x").as_deref(), Some("3.0.0-ballot"), "there is only a pre-release");
        assert_eq!(chosen("latest").as_deref(), Some("1.0.10"));
        assert_eq!(chosen("next").as_deref(), Some("2.0.0"));
        for none in ["4.0.x", "1.0", "gone", "current"] {
            assert_eq!(chosen(none), None, "{none}");
        }
        let untagged = json!({"versions": {"1.0.0": {}, "2.0.0": {}, "3.0.0-ballot": {}}});
        assert_eq!(choose(&untagged, &PackageName::new("a", "latest").unwrap()).as_deref(), Some("2.0.0"));
    }

    #[test]
    fn an_archive_must_have_the_strongest_hash_that_is_announced() {
        let agrees = |dist: Value, archive: &[u8]| Announced::of(&dist).map(|hash| hash.agrees(archive));
        let strong = BASE64_STANDARD.encode(digest(&SHA512, b"archive"));
        let weak = "3f5dcd57c2017a13da5f2ef7b6e7ebb1a6a1b9a8";
        let both = json!({"integrity": format!("sha1-abc sha512-{strong}"), "shasum": weak});
        assert_eq!(agrees(both.clone(), b"archive"), Some(true));
        assert_eq!(agrees(both, b"another"), Some(false));
        // SHA-1 of "abc" (FIPS 180-2 A.1).
        let weak = json!({"shasum": "A9993E364706816ABA3E25717850C26C9CD0D89D"});
        assert_eq!(agrees(weak.clone(), b"abc"), Some(true));
        assert_eq!(agrees(weak, b"abd"), Some(false));
        assert_eq!(agrees(json!({"integrity": "sha3-abc"}), b"archive"), None);
    }
}
