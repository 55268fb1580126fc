//! Adding packages to a folder, with what they build on.

use std::path::PathBuf;

use config::Config;
use fhir::Version;
use package::{Archive, Manifest, MissingDependency, Registry};
use url::Url;

use super::folder::Folder;
use super::name::PackageName;
use super::places::folder_of;
use super::remote::Remote;
use super::{PackageError, read_archive};

/// Packages that one package may bring along, at most.
const MOST: usize = 100;

/// What a command that adds packages works with.
pub struct Adding {
    /// Where they are put.
    pub folder: Folder,
    /// Where what they build on may lie as well.
    pub shared: Option<Folder>,
    /// Where they are fetched from.
    pub registry: Option<Url>,
    /// Whether what they build on comes with them.
    pub with_dependencies: bool,
}

/// A package that was put into the folder, or was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Which.
    pub name: PackageName,
    /// Whether it had been there before.
    pub was_there: bool,
}

impl Adding {
    /// As a configuration says.
    #[must_use]
    pub fn by(config: &Config) -> Self {
        Self {
            folder: folder_of(config),
            shared: config.packages.cache.as_deref().map(Folder::at),
            registry: config.packages.registry.clone(),
            with_dependencies: true,
        }
    }

    /// Adds a package from a file, or from the registry when `what` is `NAME#VERSION` and no file. What it builds on and neither the
    /// program nor a folder has is fetched first, so that a package that is in the folder is whole.
    ///
    /// # Errors
    /// It is no package, cannot be fetched, or builds on something that is nowhere.
    pub async fn add(&self, what: &str) -> Result<Vec<Added>, PackageError> {
        let path = PathBuf::from(what);
        if path.is_file() {
            return self.put(read_archive(&path)?).await;
        }
        let name: PackageName = what.parse().map_err(|_| PackageError::Nothing(what.to_owned()))?;
        if name.is_exact() && self.folder.has(&name) {
            return Ok(vec![Added { name, was_there: true }]);
        }
        self.put(self.fetch(&name).await?).await
    }

    async fn fetch(&self, name: &PackageName) -> Result<Archive, PackageError> {
        let registry = self.registry.clone().ok_or_else(|| PackageError::NoRegistry(name.clone()))?;
        let url = registry.to_string();
        let fetched = Remote::new(registry).get(name).await?;
        let archive = super::archive(&fetched.name.to_string(), &fetched.archive)?;
        // Whoever asks for one package must not get another one into the folder under its own name.
        if archive.manifest.id() != fetched.name.to_string() {
            let (wanted, found) = (fetched.name.to_string(), archive.manifest.id());
            return Err(PackageError::Another { url, wanted, found });
        }
        Ok(archive)
    }

    async fn put(&self, archive: Archive) -> Result<Vec<Added>, PackageError> {
        let mut archives = vec![archive];
        if self.with_dependencies {
            self.gather(&mut archives).await?;
        }
        let mut added = Vec::new();
        // What others build on comes first.
        for archive in archives.iter().rev() {
            let name = PackageName::new(&archive.manifest.name, &archive.manifest.version)?;
            let was_there = self.folder.has(&name);
            self.folder.add(archive)?;
            added.push(Added { name, was_there });
        }
        Ok(added)
    }

    /// Fetches what is missing, and what that needs, and so on.
    async fn gather(&self, archives: &mut Vec<Archive>) -> Result<(), PackageError> {
        loop {
            let missing = self.missing(archives)?;
            let Some(first) = missing.first() else { return Ok(()) };
            if self.registry.is_none() {
                return Err(PackageError::Missing(missing));
            }
            if archives.len() > MOST {
                return Err(PackageError::TooMany(MOST));
            }
            let wanted = PackageName::new(&first.name, &first.version)?;
            let archive = self.fetch(&wanted).await?;
            if archives.iter().any(|known| known.manifest.id() == archive.manifest.id()) {
                // What was fetched does not satisfy what asks for it: asking again would not help.
                return Err(PackageError::Missing(missing));
            }
            archives.push(archive);
        }
    }

    fn missing(&self, archives: &[Archive]) -> Result<Vec<MissingDependency>, PackageError> {
        let there = self.manifests()?;
        let all: Vec<&Manifest> = archives.iter().map(|archive| &archive.manifest).chain(&there).collect();
        let ours = |missing: &MissingDependency| archives.iter().any(|known| known.manifest.id() == missing.package);
        let release = archives.first().and_then(|archive| archive.manifest.fhir_versions.first().copied());
        let registry = Registry::built_in(release.unwrap_or(Version::R4));
        Ok(registry.missing(all).into_iter().filter(ours).collect())
    }

    fn manifests(&self) -> Result<Vec<Manifest>, PackageError> {
        let mut manifests = Vec::new();
        for folder in std::iter::once(&self.folder).chain(&self.shared) {
            for name in folder.names()? {
                manifests.push(folder.manifest(&name)?);
            }
        }
        Ok(manifests)
    }
}
