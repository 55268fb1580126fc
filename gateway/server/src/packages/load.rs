//! What is built in and what the configuration adds, as a registry of canonicals for each release.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use config::Config;
use fhir::{ResourceType, Version};
use package::{Artefact, Manifest, Package, Registry};
use profile::Validator;
use terminology::Terminology;

use super::PackageError;
use super::cache::Cache;
use super::folder::Folder;
use super::name::PackageName;

/// Where packages of a configuration lie.
#[derive(Clone, Debug)]
struct Places {
    folder: Folder,
    shared: Option<Folder>,
    /// Where packages are kept in the form that is read quickly; none when nothing is to be written.
    compiled: Option<PathBuf>,
    named: Vec<String>,
    versions: BTreeMap<String, String>,
}

/// The registries and validators of all releases. They are replaced together, so that whoever holds one keeps what it began
/// with.
pub struct Packages {
    places: Places,
    current: ArcSwap<[Validator; 3]>,
}

impl Packages {
    /// Loads what the configuration names.
    ///
    /// # Errors
    /// A package is not there, cannot be used, or builds on one that is not there.
    pub fn load(config: &Config) -> Result<Self, PackageError> {
        let mut places = Places::of(config);
        places.compiled = Some(config.gateway.data.join("compiled-packages"));
        let current = ArcSwap::from_pointee(places.validators()?);
        Ok(Self { places, current })
    }

    /// Whether [`Packages::load`] would do, without writing anything; gives the registries that it would make.
    ///
    /// # Errors
    /// As [`Packages::load`].
    pub fn check(config: &Config) -> Result<[Registry; 3], PackageError> {
        Places::of(config).registries()
    }

    /// Loads everything again. On an error what was loaded before stays.
    ///
    /// # Errors
    /// As [`Packages::load`].
    pub fn reload(&self) -> Result<(), PackageError> {
        self.current.store(Arc::new(self.places.validators()?));
        Ok(())
    }

    /// The registry of a release as it is now.
    #[must_use]
    pub fn registry(&self, version: Version) -> Registry {
        self.validator(version).registry().clone()
    }

    /// The validator of a release as it is now.
    #[must_use]
    pub fn validator(&self, version: Version) -> Validator {
        let [r4, r4b, r5] = &**self.current.load();
        match version {
            Version::R4 => r4.clone(),
            Version::R4B => r4b.clone(),
            Version::R5 => r5.clone(),
        }
    }
}

/// A validator by the structures, value sets and code systems of a registry.
#[must_use]
pub fn validator(registry: Registry) -> Validator {
    let terminology = Terminology::of(registry.version());
    let defined = [ResourceType::CODE_SYSTEM, ResourceType::VALUE_SET];
    // What is built in is no JSON: these are the packages' own.
    let json: Vec<&Bytes> = defined.iter().flat_map(|of| registry.artefacts(*of)).filter_map(Artefact::json).collect();
    let terminology = match json.is_empty() {
        true => terminology,
        false => terminology.with(json.iter().map(AsRef::as_ref)).unwrap_or_else(|error| {
            tracing::warn!(%error, "code systems and value sets of packages are left out");
            terminology
        }),
    };
    Validator::of(registry, terminology)
}

impl Places {
    fn of(config: &Config) -> Self {
        let packages = &config.packages;
        Self {
            folder: folder_of(config),
            shared: packages.cache.as_deref().map(Folder::at),
            compiled: None,
            named: packages.load.clone(),
            versions: packages.versions.clone(),
        }
    }

    fn registries(&self) -> Result<[Registry; 3], PackageError> {
        let packages = self.read()?;
        let mut by_release = Version::ALL.map(|version| (version, Vec::new()));
        for package in packages {
            // A package that names several releases is read once for each: rare, and its bytes are shared.
            for (version, list) in &mut by_release {
                if package.manifest().is_for(*version) {
                    list.push(package.clone());
                }
            }
        }
        let [r4, r4b, r5] = by_release;
        Ok([self.registry(r4)?, self.registry(r4b)?, self.registry(r5)?])
    }

    fn validators(&self) -> Result<[Validator; 3], PackageError> {
        Ok(self.registries()?.map(validator))
    }

    fn registry(&self, (version, packages): (Version, Vec<Package>)) -> Result<Registry, PackageError> {
        let built_in = Registry::built_in(version);
        let missing = built_in.missing(packages.iter().map(Package::manifest));
        if !missing.is_empty() {
            return Err(PackageError::Missing(missing));
        }
        let registry = if packages.is_empty() { built_in } else { built_in.with_packages(packages) };
        Ok(self.versions.iter().fold(registry, |registry, (name, version)| registry.prefer(name, version)))
    }

    /// All that lies in the own folder, what is named, and what these build on.
    fn read(&self) -> Result<Vec<Package>, PackageError> {
        let cache = self.compiled.as_deref().map(Cache::at);
        let mut wanted = self.folder.names()?;
        for name in &self.named {
            wanted.push(name.parse()?);
        }
        let mut packages: Vec<Package> = Vec::new();
        while let Some(name) = wanted.pop() {
            if packages.iter().any(|package| is(package.manifest(), &name)) {
                continue;
            }
            let folder = self.folder_with(&name).ok_or_else(|| self.not_here(&name))?;
            let package = match &cache {
                Some(cache) => cache.read(folder, &name)?,
                None => folder.read(&name)?,
            };
            wanted.extend(self.needs(package.manifest()));
            packages.push(package);
        }
        Ok(packages)
    }

    /// What a package builds on and a folder has. What is built in need not be there, and what is nowhere is found out later.
    fn needs(&self, manifest: &Manifest) -> Vec<PackageName> {
        let names = manifest.dependencies.iter().filter_map(|(name, version)| PackageName::new(name, version).ok());
        names.filter(|name| self.folder_with(name).is_some()).collect()
    }

    fn folder_with(&self, name: &PackageName) -> Option<&Folder> {
        std::iter::once(&self.folder).chain(&self.shared).find(|folder| folder.has(name))
    }

    fn not_here(&self, name: &PackageName) -> PackageError {
        let folders =
            std::iter::once(&self.folder).chain(&self.shared).map(|folder| folder.path().display().to_string());
        PackageError::NotHere { name: name.to_string(), folders: folders.collect::<Vec<_>>().join(", ") }
    }
}

/// The folder of a configuration, into which packages are added.
pub(super) fn folder_of(config: &Config) -> Folder {
    match &config.packages.folder {
        Some(path) => Folder::at(path),
        None => Folder::at(&config.gateway.data.join("packages")),
    }
}

fn is(manifest: &Manifest, name: &PackageName) -> bool {
    manifest.name == name.name && manifest.version == name.version
}
