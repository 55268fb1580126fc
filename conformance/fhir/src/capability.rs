//! What a back end can do: one `CapabilityStatement.rest` as a value. The same value routes a request, rejects what is
//! not served, merges into `/metadata`, and drives the contract suite.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{InteractionCode, ResourceType, Version};

/// Everything that one back end offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capability {
    /// The release it speaks.
    pub version: Version,
    /// Per resource type.
    pub resources: BTreeMap<ResourceType, ResourceCapability>,
    /// `transaction`, `batch`, `search-system`, `history-system`.
    pub system: BTreeSet<InteractionCode>,
    /// Operations at system level: name to canonical.
    pub operations: BTreeMap<String, String>,
    /// Chains, `_has`, includes, counts and orders of a search that is confined to a compartment tell nothing of what lies outside. No
    /// part of a CapabilityStatement: what says nothing of it does not.
    pub confines: bool,
    /// It searches by whatever search parameter the packages of a practice define, beside those that it names. No part of a
    /// CapabilityStatement either.
    pub by_definition: bool,
}

/// What is offered for one resource type (`CapabilityStatement.rest.resource`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceCapability {
    /// The interactions.
    pub interactions: BTreeSet<InteractionCode>,
    /// Search parameters: code to type (`token`, `reference`, …).
    pub search: BTreeMap<String, String>,
    /// Values of `_include`.
    pub include: BTreeSet<String>,
    /// Values of `_revinclude`.
    pub revinclude: BTreeSet<String>,
    /// `no-version`, `versioned` or `versioned-update`.
    pub versioning: Option<String>,
    /// `PUT` to an id that does not exist creates it.
    pub update_create: bool,
    /// `If-None-Exist` is honoured.
    pub conditional_create: bool,
    /// `PUT [type]?criteria` is honoured.
    pub conditional_update: bool,
    /// `DELETE [type]?criteria`: `not-supported`, `single` or `multiple`.
    pub conditional_delete: Option<String>,
    /// Profiles that it says its resources follow.
    pub profiles: BTreeSet<String>,
    /// Operations: name to canonical.
    pub operations: BTreeMap<String, String>,
}

impl Capability {
    /// A capability without anything.
    #[must_use]
    pub fn empty(version: Version) -> Self {
        Self {
            version,
            resources: BTreeMap::new(),
            system: BTreeSet::new(),
            operations: BTreeMap::new(),
            confines: false,
            by_definition: false,
        }
    }

    /// Whether an interaction on a type (or on the system) is offered.
    #[must_use]
    pub fn offers(&self, resource_type: Option<ResourceType>, interaction: InteractionCode) -> bool {
        match resource_type {
            Some(resource_type) => {
                self.resources.get(&resource_type).is_some_and(|resource| resource.interactions.contains(&interaction))
            }
            None => self.system.contains(&interaction),
        }
    }

    /// `CapabilityStatement.rest` as JSON.
    #[must_use]
    pub fn to_rest(&self) -> Value {
        let resources: Vec<Value> = self.resources.iter().map(|(kind, resource)| resource.to_json(*kind)).collect();
        let mut rest = Map::new();
        rest.insert("mode".into(), "server".into());
        rest.insert("resource".into(), resources.into());
        insert_all(&mut rest, "interaction", self.system.iter().map(|code| json!({ "code": code.code() })));
        insert_all(&mut rest, "operation", self.operations.iter().map(operation));
        rest.into()
    }

    /// Reads a CapabilityStatement, or one `rest` of it. What we do not know is passed over: a back end's
    /// statement describes the back end, and an unknown type or interaction is simply not routed to.
    #[must_use]
    pub fn from_statement(statement: &Value, version: Version) -> Self {
        let rest = match statement.get("rest") {
            Some(rest) => {
                rest.as_array().and_then(|all| all.iter().find(|rest| rest["mode"] == "server").or_else(|| all.first()))
            }
            None => Some(statement),
        };
        let version = statement["fhirVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or(version);
        let Some(rest) = rest else { return Self::empty(version) };
        Self {
            version,
            resources: entries(rest, "resource")
                .filter_map(|resource| {
                    Some((resource["type"].as_str()?.parse().ok()?, ResourceCapability::from_json(resource)))
                })
                .collect(),
            system: codes(rest),
            operations: operations(rest),
            confines: false,
            by_definition: false,
        }
    }
}

impl ResourceCapability {
    fn to_json(&self, resource_type: ResourceType) -> Value {
        let mut resource = Map::new();
        resource.insert("type".into(), resource_type.as_str().into());
        insert_all(&mut resource, "supportedProfile", self.profiles.iter().map(|profile| json!(profile)));
        insert_all(&mut resource, "interaction", self.interactions.iter().map(|code| json!({ "code": code.code() })));
        if let Some(versioning) = &self.versioning {
            resource.insert("versioning".into(), versioning.as_str().into());
        }
        let vread = self.interactions.contains(&InteractionCode::Vread);
        resource.insert("readHistory".into(), vread.into());
        resource.insert("updateCreate".into(), self.update_create.into());
        resource.insert("conditionalCreate".into(), self.conditional_create.into());
        resource.insert("conditionalUpdate".into(), self.conditional_update.into());
        resource
            .insert("conditionalDelete".into(), self.conditional_delete.as_deref().unwrap_or("not-supported").into());
        insert_all(&mut resource, "searchInclude", self.include.iter().map(|include| json!(include)));
        insert_all(&mut resource, "searchRevInclude", self.revinclude.iter().map(|include| json!(include)));
        let search = self.search.iter().map(|(name, kind)| json!({ "name": name, "type": kind }));
        insert_all(&mut resource, "searchParam", search);
        insert_all(&mut resource, "operation", self.operations.iter().map(operation));
        resource.into()
    }

    fn from_json(resource: &Value) -> Self {
        let text = |name: &str| resource[name].as_str().map(str::to_owned);
        let flag = |name: &str| resource[name].as_bool().unwrap_or(false);
        Self {
            interactions: codes(resource),
            search: entries(resource, "searchParam")
                .filter_map(|search| {
                    Some((search["name"].as_str()?.to_owned(), search["type"].as_str().unwrap_or("special").to_owned()))
                })
                .collect(),
            include: texts(resource, "searchInclude"),
            revinclude: texts(resource, "searchRevInclude"),
            versioning: text("versioning"),
            update_create: flag("updateCreate"),
            conditional_create: flag("conditionalCreate"),
            conditional_update: flag("conditionalUpdate"),
            conditional_delete: text("conditionalDelete").filter(|value| value != "not-supported"),
            profiles: texts(resource, "supportedProfile"),
            operations: operations(resource),
        }
    }
}

fn insert_all(map: &mut Map<String, Value>, name: &str, values: impl Iterator<Item = Value>) {
    let values: Vec<Value> = values.collect();
    // FHIR json.html#null: an array is never empty.
    if !values.is_empty() {
        map.insert(name.into(), values.into());
    }
}

fn operation((name, definition): (&String, &String)) -> Value {
    json!({ "name": name, "definition": definition })
}

fn entries<'a>(parent: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    parent.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn texts(parent: &Value, name: &str) -> BTreeSet<String> {
    entries(parent, name).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn codes(parent: &Value) -> BTreeSet<InteractionCode> {
    entries(parent, "interaction")
        .filter_map(|interaction| InteractionCode::from_code(interaction["code"].as_str()?))
        .collect()
}

fn operations(parent: &Value) -> BTreeMap<String, String> {
    entries(parent, "operation")
        .filter_map(|operation| {
            Some((
                operation["name"].as_str()?.to_owned(),
                operation["definition"].as_str().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_back_as_the_same_capability() {
        let mut capability = Capability::empty(Version::R4);
        capability.system.insert(InteractionCode::Transaction);
        let patient = ResourceCapability {
            interactions: [InteractionCode::Read, InteractionCode::SearchType].into(),
            search: [("name".to_owned(), "string".to_owned())].into(),
            conditional_delete: Some("single".into()),
            ..ResourceCapability::default()
        };
        capability.resources.insert(ResourceType::PATIENT, patient);
        let statement = json!({ "fhirVersion": "4.0.1", "rest": [capability.to_rest()] });
        assert_eq!(Capability::from_statement(&statement, Version::R5), capability);
        assert!(capability.offers(Some(ResourceType::PATIENT), InteractionCode::Read));
        assert!(!capability.offers(Some(ResourceType::SLOT), InteractionCode::Read));
    }
}
