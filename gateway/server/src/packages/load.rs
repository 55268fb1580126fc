//! What is built in and what the configuration adds, as a registry of canonicals for each release.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use config::Config;
use fhir::{ResourceType, Version};
use package::{Artefact, Package, Registry};
use profile::Validator;
use terminology::{Inquiry, Terminology};

use super::cache::Cache;
use super::folder::Folder;
use super::folders::Folders;
use super::name::{NoPackageName, PackageName};
use super::{PackageError, offer};
use crate::consult::Outside;

/// Where packages of a configuration lie.
#[derive(Clone, Debug)]
struct Places {
    /// The own one first.
    folders: Folders,
    /// Where packages are kept in the form that is read quickly; none when nothing is to be written.
    compiled: Option<PathBuf>,
    named: Vec<String>,
    versions: BTreeMap<String, String>,
}

/// The registries and validators of all releases. They are replaced together, so that whoever holds one keeps what it began
/// with.
pub struct Packages {
    places: Places,
    outside: Option<Outside>,
    current: ArcSwap<[Validator; 3]>,
}

impl Packages {
    /// Loads what the configuration names.
    ///
    /// # Errors
    /// A package is not there, cannot be used, or builds on one that is not there; a terminology server cannot be asked.
    pub fn load(config: &Config) -> Result<Self, PackageError> {
        let mut places = Places::of(config);
        places.compiled = Some(config.gateway.data.join("compiled-packages"));
        let outside = Outside::of(&config.terminology)?;
        let current = ArcSwap::from_pointee(places.validators(outside.as_ref())?);
        Ok(Self { places, outside, current })
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
        self.current.store(Arc::new(self.places.validators(self.outside.as_ref())?));
        Ok(())
    }

    /// Does work with a validator ([`terminology::gather`] around it), once more when a terminology server could say what it left
    /// open.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn settled<T, E, W>(&self, work: impl Fn() -> W) -> Result<T, E>
    where
        W: Future<Output = Result<(T, Vec<Inquiry>), E>>,
    {
        let (first, inquiries) = work().await?;
        match &self.outside {
            // Boxed: a request that asks nobody does not carry the room for it.
            Some(outside) if !inquiries.is_empty() && Box::pin(outside.ask(inquiries)).await => Ok(work().await?.0),
            _ => Ok(first),
        }
    }

    /// Lets searches of this process use the parameters that the packages define. To be called before any adapter is made: what an
    /// adapter indexes and offers is settled when it connects, and a reload changes nothing of it.
    ///
    /// # Errors
    /// A name in `load` is none.
    pub fn offer_search_parameters(&self) -> Result<(), PackageError> {
        let listed = self.places.preferred()?;
        for validator in &**self.current.load() {
            offer::search_parameters(validator.registry(), &listed);
        }
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

/// The package whose editions are built in side by side.
const US_CORE: &str = "hl7.fhir.us.core";

/// A validator by the structures, value sets and code systems of a registry, and by what a terminology server says.
#[must_use]
pub fn validator(registry: Registry, outside: Option<&Outside>) -> Validator {
    let mut terminology = Terminology::of(registry.version());
    if let Some(version) = registry.preferred(US_CORE) {
        terminology = terminology.preferring_us_core(version);
    }
    if let Some(outside) = outside {
        terminology = terminology.consulting(Arc::clone(outside.consultation()));
    }
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
            folders: Folders(
                std::iter::once(folder_of(config)).chain(packages.cache.as_deref().map(Folder::at)).collect(),
            ),
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
        let registries = [registry(r4)?, registry(r4b)?, registry(r5)?];
        for (name, version) in &self.versions {
            check_version(&registries, name, version)?;
        }
        let preferred = self.preferred()?;
        let prefer = |registry: Registry| {
            preferred.iter().fold(registry, |registry, (name, version)| registry.prefer(name, version))
        };
        Ok(registries.map(prefer))
    }

    fn validators(&self, outside: Option<&Outside>) -> Result<[Validator; 3], PackageError> {
        Ok(self.registries()?.map(|registry| validator(registry, outside)))
    }

    /// All that lies in the own folder, what is named, and what these build on.
    fn read(&self) -> Result<Vec<Package>, PackageError> {
        let mut wanted = match self.folders.0.first() {
            Some(own) => own.names()?,
            None => Vec::new(),
        };
        for name in self.named()? {
            if !self.is_only_built_in(&name)? {
                wanted.push(name);
            }
        }
        match self.compiled.as_deref().map(Cache::at) {
            Some(cache) => self.folders.with_needs(wanted, &|folder, name| cache.read(folder, name)),
            None => self.folders.with_needs(wanted, &Folder::read),
        }
    }

    fn named(&self) -> Result<Vec<PackageName>, NoPackageName> {
        self.named.iter().map(|name| name.parse()).collect()
    }

    fn is_only_built_in(&self, name: &PackageName) -> Result<bool, PackageError> {
        Ok(self.folders.find(&name.name, &name.version)?.is_none() && Registry::is_built_in(&name.name, &name.version))
    }

    /// Which version of a package a canonical without one means: what `versions` says, else what is named.
    fn preferred(&self) -> Result<BTreeMap<String, String>, PackageError> {
        let named = self.named()?.into_iter().map(|name| (name.name, name.version));
        Ok(named.chain(self.versions.clone()).collect())
    }
}

fn registry((version, packages): (Version, Vec<Package>)) -> Result<Registry, PackageError> {
    let built_in = Registry::built_in(version);
    let missing = built_in.missing(packages.iter().map(Package::manifest));
    if !missing.is_empty() {
        return Err(PackageError::Missing(missing));
    }
    Ok(if packages.is_empty() { built_in } else { built_in.with_packages(packages) })
}

/// A version that a canonical without one should mean must be somewhere: nobody would see that it has no effect.
fn check_version(registries: &[Registry; 3], name: &str, version: &str) -> Result<(), PackageError> {
    let here = registries.iter().flat_map(Registry::packages).filter(|(other, _)| other == name);
    let mut known: Vec<String> = here.map(|(_, version)| version).collect();
    if known.iter().any(|known| known == version) {
        return Ok(());
    }
    known.sort_unstable();
    known.dedup();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(PackageError::NoVersion { name: name.to_owned(), version: version.to_owned(), known })
}

/// The folder of a configuration, into which packages are added.
pub(super) fn folder_of(config: &Config) -> Folder {
    match &config.packages.folder {
        Some(path) => Folder::at(path),
        None => Folder::at(&config.gateway.data.join("packages")),
    }
}
