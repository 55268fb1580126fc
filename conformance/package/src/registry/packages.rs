//! Packages become layers.

use std::sync::Arc;

use super::layer::{Layer, Origin, depends};
use super::{Artefact, Registry};
use crate::archive::{Archive, Manifest};

/// A package that another one builds on is not here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("package {package} needs {name}#{version}, which is not here (add it first)")]
pub struct MissingDependency {
    /// Which package needs it, as `name#version`.
    pub package: String,
    /// The name of what it needs.
    pub name: String,
    /// The version of it, as written.
    pub version: String,
}

impl Registry {
    /// A registry with the artefacts of packages, which may build on each other in any order. What is no artefact (an example
    /// without a URL, broken JSON) is left out. Dependencies are not checked: see [`Registry::missing`].
    #[must_use]
    pub fn with_packages(&self, packages: impl IntoIterator<Item = Archive>) -> Self {
        self.with(packages.into_iter().flat_map(artefacts))
    }

    /// What packages need that is neither here nor among them. The core package of the release is always here.
    #[must_use]
    pub fn missing<'a>(&self, packages: impl IntoIterator<Item = &'a Manifest> + Clone) -> Vec<MissingDependency> {
        let mut here = self.top.origins();
        here.extend(packages.clone().into_iter().map(origin));
        let mut missing = Vec::new();
        for manifest in packages {
            for wanted in &manifest.dependencies {
                if !here.iter().any(|origin| depends(wanted, origin)) {
                    let (name, version) = wanted.clone();
                    missing.push(MissingDependency { package: manifest.id(), name, version });
                }
            }
        }
        missing
    }

    /// The packages whose artefacts are here, as name and version, those added last first.
    #[must_use]
    pub fn packages(&self) -> Vec<(String, String)> {
        self.top.origins().into_iter().map(|origin| (origin.name, origin.version)).collect()
    }
}

pub(crate) fn origin(manifest: &Manifest) -> Origin {
    Origin {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        dependencies: manifest.dependencies.clone(),
    }
}

fn artefacts(package: Archive) -> impl Iterator<Item = Artefact> {
    let origin = Arc::new(origin(&package.manifest));
    let canonical = package.manifest.canonical;
    package.files.into_iter().filter_map(move |(_, json)| {
        let mut artefact = Artefact::from_json(json).ok()?;
        artefact.is_of_its_package = canonical.as_deref().is_some_and(|canonical| artefact.url.starts_with(canonical));
        artefact.origin = Some(Arc::clone(&origin));
        Some(artefact)
    })
}

impl Layer {
    /// The packages of this layer and those below it.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        let mut origins: Vec<Origin> = Vec::new();
        for artefact in self.all().flat_map(|layer| &layer.artefacts) {
            if let Some(origin) = artefact.origin.as_deref().filter(|origin| !origins.contains(origin)) {
                origins.push(origin.clone());
            }
        }
        origins
    }
}
