//! What the store offers: the same for every resource type.

use std::collections::{BTreeMap, BTreeSet};

use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use search::{Parameter, ParameterType};

use crate::query::is_searchable;
use crate::settings::ConditionalDelete;

/// Everything that the store offers in a release.
pub(crate) fn capability(version: Version, deletes: ConditionalDelete) -> Capability {
    let stored = ResourceType::all().filter(|kind| is_stored(*kind, version));
    let mut pointing = pointing(version);
    let resources = stored.map(|kind| {
        let offered = resource(version, kind, pointing.remove(&kind).unwrap_or_default());
        (kind, ResourceCapability { conditional_delete: Some(deletes.code().into()), ..offered })
    });
    Capability {
        resources: resources.collect(),
        system: [InteractionCode::SearchSystem, InteractionCode::HistorySystem, InteractionCode::Transaction].into(),
        confines: true,
        by_definition: true,
        ..Capability::empty(version)
    }
}

/// Whether resources of the type can be stored. Parameters have no life of their own (parameters.html).
pub(crate) fn is_stored(resource_type: ResourceType, version: Version) -> bool {
    resource_type.is_in(version) && resource_type != ResourceType::PARAMETERS
}

fn resource(version: Version, resource_type: ResourceType, revinclude: BTreeSet<String>) -> ResourceCapability {
    use InteractionCode as Code;
    ResourceCapability {
        interactions: [
            Code::Read,
            Code::Vread,
            Code::Create,
            Code::Update,
            Code::Delete,
            Code::HistoryInstance,
            Code::HistoryType,
            Code::SearchType,
        ]
        .into(),
        search: parameters(version, resource_type),
        include: includes(version, resource_type).collect(),
        revinclude,
        versioning: Some("versioned".into()),
        update_create: true,
        conditional_create: true,
        conditional_update: true,
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

/// `Appointment:actor`: the references of a type.
fn includes(version: Version, resource_type: ResourceType) -> impl Iterator<Item = String> {
    references(version, resource_type).map(move |parameter| format!("{resource_type}:{}", parameter.code))
}

/// By type, the references of all types that name it as what they may point to.
fn pointing(version: Version) -> BTreeMap<ResourceType, BTreeSet<String>> {
    let mut pointing: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for source in ResourceType::all().filter(|kind| is_stored(*kind, version)) {
        for parameter in references(version, source) {
            for target in &parameter.targets {
                pointing.entry(*target).or_default().insert(format!("{source}:{}", parameter.code));
            }
        }
    }
    pointing
}

fn references(version: Version, resource_type: ResourceType) -> impl Iterator<Item = &'static Parameter> {
    search::parameters(version, resource_type).iter().filter(|parameter| parameter.kind == ParameterType::Reference)
}
