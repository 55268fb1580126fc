//! The search parameters of AuditEvent that we serve, as a [`Filter`].

use adapter::{Error, ErrorKind, Practice};
use fhir::{Compartment, Handling, Query, ResourceType};

use crate::date;
use crate::search::{EventId, Filter};

/// Search parameters and their types, as the capability lists them.
pub(crate) const PARAMETERS: [(&str, &str); 9] = [
    ("_id", "token"),
    ("_lastUpdated", "date"),
    ("action", "token"),
    ("agent", "reference"),
    ("date", "date"),
    ("entity", "reference"),
    ("outcome", "token"),
    ("patient", "reference"),
    ("subtype", "token"),
];

/// Entries of a page when the client does not say, and at most.
const PAGE: usize = 50;
const LONGEST_PAGE: usize = 500;

/// A search as it is asked.
pub(crate) struct Asked {
    pub(crate) filter: Filter,
    pub(crate) count: usize,
    pub(crate) with_total: bool,
    /// With lenient handling: names that were passed over.
    pub(crate) ignored: Vec<String>,
}

/// Understands a query. A parameter that we do not know is refused, unless the client wants it passed over: a filter that
/// is ignored shows what nobody asked for.
pub(crate) fn understand(
    query: &Query,
    practice: &Practice,
    confined: &[&Compartment],
    handling: Handling,
) -> Result<Asked, Error> {
    let filter = Filter { practice: practice.as_str().to_owned(), ..Filter::default() };
    let mut asked = Asked { filter, count: PAGE, with_total: false, ignored: Vec::new() };
    for compartment in confined {
        // Only the Patient compartment has audit events in it; any other holds none.
        let is_patient = compartment.resource_type == ResourceType::PATIENT;
        asked.filter.patients.push(if is_patient { vec![compartment.id.as_str().to_owned()] } else { Vec::new() });
    }
    for (name, value) in query.iter() {
        if take(&mut asked, name, value)? {
            continue;
        }
        if handling == Handling::Strict {
            return Err(invalid(unknown()));
        }
        asked.ignored.push(name.to_owned());
    }
    Ok(asked)
}

/// What is said of a parameter that is not known.
pub(crate) fn unknown() -> String {
    format!("unknown search parameter for AuditEvent (known: {})", PARAMETERS.map(|(name, _)| name).join(", "))
}

/// Takes one pair; false when its name is not known.
fn take(asked: &mut Asked, name: &str, value: &str) -> Result<bool, Error> {
    let filter = &mut asked.filter;
    let alternatives = value.split(',').filter(|value| !value.is_empty());
    match name {
        "patient" | "patient:Patient" => filter.patients.push(alternatives.map(local_id).collect()),
        "agent" => filter.agents.push(alternatives.map(agent).collect()),
        "agent:identifier" => filter.agents.push(alternatives.map(token).collect()),
        "entity" => {
            let entities: Option<_> = alternatives.map(entity).collect();
            filter.entities.push(entities.ok_or_else(|| invalid("expected `entity` to be [type]/[id]"))?);
        }
        "date" | "_lastUpdated" => {
            let range = date::parse(value)
                .ok_or_else(|| invalid("expected a date with one of the prefixes eq, ge, gt, le, lt, sa and eb"))?;
            filter.during = Some(filter.during.map_or(range, |before| before.and(range)));
        }
        "action" => filter.actions.push(alternatives.map(token).collect()),
        "outcome" => filter.outcomes.push(alternatives.map(token).collect()),
        "subtype" => filter.subtypes.push(alternatives.map(token).collect()),
        "_id" => filter.ids.push(alternatives.filter_map(|id| id.parse::<EventId>().ok()).collect()),
        "_count" => asked.count = count(value)?,
        "_total" => asked.with_total = total(value)?,
        "_sort" if matches!(value, "-date" | "-_lastUpdated") => {}
        "_sort" => return Err(invalid("AuditEvents come newest first: expected `_sort=-date`")),
        _ => return Ok(false),
    }
    Ok(true)
}

fn count(value: &str) -> Result<usize, Error> {
    let count: usize = value.parse().map_err(|_| invalid("expected `_count` to be a number"))?;
    Ok(count.min(LONGEST_PAGE))
}

fn total(value: &str) -> Result<bool, Error> {
    match value {
        "none" => Ok(false),
        "estimate" | "accurate" => Ok(true),
        _ => Err(invalid("expected `_total` to be none, estimate or accurate")),
    }
}

/// `Patient/1`, `https://…/Patient/1` and `1` are the same patient.
fn local_id(reference: &str) -> String {
    reference.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A client is searched by its id, plain or as `Device/id`; a person as `fhirUser` has it.
fn agent(reference: &str) -> String {
    reference.strip_prefix("Device/").unwrap_or(reference).to_owned()
}

fn entity(reference: &str) -> Option<(String, String)> {
    let mut parts = reference.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    kind.parse::<ResourceType>().is_ok().then(|| (kind.to_owned(), id.to_owned()))
}

/// The code of `system|code`; each of these parameters has one system.
fn token(value: &str) -> String {
    value.rsplit('|').next().unwrap_or_default().to_owned()
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Invalid, text)
}
