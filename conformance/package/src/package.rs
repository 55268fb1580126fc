//! A package as a registry takes it.

use std::sync::Arc;

use bytes::Bytes;
use fhir::ResourceType;
use fhir::json::{Document, scan};

use crate::archive::{Archive, Manifest};
use crate::draft;
use crate::facts;
use crate::registry::{Artefact, Body, NoArtefact, Origin};

/// A package: what it says of itself, and its artefacts. Structures are reduced to facts, everything else is JSON.
#[derive(Clone)]
pub struct Package {
    pub(crate) manifest: Manifest,
    pub(crate) artefacts: Vec<Artefact>,
}

/// A file of a package that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub file: String,
    /// Why, in words.
    pub why: String,
}

impl Package {
    /// The artefacts of an archive. What nothing can refer to (an example without a URL) is none; what should be one and is broken
    /// is left out and named.
    #[must_use]
    pub fn of(archive: Archive) -> (Self, Vec<LeftOut>) {
        let (mut artefacts, mut left_out) = (Vec::new(), Vec::new());
        for (file, json) in archive.files {
            match artefact(json) {
                Ok(artefact) => artefacts.push(artefact),
                Err(NoArtefact::NoUrl | NoArtefact::NoResource) => {}
                Err(error) => left_out.push(LeftOut { file, why: error.to_string() }),
            }
        }
        (Self::new(archive.manifest, artefacts), left_out)
    }

    /// Resources that came without a package, in JSON; a Bundle stands for what it holds. They are for every release, and hide what
    /// packages have under their canonicals.
    ///
    /// # Errors
    /// One is no JSON or is broken, or none of them is one that something can refer to.
    pub fn of_resources(name: &str, resources: impl IntoIterator<Item = Bytes>) -> Result<Self, NoArtefact> {
        let mut artefacts = Vec::new();
        for json in resources {
            match artefact(json.clone()) {
                Ok(one) => artefacts.push(one),
                Err(NoArtefact::NoUrl) => artefacts.extend(of_bundle(&json)?),
                Err(error) => return Err(error),
            }
        }
        if artefacts.is_empty() {
            return Err(NoArtefact::NoUrl);
        }
        let (name, version) = (name.to_owned(), String::new());
        let manifest = Manifest { name, version, canonical: None, fhir_versions: Vec::new(), dependencies: Vec::new() };
        Ok(Self { manifest, artefacts })
    }

    /// Every artefact knows the package it is of.
    pub(crate) fn new(manifest: Manifest, mut artefacts: Vec<Artefact>) -> Self {
        let origin = Arc::new(Origin::from(&manifest));
        for artefact in &mut artefacts {
            let canonical = manifest.canonical.as_deref();
            artefact.is_of_its_package = canonical.is_some_and(|canonical| artefact.url.starts_with(canonical));
            artefact.origin = Some(Arc::clone(&origin));
        }
        Self { manifest, artefacts }
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its artefacts.
    #[must_use]
    pub fn artefacts(&self) -> &[Artefact] {
        &self.artefacts
    }
}

/// The artefacts among the entries of a Bundle; none of another resource.
fn of_bundle(json: &Bytes) -> Result<Vec<Artefact>, NoArtefact> {
    let mut nodes = Vec::new();
    scan(json, &mut nodes, draft::LIMITS)?;
    let entries = Document::new(json, &nodes).root().into_iter().flat_map(|root| draft::items(root, "entry"));
    let resources = entries.filter_map(|entry| entry.member("resource"));
    let artefacts = resources.map(|resource| artefact(json.slice_ref(resource.raw())));
    artefacts.filter(|one| !matches!(one, Err(NoArtefact::NoUrl | NoArtefact::NoResource))).collect()
}

/// A structure keeps what validators need, its published snapshot in place of its differential.
fn artefact(json: Bytes) -> Result<Artefact, NoArtefact> {
    let mut artefact = Artefact::from_json(json)?;
    if artefact.resource_type != ResourceType::STRUCTURE_DEFINITION {
        return Ok(artefact);
    }
    let Body::Json(json) = &artefact.body else { return Ok(artefact) };
    let mut draft = draft::read(json).map_err(NoArtefact::Structure)?;
    if !draft.snapshot.is_empty() {
        draft.differential.clear();
    }
    draft.identify();
    artefact.body = Body::Text(facts::print(&draft).into());
    Ok(artefact)
}
