//! What is built in: for each release the types, the extensions that HL7 publishes apart, and over these the core package's
//! profiles and extensions with those of the guides for it.

use std::sync::{Arc, OnceLock};

use fhir::{ResourceType, Version};

use super::artefact::{Artefact, Body};
use super::layer::{Layer, Origin};
use crate::canonical::CORE;
use crate::types;
use crate::volume::{Volume, volume};

/// A package whose facts are built in.
struct BuiltIn {
    manifest: &'static str,
    volume: Volume,
    /// Resources that are no structures.
    resources: Volume,
}

macro_rules! built_in {
    ($name:ident = $folder:literal) => {
        static $name: BuiltIn = BuiltIn {
            manifest: include_str!(concat!("../../facts/", $folder, "/package.txt")),
            volume: volume!($folder),
            resources: volume!($folder, "-resources"),
        };
    };
}

built_in!(R4_CORE = "hl7.fhir.r4.core-4.0.1");
built_in!(R4B_CORE = "hl7.fhir.r4b.core-4.3.0");
built_in!(R5_CORE = "hl7.fhir.r5.core-5.0.0");
built_in!(R4_EXTENSIONS = "hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1");
built_in!(R5_EXTENSIONS = "hl7.fhir.uv.extensions.r5-5.3.0-ballot-tc1");
built_in!(US_CORE_6 = "hl7.fhir.us.core-6.1.0");
built_in!(US_CORE_7 = "hl7.fhir.us.core-7.0.0");
built_in!(US_CORE_9 = "hl7.fhir.us.core-9.0.0");

/// The version of each package that a canonical without a version means, until a practice says otherwise. US certification names
/// US Core 6.1.0 from 2026.
const PREFERRED: [(&str, &str); 1] = [("hl7.fhir.us.core", "6.1.0")];

/// The layers of a release.
pub(super) fn layers(version: Version) -> Layer {
    let preferred: Arc<[_]> = PREFERRED.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
    let (extensions, packages): (&BuiltIn, &[&'static BuiltIn]) = match version {
        Version::R4 => (&R4_EXTENSIONS, &[&R4_CORE, &US_CORE_6, &US_CORE_7, &US_CORE_9]),
        Version::R4B => (&R4_EXTENSIONS, &[&R4B_CORE]),
        Version::R5 => (&R5_EXTENSIONS, &[&R5_CORE]),
    };
    let over = |below: Option<Layer>, artefacts| Layer::new(version, below.map(Arc::new), artefacts, preferred.clone());
    let types = over(None, types(version));
    let extensions = over(Some(types), artefacts(extensions).collect());
    over(Some(extensions), packages.iter().flat_map(|package| artefacts(package)).collect())
}

fn types(version: Version) -> Vec<Artefact> {
    types::volume_of(version)
        .parts()
        .map(|(name, part)| {
            let (url, number) = (format!("{CORE}{name}"), version.number().to_owned());
            Artefact::new(ResourceType::STRUCTURE_DEFINITION, url, Some(number), Body::Type(part))
        })
        .collect()
}

fn artefacts(package: &'static BuiltIn) -> impl Iterator<Item = Artefact> {
    let origin = Arc::new(origin(package.manifest));
    let canonical = fact(package.manifest, "canonical").unwrap_or("-");
    let structures = package.volume.parts().map(|(key, part)| {
        let (url, version) = key.split_once('\t').unwrap_or((key, ""));
        (ResourceType::STRUCTURE_DEFINITION, url, version, Body::Facts(&package.volume, part))
    });
    let resources = package.resources.parts().filter_map(|(key, part)| {
        let (resource_type, rest) = key.split_once('\t')?;
        let (url, version) = rest.split_once('\t')?;
        Some((resource_type.parse().ok()?, url, version, Body::Packed(&package.resources, part, OnceLock::new())))
    });
    structures.chain(resources).map(move |(resource_type, url, version, body)| {
        let version = (!version.is_empty()).then(|| version.to_owned());
        let mut artefact = Artefact::new(resource_type, url.to_owned(), version, body);
        artefact.is_of_its_package = url.starts_with(canonical);
        artefact.origin = Some(Arc::clone(&origin));
        artefact
    })
}

fn origin(manifest: &str) -> Origin {
    let needs = manifest.lines().filter_map(|line| line.strip_prefix("needs ")?.split_once(' '));
    Origin {
        name: fact(manifest, "name").unwrap_or_default().to_owned(),
        version: fact(manifest, "version").unwrap_or_default().to_owned(),
        dependencies: needs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect(),
    }
}

fn fact<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    manifest.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}
