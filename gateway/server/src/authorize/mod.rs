//! Stage 2: who is it, and may they? [`Request`] to [`Permitted`].

pub mod access;
mod appointments;
pub mod assertion;
pub mod authority;
mod challenge;
pub mod clients;
pub mod confine;
pub(crate) mod database;
mod discovery;
pub mod endpoint;
pub mod fetch;
pub mod grant;
pub mod issuer;
pub mod jose;
pub mod jwk;
pub mod jwks;
pub mod limits;
mod mark;
pub mod past;
pub mod pem;
mod permit;
pub mod registry;
pub mod replay;
pub mod scope;
pub mod scopes;
pub mod signing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use fhir::{Compartment, Interaction, ResourceType};

pub use access::Reach;
pub use authority::{Authority, OpenError};
pub use database::DatabaseError;
pub use endpoint::{TokenError, TokenRequest, TokenResponse};
use grant::Grant;
use limits::RateLimitFields;
pub use permit::{identify, permit, permit_entry, permit_references};

use crate::receive::Request;

/// Who asks. Its `Debug` shows no person.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// `client_id`.
    pub client: Arc<str>,
    /// Who issued the token.
    pub issuer: Arc<str>,
    /// `jti` of the token, for audit.
    pub token: Option<Arc<str>>,
    /// `fhirUser`, when a person stands behind the client.
    pub user: Option<Arc<str>>,
    /// The granted scopes as text, for audit.
    pub scopes: Arc<str>,
    /// The patient that a `patient/` token speaks for, or a `user/` token of a patient.
    pub patient: Option<Compartment>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("client", &self.client).field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Somebody whose token is good, before it is known what they want.
#[derive(Debug)]
pub struct Identified {
    grant: Arc<Grant>,
    rate: RateLimitFields,
}

impl Identified {
    /// What the client is told about its rate.
    #[must_use]
    pub const fn rate(&self) -> &RateLimitFields {
        &self.rate
    }

    /// What the token says.
    #[must_use]
    pub const fn grant(&self) -> &Arc<Grant> {
        &self.grant
    }
}

/// A request that may go on. Only this stage builds one, so that no request skips it.
#[derive(Clone, Debug)]
pub struct Permitted {
    request: Box<Request>,
    grant: Arc<Grant>,
    reach: Reach,
    rate: RateLimitFields,
    policy: Arc<access::Policy>,
}

impl Permitted {
    /// What is asked.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.grant.caller
    }

    /// What the token says.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// How far the request reaches.
    #[must_use]
    pub const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The types that an include of a search may bring; `None` where that is any type, or there is no include.
    #[must_use]
    pub fn brings(&self, interaction: &Interaction) -> Option<Arc<[ResourceType]>> {
        let query = match interaction {
            Interaction::SearchType { query, .. } | Interaction::SearchSystem { query, .. } => query,
            _ => return None,
        };
        let may_read = |of: &ResourceType| self.grant.scopes.may_read(self.reach.context(), *of);
        let is_narrow = confine::may_include(query) && !ResourceType::all().all(|of| may_read(&of));
        is_narrow.then(|| ResourceType::all().filter(may_read).collect())
    }

    /// The compartment that what is read and written must lie in; none for a directory read or a system token.
    #[must_use]
    pub const fn confined_to(&self) -> Option<&Compartment> {
        match &self.reach {
            Reach::Compartment(_, patient) => Some(patient),
            Reach::Practice(_) | Reach::Directory(..) => None,
        }
    }

    /// Whether the scopes that permitted the request also let a resource of that type be read.
    #[must_use]
    pub fn may_read(&self, resource_type: fhir::ResourceType) -> bool {
        let permissions = self.grant.scopes.on(self.reach.context(), resource_type);
        !permissions.common(scope::Permissions::READ.and(scope::Permissions::SEARCH)).is_empty()
    }

    /// Types that a confined token reads outside of its compartment too.
    #[must_use]
    pub fn directory(&self) -> Arc<[fhir::ResourceType]> {
        Arc::clone(&self.policy.directory)
    }

    /// What the configuration says of contexts.
    fn policy(&self) -> &access::Policy {
        &self.policy
    }

    /// What the client is told about its rate.
    #[must_use]
    pub const fn rate(&self) -> &RateLimitFields {
        &self.rate
    }

    /// The same request as the update that its patch comes to: who may patch may update (SMART: both are `u`), and the type stays.
    /// Whatever else is returned as it is. The payload is none of what the client wrote in XML any more.
    pub(crate) fn updating(&self, update: Interaction) -> Self {
        let mut permitted = self.clone();
        let asked = &mut permitted.request;
        let is_patch = matches!(asked.interaction, Interaction::Patch { .. } | Interaction::ConditionalPatch { .. });
        let is_update = matches!(update, Interaction::Update { .. });
        if is_patch && is_update && asked.interaction.resource_type() == update.resource_type() {
            asked.interaction = update;
            asked.markup = None;
        }
        permitted
    }

    /// Puts the node index of its payload beside the bytes that it was made from. Changes nothing else.
    pub(crate) fn index_payload(&mut self, nodes: Arc<[fhir::json::Node]>) {
        if let Some(resource) = self.request.interaction.resource_mut() {
            resource.index = Some(nodes);
        }
    }
}
