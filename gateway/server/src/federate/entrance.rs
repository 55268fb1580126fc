//! A federation as one route sees it, and one of its members alone.

use std::sync::Arc;

use adapter::{Adapter, Call, Error, Health, Reply};
use fhir::{Capability, Interaction, ResourceType, Version};
use search::compartment;

use super::Federation;

/// A federation by a route of its own choice: who takes what is created.
#[derive(Clone)]
pub struct Entrance {
    federation: Arc<Federation>,
    /// Names of the members that take what is created; none for any of them.
    takers: Option<Arc<[Arc<str>]>>,
}

impl Entrance {
    /// The entrance at which any member takes what is created: the first that offers it.
    #[must_use]
    pub const fn new(federation: Arc<Federation>) -> Self {
        Self { federation, takers: None }
    }

    /// The entrance at which these members take what is created.
    #[must_use]
    pub fn led_to(&self, takers: &[Arc<str>]) -> Self {
        Self { federation: Arc::clone(&self.federation), takers: Some(takers.into()) }
    }

    /// The one member that has the resource of that id.
    #[must_use]
    pub fn holder(&self, interaction: &Interaction) -> Option<&Arc<str>> {
        let (of, id) = (interaction.resource_type()?, interaction.id()?);
        self.federation.members.iter().find(|member| member.has(of, id)).map(|member| &member.name)
    }

    /// The one member that an interaction leads to, by its name, as an adapter that clients' ids are good for.
    ///
    /// # Errors
    /// The resource names patients of several back ends; no member takes the interaction.
    pub fn led(&self, call: &Call) -> Result<(Arc<str>, Arc<dyn Adapter>), Error> {
        let one = self.federation.member(call, self.takers.as_deref())?;
        let index = self.federation.members.iter().position(|member| std::ptr::eq(member, one)).unwrap_or_default();
        Ok((Arc::clone(&one.name), Arc::new(Solo { federation: Arc::clone(&self.federation), index })))
    }

    /// Whether what refers to a resource of the type, or is referred to by one, may be on another member.
    #[must_use]
    pub fn is_scattered(&self, of: ResourceType) -> bool {
        let belongs_to_patients = compartment::parameters(ResourceType::PATIENT, of, Version::R4).is_some();
        self.is_several(of) && !(self.federation.is_owned() && belongs_to_patients)
    }

    /// Whether several members hold resources of a type.
    #[must_use]
    pub fn is_several(&self, of: ResourceType) -> bool {
        self.federation.holding(of).nth(1).is_some()
    }
}

#[async_trait::async_trait]
impl Adapter for Entrance {
    fn capability(&self) -> Arc<Capability> {
        self.federation.capability()
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.federation.answer(call, self.takers.as_deref()).await
    }

    async fn health(&self) -> Health {
        self.federation.health().await
    }
}

/// One member of a federation, in the ids of clients.
struct Solo {
    federation: Arc<Federation>,
    index: usize,
}

#[async_trait::async_trait]
impl Adapter for Solo {
    fn capability(&self) -> Arc<Capability> {
        match self.federation.members.get(self.index) {
            Some(member) => member.adapter.capability(),
            None => self.federation.capability(),
        }
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        match self.federation.members.get(self.index) {
            Some(member) => self.federation.ask(member, call).await,
            None => Err(super::absent()),
        }
    }

    async fn health(&self) -> Health {
        match self.federation.members.get(self.index) {
            Some(member) => member.adapter.health().await,
            None => Health::Up,
        }
    }
}
