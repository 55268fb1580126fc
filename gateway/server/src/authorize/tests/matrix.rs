//! Scope against interaction, context against reach.

use fhir::interaction::{Level, Parameters, PatchFormat};
use fhir::{Compartment, Query, Resource, VersionId};
use http::StatusCode;

use super::*;

fn id(text: &str) -> fhir::Id {
    text.parse().expect("an id")
}

fn slot() -> Resource {
    Resource::new(ResourceType::SLOT, Version::R4, r#"{"resourceType":"Slot"}"#)
}

fn criteria() -> Query {
    Query::parse("identifier=1")
}

fn patch() -> fhir::interaction::Patch {
    fhir::interaction::Patch { format: PatchFormat::Json, bytes: "[]".into() }
}

/// Each interaction on Slot, with the letters that it needs.
fn interactions() -> Vec<(&'static str, Interaction)> {
    let (of, version) = (ResourceType::SLOT, "1".parse::<VersionId>().expect("a version"));
    let update = |if_match| Interaction::Update { id: id("1"), resource: slot(), if_match };
    let create = |if_none_exist| Interaction::Create { resource: slot(), if_none_exist };
    let operation = |name: &str| Interaction::Operation {
        name: name.into(),
        level: Level::Instance(of, id("1")),
        parameters: Parameters::Query(Query::default()),
    };
    vec![
        ("r", read(of, "1")),
        ("r", Interaction::Vread { resource_type: of, id: id("1"), version_id: version.clone() }),
        ("r", Interaction::HistoryInstance { resource_type: of, id: id("1"), query: Query::default() }),
        ("c", create(None)),
        ("cs", create(Some(criteria()))),
        ("u", update(None)),
        ("u", update(Some(version))),
        ("us", Interaction::ConditionalUpdate { criteria: criteria(), resource: slot(), if_match: None }),
        ("u", Interaction::Patch { resource_type: of, id: id("1"), patch: patch(), if_match: None }),
        (
            "us",
            Interaction::ConditionalPatch { resource_type: of, criteria: criteria(), patch: patch(), if_match: None },
        ),
        ("d", Interaction::Delete { resource_type: of, id: id("1"), if_match: None }),
        ("ds", Interaction::ConditionalDelete { resource_type: of, criteria: criteria() }),
        ("s", Interaction::HistoryType { resource_type: of, query: Query::default() }),
        ("s", search(of, "status=free")),
        ("r", operation("validate")),
        ("cruds", operation("anything")),
    ]
}

#[tokio::test]
async fn each_interaction_needs_exactly_its_letters() {
    let world = World::new();
    for (needed, interaction) in interactions() {
        let token = world.token(&format!("system/Slot.{needed}")).await;
        world.permit(&token, interaction.clone()).await.expect(needed);
        for letter in needed.chars() {
            let rest: String = "cruds".chars().filter(|other| *other != letter).collect();
            let token = world.token(&format!("system/Slot.{rest}")).await;
            let failure = world.permit(&token, interaction.clone()).await.expect_err("a letter is missing");
            assert_eq!(failure.status, StatusCode::FORBIDDEN, "{:?} with {rest}", interaction.code());
            let expected = "error=\"insufficient_scope\", error_description=";
            let field = challenge(&failure);
            assert!(field.contains(expected) && field.ends_with(&format!("scope=\"system/Slot.{needed}\"")), "{field}");
        }
        let token = world.token("system/Patient.cruds system/AuditEvent.cruds").await;
        assert!(world.permit(&token, interaction.clone()).await.is_err(), "another type");
        let token = world.token("system/*.cruds").await;
        world.permit(&token, interaction).await.expect("the wildcard");
    }
}

#[tokio::test]
async fn what_names_no_type_needs_the_wildcard() {
    let world = World::new();
    let system_search = |query| Interaction::SearchSystem { compartment: None, query: Query::parse(query) };
    let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, "{}");
    let batch = Interaction::Batch { bundle, transaction: true };
    let history = Interaction::HistorySystem { query: Query::default() };
    let all = world.token("system/*.cruds").await;
    let search_all = world.token("system/*.s").await;
    let some = world.token("system/Patient.cruds system/Slot.cruds").await;
    for interaction in [system_search(""), system_search("_type=Nothing"), history.clone()] {
        world.permit(&all, interaction.clone()).await.expect("all");
        assert!(world.permit(&some, interaction).await.is_err());
    }
    world.permit(&search_all, history).await.expect("searching is enough");
    world.permit(&some, batch).await.expect("each entry is judged on its own");
    world.permit(&some, system_search("_type=Patient,Slot")).await.expect("both are permitted");
    assert!(world.permit(&some, system_search("_type=Patient,Claim")).await.is_err());
}

#[tokio::test]
async fn a_chain_needs_a_scope_for_what_it_looks_into() {
    let world = World::new();
    let narrow = world.token("system/Appointment.rs").await;
    let wider = world.token("system/Appointment.rs system/Patient.rs").await;
    let all = world.token("system/*.rs").await;
    for query in ["patient:Patient.name=x", "patient.name=x", "_has:Patient:link:_id=1"] {
        assert!(world.permit(&narrow, search(ResourceType::APPOINTMENT, query)).await.is_err(), "{query}");
        world.permit(&wider, search(ResourceType::APPOINTMENT, query)).await.expect(query);
    }
    for untyped in [
        "actor.name=x",
        "_has:Patient:link:_has:Encounter:patient:status=planned",
        "_has:Patient:link:general-practitioner.name=x",
        "_filter=patient.name eq x",
        "_query=any",
    ] {
        assert!(world.permit(&wider, search(ResourceType::APPOINTMENT, untyped)).await.is_err(), "{untyped}");
        world.permit(&all, search(ResourceType::APPOINTMENT, untyped)).await.expect("all types may be searched");
    }
    world.permit(&narrow, search(ResourceType::APPOINTMENT, "patient=Patient/1&date=2024")).await.expect("no chain");
}

/// What comes of a condition tells what it found.
#[tokio::test]
async fn a_chain_in_the_condition_of_a_write_needs_a_scope_for_what_it_looks_into() {
    let world = World::new();
    let narrow = world.token("system/Appointment.cruds").await;
    let wider = world.token("system/Appointment.cruds system/Patient.s").await;
    let resource_type = ResourceType::APPOINTMENT;
    let resource = Resource::new(resource_type, Version::R4, r#"{"resourceType":"Appointment"}"#);
    let criteria = Query::parse("patient:Patient.name=x");
    let writes = [
        Interaction::Create { resource: resource.clone(), if_none_exist: Some(criteria.clone()) },
        Interaction::ConditionalUpdate { criteria: criteria.clone(), resource, if_match: None },
        Interaction::ConditionalDelete { resource_type, criteria },
    ];
    for write in writes {
        assert!(world.permit(&narrow, write.clone()).await.is_err(), "{:?}", write.code());
        world.permit(&wider, write).await.expect("Patient may be searched");
    }
}

#[tokio::test]
async fn the_audit_log_has_a_scope_of_its_own() {
    let world = World::new();
    let all = world.token("system/*.cruds").await;
    assert!(world.permit(&all, search(ResourceType::AUDIT_EVENT, "")).await.is_err());
    let auditor = world.token("system/AuditEvent.rs").await;
    world.permit(&auditor, search(ResourceType::AUDIT_EVENT, "")).await.expect("its own scope");
}

#[tokio::test]
async fn a_patients_token_is_confined_to_the_patient() {
    let world = World::new();
    let token = world.patient_token("patient/*.cruds", "p1").await;
    let compartment = Compartment { resource_type: ResourceType::PATIENT, id: id("p1") };
    for of in [ResourceType::PATIENT, ResourceType::APPOINTMENT, ResourceType::COVERAGE] {
        for interaction in [read(of, "x"), search(of, "")] {
            let permitted = world.permit(&token, interaction).await.expect("permitted");
            assert_eq!(permitted.confined_to(), Some(&compartment), "{of}");
            assert_eq!(permitted.caller().patient.as_ref(), Some(&compartment));
        }
    }
    let own = Interaction::SearchType {
        resource_type: ResourceType::APPOINTMENT,
        compartment: Some(compartment),
        query: Query::default(),
    };
    world.permit(&token, own).await.expect("the own compartment");
    let other = Interaction::SearchType {
        resource_type: ResourceType::APPOINTMENT,
        compartment: Some(Compartment { resource_type: ResourceType::PATIENT, id: id("p2") }),
        query: Query::default(),
    };
    assert_eq!(world.permit(&token, other).await.expect_err("another's").status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_patients_token_reads_the_directory_and_does_not_write_it() {
    let world = World::new();
    let token = world.patient_token("patient/*.cruds", "p1").await;
    for name in
        ["Practitioner", "PractitionerRole", "Location", "Organization", "Schedule", "Slot", "HealthcareService"]
    {
        let of: ResourceType = name.parse().expect(name);
        for interaction in [read(of, "x"), search(of, "")] {
            let permitted = world.permit(&token, interaction).await.expect(name);
            assert_eq!(permitted.confined_to(), None, "{name}");
        }
    }
    let create = Interaction::Create { resource: slot(), if_none_exist: None };
    assert_eq!(world.permit(&token, create).await.expect_err("not theirs").status, StatusCode::FORBIDDEN);
    let medication = read("Medication".parse().expect("a type"), "1");
    assert_eq!(world.permit(&token, medication).await.expect_err("in no compartment").status, StatusCode::FORBIDDEN);

    let closed = World::with(|config| config.authorization.directory_reads.clear());
    let token = closed.patient_token("patient/*.cruds", "p1").await;
    assert!(closed.permit(&token, read(ResourceType::PRACTITIONER, "1")).await.is_err());
}

#[tokio::test]
async fn what_could_reach_beyond_the_patient_is_refused_to_a_patients_token() {
    let world = World::new();
    let token = world.patient_token("patient/*.cruds", "p1").await;
    let of = ResourceType::APPOINTMENT;
    let appointment = || Resource::new(of, Version::R4, r#"{"resourceType":"Appointment"}"#);
    let interactions = [
        search(ResourceType::SLOT, "_has:Appointment:slot:patient=Patient/p2"),
        search(ResourceType::SLOT, "_has:Appointment:slot:actor:identifier=x"),
        search(ResourceType::PRACTITIONER, "_has:Slot:schedule:_has:Appointment:slot:actor:Patient=p2"),
        search(of, "_filter=actor.name eq x"),
        search(of, "_content=x"),
        search(of, "_text:not=x"),
        Interaction::Create { resource: appointment(), if_none_exist: Some(Query::parse("actor:Patient.name=x")) },
        Interaction::ConditionalDelete { resource_type: of, criteria: Query::parse("_filter=x") },
        Interaction::ConditionalPatch {
            resource_type: of,
            criteria: Query::parse("actor:Patient.name=x"),
            patch: patch(),
            if_match: None,
        },
        Interaction::HistoryType { resource_type: of, query: Query::default() },
        Interaction::HistorySystem { query: Query::default() },
        Interaction::SearchSystem { compartment: None, query: Query::default() },
        Interaction::Operation {
            name: "everything".into(),
            level: Level::Instance(ResourceType::PATIENT, id("p2")),
            parameters: Parameters::Query(Query::default()),
        },
    ];
    for interaction in interactions {
        let code = interaction.code();
        let failure = world.permit(&token, interaction).await.expect_err("refused");
        assert_eq!(failure.status, StatusCode::FORBIDDEN, "{code:?}");
    }
}

/// A group visit is shown without its other patients; a search must not tell who they are.
#[tokio::test]
async fn a_patients_token_asks_for_its_own_appointments_only() {
    let world = World::new();
    let token = world.patient_token("patient/*.cruds", "p1").await;
    let may = async |query: &str| world.permit(&token, search(ResourceType::APPOINTMENT, query)).await.is_ok();
    let own = [
        "patient=p1",
        "actor=Patient/p1,Practitioner/d1",
        "actor:Practitioner=d1",
        "actor=https://gateway.example/fhir/r4/Patient/p1/_history/2",
        "actor:missing=false",
        "practitioner=d2&status=booked",
    ];
    for query in own {
        assert!(may(query).await, "{query}");
    }
    let others = [
        "patient=p2",
        "patient=p1,p2",
        "actor=p2",
        "actor=Patient/p2",
        "actor:Patient=p2",
        "actor:not=Patient/p2",
        "actor=https://gateway.example/fhir/r4/Patient/p2/_history/1",
        "patient:identifier=urn:x|2",
        "actor=",
    ];
    for query in others {
        assert!(!may(query).await, "{query}");
    }
    let criteria = Query::parse("patient=p2");
    let delete = Interaction::ConditionalDelete { resource_type: ResourceType::APPOINTMENT, criteria };
    assert!(world.permit(&token, delete).await.is_err());
}
