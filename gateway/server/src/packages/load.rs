//! What is built in and what the configuration adds, as a registry of canonicals for each practice and release.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use adapter::{Practice, PracticeAdditions};
use arc_swap::ArcSwap;
use bytes::Bytes;
use config::Config;
use fhir::{ResourceType, Version};
use package::{Artefact, Package, Registry};
use profile::Validator;
use search::{Adding, Additions};
use terminology::{Inquiry, Terminology};

use super::places::{Places, Read};
use super::{PackageError, offer};
use crate::consult::Outside;

/// The registries and validators of every practice, for all releases. Those of a practice are replaced together, so that whoever holds
/// one keeps what it began with.
pub struct Packages {
    outside: Option<Outside>,
    /// Practices with the same packages share one set.
    pub(super) sets: Vec<Set>,
    of: HashMap<Practice, usize>,
}

pub(super) struct Set {
    /// The first practice that has it.
    practice: String,
    places: Places,
    current: ArcSwap<[Validator; 3]>,
}

impl Packages {
    /// Loads what the configuration names.
    ///
    /// # Errors
    /// A package is not there, cannot be used, or builds on one that is not there; a terminology server cannot be asked.
    pub fn load(config: &Config) -> Result<Self, PackageError> {
        let outside = Outside::of(&config.terminology)?;
        let (sets, of) = Places::of_practices(config, Some(&config.gateway.data.join("compiled-packages")));
        let read = Read::default();
        let made = sets.into_iter().map(|(practice, places)| {
            let validators = places.validators(&read, outside.as_ref()).map_err(|error| error.of(&practice))?;
            Ok(Set { practice, places, current: ArcSwap::from_pointee(validators) })
        });
        Ok(Self { sets: made.collect::<Result<_, PackageError>>()?, of, outside })
    }

    /// Whether [`Packages::load`] would do, without writing anything: the registries that it would make, by practice, or why it would
    /// make none.
    #[must_use]
    pub fn check(config: &Config) -> BTreeMap<String, Result<Arc<[Registry; 3]>, Arc<PackageError>>> {
        let (sets, of) = Places::of_practices(config, None);
        let read = Read::default();
        let made: Vec<_> =
            sets.iter().map(|(_, places)| places.registries(&read).map(Arc::new).map_err(Arc::new)).collect();
        let named = of.into_iter().filter_map(|(practice, set)| Some((practice.to_string(), made.get(set)?.clone())));
        named.collect()
    }

    /// Loads everything again. A practice whose packages cannot be loaded keeps what it had.
    ///
    /// # Errors
    /// As [`Packages::load`]; the first one.
    pub fn reload(&self) -> Result<(), PackageError> {
        let read = Read::default();
        let mut first = Ok(());
        for set in &self.sets {
            match set.places.validators(&read, self.outside.as_ref()) {
                Ok(validators) => set.current.store(Arc::new(validators)),
                Err(error) if first.is_ok() => first = Err(error.of(&set.practice)),
                Err(error) => tracing::error!(practice = set.practice, %error, "packages cannot be loaded"),
            }
        }
        first
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

    /// The search parameters that the packages of each practice define. What an adapter indexes and offers is settled when it
    /// connects, so a reload changes nothing of it.
    ///
    /// # Errors
    /// A name in `load` is none.
    pub fn search_parameters(&self) -> Result<PracticeAdditions, PackageError> {
        let made = self.sets.iter().map(|set| {
            let listed = set.places.preferred()?;
            let mut adding = Adding::default();
            for validator in &**set.current.load() {
                offer::search_parameters(validator.registry(), &listed, &mut adding);
            }
            Ok(adding.done().unwrap_or_else(|error| {
                tracing::warn!(practice = set.practice, %error, "the search parameters of packages are left out");
                Additions::default()
            }))
        });
        let made = made.collect::<Result<Vec<_>, PackageError>>()?;
        Ok(self.of.iter().filter_map(|(practice, set)| Some((practice.clone(), *made.get(*set)?))).collect())
    }

    /// The registry of a practice and a release as it is now.
    #[must_use]
    pub fn registry(&self, practice: &Practice, version: Version) -> Registry {
        self.validator(practice, version).registry().clone()
    }

    /// The validator of a practice and a release as it is now. A practice that is not configured has what is built in.
    #[must_use]
    pub fn validator(&self, practice: &Practice, version: Version) -> Validator {
        let set = self.of.get(practice).and_then(|index| self.sets.get(*index));
        let Some(set) = set else { return validator(Registry::built_in(version), self.outside.as_ref()) };
        let [r4, r4b, r5] = &**set.current.load();
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

pub(super) fn registry((version, packages): (Version, Vec<Package>)) -> Result<Registry, PackageError> {
    let built_in = Registry::built_in(version);
    let missing = built_in.missing(packages.iter().map(Package::manifest));
    if !missing.is_empty() {
        return Err(PackageError::Missing(missing));
    }
    Ok(if packages.is_empty() { built_in } else { built_in.with_packages(packages) })
}

/// A version that a canonical without one should mean must be somewhere: nobody would see that it has no effect.
pub(super) fn check_version(registries: &[Registry; 3], name: &str, version: &str) -> Result<(), PackageError> {
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
