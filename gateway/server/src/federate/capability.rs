//! What several adapters offer as one.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};

use super::Member;

/// What reaches the members otherwise: batches entry by entry, patches as updates. A transaction goes to one member.
const NOT_FEDERATED: [InteractionCode; 2] = [InteractionCode::Patch, InteractionCode::Batch];

/// The merged capability, made again when that of a member changes.
#[derive(Default)]
pub(super) struct Merged(ArcSwapOption<Of>);

struct Of {
    members: Vec<Arc<Capability>>,
    merged: Arc<Capability>,
}

impl Merged {
    pub(super) fn of(&self, members: &[Member]) -> Arc<Capability> {
        let now: Vec<_> = members.iter().map(|member| member.adapter.capability()).collect();
        if let Some(known) = &*self.0.load()
            && known.members.len() == now.len()
            && known.members.iter().zip(&now).all(|(left, right)| Arc::ptr_eq(left, right))
        {
            return Arc::clone(&known.merged);
        }
        let merged = Arc::new(merge(members, &now));
        self.0.store(Some(Arc::new(Of { members: now, merged: Arc::clone(&merged) })));
        merged
    }
}

/// Whether an interaction is offered; an operation by its name.
pub(super) fn offers(capability: &Capability, interaction: &Interaction) -> bool {
    let of = interaction.resource_type();
    match interaction {
        Interaction::Operation { name, .. } => match of {
            Some(of) => capability.resources.get(&of).is_some_and(|known| known.operations.contains_key(name)),
            None => capability.operations.contains_key(name),
        },
        _ => capability.offers(of, interaction.code()),
    }
}

fn merge(of: &[Member], members: &[Arc<Capability>]) -> Capability {
    let shares = |kind| of.first().is_some_and(|first| first.ids.shares(kind));
    let mut merged = Capability::empty(members.first().map_or(Version::R4, |first| first.version));
    for kind in members.iter().flat_map(|member| member.resources.keys()) {
        if !merged.resources.contains_key(kind) {
            let is_shared = shares(*kind);
            merged.resources.insert(*kind, merge_type(members, *kind, is_shared));
        }
    }
    merged.confines = members.iter().all(|member| member.confines);
    merged.by_definition = members.iter().all(|member| member.by_definition);
    for member in members {
        merged.system.extend(member.system.iter().filter(|code| !NOT_FEDERATED.contains(code)));
        merged.operations.extend(member.operations.clone());
    }
    merged
}

/// An interaction is offered where one member offers it; a search parameter where all do that are searched.
fn merge_type(members: &[Arc<Capability>], of: ResourceType, is_shared: bool) -> ResourceCapability {
    let offering: Vec<&ResourceCapability> = members.iter().filter_map(|member| member.resources.get(&of)).collect();
    let mut merged = ResourceCapability::default();
    let Some(first) = offering.first() else { return merged };
    for member in &offering {
        merged.interactions.extend(member.interactions.iter().filter(|code| !NOT_FEDERATED.contains(code)));
        merged.profiles.extend(member.profiles.iter().cloned());
        merged.operations.extend(member.operations.clone());
        // A client would have to choose an id with the prefix of one of them.
        merged.update_create |= member.update_create && !is_shared;
    }
    if offering.iter().all(|member| member.versioning == first.versioning) {
        merged.versioning.clone_from(&first.versioning);
    }
    conditions(&mut merged, &offering);
    let searched = |member: &&&ResourceCapability| member.interactions.contains(&InteractionCode::SearchType);
    let searched: Vec<_> = offering.iter().filter(searched).collect();
    if let Some(first) = searched.first() {
        let all = |has: &dyn Fn(&ResourceCapability) -> bool| searched.iter().all(|member| has(member));
        merged.search = first.search.clone();
        merged.search.retain(|name, kind| all(&|member| member.search.get(name) == Some(kind)));
        merged.include = first.include.clone();
        merged.include.retain(|include| all(&|member| member.include.contains(include)));
        merged.revinclude = first.revinclude.clone();
        merged.revinclude.retain(|include| all(&|member| member.revinclude.contains(include)));
    }
    merged
}

/// What writes on a condition can be had: with several members, each of them must be asked, and any of them may have to write.
fn conditions(merged: &mut ResourceCapability, offering: &[&ResourceCapability]) {
    if let [only] = offering {
        merged.conditional_create = only.conditional_create;
        merged.conditional_update = only.conditional_update;
        merged.conditional_delete.clone_from(&only.conditional_delete);
        return;
    }
    if !offering.iter().all(|member| member.interactions.contains(&InteractionCode::SearchType)) {
        return;
    }
    let all = |code: InteractionCode, has: &dyn Fn(&ResourceCapability) -> bool| {
        let mut writing = offering.iter().filter(|member| member.interactions.contains(&code)).peekable();
        writing.peek().is_some() && writing.all(|member| has(member))
    };
    merged.conditional_create = all(InteractionCode::Create, &|member| member.conditional_create);
    merged.conditional_update = all(InteractionCode::Update, &|member| member.conditional_update);
    let deletes = all(InteractionCode::Delete, &|member| member.conditional_delete.is_some());
    // Several on several back ends would not go together.
    merged.conditional_delete = deletes.then(|| "single".to_owned());
}
