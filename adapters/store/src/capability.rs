//! What the store offers: the same for every resource type.

use std::collections::BTreeMap;

use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};

use crate::query::is_searchable;

/// Everything that the store offers in a release.
pub(crate) fn capability(version: Version) -> Capability {
    let stored = ResourceType::all().filter(|kind| is_stored(*kind, version));
    let resources = stored.map(|kind| (kind, resource(version, kind))).collect();
    Capability { resources, system: [InteractionCode::SearchSystem].into(), ..Capability::empty(version) }
}

/// Whether resources of the type can be stored. Parameters have no life of their own (parameters.html).
pub(crate) fn is_stored(resource_type: ResourceType, version: Version) -> bool {
    resource_type.is_in(version) && resource_type != ResourceType::PARAMETERS
}

fn resource(version: Version, resource_type: ResourceType) -> ResourceCapability {
    use InteractionCode as Code;
    ResourceCapability {
        interactions: [
            Code::Read,
            Code::Vread,
            Code::Create,
            Code::Update,
            Code::Delete,
            Code::HistoryInstance,
            Code::SearchType,
        ]
        .into(),
        search: parameters(version, resource_type),
        versioning: Some("versioned".into()),
        update_create: true,
        conditional_create: true,
        conditional_update: true,
        conditional_delete: Some("single".into()),
        ..ResourceCapability::default()
    }
}

fn parameters(version: Version, resource_type: ResourceType) -> BTreeMap<String, String> {
    search::parameters(version, resource_type)
        .iter()
        .filter(|parameter| is_searchable(parameter))
        .map(|parameter| (parameter.code.to_owned(), parameter.kind.code().to_owned()))
        .collect()
}
