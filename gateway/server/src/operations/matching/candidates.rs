//! Who could be meant: a few bounded searches beside each other, and what they find, each record once.

use std::collections::BTreeMap;

use bytes::Bytes;
use fhir::{Issue, IssueType, Query, ResourceType};
use futures_util::future::join_all;

use super::person::{Name, Person};
use crate::failure::Failure;
use crate::operations::ask::{Ask, Page, Search};

/// Records that one search brings.
const EACH: usize = 50;
/// Values of one criterion.
const VALUES: usize = 8;

/// Patients that could be meant.
#[derive(Default)]
pub(super) struct Candidates {
    /// By id.
    pub(super) found: BTreeMap<String, (Person, Bytes)>,
    /// What was said about the searches by back ends.
    pub(super) outcomes: Vec<Bytes>,
    /// Searches that could not be made.
    pub(super) issues: Vec<Issue>,
}

/// Looks for a person.
///
/// # Errors
/// When no search could be made at all: the failure of the first.
pub(super) async fn find(ask: Ask<'_>, person: &Person) -> Result<Candidates, Failure> {
    let searches = searches(person);
    let asked = searches.into_iter().map(|(what, query)| async move {
        let search = Search { resource_type: ResourceType::PATIENT, compartment: None, query };
        (what, ask.search(search).await)
    });
    let mut candidates = Candidates::default();
    let (mut any, mut failed) = (false, None);
    for (what, answer) in join_all(asked).await {
        match answer {
            Ok(page) => {
                any = true;
                candidates.add(what, page);
            }
            Err(failure) => {
                candidates.issues.push(missing(what, &failure));
                failed.get_or_insert(failure);
            }
        }
    }
    match failed {
        Some(failure) if !any => Err(failure),
        _ => Ok(candidates),
    }
}

impl Candidates {
    fn add(&mut self, what: &str, page: Page) {
        if page.next.is_some() {
            let text = format!("more patients than {EACH} have that {what}: the others were not compared");
            self.issues.push(Issue::information(IssueType::TooCostly, text));
        }
        self.outcomes.extend(page.outcomes);
        for bytes in page.matches {
            let Some(person) = Person::read(&bytes) else { continue };
            let Some(id) = person.id.clone().filter(|_| !person.is_replaced) else { continue };
            self.found.entry(id).or_insert((person, bytes));
        }
    }
}

fn missing(what: &str, failure: &Failure) -> Issue {
    let code = failure.issues.first().map_or(IssueType::Exception, |issue| issue.code);
    if failure.status.is_server_error() {
        let text = format!("the search by {what} failed: who is found by it alone is missing here");
        return Issue::warning(code, text);
    }
    Issue::information(code, format!("the back end is not searched by {what}"))
}

/// What is searched for, with a name for each.
fn searches(person: &Person) -> Vec<(&'static str, Query)> {
    let mut searches = Vec::new();
    let mut push = |what, pairs: &[(&str, &str)]| searches.push((what, query(pairs)));
    if let Some(identifiers) = identifiers(person) {
        push("identifier", &[("identifier", &identifiers)]);
    }
    if let Some(phones) = phones(person) {
        push("phone", &[("phone", &phones)]);
    }
    if let Some(emails) = listed(person.emails.iter().cloned()) {
        push("email", &[("email", &emails)]);
    }
    let family = listed(person.names.iter().filter_map(|name| name.family.clone()));
    let given = listed(person.names.iter().filter_map(|name| name.given.clone()));
    let born = born(person);
    if let (Some(family), Some(born)) = (&family, &born) {
        push("family and birthdate", &[("family", family), ("birthdate", born)]);
    }
    if let (Some(given), Some(born)) = (&given, &born) {
        push("given and birthdate", &[("given", given), ("birthdate", born)]);
    }
    // A name that was misheard, and a date that was not.
    if let Some(born) = &person.birth_date {
        push("birthdate", &[("birthdate", born)]);
        let sounds: Option<String> = listed(person.names.iter().filter_map(|name| name.family.clone()));
        if let (Some(sounds), Some(year)) = (sounds, born.get(..4)) {
            push("phonetic and year of birth", &[("phonetic", &sounds), ("birthdate", year)]);
        }
    }
    let whole = |name: &&Name| name.family.is_some() && name.given.is_some();
    if let Some(name) = person.names.iter().find(whole) {
        let part = |text: &Option<String>| escaped(text.as_deref().unwrap_or_default());
        push("family and given", &[("family", &part(&name.family)), ("given", &part(&name.given))]);
    }
    searches
}

fn query(pairs: &[(&str, &str)]) -> Query {
    let mut query: Query = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    query.push("_count", EACH.to_string());
    query
}

fn identifiers(person: &Person) -> Option<String> {
    let of = |identifier: &super::person::Identifier| match &identifier.system {
        Some(system) => format!("{}|{}", escaped(system), escaped(&identifier.value)),
        None => escaped(&identifier.value),
    };
    joined(person.identifiers.iter().map(of))
}

/// As they are written, and in digits: a token is compared as it stands.
fn phones(person: &Person) -> Option<String> {
    let forms = |phone: &String| {
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let international = phone.trim_start().starts_with('+').then(|| format!("+{digits}"));
        [Some(phone.clone()), international, Some(digits)].into_iter().flatten()
    };
    listed(person.phones.iter().flat_map(forms))
}

/// The day, the one that a slip of day and month makes of it, or the year where no more is known.
fn born(person: &Person) -> Option<String> {
    let born = person.birth_date.as_deref()?;
    let (year, month, day) = (born.get(..4)?, born.get(5..7), born.get(8..10));
    let transposed = match (month, day) {
        (Some(month), Some(day)) if day <= "12" && day != month => Some(format!("{year}-{day}-{month}")),
        _ => None,
    };
    joined(std::iter::once(born.to_owned()).chain(transposed))
}

/// Values of a criterion, any of which may be met.
fn listed(values: impl Iterator<Item = String>) -> Option<String> {
    joined(values.map(|value| escaped(&value)))
}

fn joined(values: impl Iterator<Item = String>) -> Option<String> {
    let mut unique: Vec<String> = Vec::new();
    for value in values.filter(|value| !value.is_empty()) {
        if unique.len() < VALUES && !unique.contains(&value) {
            unique.push(value);
        }
    }
    (!unique.is_empty()).then(|| unique.join(","))
}

/// search.html#escaping
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '|' | '$') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(patient: &str) -> Vec<String> {
        let person = Person::read(patient.as_bytes()).unwrap();
        searches(&person).into_iter().map(|(_, query)| query.encode()).collect()
    }

    #[test]
    fn each_search_is_bounded_and_its_values_are_escaped() {
        let asked = asked(
            r#"{"resourceType":"Patient","identifier":[{"system":"urn:a|b","value":"1,2"},{"value":"3$"}],
                "telecom":[{"system":"phone","value":"+49 30 12"},{"system":"email","value":"A@B.c"}],
                "name":[{"family":"Meyer","given":["Eva"]}],"birthDate":"1980-02-11"}"#,
        );
        assert!(asked.iter().all(|query| query.ends_with("_count=50")), "{asked:?}");
        assert_eq!(Query::parse(&asked[0]).first("identifier"), Some(r"urn:a\|b|1\,2,3\$"));
        assert_eq!(Query::parse(&asked[1]).first("phone"), Some("+49 30 12,+493012,493012"));
        assert_eq!(Query::parse(&asked[2]).first("email"), Some("a@b.c"));
        let names = Query::parse(&asked[3]);
        assert_eq!((names.first("family"), names.first("birthdate")), (Some("Meyer"), Some("1980-02-11,1980-11-02")));
        assert_eq!(asked.len(), 8);
    }

    #[test]
    fn who_is_known_little_of_is_searched_by_that() {
        assert_eq!(asked(r#"{"resourceType":"Patient","birthDate":"1980"}"#), ["birthdate=1980&_count=50"]);
        assert!(asked(r#"{"resourceType":"Patient","gender":"male"}"#).is_empty());
    }
}
