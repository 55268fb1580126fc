//! What is asked and answered, in the ids of one member and in those of clients.

use adapter::reply::Subject;
use adapter::{Call, Error, ErrorKind};
use fhir::interaction::{Level, Parameters};
use fhir::{Compartment, Id, Interaction, Query, Resource, ResourceType, Version};
use search::Vocabulary;

use super::space::Whose;
use super::{Member, absent, query, rewrite};

impl Member {
    /// A call in the member's ids; none when it names what only others can have.
    pub(super) fn call(&self, call: Call) -> Result<Option<Call>, Error> {
        let spoken = self.adapter.capability().version;
        if spoken != call.version && (spoken == Version::R5 || call.version == Version::R5) {
            let text = format!("the back end `{}` speaks another FHIR release than the first of its route", self.name);
            return Err(Error::new(ErrorKind::NotSupported, text));
        }
        let of = call.interaction.resource_type();
        let confined_to = match &call.confined_to {
            Some(owner) if of == Some(owner.resource_type) && !self.has(owner.resource_type, &owner.id) => {
                return Ok(None);
            }
            owner => owner.as_ref().map(|owner| self.compartment(owner)),
        };
        let vocabulary = call.additions.on(call.version);
        let Some(interaction) = self.interaction(call.interaction, vocabulary, &call.base)? else { return Ok(None) };
        Ok(Some(Call { interaction, confined_to, ..call }))
    }

    pub(super) fn has(&self, of: ResourceType, id: &Id) -> bool {
        matches!(self.ids.own(of, id.as_str()), Whose::Own(_))
    }

    /// The owner as references of this member name it.
    fn compartment(&self, owner: &Compartment) -> Compartment {
        let own = self.ids.target_own(owner.resource_type, owner.id.as_str()).and_then(|id| id.parse().ok());
        Compartment { resource_type: owner.resource_type, id: own.unwrap_or_else(|| owner.id.clone()) }
    }

    /// None when it names only what others have.
    fn interaction(
        &self,
        mut interaction: Interaction,
        vocabulary: Vocabulary,
        base: &str,
    ) -> Result<Option<Interaction>, Error> {
        use Interaction as I;
        let of = interaction.resource_type();
        let own_query = |query: &Query| query::own(&self.ids, query, of, vocabulary, base);
        match &mut interaction {
            I::Read { resource_type, id }
            | I::Vread { resource_type, id, .. }
            | I::Delete { resource_type, id, .. } => *id = self.own(*resource_type, id)?,
            I::HistoryInstance { resource_type, id, query } => {
                *id = self.own(*resource_type, id)?;
                *query = own_query(query).ok_or_else(absent)?;
            }
            I::HistoryType { query, .. } | I::HistorySystem { query } => {
                let Some(own) = own_query(query) else { return Ok(None) };
                *query = own;
            }
            I::SearchType { query, compartment, .. } | I::SearchSystem { query, compartment } => {
                let Some(own) = own_query(query) else { return Ok(None) };
                *query = own;
                if let Some(owner) = compartment {
                    *owner = self.compartment(owner);
                }
            }
            I::Operation { level, parameters, .. } => {
                if let Level::Instance(resource_type, id) = level {
                    *id = self.own(*resource_type, id)?;
                }
                match parameters {
                    Parameters::Query(query) => *query = own_query(query).ok_or_else(absent)?,
                    Parameters::Body(resource) => self.write(resource, base)?,
                }
            }
            other => self.own_write(other, &own_query, base)?,
        }
        Ok(Some(interaction))
    }

    fn own_write(
        &self,
        interaction: &mut Interaction,
        own_query: &dyn Fn(&Query) -> Option<Query>,
        base: &str,
    ) -> Result<(), Error> {
        use Interaction as I;
        match interaction {
            I::Update { id, resource, .. } => {
                *id = self.own(resource.resource_type, id)?;
                self.write(resource, base)?;
            }
            I::Create { resource, if_none_exist } => {
                self.write(resource, base)?;
                if let Some(criteria) = if_none_exist {
                    *criteria = own_query(criteria).ok_or_else(absent)?;
                }
            }
            I::ConditionalUpdate { criteria, resource, .. } => {
                self.write(resource, base)?;
                *criteria = own_query(criteria).ok_or_else(absent)?;
            }
            I::ConditionalDelete { criteria, .. } => *criteria = own_query(criteria).ok_or_else(absent)?,
            I::Batch { bundle, transaction: true } => self.write(bundle, base)?,
            _ => {
                return Err(Error::new(ErrorKind::NotSupported, "expected an interaction on one resource or one type"));
            }
        }
        Ok(())
    }

    fn own(&self, of: ResourceType, id: &Id) -> Result<Id, Error> {
        match self.ids.own(of, id.as_str()) {
            Whose::Own(own) => own.parse().map_err(|_| absent()),
            Whose::Other => Err(absent()),
        }
    }

    fn write(&self, resource: &mut Resource, base: &str) -> Result<(), Error> {
        let rewritten = rewrite::own(&self.ids, &resource.bytes, base)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        if let Some(bytes) = rewritten {
            *resource = Resource::new(resource.resource_type, resource.version, bytes);
        }
        Ok(())
    }

    pub(super) fn subject(&self, subject: Subject, long: &mut Vec<(String, String)>) -> Result<Subject, Error> {
        match self.ids.seen(subject.resource_type, subject.id.as_str(), long) {
            Some(id) => {
                let id = id.parse().map_err(|_| Error::new(ErrorKind::BadReply, "expected an id from the back end"))?;
                Ok(Subject { id, ..subject })
            }
            None => Ok(subject),
        }
    }
}
