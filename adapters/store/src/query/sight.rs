//! What a search may look into beside the resources that it returns.

use std::sync::Arc;

use adapter::{Call, Error, Practice};
use fhir::json::Document;
use fhir::{Compartment, ResourceType, Version};
use search::Vocabulary;
use search::names::lists_others;

use crate::scopes::{Scope, Scopes, look_up};
use crate::sql::{Connection, values};
use crate::write::scanned;

/// The resources of one practice, as far as one call sees them. Whatever follows a reference goes through here, so that a chain, `_has`
/// or an include finds nothing that a search for it would not find.
pub(crate) struct Sight {
    scopes: Arc<Scopes>,
    practice: Practice,
    /// The release that the store holds.
    pub(crate) version: Version,
    /// The gateway's base: what begins with it is a reference into this store.
    pub(crate) base: Arc<str>,
    confined_to: Option<Compartment>,
    directory: Arc<[ResourceType]>,
    brings: Option<Arc<[ResourceType]>>,
}

impl Sight {
    /// What the call sees.
    pub(crate) fn of(call: &Call, scopes: &Arc<Scopes>) -> Self {
        Self {
            scopes: Arc::clone(scopes),
            practice: call.practice.clone(),
            version: call.version,
            base: Arc::clone(&call.base),
            confined_to: call.confined_to.clone(),
            directory: Arc::clone(&call.directory),
            brings: call.brings.clone(),
        }
    }

    /// The search parameters that there are.
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        self.scopes.vocabulary(&self.practice, self.version)
    }

    /// The name of the practice.
    pub(crate) fn practice(&self) -> &str {
        self.practice.as_str()
    }

    /// The scope of a type; `None` when nothing of it was ever stored.
    pub(crate) fn scope(
        &self,
        connection: &Connection,
        resource_type: ResourceType,
    ) -> Result<Option<Arc<Scope>>, Error> {
        let found = self.scopes.find(&self.practice, resource_type);
        if found.is_some() || !connection.is_shared() {
            return Ok(found);
        }
        Ok(look_up(connection, &self.practice, resource_type, self.scopes.vocabulary(&self.practice, self.version))?
            .map(Arc::new))
    }

    /// Every scope of the practice, in the order of their keys.
    pub(crate) fn scopes(&self, connection: &Connection) -> Result<Vec<Arc<Scope>>, Error> {
        let sql = "SELECT type FROM scope WHERE practice = ?1 ORDER BY key";
        let names = connection.all(sql, &values![self.practice.as_str()], |row| row.get::<String>(0))?;
        let mut all = Vec::new();
        for resource_type in names.iter().filter_map(|name| name.parse().ok()) {
            all.extend(self.scope(connection, resource_type)?);
        }
        Ok(all)
    }

    /// The compartment that resources of that type must lie in to be seen; `None` for a call that is not confined, and for a type
    /// that is free.
    pub(crate) fn confinement(&self, resource_type: ResourceType) -> Option<&Compartment> {
        self.confined_to.as_ref().filter(|_| !self.directory.contains(&resource_type))
    }

    /// Whether a resource that something led to may be seen. What does not scan is damaged, and is not.
    pub(crate) fn admits(&self, resource_type: ResourceType, body: &[u8]) -> bool {
        let Some(compartment) = self.confinement(resource_type) else { return true };
        scanned(body).is_ok_and(|nodes| {
            let document = Document::new(body, &nodes);
            search::compartment::contains(document, resource_type, self.version, compartment, Some(&self.base))
                && !self.hides(resource_type, document)
        })
    }

    /// Whether what is in the compartment is hidden all the same, because it lists other patients.
    pub(crate) fn hides(&self, resource_type: ResourceType, document: Document<'_>) -> bool {
        let compartment = self.confinement(resource_type);
        compartment.is_some_and(|patient| lists_others(document, resource_type, patient, &self.base))
    }

    /// Whether an include may bring resources of that type, and go on from them.
    pub(crate) fn may_bring(&self, resource_type: ResourceType) -> bool {
        self.brings.as_ref().is_none_or(|brings| brings.contains(&resource_type))
    }

    /// `{base}/Patient/`: what an absolute reference to a resource of that type begins with.
    pub(crate) fn prefix(&self, resource_type: ResourceType) -> String {
        format!("{}/{resource_type}/", self.base)
    }
}
