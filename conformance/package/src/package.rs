//! A package as a registry takes it.

use std::sync::Arc;

use bytes::Bytes;
use fhir::ResourceType;

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
