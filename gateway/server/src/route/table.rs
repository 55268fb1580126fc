//! The routes of every practice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use adapter::{Adapter, Practice};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, IssueType, ResourceType};
use http::StatusCode;
use search::{Additions, Vocabulary};

use super::content::{Content, Facts, When};
use super::group::{self, Group};
use super::{Destination, Plan, refusal, system};
use crate::failure::Failure;
use crate::federate::names::NamesError;
use crate::federate::{Entrance, Ground, Member, Spaces};

/// Every route, by practice, in the order of the configuration.
pub struct Routes {
    practices: HashMap<Practice, Vec<Route>>,
    ground: Ground,
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
    /// A condition is no FHIRPath.
    #[error("expected FHIRPath in `when`: {0}")]
    When(#[from] fhirpath::CompileError),
    /// What stands for ids of several adapters cannot be read.
    #[error(transparent)]
    Names(#[from] NamesError),
}

pub(super) struct Route {
    settings: config::Route,
    pub(super) plan: Arc<Plan>,
    /// The adapters that its settings name.
    pub(super) members: Vec<Member>,
    /// For payloads of types with rules of their own.
    by_type: HashMap<ResourceType, Arc<Plan>>,
    /// What content decides between, in order.
    choices: Vec<Choice>,
}

/// A route with a condition, or the one that takes what meets none.
struct Choice {
    when: Option<When>,
    /// The adapters that it leads to.
    names: Vec<Arc<str>>,
    plan: Arc<Plan>,
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
        check_names(routes, adapters)?;
        let groups = group::of(routes);
        let spaces = Spaces::of(groups.iter().map(|group| &group.settings), ground)?;
        let mut practices: HashMap<Practice, Vec<Route>> = HashMap::new();
        for group in groups {
            let practice = Practice::new(&group.settings.practice);
            let route = Route::new(group, adapters, &spaces, ground.additions.of(&practice))?;
            practices.entry(practice).or_default().push(route);
        }
        Ok(Self { practices, ground: ground.clone() })
    }

    /// The plan of an interaction of a practice.
    ///
    /// # Errors
    /// As [`super::plan`].
    pub fn plan(&self, practice: &Practice, interaction: &Interaction) -> Result<Arc<Plan>, Failure> {
        self.plan_by(practice, interaction, Facts { client: "", interaction: interaction.code() })
    }

    /// The same, with what conditions of routes may ask.
    ///
    /// # Errors
    /// As [`super::plan`].
    pub fn plan_by(
        &self,
        practice: &Practice,
        interaction: &Interaction,
        facts: Facts<'_>,
    ) -> Result<Arc<Plan>, Failure> {
        let routes = self.of(practice);
        let Some(route) = find(routes, interaction.resource_type(), interaction.code()) else {
            return Err(refusal::no_route(routes, interaction));
        };
        refusal::check(routes, interaction, &route.capability())?;
        let is_of_all = matches!(interaction, Interaction::SearchSystem { .. } | Interaction::HistorySystem { .. });
        if is_of_all && let Some(plan) = system::plan(routes, route, interaction.code(), &self.ground) {
            return Ok(Arc::new(plan));
        }
        route.chosen(interaction, facts)
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

    /// Whether several adapters together answer an interaction on a type.
    #[must_use]
    pub fn is_joined(&self, practice: &Practice, of: ResourceType, code: InteractionCode) -> bool {
        find(self.of(practice), Some(of), code).is_some_and(|route| route.members.len() > 1)
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
        for Member { name, adapter, .. } in self.of(practice).iter().flat_map(|route| &route.members) {
            if seen.iter().all(|known| known.name != *name) {
                seen.push(Destination { name: Arc::clone(name), adapter: Arc::clone(adapter) });
            }
        }
        seen
    }

    fn of(&self, practice: &Practice) -> &[Route] {
        self.practices.get(practice).map_or(&[], Vec::as_slice)
    }
}

/// Every adapter that a route names is there.
fn check_names(routes: &[config::Route], adapters: &BTreeMap<String, Arc<dyn Adapter>>) -> Result<(), RouteError> {
    for (index, route) in routes.iter().enumerate() {
        if let Some(adapter) = route.adapters().find(|name| !adapters.contains_key(*name)) {
            let known = adapters.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(RouteError::UnknownAdapter { adapter: adapter.to_owned(), route: index + 1, known });
        }
    }
    Ok(())
}

impl Route {
    fn new(
        group: Group,
        adapters: &BTreeMap<String, Arc<dyn Adapter>>,
        spaces: &Spaces<'_>,
        additions: Additions,
    ) -> Result<Self, RouteError> {
        let Group { settings, choices } = group;
        let found = |name: &str| {
            adapters.get(name).map(|adapter| Destination { name: name.into(), adapter: Arc::clone(adapter) })
        };
        let alone: Vec<Destination> = settings.adapters().filter_map(found).collect();
        let members = spaces.members(&settings, &alone);
        let federation = spaces.federation(&settings, &members).map(|known| Entrance::new(Arc::new(known)));
        let is_by_content = !choices.is_empty();
        let behind = |federation: Option<&Entrance>| match federation {
            Some(known) => vec![Destination { name: joined(&settings).into(), adapter: Arc::new(known.clone()) }],
            None => alone.clone(),
        };
        let general = behind(federation.as_ref());
        let plan = |by: &config::Route, of: Option<ResourceType>, federation: Option<&Entrance>, adapters| {
            Arc::new(Plan {
                route: by.name.clone().unwrap_or_else(|| joined(by)).into(),
                adapters,
                profiles: by.profiles(of).map(Arc::from).collect(),
                validate: by.validate(of),
                federation: federation.cloned(),
                is_by_content,
                additions,
            })
        };
        let of_type = |of: &ResourceType| (*of, plan(&settings, Some(*of), federation.as_ref(), general.clone()));
        let by_type = settings.by_type.keys().map(of_type).collect();
        let mut chosen = Vec::with_capacity(choices.len());
        for by in &choices {
            let names: Vec<Arc<str>> = by.adapters().map(Arc::from).collect();
            let led = federation.as_ref().map(|known| known.led_to(&names));
            let when = by.when.as_deref().map(|text| When::compile(text, &by.types)).transpose()?;
            let of = settings.types.iter().find_map(|entry| match entry {
                config::Types::One(of) => Some(*of),
                config::Types::All => None,
            });
            chosen.push(Choice { when, names, plan: plan(by, of, led.as_ref(), behind(led.as_ref())) });
        }
        let plan = plan(&settings, None, federation.as_ref(), general);
        Ok(Self { settings, plan, members, by_type, choices: chosen })
    }

    /// The plan for what is written, or for what is asked of all adapters.
    fn chosen(&self, interaction: &Interaction, facts: Facts<'_>) -> Result<Arc<Plan>, Failure> {
        let of = interaction.resource_type();
        let holder = self.plan.federation.as_ref().and_then(|known| known.holder(interaction));
        let Some(resource) = interaction.resource().filter(|_| !self.choices.is_empty()) else {
            return Ok(self.plan_for(of));
        };
        let is_update = matches!(interaction, Interaction::Update { .. });
        if is_update && holder.is_none() && self.plan.federation.is_some() {
            return Ok(self.plan_for(of));
        }
        // An update stays where the resource is: the rules are those of a route that leads there.
        let leads = |choice: &&Choice| !is_update || holder.is_none_or(|holder| choice.names.contains(holder));
        let content = Content::of(resource);
        let mut last = None;
        for choice in self.choices.iter().filter(leads) {
            last = Some(choice);
            match &choice.when {
                Some(when) if !when.holds(&content, facts, &choice.plan.route)? => {}
                _ => return Ok(Arc::clone(&choice.plan)),
            }
        }
        match last {
            Some(last) if is_update || !content.is_whole() => Ok(Arc::clone(&last.plan)),
            _ => Err(unmatched(resource.resource_type)),
        }
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

    /// What a search on this route can name beside what the specification defines; nothing where the adapter searches by what it
    /// names itself alone.
    pub(super) fn vocabulary(&self) -> Vocabulary {
        let capability = self.capability();
        let additions = if capability.by_definition { self.plan.additions } else { Additions::default() };
        additions.on(capability.version)
    }

    pub(super) fn profiles(&self, resource_type: ResourceType) -> impl Iterator<Item = &str> {
        self.settings.profiles(Some(resource_type))
    }

    fn names(&self, resource_type: Option<ResourceType>) -> bool {
        resource_type.is_some_and(|named| self.settings.types.contains(&config::Types::One(named)))
    }
}

fn joined(settings: &config::Route) -> String {
    settings.adapters().collect::<Vec<_>>().join("+")
}

/// No condition is met, and no route takes the rest.
fn unmatched(of: ResourceType) -> Failure {
    let text = format!("expected a {of} that meets the condition of one of the routes: no back end takes this one");
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, IssueType::BusinessRule, text)
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
