//! FHIR packages: where they lie, how they come there, and what the gateway knows through them. Nothing is fetched but by
//! `frontdesk package add`.

mod add;
mod cache;
mod folder;
mod folders;
mod given;
mod load;
mod name;
mod offer;
mod places;
mod remote;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use package::{Archive, BadArchive, Bounds, NoArtefact, Package};

use crate::authorize::fetch::FetchError;

pub use add::{Added, Adding};
pub use cache::Cache;
pub use folder::Folder;
pub use folders::Folders;
pub use given::Given;
pub use load::{Packages, validator};
pub use name::{NoPackageName, PackageName};
pub use remote::{Fetched, Remote};

/// Why a package cannot be added or loaded.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// A file or folder.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What stands in it.
    #[error("{name} is no package: {source}")]
    Archive {
        /// The package or the file.
        name: String,
        /// Why not.
        source: BadArchive,
    },
    /// A file that is no package and holds no resource that something can refer to.
    #[error("{} is neither a package (.tgz, or a folder with package.json) nor a definition: {source}", path.display())]
    Resource {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: NoArtefact,
    },
    /// A file in XML that cannot be read.
    #[error("{} is no FHIR in XML: {why}", path.display())]
    Xml {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Neither a file nor a package.
    #[error("{0}: no such file or folder, and no NAME#VERSION")]
    Nothing(String),
    /// A version that a canonical without one should mean is nowhere.
    #[error("`versions` names {name}#{version}, which is not here (here: {known})")]
    NoVersion {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// Those that are here.
        known: String,
    },
    /// Another package needs it.
    #[error("{by} builds on {name} (remove that first)")]
    InUse {
        /// The package.
        name: PackageName,
        /// Who needs it.
        by: PackageName,
    },
    /// A version that moves and is not published.
    #[error("{0} is no published version (expected one such as 1.0.0, 1.0.x or latest)")]
    Moving(PackageName),
    /// The terminology server.
    #[error(transparent)]
    Outside(#[from] crate::consult::Unusable),
    /// Its name.
    #[error(transparent)]
    Name(#[from] NoPackageName),
    /// It lies nowhere.
    #[error("{name} is in none of {folders} (add it: frontdesk package add {name})")]
    NotHere {
        /// The package.
        name: String,
        /// Where it was looked for.
        folders: String,
    },
    /// What it builds on lies nowhere.
    #[error("{}", sentences(.0))]
    Missing(Vec<package::MissingDependency>),
    /// No registry is known.
    #[error("no registry is set to fetch {0} from (--registry URL, or `registry` in [packages])")]
    NoRegistry(PackageName),
    /// The registry does not answer.
    #[error("cannot fetch {url}: {source}")]
    Registry {
        /// What was asked.
        url: String,
        /// Why not.
        source: FetchError,
    },
    /// The registry answers with something else.
    #[error("expected {expected} from {url}")]
    Answer {
        /// What was asked.
        url: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The registry sends another package than the one that was asked for.
    #[error("expected {wanted} from {url}, found {found}")]
    Another {
        /// The registry.
        url: String,
        /// What was asked for.
        wanted: String,
        /// What came.
        found: String,
    },
    /// The registry does not have it.
    #[error("{registry} has no {name} (its newest: {known})")]
    Absent {
        /// The package.
        name: String,
        /// The registry.
        registry: String,
        /// What it has.
        known: String,
    },
    /// The packages of a practice beside the default one.
    #[error("practice `{practice}`: {source}")]
    Practice {
        /// Which practice.
        practice: String,
        /// What is wrong with them.
        source: Box<Self>,
    },
    /// One package needs more others than any sensible one.
    #[error("expected a package that builds on at most {0} others")]
    TooMany(usize),
}

impl PackageError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// The same, of the packages of a practice.
    fn of(self, practice: &str) -> Self {
        match practice {
            "default" => self,
            _ => Self::Practice { practice: practice.to_owned(), source: Box::new(self) },
        }
    }
}

fn sentences(missing: &[package::MissingDependency]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The archive in a `.tgz`.
fn read_archive(path: &Path) -> Result<Archive, PackageError> {
    let bytes = std::fs::read(path).map_err(|error| PackageError::file(path, error))?;
    archive(&path.display().to_string(), &bytes)
}

fn archive(name: &str, packed: &[u8]) -> Result<Archive, PackageError> {
    Archive::read(packed, Bounds::default()).map_err(|source| PackageError::Archive { name: name.to_owned(), source })
}

fn of_files(name: &str, files: Vec<(String, Bytes)>) -> Result<Package, PackageError> {
    let archive = Archive::from_files(files);
    Ok(usable(archive.map_err(|source| PackageError::Archive { name: name.to_owned(), source })?))
}

/// What can be used of an archive. The rest is logged.
fn usable(archive: Archive) -> Package {
    let (package, left_out) = Package::of(archive);
    for left in left_out {
        tracing::warn!(package = package.manifest().id(), file = left.file, why = left.why, "left out of a package");
    }
    package
}
