//! Query strings to criteria and back errors.

use fhir::{Query, ResourceType, Version};
use search::query::{Summary, Total};
use search::{Criterion, Handling, Modifier, Operand, Prefix};

use crate::support::parse;

fn refused(resource_type: Option<ResourceType>, query: &str, handling: Handling) -> String {
    match search::parse(&Query::parse(query), Version::R4, resource_type, handling) {
        Ok(_) => panic!("accepted: {query}"),
        Err(issues) => issues.iter().map(|issue| issue.text.clone()).collect::<Vec<_>>().join("; "),
    }
}

fn first(resource_type: ResourceType, query: &str) -> search::Condition {
    match parse(resource_type, query).criteria.remove(0) {
        Criterion::Plain(condition) => condition,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_parameter_is_an_error_that_names_the_known_ones_or_is_ignored_when_lenient() {
    let text = refused(Some(ResourceType::SLOT), "colour=blue", Handling::Strict);
    assert!(text.contains("`colour`") && text.contains("of Slot") && text.contains("schedule, "), "{text}");
    let query = Query::parse("colour=blue&status=free&near=1|2");
    let search = search::parse(&query, Version::R4, Some(ResourceType::SLOT), Handling::Lenient).unwrap();
    assert_eq!(search.criteria.len(), 1);
    let ignored: Vec<&str> = search.ignored.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(ignored, ["colour", "near"]);
}

#[test]
fn an_empty_or_malformed_value_is_an_error_under_any_handling() {
    for (resource_type, query) in [
        (ResourceType::PATIENT, "name="),
        (ResourceType::PATIENT, "name=%20"),
        (ResourceType::PATIENT, "name=a,,b"),
        (ResourceType::PATIENT, "identifier=|"),
        (ResourceType::PATIENT, "identifier=a|b|c"),
        (ResourceType::PATIENT, "birthdate=yesterday"),
        (ResourceType::PATIENT, "birthdate=2024-13-01"),
        (ResourceType::PATIENT, "birthdate=2023-02-29"),
        (ResourceType::PATIENT, "birthdate=2024-05-17T10"),
        (ResourceType::PATIENT, "birthdate=xx2024"),
        (ResourceType::PATIENT, "name:missing=maybe"),
        (ResourceType::PATIENT, "birthdate:exact=2024"),
        (ResourceType::PATIENT, "name:nonsense=x"),
        (ResourceType::PATIENT, "general-practitioner=not an id"),
        (ResourceType::PATIENT, "general-practitioner:Practitioner=Organization/1"),
        (ResourceType::PATIENT, "identifier:of-type=a|b"),
        (ResourceType::PATIENT, "name.given=x"),
        (ResourceType::PATIENT, "_count=-1"),
        (ResourceType::PATIENT, "_count=ten"),
        (ResourceType::PATIENT, "_count=1&_count=2"),
        (ResourceType::PATIENT, "_total=some"),
        (ResourceType::PATIENT, "_summary=no"),
        (ResourceType::PATIENT, "_sort="),
        (ResourceType::PATIENT, "_elements=na me"),
        (ResourceType::PATIENT, "_include=Patient"),
        (ResourceType::PATIENT, "_include=Patient:gender"),
        (ResourceType::PATIENT, "_page="),
    ] {
        let text = refused(Some(resource_type), query, Handling::Lenient);
        assert!(
            text.contains("expected") || text.contains("known") || text.contains("no reference"),
            "{query}: {text}"
        );
    }
}

#[test]
fn an_error_does_not_repeat_the_value() {
    let text = refused(Some(ResourceType::PATIENT), "birthdate=Everywoman&identifier=Everywoman|a|b", Handling::Strict);
    assert!(!text.contains("Everywoman"), "{text}");
}

#[test]
fn every_fault_is_reported_at_once() {
    let text = refused(Some(ResourceType::PATIENT), "birthdate=x&colour=y&_count=z", Handling::Strict);
    assert_eq!(text.split("; ").count(), 3, "{text}");
}

#[test]
fn values_are_split_and_their_escapes_resolved() {
    let condition = first(ResourceType::PATIENT, r"identifier=urn:a|1\,2\|3\$4\\5,|b,c,urn:d|");
    let token = |system: Option<Option<&str>>, code: Option<&str>| Operand::Token {
        system: system.map(|system| system.map(str::to_owned)),
        code: code.map(str::to_owned),
    };
    let expected = [
        token(Some(Some("urn:a")), Some(r"1,2|3$4\5")),
        token(Some(None), Some("b")),
        token(None, Some("c")),
        token(Some(Some("urn:d")), None),
    ];
    assert!(condition.values == expected);
}

#[test]
fn prefixes_and_precisions_are_read() {
    let day = 86_400_000_000;
    for (text, prefix, low, days) in [
        ("1970-01-02", Prefix::Eq, day, 1),
        ("ne1970-01-02", Prefix::Ne, day, 1),
        ("ge1970", Prefix::Ge, 0, 365),
        ("le1970-01", Prefix::Le, 0, 31),
        ("sa1970-01-01", Prefix::Sa, 0, 1),
        ("eb1970-01-01", Prefix::Eb, 0, 1),
        ("ap1970-01-01", Prefix::Ap, 0, 1),
    ] {
        let condition = first(ResourceType::PATIENT, &format!("birthdate={text}"));
        assert!(condition.values == [Operand::Date { prefix, low, high: low + days * day }], "{text}");
    }
    let minute = first(ResourceType::APPOINTMENT, "date=gt1970-01-01T01:00+01:00");
    assert!(minute.values == [Operand::Date { prefix: Prefix::Gt, low: 0, high: 60_000_000 }]);
}

#[test]
fn modifiers_fit_their_type() {
    for (query, modifier) in [
        ("name:exact=x", Modifier::Exact),
        ("name:contains=x", Modifier::Contains),
        ("gender:not=male", Modifier::Not),
        ("language:text=x", Modifier::Text),
        ("language:in=http://x", Modifier::In),
        ("language:not-in=http://x", Modifier::NotIn),
        ("language:above=x", Modifier::Above),
        ("language:below=x", Modifier::Below),
        ("identifier:of-type=a|b|c", Modifier::OfType),
        ("general-practitioner:identifier=a|b", Modifier::Identifier),
        ("general-practitioner:Practitioner=1", Modifier::Type(ResourceType::PRACTITIONER)),
        ("birthdate:missing=true", Modifier::Missing(true)),
    ] {
        assert_eq!(first(ResourceType::PATIENT, query).modifier, Some(modifier), "{query}");
    }
    assert!(first(ResourceType::PATIENT, "birthdate:missing=false").values.is_empty());
}

#[test]
fn references_are_read_in_every_form() {
    let reference = |resource_type: Option<ResourceType>, version: Option<&str>| Operand::Reference {
        resource_type,
        id: "1".to_owned(),
        version: version.map(str::to_owned),
    };
    for (query, expected) in [
        ("actor=1", reference(None, None)),
        ("actor=Patient/1", reference(Some(ResourceType::PATIENT), None)),
        ("actor:Patient=1", reference(Some(ResourceType::PATIENT), None)),
        ("actor:Patient=Patient/1", reference(Some(ResourceType::PATIENT), None)),
        ("actor=Patient/1/_history/2", reference(Some(ResourceType::PATIENT), Some("2"))),
        (
            "actor=http://x.example/Patient/1",
            Operand::Url { url: "http://x.example/Patient/1".to_owned(), version: None },
        ),
        (
            "actor=http://x.example/vs|2",
            Operand::Url { url: "http://x.example/vs".to_owned(), version: Some("2".to_owned()) },
        ),
    ] {
        assert!(first(ResourceType::APPOINTMENT, query).values == [expected], "{query}");
    }
}

#[test]
fn chains_and_has_are_read_into_their_structure() {
    let search = parse(ResourceType::APPOINTMENT, "patient.name:exact=peter");
    let [Criterion::Chain { reference, alternatives }] = search.criteria.as_slice() else { panic!() };
    assert_eq!(reference.code, "patient");
    let [(ResourceType::PATIENT, Criterion::Plain(condition))] = alternatives.as_slice() else { panic!() };
    assert_eq!((condition.parameter.code, condition.modifier), ("name", Some(Modifier::Exact)));

    let search = parse(ResourceType::APPOINTMENT, "actor:Practitioner.identifier=1&actor.name=x");
    let [Criterion::Chain { alternatives: one, .. }, Criterion::Chain { alternatives: several, .. }] =
        search.criteria.as_slice()
    else {
        panic!()
    };
    assert_eq!(one.len(), 1);
    assert!(several.len() > 1, "one for each type that has a name");

    let search = parse(ResourceType::PATIENT, "_has:Observation:patient:_has:AuditEvent:entity:agent=1");
    let [Criterion::Has { resource_type, reference, criterion }] = search.criteria.as_slice() else { panic!() };
    assert_eq!((resource_type.as_str(), reference.code), ("Observation", "patient"));
    assert!(matches!(criterion.as_ref(), Criterion::Has { .. }));
    for query in ["_has:Observation:patient=1", "_has:Observation:code:code=1", "_has:Nothing:patient:code=1"] {
        refused(Some(ResourceType::PATIENT), query, Handling::Lenient);
    }
}

#[test]
fn result_parameters_are_read() {
    let search = parse(
        ResourceType::APPOINTMENT,
        "_count=50&_sort=-date,status&_total=accurate&_summary=data&_elements=id,status&_format=json\
         &_include=Appointment:actor:Patient&_include:iterate=Patient:organization&_revinclude=AppointmentResponse:appointment&_include=*",
    );
    assert!(search.criteria.is_empty());
    assert_eq!((search.count, search.total, search.summary), (Some(50), Some(Total::Accurate), Some(Summary::Data)));
    let keys: Vec<_> = search.sort.iter().map(|key| (key.parameter.code, key.descending)).collect();
    assert_eq!(keys, [("date", true), ("status", false)]);
    assert_eq!(search.elements, ["id", "status"]);
    assert_eq!(search.includes.len(), 3);
    assert!(search.includes[1].iterate && search.includes[0].target == Some(ResourceType::PATIENT));
    assert!(search.includes[2].parameter.is_none());
    assert_eq!(search.revincludes[0].source, ResourceType::APPOINTMENT_RESPONSE);
    assert_eq!(parse(ResourceType::PATIENT, "_page=abc&name=").page.as_deref(), Some("abc"));
}

#[test]
fn a_system_search_has_the_parameters_that_its_types_share() {
    let system = |query: &str| search::parse(&Query::parse(query), Version::R4, None, Handling::Strict);
    assert_eq!(system("_id=1&_lastUpdated=ge2024").unwrap().criteria.len(), 2);
    assert!(system("name=x").is_err());
    assert!(system("_type=Patient,Practitioner&name=x").is_ok());
    assert!(system("_type=Patient,Slot&name=x").is_err());
    assert!(system("_type=Patient,Nonsense").is_err());
}

#[test]
fn the_number_of_criteria_and_alternatives_is_bounded() {
    let many: Vec<String> = (0..100).map(|index| format!("name={index}")).collect();
    refused(Some(ResourceType::PATIENT), &many.join("&"), Handling::Strict);
    refused(Some(ResourceType::PATIENT), &format!("name={}", vec!["x"; 1000].join(",")), Handling::Strict);
    let chain = format!("{}name=x", "link.".repeat(20));
    refused(Some(ResourceType::PATIENT), &chain, Handling::Lenient);
}
