//! What one token sees of a resource.

use fhir::json::{Document, Node, Value};
use fhir::json::{Limits, scan};
use fhir::{Compartment, Interaction, Query, ResourceType, Version};

use search::names::{lists_others, names_others};

use super::appointment;
use crate::authorize::Permitted;
use crate::authorize::access::{Policy, Reach};
use crate::authorize::grant::Grant;

/// The eyes of one request.
pub(super) struct View<'a> {
    grant: &'a Grant,
    reach: &'a Reach,
    policy: &'a Policy,
    version: Version,
    base: &'a str,
}

/// What is seen of a resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// All of it.
    Whole,
    /// This instead.
    Redacted(Vec<u8>),
    /// Nothing.
    Hidden,
}

impl<'a> View<'a> {
    /// The view of a request; none when whatever its scopes found may be seen.
    pub(super) fn of(permitted: &'a Permitted) -> Option<Self> {
        let request = permitted.request();
        let view = Self {
            grant: permitted.grant(),
            reach: permitted.reach(),
            policy: permitted.policy(),
            version: request.version,
            base: &request.base,
        };
        let brings_others = match &request.interaction {
            Interaction::SearchSystem { .. } | Interaction::HistorySystem { .. } => true,
            Interaction::SearchType { query, .. } => may_include(query),
            _ => false,
        };
        (view.is_confined() || brings_others).then_some(view)
    }

    pub(super) const fn is_confined(&self) -> bool {
        self.reach.patient().is_some()
    }

    pub(super) fn is_patient(&self, id: &str) -> bool {
        self.reach.patient().is_some_and(|patient| patient.id.as_str() == id)
    }

    /// What is seen of a resource. What is no resource is not seen.
    pub(super) fn see(&self, bytes: &[u8]) -> Seen {
        let mut nodes = Vec::new();
        let Some(root) = parse(bytes, &mut nodes) else { return Seen::Hidden };
        let name = root.member("resourceType").and_then(Value::text);
        match name.and_then(|name| name.parse().ok()) {
            // A message of the server, not a record.
            Some(ResourceType::OPERATION_OUTCOME) => Seen::Whole,
            Some(of) if self.may_read(of) => self.see_of(root, of),
            _ => Seen::Hidden,
        }
    }

    /// Whether a confined token may write this: it is in the compartment and names no other patient.
    pub(super) fn may_write(&self, bytes: &[u8], resource_type: ResourceType) -> bool {
        let mut nodes = Vec::new();
        let (Some(patient), Some(root)) = (self.reach.patient(), parse(bytes, &mut nodes)) else { return false };
        let is_typed = root.member("resourceType").and_then(Value::text).as_deref() == Some(resource_type.as_str());
        is_typed && self.is_inside(root, resource_type, patient) && !names_others(root, patient, self.base)
    }

    /// The scopes of the context that permitted the request, on a type that came along.
    fn may_read(&self, resource_type: ResourceType) -> bool {
        self.grant.scopes.may_read(self.reach.context(), resource_type)
    }

    fn see_of(&self, root: Value<'_>, resource_type: ResourceType) -> Seen {
        let Some(patient) = self.reach.patient() else { return Seen::Whole };
        if self.policy.directory.contains(&resource_type) {
            return Seen::Whole;
        }
        if !self.is_inside(root, resource_type, patient) {
            return Seen::Hidden;
        }
        if resource_type == ResourceType::APPOINTMENT {
            return appointment::redacted(root, patient, self.base).map_or(Seen::Whole, Seen::Redacted);
        }
        let is_list_of_others = lists_others(root.document(), resource_type, patient, self.base);
        if is_list_of_others { Seen::Hidden } else { Seen::Whole }
    }

    /// A Patient is in by its id alone: a link is a claim of whoever wrote it.
    fn is_inside(&self, root: Value<'_>, resource_type: ResourceType, patient: &Compartment) -> bool {
        if resource_type == ResourceType::PATIENT {
            return root.member("id").and_then(Value::text).is_some_and(|id| id == patient.id.as_str());
        }
        search::compartment::contains(root.document(), resource_type, self.version, patient, Some(self.base))
    }
}

/// Whether more may come with the matches of a search. A page link hides what it searches for.
pub(in crate::authorize) fn may_include(query: &Query) -> bool {
    let may_bring = |name: &str| name.starts_with("_include") || name.starts_with("_revinclude") || name == "_page";
    query.iter().any(|(name, _)| may_bring(name))
}

/// The root of a JSON object, scanned by the same strict scanner that everything else is.
pub(super) fn parse<'a>(bytes: &'a [u8], nodes: &'a mut Vec<Node>) -> Option<Value<'a>> {
    scan(bytes, nodes, Limits::default()).ok()?;
    let root = Document::new(bytes, nodes).root()?;
    (root.kind() == fhir::json::Kind::Object).then_some(root)
}
