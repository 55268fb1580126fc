//! Search parameters that packages define. They hold for the whole process: other tests search by other releases and types.

use fhir::json::{Document, Limits, scan};
use fhir::{ResourceType, Version};
use search::{Handling, IndexValue, NotAdded, ParameterType};

const RACE: &str = r#"{"resourceType": "SearchParameter", "url": "http://example.org/SearchParameter/race", "code": "race",
    "base": ["Patient"], "type": "token",
    "expression": "Patient.extension.where(url = 'http://example.org/race').extension.value.code"}"#;

const PATIENT: &str = r#"{"resourceType": "Patient", "gender": "female", "extension": [{"url": "http://example.org/race", "extension":
    [{"url": "ombCategory", "valueCoding": {"system": "urn:x", "code": "2106-3"}}]}, {"url": "http://example.org/other",
    "extension": [{"url": "a", "valueCoding": {"code": "no"}}]}]}"#;

fn matches(query: &str) -> bool {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let query = fhir::Query::parse(query);
    let search = search::parse(&query, Version::R4B, Some(ResourceType::PATIENT), Handling::Strict).unwrap();
    search::matches(Document::new(PATIENT.as_bytes(), &nodes), &search.criteria)
}

#[test]
fn a_parameter_that_is_added_is_known_extracted_and_searched_by() {
    let before = search::parameters(Version::R4B, ResourceType::PATIENT).len();
    assert_eq!(search::add(Version::R4B, RACE.as_bytes()), Ok(true));
    assert_eq!(search::add(Version::R4B, RACE.as_bytes()), Ok(false), "it is there already");
    let race = search::parameter(Version::R4B, ResourceType::PATIENT, "race").unwrap();
    assert_eq!((race.kind, race.url), (ParameterType::Token, "http://example.org/SearchParameter/race"));
    assert_eq!(search::parameters(Version::R4B, ResourceType::PATIENT).len(), before + 1);
    assert!(search::parameter(Version::R4, ResourceType::PATIENT, "race").is_none(), "another release");

    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let mut codes = Vec::new();
    let document = Document::new(PATIENT.as_bytes(), &nodes);
    search::extract(document, ResourceType::PATIENT, Version::R4B, &mut |parameter, value| {
        if let (true, IndexValue::Token { code, .. }) = (parameter.code == "race", value) {
            codes.push(code.unwrap().into_owned());
        }
    });
    assert_eq!(codes, ["2106-3"]);
    assert!(matches("race=2106-3&gender=female") && !matches("race=no"));
}

#[test]
fn the_specification_keeps_its_codes() {
    let own = r#"{"resourceType": "SearchParameter", "url": "http://example.org/SearchParameter/status", "code": "status",
        "base": ["Slot"], "type": "string", "expression": "Slot.comment"}"#;
    assert_eq!(search::add(Version::R4B, own.as_bytes()), Ok(true));
    let status = search::parameter(Version::R4B, ResourceType::SLOT, "status").unwrap();
    assert_eq!((status.kind, status.expression), (ParameterType::Token, "Slot.status"));
}

#[test]
fn what_nothing_can_be_searched_by_is_refused() {
    let add = |from: &str, to: &str| search::add(Version::R4B, RACE.replace(from, to).as_bytes());
    assert_eq!(search::add(Version::R4B, b"{"), Err(NotAdded::NoParameter));
    assert_eq!(add("SearchParameter\"", "Patient\""), Err(NotAdded::NoParameter));
    assert_eq!(add("\"race\"", "\"race:x\""), Err(NotAdded::Member("code")));
    assert_eq!(add("token", "special"), Err(NotAdded::Member("type")));
    assert_eq!(add("\"Patient\"", ""), Err(NotAdded::Member("base")));
    assert!(matches!(add(".code\"", ".code(\""), Err(NotAdded::Expression(_))));
}
