//! What is asked for.

use fhir::interaction::Level;
use fhir::json::{Document, Limits, scan};
use fhir::{Compartment, Handling, Interaction, Issue, IssueType, Query, ResourceType, Version};
use http::StatusCode;
use search::Criterion;

use super::position::{self, Position};
use crate::failure::Failure;
use crate::operations::Running;
use crate::operations::parameters::Given;

/// Records of one page when the client does not say.
const USUAL: usize = 500;
/// Records of one page at most.
const MOST: usize = 1_000;
const KNOWN: [&str; 6] = ["start", "end", "_since", "_type", "_count", position::PARAMETER];

/// A question.
pub(super) struct Asked {
    /// Whose record.
    pub(super) owner: Compartment,
    /// The base that was addressed.
    pub(super) base: String,
    /// The release that the client speaks.
    pub(super) version: Version,
    /// The types that are wanted; none for all.
    types: Option<Vec<ResourceType>>,
    /// Beginning and end of the care that is wanted, as they were written.
    pub(super) care: (Option<String>, Option<String>),
    /// What must have changed since, as it was written.
    pub(super) since: Option<String>,
    recent: Vec<Criterion>,
    /// Records of one page.
    pub(super) count: usize,
    /// The parameters that it was asked with, for links.
    pub(super) query: Query,
    /// Where the page begins; none for the first.
    pub(super) position: Option<Position>,
}

impl Asked {
    /// Reads the request.
    ///
    /// # Errors
    /// 400 for what is no parameter or no value of it, and where all patients are asked for at once.
    pub(super) fn read(running: &Running<'_>) -> Result<Self, Failure> {
        let request = running.request();
        let Interaction::Operation { level, parameters, .. } = &request.interaction else { return Err(everybody()) };
        let given = Given::read(parameters)?;
        let owner = match (level, running.permitted.reach().patient()) {
            (Level::Instance(resource_type, id), _) => Compartment { resource_type: *resource_type, id: id.clone() },
            (Level::Type(_), Some(patient)) => patient.clone(),
            _ => return Err(everybody()),
        };
        let position =
            given.first(position::PARAMETER).map(|token| Position::open(running, &owner, &token)).transpose()?;
        let query = match &position {
            Some(position) => position.query(),
            None => asked_with(&given, request.preferences.handling)?,
        };
        Self::of(owner, request.base.to_string(), request.version, query, position)
    }

    fn of(
        owner: Compartment,
        base: String,
        version: Version,
        query: Query,
        position: Option<Position>,
    ) -> Result<Self, Failure> {
        let text = |name: &str| query.first(name).map(str::to_owned);
        let (start, end, since) = (text("start"), text("end"), text("_since"));
        for (name, date) in [("start", &start), ("end", &end)] {
            if let Some(date) = date {
                bound(ResourceType::APPOINTMENT, "date", "ge", date, version).ok_or_else(|| no_date(name))?;
            }
        }
        let recent = match &since {
            Some(since) => bound(owner.resource_type, "_lastUpdated", "ge", since, version),
            None => Some(Vec::new()),
        };
        let count = match query.first("_count").map(str::parse::<usize>) {
            None => USUAL,
            Some(Ok(count)) if count > 0 => count.min(MOST),
            Some(_) => return Err(bad("_count", "expected `_count` as a number above zero")),
        };
        let types = types(&query, version)?;
        let recent = recent.ok_or_else(|| no_date("_since"))?;
        Ok(Self { owner, base, version, types, care: (start, end), since, recent, count, query, position })
    }

    /// Whether resources of a type are wanted. Who looked at whose record is part of it only when it is asked for.
    pub(super) fn wants(&self, of: ResourceType) -> bool {
        match &self.types {
            Some(types) => types.contains(&of),
            None => of != ResourceType::AUDIT_EVENT,
        }
    }

    /// Whether a resource has changed since; one that does not say is taken to have.
    pub(super) fn is_recent(&self, resource: &[u8]) -> bool {
        if self.recent.is_empty() {
            return true;
        }
        let mut nodes = Vec::new();
        if scan(resource, &mut nodes, Limits::default()).is_err() {
            return false;
        }
        let document = Document::new(resource, &nodes);
        let said = document.root().and_then(|root| root.member("meta")?.member("lastUpdated"));
        said.is_none() || search::matches(document, &self.recent)
    }
}

/// A bound of a date as a criterion; none for what is no date, or no parameter of the type.
pub(super) fn bound(
    of: ResourceType,
    code: &str,
    prefix: &str,
    date: &str,
    version: Version,
) -> Option<Vec<Criterion>> {
    if !date.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut query = Query::default();
    query.push(code, format!("{prefix}{date}"));
    Some(search::parse(&query, version, Some(of), Handling::Strict).ok()?.criteria)
}

/// The parameters, each as one pair of a query.
fn asked_with(given: &Given<'_>, handling: Handling) -> Result<Query, Failure> {
    if let Given::Alone(_) = given {
        return Err(bad("", "expected a Parameters resource"));
    }
    for name in given.names() {
        if !KNOWN.contains(&&*name) && handling == Handling::Strict {
            let text = format!("expected no parameter but {}", KNOWN[..5].join(", "));
            return Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::NotSupported, text));
        }
    }
    let known = KNOWN.iter().take(5).flat_map(|name| given.all(name).into_iter().map(move |value| (name, value)));
    Ok(known.map(|(name, value)| ((*name).to_owned(), value.into_owned())).collect())
}

fn types(query: &Query, version: Version) -> Result<Option<Vec<ResourceType>>, Failure> {
    let mut types = Vec::new();
    for name in query.all("_type").flat_map(|names| names.split(',')) {
        let of = name.trim().parse::<ResourceType>().ok().filter(|of| of.is_in(version));
        types.push(of.ok_or_else(|| bad("_type", "expected resource types of this release in `_type`"))?);
    }
    Ok((!types.is_empty()).then_some(types))
}

fn everybody() -> Failure {
    let text = "expected Patient/[id]/$everything: one patient at a time";
    Failure::new(StatusCode::BAD_REQUEST, IssueType::NotSupported, text)
}

fn no_date(name: &str) -> Failure {
    bad(name, &format!("expected `{name}` as a date of FHIR"))
}

fn bad(parameter: &str, text: &str) -> Failure {
    let issue = Issue::error(IssueType::Value, text).at(format!("Parameters.parameter.where(name='{parameter}')"));
    Failure::from_issues(StatusCode::BAD_REQUEST, vec![issue])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn asked(query: &str) -> Result<Asked, Failure> {
        let owner = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() };
        Asked::of(owner, "http://gw/fhir/r4".into(), Version::R4, Query::parse(query), None)
    }

    #[test]
    fn dates_types_and_counts_must_be_such() {
        for broken in ["start=soon", "end=2020-13-01", "_since=x", "_type=Nothing", "_type=", "_count=0", "_count=a"] {
            assert_eq!(asked(broken).err().map(|failure| failure.status), Some(StatusCode::BAD_REQUEST), "{broken}");
        }
        let all = asked("").unwrap();
        assert!(all.wants(ResourceType::APPOINTMENT) && !all.wants(ResourceType::AUDIT_EVENT));
        let some = asked("_type=Observation,Appointment&_type=AuditEvent&_count=5000").unwrap();
        assert!(some.wants(ResourceType::AUDIT_EVENT) && !some.wants(ResourceType::PATIENT));
        assert_eq!(some.count, MOST);
    }

    #[test]
    fn what_changed_since_is_told_by_its_last_update() {
        let since = asked("_since=2024-05-01T12:00:00Z").unwrap();
        let of = |updated: &str| format!(r#"{{"resourceType":"Slot","meta":{{"lastUpdated":"{updated}"}}}}"#);
        assert!(since.is_recent(of("2024-05-01T12:00:01Z").as_bytes()));
        assert!(!since.is_recent(of("2024-05-01T11:59:59Z").as_bytes()));
        assert!(since.is_recent(br#"{"resourceType":"Slot"}"#));
    }
}
