//! The routes of every practice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use adapter::{Adapter, Practice};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType};

use super::{Destination, Plan, refusal};
use crate::failure::Failure;
use crate::federate::names::NamesError;
use crate::federate::{Ground, Spaces};

/// Every route, by practice, in the order of the configuration.
pub struct Routes {
    practices: HashMap<Practice, Vec<Route>>,
}

/// Why there are no routes.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// A route names an adapter that there is not.
    #[error("unknown adapter `{adapter}` in route {route} (known: {known})")]
    UnknownAdapter {
        /// What it names.
        adapter: String,
        /// Which route, counted from 1.
        route: usize,
        /// The names that there are.
        known: String,
    },
    /// What stands for ids of several adapters cannot be read.
    #[error(transparent)]
    Names(#[from] NamesError),
}

pub(super) struct Route {
    settings: config::Route,
    plan: Arc<Plan>,
    /// The adapters that its settings name.
    members: Vec<Destination>,
    /// For payloads of types with rules of their own.
    by_type: HashMap<ResourceType, Arc<Plan>>,
}

impl Routes {
    /// Puts routes and adapters together.
    ///
    /// # Errors
    /// A route names an adapter that is not among `adapters`; what federations need cannot be opened.
    pub fn new(
        routes: &[config::Route],
        adapters: &BTreeMap<String, Arc<dyn Adapter>>,
        ground: &Ground,
    ) -> Result<Self, RouteError> {
        let spaces = Spaces::of(routes, ground)?;
        let mut practices: HashMap<Practice, Vec<Route>> = HashMap::new();
        for (index, settings) in routes.iter().enumerate() {
            let found = settings.adapters().map(|name| match adapters.get(name) {
                Some(adapter) => Ok(Destination { name: name.into(), adapter: Arc::clone(adapter) }),
                None => Err(RouteError::UnknownAdapter {
                    adapter: name.to_owned(),
                    route: index + 1,
                    known: adapters.keys().cloned().collect::<Vec<_>>().join(", "),
                }),
            });
            let members = found.collect::<Result<Vec<_>, _>>()?;
            let route = Route::new(settings, members, &spaces);
            practices.entry(Practice::new(&settings.practice)).or_default().push(route);
        }
        Ok(Self { practices })
    }

    /// The plan of an interaction of a practice.
    ///
    /// # Errors
    /// As [`super::plan`].
    pub fn plan(&self, practice: &Practice, interaction: &Interaction) -> Result<Arc<Plan>, Failure> {
        let routes = self.of(practice);
        let Some(route) = find(routes, interaction.resource_type(), interaction.code()) else {
            return Err(refusal::no_route(routes, interaction));
        };
        refusal::check(routes, interaction, &route.capability())?;
        Ok(route.plan_for(interaction.resource_type()))
    }

    /// The rules of the route that would take a write of a type; none when no route does.
    #[must_use]
    pub fn rules(&self, practice: &Practice, resource_type: ResourceType, write: InteractionCode) -> Option<Arc<Plan>> {
        let route = find(self.of(practice), Some(resource_type), write)?;
        Some(route.plan_for(Some(resource_type)))
    }

    /// The plan of an interaction on a type for a call of the gateway's own; none when no route takes it or its adapter does not
    /// offer it.
    #[must_use]
    pub fn searched(&self, practice: &Practice, of: ResourceType, code: InteractionCode) -> Option<Arc<Plan>> {
        let route = find(self.of(practice), Some(of), code)?;
        offers(&route.capability(), Some(of), code).then(|| route.plan_for(Some(of)))
    }

    /// What a practice's base offers: the live capabilities of its adapters, as its routes let them through.
    #[must_use]
    pub fn capability(&self, practice: &Practice) -> Capability {
        super::capability::merge(self.of(practice))
    }

    /// The adapters that a practice's routes lead to, each once.
    #[must_use]
    pub fn destinations(&self, practice: &Practice) -> Vec<Destination> {
        let mut seen: Vec<Destination> = Vec::new();
        for destination in self.of(practice).iter().flat_map(|route| &route.members) {
            if seen.iter().all(|known| known.name != destination.name) {
                seen.push(destination.clone());
            }
        }
        seen
    }

    fn of(&self, practice: &Practice) -> &[Route] {
        self.practices.get(practice).map_or(&[], Vec::as_slice)
    }
}

impl Route {
    fn new(settings: &config::Route, members: Vec<Destination>, spaces: &Spaces<'_>) -> Self {
        let joined = || settings.adapters().collect::<Vec<_>>().join("+");
        let name: Arc<str> = settings.name.clone().unwrap_or_else(joined).into();
        let named: Vec<_> = members.iter().map(|of| (Arc::clone(&of.name), Arc::clone(&of.adapter))).collect();
        let adapters = match spaces.federation(settings, &named) {
            Some(federation) => vec![Destination { name: joined().into(), adapter: Arc::new(federation) }],
            None => members.clone(),
        };
        let plan = |of: Option<ResourceType>| {
            Arc::new(Plan {
                route: Arc::clone(&name),
                adapters: adapters.clone(),
                profiles: settings.profiles(of).map(Arc::from).collect(),
                validate: settings.validate(of),
            })
        };
        let by_type = settings.by_type.keys().map(|of| (*of, plan(Some(*of)))).collect();
        Self { settings: settings.clone(), plan: plan(None), by_type, members }
    }

    fn plan_for(&self, resource_type: Option<ResourceType>) -> Arc<Plan> {
        let of_type = resource_type.and_then(|of| self.by_type.get(&of));
        Arc::clone(of_type.unwrap_or(&self.plan))
    }

    pub(super) fn capability(&self) -> Arc<Capability> {
        match self.plan.adapters.first() {
            Some(destination) => destination.adapter.capability(),
            None => Arc::new(Capability::empty(fhir::Version::R4)),
        }
    }

    pub(super) fn profiles(&self, resource_type: ResourceType) -> impl Iterator<Item = &str> {
        self.settings.profiles(Some(resource_type))
    }

    fn names(&self, resource_type: Option<ResourceType>) -> bool {
        resource_type.is_some_and(|named| self.settings.types.contains(&config::Types::One(named)))
    }
}

/// The first route that takes it: by name whatever its adapter offers, by `*` only what its adapter offers.
pub(super) fn find(
    routes: &[Route],
    resource_type: Option<ResourceType>,
    interaction: InteractionCode,
) -> Option<&Route> {
    routes.iter().find(|route| {
        route.settings.takes(resource_type, interaction)
            && (route.names(resource_type) || offers(&route.capability(), resource_type, interaction))
    })
}

/// Operations are offered by name, not by an interaction code.
pub(super) fn offers(
    capability: &Capability,
    resource_type: Option<ResourceType>,
    interaction: InteractionCode,
) -> bool {
    match interaction {
        InteractionCode::Operation => {}
        InteractionCode::Patch => {
            let patches = || resource_type.is_some_and(|resource_type| patches(capability, resource_type));
            return capability.offers(resource_type, interaction) || patches();
        }
        _ => return capability.offers(resource_type, interaction),
    }
    match resource_type {
        Some(resource_type) => !operations(capability.resources.get(&resource_type)).is_empty(),
        None => !capability.operations.is_empty(),
    }
}

/// Whether the gateway can patch resources of a type: it reads one, and updates it only while it is the version that was read.
#[must_use]
pub fn patches(capability: &Capability, resource_type: ResourceType) -> bool {
    capability.resources.get(&resource_type).is_some_and(|offered| {
        let is_versioned = matches!(offered.versioning.as_deref(), Some("versioned" | "versioned-update"));
        let needed = [InteractionCode::Read, InteractionCode::Update];
        is_versioned && needed.iter().all(|code| offered.interactions.contains(code))
    })
}

pub(super) fn operations(resource: Option<&ResourceCapability>) -> BTreeMap<String, String> {
    resource.map(|resource| resource.operations.clone()).unwrap_or_default()
}
