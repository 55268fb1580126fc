//! Search parameters that packages define, and who knows them.

use fhir::json::{Document, Limits, scan};
use fhir::{ResourceType, Version};
use search::{Adding, Additions, Handling, IndexValue, NotAdded, ParameterType, Vocabulary};

const RACE: &str = r#"{"resourceType": "SearchParameter", "url": "http://example.org/SearchParameter/race", "code": "race",
    "base": ["Patient"], "type": "token",
    "expression": "Patient.extension.where(url = 'http://example.org/race').extension.value.code"}"#;

const PATIENT: &str = r#"{"resourceType": "Patient", "gender": "female", "extension": [{"url": "http://example.org/race", "extension":
    [{"url": "ombCategory", "valueCoding": {"system": "urn:x", "code": "2106-3"}}]}, {"url": "http://example.org/other",
    "extension": [{"url": "a", "valueCoding": {"code": "no"}}]}]}"#;

fn adding(definitions: &[&str]) -> Additions {
    let mut adding = Adding::default();
    for definition in definitions {
        assert_eq!(adding.add(Version::R4B, definition.as_bytes()), Ok(true));
        assert_eq!(adding.add(Version::R4B, definition.as_bytes()), Ok(false), "it is there already");
    }
    adding.done().unwrap()
}

fn matches(vocabulary: Vocabulary, query: &str) -> Option<bool> {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let query = fhir::Query::parse(query);
    let search = search::parse(&query, vocabulary, Some(ResourceType::PATIENT), Handling::Strict).ok()?;
    Some(search::matches(Document::new(PATIENT.as_bytes(), &nodes), &search.criteria))
}

fn codes(vocabulary: Vocabulary) -> Vec<String> {
    let mut nodes = Vec::new();
    scan(PATIENT.as_bytes(), &mut nodes, Limits::default()).unwrap();
    let mut codes = Vec::new();
    let document = Document::new(PATIENT.as_bytes(), &nodes);
    search::extract(document, ResourceType::PATIENT, vocabulary, &mut |parameter, value| {
        if let (true, IndexValue::Token { code, .. }) = (parameter.code == "race", value) {
            codes.push(code.unwrap().into_owned());
        }
    });
    codes
}

#[test]
fn a_parameter_that_is_added_is_known_extracted_and_searched_by() {
    let before = search::parameters(Version::R4B, ResourceType::PATIENT).len();
    let with_race = adding(&[RACE]).on(Version::R4B);
    let race = search::parameter(with_race, ResourceType::PATIENT, "race").unwrap();
    assert_eq!((race.kind, race.url), (ParameterType::Token, "http://example.org/SearchParameter/race"));
    assert_eq!(search::parameters(with_race, ResourceType::PATIENT).len(), before + 1);
    assert_eq!(search::added(with_race, ResourceType::PATIENT).map(|known| known.code).collect::<Vec<_>>(), ["race"]);
    assert_eq!(search::added(with_race, ResourceType::SLOT).count(), 0);
    assert!(search::parameter(with_race.additions.on(Version::R4), ResourceType::PATIENT, "race").is_none());
    assert_eq!(codes(with_race), ["2106-3"]);
    assert_eq!(matches(with_race, "race=2106-3&gender=female"), Some(true));
    assert_eq!(matches(with_race, "gender=female&race=no"), Some(false));
}

#[test]
fn what_one_adds_nobody_else_knows() {
    let other = RACE.replace(".extension.value.code", ".extension.url");
    let (with_race, with_another) = (adding(&[RACE]), adding(&[&other]));
    assert_ne!(with_race, with_another);
    assert_eq!(with_race, adding(&[RACE]), "who adds the same has the same");
    assert_eq!(Additions::default(), Adding::default().done().unwrap());
    assert_eq!(matches(Version::R4B.into(), "race=2106-3"), None);
    assert_eq!(matches(with_race.on(Version::R4B), "race=ombCategory"), Some(false));
    assert_eq!(matches(with_another.on(Version::R4B), "race=ombCategory"), Some(true));
    assert!(codes(Version::R4B.into()).is_empty());
    assert_ne!(
        with_race.on(Version::R4B).additions_as_text(),
        with_another.on(Version::R4B).additions_as_text(),
        "what was indexed by one is not for the other"
    );
    assert!(with_race.on(Version::R4).additions_as_text().is_empty());
}

#[test]
fn the_specification_keeps_its_codes() {
    let own = r#"{"resourceType": "SearchParameter", "url": "http://example.org/SearchParameter/status", "code": "status",
        "base": ["Slot"], "type": "string", "expression": "Slot.comment"}"#;
    let added = adding(&[own]).on(Version::R4B);
    let status = search::parameter(added, ResourceType::SLOT, "status").unwrap();
    assert_eq!((status.kind, status.expression), (ParameterType::Token, "Slot.status"));
}

#[test]
fn what_nothing_can_be_searched_by_is_refused() {
    let add = |from: &str, to: &str| Adding::default().add(Version::R4B, RACE.replace(from, to).as_bytes());
    assert_eq!(Adding::default().add(Version::R4B, b"{"), Err(NotAdded::NoParameter));
    assert_eq!(add("SearchParameter\"", "Patient\""), Err(NotAdded::NoParameter));
    assert_eq!(add("\"race\"", "\"race:x\""), Err(NotAdded::Member("code")));
    assert_eq!(add("token", "special"), Err(NotAdded::Member("type")));
    assert_eq!(add("\"Patient\"", ""), Err(NotAdded::Member("base")));
    assert!(matches!(add(".code\"", ".code(\""), Err(NotAdded::Expression(_))));
}
