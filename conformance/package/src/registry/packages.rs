//! Packages become layers.

use fhir::Version;

use super::Registry;
use super::layer::{Layer, Origin, depends};
use crate::archive::{Manifest, is_core, plain};
use crate::package::Package;

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
    /// A registry with the artefacts of packages, which may build on each other in any order. Dependencies are not checked: see
    /// [`Registry::missing`].
    #[must_use]
    pub fn with_packages(&self, packages: impl IntoIterator<Item = Package>) -> Self {
        self.with(packages.into_iter().flat_map(|package| package.artefacts))
    }

    /// What packages need that is neither here nor among them. The core packages are always here, and in whatever version the
    /// terminology and the extensions that HL7 publishes apart: most guides name them, and what of them is in use is built in.
    #[must_use]
    pub fn missing<'a>(&self, packages: impl IntoIterator<Item = &'a Manifest> + Clone) -> Vec<MissingDependency> {
        let mut here = self.top.origins();
        here.extend(packages.clone().into_iter().map(Origin::from));
        let mut missing = Vec::new();
        for manifest in packages {
            for wanted in &manifest.dependencies {
                if !is_always_here(&wanted.0) && !here.iter().any(|origin| depends(wanted, origin)) {
                    let (name, version) = wanted.clone();
                    missing.push(MissingDependency { package: manifest.id(), name, version });
                }
            }
        }
        missing
    }

    /// Whether a package, in a version that a dependency asks for, is built in for some release. The core packages always are.
    #[must_use]
    pub fn is_built_in(name: &str, version: &str) -> bool {
        let wanted = (name.to_owned(), version.to_owned());
        let built_in = |version| Self::built_in(version).top.origins().iter().any(|origin| depends(&wanted, origin));
        is_core(plain(name)) || Version::ALL.into_iter().any(built_in)
    }

    /// The packages whose artefacts are here, as name and version, those added last first.
    #[must_use]
    pub fn packages(&self) -> Vec<(String, String)> {
        self.top.origins().into_iter().map(|origin| (origin.name, origin.version)).collect()
    }
}

fn is_always_here(name: &str) -> bool {
    is_core(name) || name.starts_with("hl7.terminology") || name.starts_with("hl7.fhir.uv.extensions")
}

impl From<&Manifest> for Origin {
    fn from(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            dependencies: manifest.dependencies.clone(),
        }
    }
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
