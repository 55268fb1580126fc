//! A FHIR package as it travels: a gzipped tar with `package/package.json` and a JSON file for each resource
//! (the npm layout that the FHIR package specification uses). Nothing is written anywhere: names in the archive are only looked at.

mod manifest;
mod unpack;

use bytes::Bytes;
use fhir::json::SyntaxError;

pub use manifest::Manifest;
pub(crate) use manifest::{is_core, plain};
pub use unpack::Bounds;

/// What a package is made of.
pub struct Archive {
    /// `package.json`
    pub manifest: Manifest,
    /// The same as it is written.
    pub manifest_json: Bytes,
    /// Each `package/NAME.json` but `package.json` and the index: its name and content.
    pub files: Vec<(String, Bytes)>,
}

/// Why an archive is no package.
#[derive(Debug, thiserror::Error)]
pub enum BadArchive {
    /// It cannot be unpacked.
    #[error("expected a gzipped tar: {0}")]
    Unpack(#[from] std::io::Error),
    /// It holds more than the bounds allow.
    #[error("expected a package of at most {limit} {of}")]
    TooLarge {
        /// How many.
        limit: u64,
        /// Of what.
        of: &'static str,
    },
    /// There is no manifest.
    #[error("expected `package/package.json`")]
    NoManifest,
    /// The manifest is no JSON.
    #[error("expected JSON in `package/package.json`: {0}")]
    Manifest(#[from] SyntaxError),
    /// The manifest does not say what every package says.
    #[error("expected `{0}` in `package/package.json`")]
    Incomplete(&'static str),
}

impl Archive {
    /// Unpacks a package.
    ///
    /// # Errors
    /// It is no gzipped tar, holds more than `bounds` allow, or has no usable `package/package.json`.
    pub fn read(packed: &[u8], bounds: Bounds) -> Result<Self, BadArchive> {
        Self::from_files(unpack::files(packed, bounds)?)
    }

    /// The package whose files are at hand already, as in the folder `package` of a package cache.
    ///
    /// # Errors
    /// There is no usable `package.json` among them.
    pub fn from_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Result<Self, BadArchive> {
        let mut files: Vec<_> = files.into_iter().collect();
        let number = files.iter().position(|(name, _)| name == "package.json").ok_or(BadArchive::NoManifest)?;
        let (_, manifest_json) = files.swap_remove(number);
        files.retain(|(name, _)| name != ".index.json" && name != "package.json");
        Ok(Self { manifest: Manifest::read(&manifest_json)?, manifest_json, files })
    }
}
