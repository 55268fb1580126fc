//! Stage 3: practice, type and content to [`Plan`].
//!
//! The first route of the configuration that takes a request decides. A route takes it when its practice, one of its
//! types and one of its interactions match; a route that names the type has spoken, also when its adapter does not
//! offer the interaction (405), while `*` stands for what its adapter offers and passes on what it does not.
//!
//! Routes with `when` decide by what is written. All of a type are one route for whatever names or lists resources, since the
//! content of what is stored is not known before; an update goes to whoever has the resource, whatever it says now.

mod capability;
pub mod content;
pub mod coverage;
mod group;
mod includes;
mod refusal;
mod system;
mod table;

pub use table::{RouteError, Routes, patches};

use std::sync::Arc;

use adapter::Adapter;
use config::ValidateMode;
use fhir::ResourceType;
use profile::Validator;
use search::Additions;

use crate::authorize::Permitted;
use crate::failure::Failure;
use crate::federate::Entrance;
use content::Facts;

/// Where a request goes, and by which rules.
#[derive(Clone)]
pub struct Plan {
    /// The route's name: the label of its metrics.
    pub route: Arc<str>,
    /// The adapter that answers: of a route over several adapters, their federation.
    pub adapters: Vec<Destination>,
    /// Profiles that the payload must follow beside the base definition.
    pub profiles: Arc<[Arc<str>]>,
    /// What happens with a payload that breaks a rule.
    pub validate: ValidateMode,
    /// The federation behind it, where ids of clients are not those of its adapters.
    pub federation: Option<Entrance>,
    /// Whether what is written decides between several plans: a patch, once it is known what comes of it, has to be planned again.
    pub is_by_content: bool,
    /// What packages of the practice add to the search parameters of the specification.
    pub additions: Additions,
}

impl Plan {
    /// The profiles of the plan that speak of a type. One that nobody knows is among them: the validator says so.
    #[must_use]
    pub fn profiles_for(&self, resource_type: ResourceType, validator: &Validator) -> Vec<&str> {
        let speaks = |profile: &&str| {
            validator.registry().structure(profile).is_none_or(|structure| {
                [resource_type.as_str(), "DomainResource", "Resource"].contains(&structure.type_.as_str())
            })
        };
        self.profiles.iter().map(AsRef::as_ref).filter(speaks).collect()
    }
}

/// One adapter of a plan.
#[derive(Clone)]
pub struct Destination {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The adapter with its wrappers around it.
    pub adapter: Arc<dyn Adapter>,
}

/// Finds the plan of a request.
///
/// # Errors
/// 404 when no route leads to the type, 405 with Allow when the interaction is not offered on it, 400 for a condition
/// that the adapter does not honour; each names what is served.
pub fn plan(request: &Permitted, routes: &Routes) -> Result<Arc<Plan>, Failure> {
    let facts = Facts { client: &request.caller().client, interaction: request.request().interaction.code() };
    let request = request.request();
    routes.plan_by(&request.practice, &request.interaction, facts)
}

#[cfg(test)]
mod tests;
