//! Code systems, value sets and concept maps that a caller added: of a package, a bundle or a job.

use std::sync::Arc;

use foldhash::HashMap;
use serde_json::Value;

use crate::code_system::{self, CodeSystem, Content, Text};
use crate::concept_map::{self, ConceptMap};
use crate::json::{items, text};
use crate::value_set::{self, ValueSet};

/// A resource that could not be added.
#[derive(Debug, thiserror::Error)]
pub enum InvalidResource {
    /// It is no JSON.
    #[error("expected a resource in JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What was added at once, above what was there.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    code_systems: HashMap<Text, Vec<CodeSystem>>,
    supplements: HashMap<Text, Vec<CodeSystem>>,
    value_sets: HashMap<Text, Vec<ValueSet>>,
    concept_maps: HashMap<Text, ConceptMap>,
    /// Canonicals of the value sets of all codes of a code system, to the code system.
    whole: HashMap<Text, Text>,
    pub(crate) below: Option<Arc<Layer>>,
}

impl Layer {
    pub(crate) fn above(below: Option<Arc<Self>>) -> Self {
        Self { below, ..Self::default() }
    }

    /// Adds a CodeSystem, ValueSet or ConceptMap, and those in a Bundle or contained in another resource. Anything else is passed over.
    pub(crate) fn add(&mut self, resource: &Value) {
        match text(resource, "resourceType") {
            "CodeSystem" => self.add_code_system(resource),
            "ValueSet" => self.add_value_set(resource),
            "ConceptMap" => self.add_concept_map(resource),
            "Bundle" => {
                items(resource, "entry")
                    .iter()
                    .filter_map(|entry| entry.get("resource"))
                    .for_each(|entry| self.add(entry));
            }
            _ => {}
        }
        items(resource, "contained").iter().for_each(|contained| self.add(contained));
    }

    fn add_code_system(&mut self, resource: &Value) {
        let read = code_system::read(resource);
        if read.url.is_empty() {
            return;
        }
        if read.content == Content::Supplement {
            let of = read.supplements.split('|').next().unwrap_or_default().to_owned();
            self.supplements.entry(of.into()).or_default().push(read);
            return;
        }
        if !read.value_set.is_empty() {
            self.whole.insert(read.value_set.clone(), read.url.clone());
        }
        self.code_systems.entry(read.url.clone()).or_default().push(read);
    }

    fn add_value_set(&mut self, resource: &Value) {
        let read = value_set::read(resource);
        if !read.url.is_empty() {
            self.value_sets.entry(read.url.clone()).or_default().push(read);
        }
    }

    fn add_concept_map(&mut self, resource: &Value) {
        let read = concept_map::read(resource);
        if !read.url.is_empty() {
            self.concept_maps.insert(read.url.clone(), read);
        }
    }

    pub(crate) fn concept_map(&self, url: &str) -> Option<&ConceptMap> {
        self.concept_maps.get(url)
    }

    pub(crate) fn code_systems(&self, url: &str) -> &[CodeSystem] {
        self.code_systems.get(url).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn supplements(&self, url: &str) -> &[CodeSystem] {
        self.supplements.get(url).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn value_sets(&self, url: &str) -> &[ValueSet] {
        self.value_sets.get(url).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn whole(&self, value_set: &str) -> Option<&str> {
        self.whole.get(value_set).map(|system| &**system)
    }
}
