//! A case: what is stored, and what is asked.

use std::fmt;

use fhir::json::{Document, Limits, scan};
use fhir::{Compartment, ResourceType, Version};
use population::{Choices, Names, resource};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::ask::{self, Ask};
use crate::shown;

/// Types that are free for a token of one patient.
const DIRECTORY: [&str; 7] =
    ["Practitioner", "PractitionerRole", "Location", "Organization", "Schedule", "Slot", "HealthcareService"];

/// One write that made the data.
#[derive(Clone)]
pub(crate) enum Write {
    Put(Value),
    Delete(String, String),
}

/// What is stored, in this order, and what is asked then.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) writes: Vec<Write>,
    pub(crate) asks: Vec<Ask>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.writes.iter().try_for_each(|write| match write {
            Write::Put(resource) => writeln!(f, "\n  PUT {resource}"),
            Write::Delete(kind, id) => writeln!(f, "\n  DELETE {kind}/{id}"),
        })?;
        self.asks.iter().try_for_each(|ask| write!(f, "\n  ? {ask:?}"))
    }
}

/// Who sees what.
#[derive(Clone, Debug)]
pub(crate) enum Eyes {
    /// A patient: the compartment and the directory.
    Patient(Compartment),
    /// The same patient, of whose data only that is there which is shown: without what concerns other patients in an appointment of
    /// several, without lists of several patients.
    Shown(Compartment),
    /// Whoever has scopes for these types only.
    Types(&'static [&'static str]),
}

impl Eyes {
    /// Whether a resource may be seen; decided on its bytes alone.
    fn see(&self, resource: &Value) -> bool {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        let patient = match self {
            Self::Types(types) => return types.contains(&kind),
            _ if DIRECTORY.contains(&kind) => return true,
            Self::Shown(patient) if shown::lists_others(resource, patient) => return false,
            Self::Patient(patient) | Self::Shown(patient) => patient,
        };
        let of: ResourceType = kind.parse().unwrap();
        let bytes = resource.to_string().replace(population::BASE, "http://base");
        let mut nodes = Vec::new();
        scan(bytes.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let document = Document::new(bytes.as_bytes(), &nodes);
        search::compartment::contains(document, of, Version::R4, patient, Some("http://base"))
    }
}

impl Eyes {
    /// What is shown of what is seen.
    fn shown(&self, resource: &Value) -> Value {
        match self {
            Self::Shown(patient) if resource["resourceType"] == "Appointment" => shown::appointment(resource, patient),
            _ => resource.clone(),
        }
    }
}

/// A case whose resources have these names.
pub(crate) fn cases(names: &'static Names) -> impl Strategy<Value = Case> {
    let kinds = vec(any::<u16>(), 8);
    let writes = vec(vec(any::<u16>(), 0..40), 0..36);
    let asks = vec(vec(any::<u16>(), 0..60), 1..14);
    (kinds, writes, asks).prop_map(move |(kinds, writes, asks)| {
        let names = names.few(&mut Choices::new(&kinds));
        let writes = writes.iter().map(|numbers| write(&names, &mut Choices::new(numbers))).collect();
        let asks = asks.iter().map(|numbers| ask::any(&names, &mut Choices::new(numbers))).collect();
        Case { writes, asks }
    })
}

fn write(names: &Names, choices: &mut Choices<'_>) -> Write {
    let resource = resource::any(names, choices);
    if choices.is_one_in(12) {
        return Write::Delete(kind_of(&resource), id_of(&resource));
    }
    Write::Put(resource)
}

impl Case {
    /// What a back end would hold that holds only what may be seen. Of a resource that was visible at a time and not at another, the
    /// versions are kept, so that their numbers are the same; what cannot be seen of them says nothing.
    pub(crate) fn alone(&self, eyes: &Eyes) -> Vec<Write> {
        let is_ever_seen = |kind: &str, id: &str| {
            self.writes.iter().any(|write| match write {
                Write::Put(other) => kind_of(other) == kind && id_of(other) == id && eyes.see(other),
                Write::Delete(..) => false,
            })
        };
        let seen = self.writes.iter().filter_map(|write| match write {
            Write::Put(resource) if eyes.see(resource) => Some(Write::Put(eyes.shown(resource))),
            Write::Put(resource) => {
                let (kind, id) = (kind_of(resource), id_of(resource));
                is_ever_seen(&kind, &id).then(|| Write::Put(json!({ "resourceType": kind, "id": id })))
            }
            Write::Delete(kind, id) => is_ever_seen(kind, id).then(|| write.clone()),
        });
        seen.collect()
    }

    /// Without updates that would make what somebody else has: such an id is refused, which tells that it is in use. Ids that the server
    /// chose cannot be guessed.
    pub(crate) fn without_collisions(mut self, eyes: &Eyes) -> Self {
        if let Eyes::Shown(_) = eyes {
            self.asks.retain(shown::is_about_all_of_it);
        }
        let hidden: Vec<String> = self
            .writes
            .iter()
            .filter_map(|write| match write {
                Write::Put(resource) if !eyes.see(resource) && !matches!(eyes, Eyes::Types(_)) => {
                    Some(format!("{}/{}", kind_of(resource), id_of(resource)))
                }
                _ => None,
            })
            .collect();
        let collides = |ask: &Ask| {
            let is_put = ask.method == http::Method::PUT && hidden.iter().any(|hidden| ask.path.ends_with(hidden));
            let in_batch =
                hidden.iter().any(|hidden| ask.body.contains(&format!(r#""method":"PUT","url":"{hidden}""#)));
            is_put || in_batch
        };
        self.asks.retain(|ask| !collides(ask));
        self
    }
}

fn kind_of(resource: &Value) -> String {
    resource["resourceType"].as_str().unwrap_or_default().to_owned()
}

fn id_of(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_default().to_owned()
}
