//! The parameters of a kick-off (Bulk Data Access 2.0.0, 2.6.2), read and held against what is known; nothing is looked up yet.

use fhir::interaction::{Level, Parameters};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Handling, Id, Issue, IssueType, ResourceType};
use http::{Method, StatusCode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::failure::Failure;
use crate::receive::Request;

/// Patients and types that one kick-off may list.
const MOST: usize = 10_000;
/// `_typeFilter`s of one kick-off.
const MOST_FILTERS: usize = 100;
/// Bytes of a `_typeFilter`, of `_elements`.
const LONGEST: usize = 8 * 1024;

/// What a client wishes for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `_since`, as an instant with milliseconds.
    pub since: Option<String>,
    /// `_until`, likewise.
    pub until: Option<String>,
    /// `_type`; all when there is none.
    pub types: Vec<ResourceType>,
    /// `_typeFilter`: a type and a query.
    pub filters: Vec<(ResourceType, String)>,
    /// `_elements`
    pub elements: Vec<String>,
    /// `patient`
    pub patients: Vec<Id>,
}

impl Wanted {
    /// Reads a kick-off.
    ///
    /// # Errors
    /// 400 with an issue for each parameter that cannot be served; `Prefer: handling=lenient` passes over what is not known.
    pub fn read(request: &Request, level: &Level, parameters: &Parameters) -> Result<Self, Failure> {
        let mut reading = Reading {
            wanted: Self::default(),
            issues: Vec::new(),
            is_lenient: request.preferences.handling == Handling::Lenient,
            takes_patients: request.target.method == Method::POST && !matches!(level, Level::System),
            base: &request.base,
        };
        for (name, value) in pairs(parameters)? {
            reading.take(&name, &value);
        }
        reading.wanted.check(&mut reading.issues);
        match reading.issues.is_empty() {
            true => Ok(reading.wanted),
            false => Err(Failure::from_issues(StatusCode::BAD_REQUEST, reading.issues)),
        }
    }

    fn check(&self, issues: &mut Vec<Issue>) {
        let bounds = [
            ("_type", self.types.len(), MOST),
            ("_typeFilter", self.filters.len(), MOST_FILTERS),
            ("_elements", self.elements.len(), MOST),
            ("patient", self.patients.len(), MOST),
        ];
        for (name, count, most) in bounds {
            if count > most {
                issues.push(Issue::error(IssueType::TooCostly, format!("expected at most {most} of `{name}`")));
            }
        }
    }
}

struct Reading<'r> {
    wanted: Wanted,
    issues: Vec<Issue>,
    is_lenient: bool,
    takes_patients: bool,
    base: &'r str,
}

impl Reading<'_> {
    fn take(&mut self, name: &str, value: &str) {
        match name {
            "_outputFormat" => self.output_format(value),
            "_since" => self.wanted.since = self.instant(name, value).or(self.wanted.since.take()),
            "_until" => self.wanted.until = self.instant(name, value).or(self.wanted.until.take()),
            "_type" => listed(value).for_each(|of| self.resource_type(of)),
            "_typeFilter" => self.filter(value),
            "_elements" => listed(value).for_each(|element| self.element(element)),
            "patient" if self.takes_patients => self.patient(value),
            "patient" => self.not_known("`patient` of a POST to Patient/$export or Group/[id]/$export"),
            "includeAssociatedData" => self.not_known("no `includeAssociatedData`: none is kept apart here"),
            // RFC 7240 has a header for it; some clients say it twice.
            "_format" | "_pretty" => {}
            _ => self.not_known("one of _outputFormat, _since, _until, _type, _typeFilter, _elements and patient"),
        }
    }

    fn output_format(&mut self, value: &str) {
        // An unencoded plus sign is a space in a query.
        let media = value.split(';').next().unwrap_or_default().trim().replace(' ', "+");
        if !matches!(media.as_str(), "application/fhir+ndjson" | "application/ndjson" | "ndjson") {
            self.refuse(IssueType::NotSupported, "expected `application/fhir+ndjson` for _outputFormat".to_owned());
        }
    }

    fn instant(&mut self, name: &str, value: &str) -> Option<String> {
        let read = OffsetDateTime::parse(&value.replace(' ', "+"), &Rfc3339).ok().and_then(in_milliseconds);
        if read.is_none() {
            self.refuse(IssueType::Value, format!("expected an instant such as 2024-02-29T12:00:00Z for {name}"));
        }
        read
    }

    fn resource_type(&mut self, name: &str) {
        match name.parse::<ResourceType>() {
            Ok(of) if !self.wanted.types.contains(&of) => self.wanted.types.push(of),
            Ok(_) => {}
            Err(_) => self.not_known("resource types of FHIR separated by commas for _type"),
        }
    }

    /// `MedicationRequest?status=active`. As a list, in which a comma stands before a type, it is what 1.0 wrote.
    fn filter(&mut self, value: &str) {
        if value.len() > LONGEST {
            return self.refuse(IssueType::TooLong, format!("expected a _typeFilter of at most {LONGEST} bytes"));
        }
        for filter in filters(value) {
            let (name, query) = filter.split_once('?').unwrap_or((filter, ""));
            match name.parse::<ResourceType>() {
                Ok(of) if !query.is_empty() => self.wanted.filters.push((of, query.to_owned())),
                _ => self.refuse(IssueType::Value, "expected such as `Patient?active=true` for _typeFilter".to_owned()),
            }
        }
    }

    fn element(&mut self, element: &str) {
        let mut parts = element.split('.');
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let sound = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), None, None) => plain(name),
            (Some(of), Some(name), None) => of.parse::<ResourceType>().is_ok() && plain(name),
            _ => false,
        };
        if sound {
            self.wanted.elements.push(element.to_owned());
        } else {
            self.refuse(IssueType::Value, "expected such as `Patient.name` or `id` for _elements".to_owned());
        }
    }

    fn patient(&mut self, reference: &str) {
        let relative = reference.strip_prefix(self.base).map_or(reference, |rest| rest.trim_start_matches('/'));
        match relative.strip_prefix("Patient/").and_then(|id| id.parse::<Id>().ok()) {
            Some(id) if !self.wanted.patients.contains(&id) => self.wanted.patients.push(id),
            Some(_) => {}
            None => self.refuse(IssueType::Value, "expected a reference such as `Patient/1` for patient".to_owned()),
        }
    }

    /// Bulk Data, 2.6.2: what is not supported may be passed over when the client says so, and is an error else.
    fn not_known(&mut self, expected: &str) {
        if !self.is_lenient {
            self.refuse(IssueType::NotSupported, format!("expected {expected}"));
        }
    }

    fn refuse(&mut self, code: IssueType, text: String) {
        if self.issues.len() < 20 {
            self.issues.push(Issue::error(code, text));
        }
    }
}

fn listed(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Cuts before each comma that a type and a question mark follow.
fn filters(value: &str) -> Vec<&str> {
    let begins = |rest: &str| {
        let name = rest.split('?').next().unwrap_or_default();
        rest.len() > name.len() && name.parse::<ResourceType>().is_ok()
    };
    let (mut found, mut from) = (Vec::new(), 0);
    for (comma, _) in value.match_indices(',') {
        if value.get(comma + 1..).is_some_and(begins) {
            found.extend(value.get(from..comma));
            from = comma + 1;
        }
    }
    found.extend(value.get(from..));
    found
}

/// An instant in UTC with milliseconds, as `_lastUpdated` is compared.
fn in_milliseconds(at: OffsetDateTime) -> Option<String> {
    let at = at.checked_to_offset(time::UtcOffset::UTC)?;
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z")).ok()
}

/// The same of a moment of ours, in milliseconds since 1970.
#[must_use]
pub fn instant(millis: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000);
    at.ok().and_then(in_milliseconds).unwrap_or_default()
}

/// Names and values, of a query or of a Parameters resource.
fn pairs(parameters: &Parameters) -> Result<Vec<(String, String)>, Failure> {
    let body = match parameters {
        Parameters::Query(query) => {
            return Ok(query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        }
        Parameters::Body(body) if body.resource_type == ResourceType::PARAMETERS => &body.bytes,
        Parameters::Body(_) => {
            let text = "expected a Parameters resource in the body of a kick-off";
            return Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::Invalid, text));
        }
    };
    let mut nodes = Vec::new();
    scan(body, &mut nodes, Limits::default())
        .map_err(|error| Failure::from_issues(StatusCode::BAD_REQUEST, vec![error.issue(body)]))?;
    let root = Document::new(body, &nodes).root();
    let items = root.and_then(|root| root.member("parameter")).into_iter().flat_map(Value::items);
    Ok(items.filter_map(pair).collect())
}

/// `valueString`, `valueInstant`, …, or the `reference` of `valueReference`. One without a value is one that cannot be read.
fn pair(item: Value<'_>) -> Option<(String, String)> {
    let name = item.member("name").and_then(Value::text)?.into_owned();
    let value = item.children().find(|member| member.name().starts_with("value"));
    let text = value.and_then(|value| value.text().or_else(|| value.member("reference").and_then(Value::text)));
    Some((name, text.map_or_else(String::new, std::borrow::Cow::into_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(is_lenient: bool, takes_patients: bool) -> Reading<'static> {
        let base = "https://gw.example/fhir/r4";
        Reading { wanted: Wanted::default(), issues: Vec::new(), is_lenient, takes_patients, base }
    }

    #[test]
    fn parameters_are_read_whichever_way_they_are_written() {
        let mut reading = reading(false, true);
        for (name, value) in [
            ("_outputFormat", "application/fhir ndjson"),
            ("_since", "2024-02-29T12:00:00.5 02:00"),
            ("_type", "Patient, Appointment,Patient"),
            ("_typeFilter", "Appointment?status=booked,fulfilled&date=ge2024,Patient?active=true"),
            ("_elements", "id,Patient.name"),
            ("patient", "Patient/1"),
            ("patient", "https://gw.example/fhir/r4/Patient/2"),
        ] {
            reading.take(name, value);
        }
        assert_eq!(reading.issues, []);
        let wanted = reading.wanted;
        assert_eq!(wanted.since.as_deref(), Some("2024-02-29T10:00:00.500Z"));
        assert_eq!(wanted.types, [ResourceType::PATIENT, ResourceType::APPOINTMENT]);
        let filters: Vec<&str> = wanted.filters.iter().map(|(_, query)| query.as_str()).collect();
        assert_eq!(filters, ["status=booked,fulfilled&date=ge2024", "active=true"]);
        assert_eq!((wanted.elements.len(), wanted.patients.len()), (2, 2));
    }

    #[test]
    fn what_is_not_known_is_refused_or_passed_over_and_what_is_wrong_is_refused_always() {
        for is_lenient in [false, true] {
            for (name, value) in
                [("includeAssociatedData", "_"), ("unknown", "1"), ("_type", "Nothing"), ("patient", "Patient/1")]
            {
                let mut reading = reading(is_lenient, false);
                reading.take(name, value);
                assert_eq!(reading.issues.is_empty(), is_lenient, "{name}");
            }
            for (name, value) in [
                ("_outputFormat", "text/csv"),
                ("_since", "yesterday"),
                ("_since", "2024-02-29"),
                ("_typeFilter", "Patient"),
                ("_elements", "Patient.name.family"),
                ("patient", "Practitioner/1"),
            ] {
                let mut reading = reading(is_lenient, true);
                reading.take(name, value);
                assert_eq!(reading.issues.len(), 1, "{name}={value}");
            }
        }
    }
}
