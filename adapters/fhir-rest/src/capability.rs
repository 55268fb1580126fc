//! What the back end can do: a conservative default, its own CapabilityStatement, and what the settings say against it.

use adapter::{ConnectError, Error, ErrorKind};
use exchange::capability::{conservative, from_file};
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};

use crate::settings::{ResourceOverride, Settings};

/// What holds until a statement was read: the configured one, or the default.
pub(crate) fn initial(settings: &Settings) -> Result<Capability, ConnectError> {
    let stated = match &settings.capability_file {
        None => conservative(settings.fhir_version),
        Some(path) => from_file(path, settings.fhir_version)?,
    };
    overridden(stated, settings)
}

fn overridden(mut capability: Capability, settings: &Settings) -> Result<Capability, ConnectError> {
    for (name, change) in &settings.resources {
        let unknown = |error: String| ConnectError::Settings(format!("`resources.{name}`: {error}"));
        let resource_type: ResourceType =
            name.parse().map_err(|error: fhir::resource_type::UnknownResourceType| unknown(error.to_string()))?;
        let resource = capability.resources.entry(resource_type).or_default();
        apply(resource, change).map_err(unknown)?;
        if resource.interactions.is_empty() {
            capability.resources.remove(&resource_type);
        }
    }
    Ok(capability)
}

fn apply(resource: &mut ResourceCapability, change: &ResourceOverride) -> Result<(), String> {
    if let Some(codes) = &change.interactions {
        resource.interactions = codes
            .iter()
            .map(|code| InteractionCode::from_code(code).ok_or_else(|| format!("unknown interaction `{code}`")))
            .collect::<Result<_, _>>()?;
    }
    resource.search.extend(change.search.clone());
    resource.update_create = change.update_create.unwrap_or(resource.update_create);
    resource.conditional_create = change.conditional_create.unwrap_or(resource.conditional_create);
    resource.conditional_update = change.conditional_update.unwrap_or(resource.conditional_update);
    if let Some(delete) = &change.conditional_delete {
        resource.conditional_delete = Some(delete.clone()).filter(|delete| delete != "not-supported");
    }
    if change.versioning.is_some() {
        resource.versioning.clone_from(&change.versioning);
    }
    Ok(())
}

/// What a back end says of itself, with what the settings say against it.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) capability: Capability,
    /// Names in it that are no types of its release.
    pub(crate) foreign: Vec<String>,
}

/// Reads a statement that came from the back end.
pub(crate) fn stated(bytes: &[u8], settings: &Settings) -> Result<Statement, Error> {
    let bad = |text: &str| Error::new(ErrorKind::BadReply, text);
    let statement: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| bad("expected JSON at /metadata"))?;
    if statement["resourceType"] != "CapabilityStatement" {
        return Err(bad("expected a CapabilityStatement at /metadata"));
    }
    if statement["fhirVersion"].as_str().is_some_and(|version| version.parse::<Version>().is_err()) {
        return Err(bad("the back end speaks a FHIR version that is not known"));
    }
    let mut capability = Capability::from_statement(&statement, settings.fhir_version);
    let foreign = foreign(&statement, &mut capability);
    if capability.resources.is_empty() {
        return Err(bad("the back end's CapabilityStatement names no resource type"));
    }
    let capability =
        overridden(capability, settings).map_err(|error| bad("the overrides do not fit").because(error))?;
    Ok(Statement { capability, foreign })
}

/// What a statement names as types and its release does not have; a type of another release is taken out.
fn foreign(statement: &serde_json::Value, capability: &mut Capability) -> Vec<String> {
    let version = capability.version;
    capability.resources.retain(|of, _| of.is_in(version));
    let rests = statement["rest"].as_array().into_iter().flatten();
    let names = rests.flat_map(|rest| rest["resource"].as_array().into_iter().flatten());
    let names = names.filter_map(|resource| resource["type"].as_str());
    let mut foreign: Vec<String> = names
        .filter(|name| !name.parse::<ResourceType>().is_ok_and(|known| known.is_in(version)))
        .map(str::to_owned)
        .collect();
    foreign.sort_unstable();
    foreign.dedup();
    foreign
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: serde_json::Value) -> Settings {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_default_offers_plain_crud_and_search_of_every_type_of_the_release() {
        let capability = initial(&settings(serde_json::json!({ "base": "https://e.example" }))).unwrap();
        assert!(capability.offers(Some(ResourceType::PATIENT), InteractionCode::SearchType));
        assert!(!capability.offers(Some(ResourceType::PATIENT), InteractionCode::HistoryInstance));
        assert!(capability.system.is_empty());
    }

    #[test]
    fn an_override_stands_above_the_statement() {
        let settings = settings(serde_json::json!({
            "base": "https://e.example",
            "resources": {
                "Patient": { "interactions": ["read"], "conditional-create": true },
                "Slot": { "interactions": [] },
            },
        }));
        let statement = serde_json::json!({
            "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
            "rest": [{ "mode": "server", "resource": [
                { "type": "Patient", "interaction": [{ "code": "delete" }] },
                { "type": "Slot", "interaction": [{ "code": "read" }] },
            ] }],
        });
        let capability = stated(statement.to_string().as_bytes(), &settings).unwrap().capability;
        let patient = &capability.resources[&ResourceType::PATIENT];
        assert_eq!(patient.interactions, [InteractionCode::Read].into());
        assert!(patient.conditional_create);
        assert!(!capability.resources.contains_key(&ResourceType::SLOT));
    }

    #[test]
    fn a_statement_that_says_nothing_is_not_taken_over() {
        let settings = settings(serde_json::json!({ "base": "https://e.example" }));
        for text in [
            "{}",
            "<html>",
            r#"{"resourceType":"CapabilityStatement"}"#,
            r#"{"resourceType":"CapabilityStatement","fhirVersion":"3.0.2","rest":[{"resource":[{"type":"Patient"}]}]}"#,
        ] {
            assert!(stated(text.as_bytes(), &settings).is_err(), "{text}");
        }
    }
}
