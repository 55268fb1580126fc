//! A code system from its FHIR resource, R4 to R5.

use serde_json::Value;

use super::{CodeSystem, Concept, Content, Text};
use crate::json::{flag, items, owned, text};

/// Reads a CodeSystem. Whatever is malformed inside is left out: rules about the resource itself are the validator's.
pub(crate) fn read(resource: &Value) -> CodeSystem {
    let mut concepts = Concepts::default();
    concepts.add(items(resource, "concept"), None, 0);
    concepts.link();
    CodeSystem {
        url: owned(resource, "url"),
        version: owned(resource, "version"),
        content: Content::named(text(resource, "content")),
        is_case_sensitive: flag(resource, "caseSensitive").unwrap_or(true),
        supplements: owned(resource, "supplements"),
        value_set: owned(resource, "valueSet"),
        concepts: concepts.read,
        order: Default::default(),
    }
    .sealed()
}

/// Deepest nesting of concepts that is read; serde_json itself stops a little later.
const MAX_NESTING: u32 = 60;

#[derive(Default)]
struct Concepts {
    read: Vec<Concept>,
    /// Parents and children that are named by code.
    links: Vec<(Link, u32, String)>,
}

enum Link {
    Parent,
    Child,
}

impl Concepts {
    fn add(&mut self, concepts: &[Value], parent: Option<u32>, nesting: u32) {
        if nesting > MAX_NESTING {
            return;
        }
        for concept in concepts {
            let index = self.read.len() as u32;
            let read = self.concept(concept, index, parent);
            self.read.push(read);
            self.add(items(concept, "concept"), Some(index), nesting + 1);
        }
    }

    fn concept(&mut self, concept: &Value, index: u32, parent: Option<u32>) -> Concept {
        let mut read = Concept {
            code: owned(concept, "code"),
            display: owned(concept, "display"),
            designations: items(concept, "designation").iter().map(|item| owned(item, "value")).collect(),
            parents: parent.into_iter().collect(),
            ..Concept::default()
        };
        let mut properties = Vec::new();
        for property in items(concept, "property") {
            let (name, value) = (text(property, "code"), property_value(property));
            match name {
                "parent" | "subsumedBy" => self.links.push((Link::Parent, index, value.clone())),
                "child" => self.links.push((Link::Child, index, value.clone())),
                "notSelectable" | "abstract" | "abstract-type" => read.is_abstract |= value == "true",
                "inactive" => read.is_inactive |= value == "true",
                "status" => {
                    read.is_inactive |= matches!(&*value, "retired" | "inactive" | "entered-in-error");
                    read.is_deprecated |= value == "deprecated";
                }
                "deprecated" => read.is_deprecated |= value == "true",
                _ => {}
            }
            properties.push((Text::from(name.to_owned()), Text::from(value)));
        }
        read.properties = properties.into();
        read
    }

    /// Follows the parents and children that were named by code.
    fn link(&mut self) {
        let by_code: std::collections::HashMap<String, u32> =
            self.read.iter().zip(0..).map(|(concept, index)| (concept.code.clone().into_owned(), index)).collect();
        for (link, index, code) in std::mem::take(&mut self.links) {
            let Some(other) = by_code.get(&code).copied() else { continue };
            let (child, parent) = match link {
                Link::Parent => (index, other),
                Link::Child => (other, index),
            };
            if let Some(concept) = self.read.get_mut(child as usize)
                && child != parent
                && !concept.parents.contains(&parent)
            {
                concept.parents.push(parent);
            }
        }
    }
}

/// The value of a property as text; the code of a Coding.
fn property_value(property: &Value) -> String {
    let value = property.as_object().into_iter().flatten().find(|(name, _)| name.starts_with("value"));
    match value.map(|(_, value)| value) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(coding)) => coding.get("code").and_then(Value::as_str).unwrap_or_default().to_owned(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
