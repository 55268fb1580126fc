//! A registry of packages, asked as npm's is: `GET REGISTRY/NAME` lists versions and where their archives are.

use std::time::Duration;

use aws_lc_rs::digest::{SHA512, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use package::canonical::compare_versions;
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

    /// Fetches a package. A version such as `1.0.x` or `latest` means the newest of its kind.
    ///
    /// # Errors
    /// The registry does not answer, does not have it, or what it sends is not what it announced.
    pub async fn get(&self, wanted: &PackageName) -> Result<Fetched, PackageError> {
        let url = self.listing(&wanted.name)?;
        let listing = self.ask(&url).await?;
        let listing: Value = serde_json::from_slice(&listing).map_err(|_| Self::odd(&url, "JSON"))?;
        let version = choose(&listing, wanted).ok_or_else(|| self.absent(wanted, &listing))?;
        let entry = listing.get("versions").and_then(|versions| versions.get(&version));
        let dist = entry.and_then(|entry| entry.get("dist"));
        let archive_url = match dist.and_then(|dist| dist.get("tarball")).and_then(Value::as_str) {
            Some(tarball) => url.join(tarball).map_err(|_| Self::odd(&url, "a URL in `dist.tarball`"))?,
            None => return Err(Self::odd(&url, "`dist.tarball` for each version")),
        };
        let archive = self.ask(&archive_url).await?;
        let integrity = dist.and_then(|dist| dist.get("integrity")).and_then(Value::as_str);
        if integrity.is_some_and(|integrity| !agrees(integrity, &archive)) {
            return Err(Self::odd(&archive_url, "the archive that `dist.integrity` announces"));
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

/// The version that is meant.
fn choose(listing: &Value, wanted: &PackageName) -> Option<String> {
    let known = versions(listing);
    if known.contains(&wanted.version.as_str()) {
        return Some(wanted.version.clone());
    }
    if matches!(wanted.version.as_str(), "latest" | "current") {
        let latest =
            listing.pointer("/dist-tags/latest").and_then(Value::as_str).filter(|latest| known.contains(latest));
        return latest.or_else(|| newest(known.into_iter())).map(str::to_owned);
    }
    let line = wanted.version.strip_suffix('x')?;
    newest(known.into_iter().filter(|version| version.starts_with(line) && !version.contains('-'))).map(str::to_owned)
}

fn newest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    versions.max_by(|left, right| compare_versions(left, right))
}

/// Whether an archive has the hash that is announced (Subresource Integrity). Other hashes than SHA-512 are not known here.
fn agrees(integrity: &str, archive: &[u8]) -> bool {
    let announced: Vec<_> = integrity.split_whitespace().filter_map(|hash| hash.strip_prefix("sha512-")).collect();
    let found = BASE64_STANDARD.encode(digest(&SHA512, archive));
    announced.is_empty() || announced.contains(&found.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_exact_or_the_newest_of_its_kind() {
        let listing = json!({"versions": {"1.0.0": {}, "1.0.9": {}, "1.0.10": {}, "1.0.11-ballot": {}, "2.0.0": {}},
            "dist-tags": {"latest": "1.0.10"}});
        let chosen = |version: &str| choose(&listing, &PackageName::new("a", version).unwrap());
        assert_eq!(chosen("1.0.0").as_deref(), Some("1.0.0"));
        assert_eq!(chosen("1.0.x").as_deref(), Some("1.0.10"));
        assert_eq!(chosen("latest").as_deref(), Some("1.0.10"));
        assert_eq!(chosen("3.0.x"), None);
        assert_eq!(chosen("1.0"), None);
    }

    #[test]
    fn an_archive_must_have_the_hash_that_is_announced() {
        let hash = BASE64_STANDARD.encode(digest(&SHA512, b"archive"));
        assert!(agrees(&format!("sha1-abc sha512-{hash}"), b"archive"));
        assert!(!agrees(&format!("sha512-{hash}"), b"another"));
        assert!(agrees("sha1-abc", b"archive"));
    }
}
