//! Searches and pages.

use std::time::{Duration, Instant};

use adapter::{Adapter, Call, ErrorKind, Practice};
use audit::{Record, Settings};
use fhir::{Handling, Interaction, InteractionCode, ResourceType};
use serde_json::Value;

use crate::support::{START, Setup, call, json, next_query, open, open_with, patient, read_of, search, search_of};

/// Twelve reads, an hour apart, by two clients, of four patients; many small segments.
fn twelve() -> (tempfile::TempDir, Setup) {
    let folder = tempfile::tempdir().unwrap();
    let setup = open_with(Settings { segment_size: 500, ..Settings::new(folder.path()) });
    for number in 0..12 {
        let mut record = read_of(&format!("p{}", number % 4));
        record.agent.client = Some(if number % 2 == 0 { "portal".into() } else { "kiosk".into() });
        setup.record(&record);
        setup.log.flush(Duration::from_secs(5)).unwrap();
        setup.clock.advance(Duration::from_secs(3600));
    }
    (folder, setup)
}

fn read(id: &str) -> Call {
    call(Interaction::Read { resource_type: ResourceType::AUDIT_EVENT, id: id.parse().unwrap() })
}

#[test]
fn a_lenient_search_passes_over_unknown_parameters_and_says_so() {
    let (_folder, setup) = twelve();
    let lenient = Call { handling: Handling::Lenient, ..search("colour=blue&patient=p1&_count=2") };
    let page = json(&setup.perform(lenient).unwrap());
    assert_eq!(page["entry"].as_array().unwrap().len(), 3);
    assert_eq!(page["entry"][2]["search"]["mode"], "outcome");
    assert_eq!(page["entry"][2]["resource"]["issue"][0]["severity"], "warning");
    assert_eq!(page["link"][0]["url"], "https://gateway.example/fhir/r4/AuditEvent?patient=p1&_count=2");
    let wrong = Call { handling: Handling::Lenient, ..search("date=yesterday") };
    assert_eq!(setup.perform(wrong).unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn events_are_found_by_patient_agent_and_date_over_many_segments() {
    let (folder, setup) = twelve();
    assert!(std::fs::read_dir(folder.path()).unwrap().count() > 4, "several segments were expected");
    for (query, expected) in [
        ("", 12),
        ("patient=Patient/p1", 3),
        ("patient=p1", 3),
        ("patient=p1,p2", 6),
        ("patient=p1&patient=p2", 0),
        ("patient=nobody", 0),
        ("agent=portal", 6),
        ("agent=Device/kiosk", 6),
        ("agent:identifier=kiosk", 6),
        ("agent=portal&patient=p1", 0),
        ("date=2024-01-01", 12),
        ("date=ge2024-01-01T06:00:00Z", 6),
        ("date=ge2024-01-01T06:00:00Z&date=lt2024-01-01T08:00:00Z", 2),
        ("date=lt2024", 0),
        ("_lastUpdated=gt2024-01-01T10:00:00Z", 1),
        ("entity=Appointment/a1", 12),
        ("entity=Appointment/a2", 0),
        ("action=R", 12),
        ("action=C,D", 0),
        ("outcome=0", 12),
        ("subtype=http://hl7.org/fhir/restful-interaction|read", 12),
    ] {
        assert_eq!(setup.count(query), expected, "{query}");
    }
}

#[test]
fn what_an_earlier_run_wrote_is_found_by_the_next() {
    let (folder, setup) = twelve();
    drop(setup);
    let setup = open(folder.path());
    assert_eq!(setup.count("patient=p3"), 3);
    assert_eq!(setup.log.size().1, 12);
}

#[test]
fn pages_run_newest_first_without_a_gap_or_a_repeat_while_events_arrive() {
    let (_folder, setup) = twelve();
    let mut seen = Vec::new();
    let mut next = Some("_count=5".to_owned());
    while let Some(query) = next {
        let bundle = setup.search(&query);
        seen.extend(bundle["entry"].as_array().unwrap().iter().map(|entry| entry["resource"]["recorded"].to_string()));
        next = next_query(&bundle);
        setup.record(&read_of("p0"));
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "{seen:?}");
}

#[test]
fn a_page_link_works_only_in_the_compartment_that_it_was_made_in() {
    let (_folder, setup) = twelve();
    let next = next_query(&setup.search("_count=5")).unwrap();
    let confined = Call { confined_to: Some(patient("p1")), ..search(&next) };
    assert_eq!(setup.perform(confined).unwrap_err().kind, ErrorKind::Invalid);
    let elsewhere = Call { practice: Practice::new("other"), ..search(&next) };
    assert_eq!(setup.perform(elsewhere).unwrap_err().kind, ErrorKind::Invalid);
}

#[test]
fn a_patient_sees_only_events_of_its_own_compartment() {
    let (_folder, setup) = twelve();
    let confined = |query: &str| Call { confined_to: Some(patient("p1")), ..search(query) };
    assert_eq!(json(&setup.perform(confined("_total=accurate")).unwrap())["total"], 3);
    assert_eq!(json(&setup.perform(confined("patient=p2&_total=accurate")).unwrap())["total"], 0);
    let other = setup.all("patient=p2").remove(0);
    let id = other["id"].as_str().unwrap();
    let refused = setup.perform(Call { confined_to: Some(patient("p1")), ..read(id) }).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotFound);
}

#[test]
fn a_practice_sees_only_its_own_events() {
    let (_folder, setup) = twelve();
    let elsewhere = |call: Call| Call { practice: Practice::new("other"), ..call };
    assert_eq!(json(&setup.perform(elsewhere(search("_total=accurate"))).unwrap())["total"], 0);
    let id = setup.all("").remove(0)["id"].as_str().unwrap().to_owned();
    assert_eq!(setup.perform(elsewhere(read(&id))).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn an_event_is_read_by_its_id_and_no_other_text_is_one() {
    let (_folder, setup) = twelve();
    let event = setup.all("patient=p3").remove(0);
    let id = event["id"].as_str().unwrap();
    let reply = setup.perform(read(id)).unwrap();
    assert_eq!(json(&reply), event);
    assert_eq!(reply.subject.unwrap().version_id.unwrap().as_str(), "1");
    let (place, _) = id.rsplit_once('-').unwrap();
    for other in
        [format!("0{id}"), format!("{place}-1"), "1-17-0".into(), "99-16-0".into(), "abc".into(), "1-16".into()]
    {
        assert_eq!(setup.perform(read(&other)).unwrap_err().kind, ErrorKind::NotFound, "{other}");
    }
}

#[test]
fn a_forged_frame_inside_a_query_is_not_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let setup = open(folder.path());
    setup.record(&read_of("p1"));
    setup.log.flush(Duration::from_secs(5)).unwrap();
    drop(setup);
    // The bytes of a true frame, put into a query as far as they are text, stand at an offset that is no frame's.
    let written = std::fs::read(folder.path().join("audit-000000000001.log")).unwrap();
    let setup = open(folder.path());
    let forged = String::from_utf8_lossy(&written[16..]).into_owned();
    setup.record(&Record { query: Some(forged.into()), ..search_of(&["p2"]) });
    let real = setup.all("patient=p2").remove(0);
    let (segment, rest) = real["id"].as_str().unwrap().split_once('-').unwrap();
    let offset: u64 = rest.split_once('-').unwrap().0.parse().unwrap();
    for inside in offset + 1..offset + 600 {
        assert!(setup.perform(read(&format!("{segment}-{inside}-0"))).is_err());
    }
}

#[test]
fn nothing_else_than_read_and_search_is_served_so_events_are_append_only() {
    let (_folder, setup) = twelve();
    let id = || "1-16-0".parse().unwrap();
    for interaction in [
        Interaction::Delete { resource_type: ResourceType::AUDIT_EVENT, id: id(), if_match: None },
        Interaction::HistoryInstance { resource_type: ResourceType::AUDIT_EVENT, id: id(), query: Default::default() },
        Interaction::Read { resource_type: ResourceType::PATIENT, id: id() },
    ] {
        assert_eq!(setup.perform(call(interaction)).unwrap_err().kind, ErrorKind::NotSupported);
    }
    let offered = &setup.events.capability().resources[&ResourceType::AUDIT_EVENT].interactions;
    assert!(!offered.contains(&InteractionCode::Create) && !offered.contains(&InteractionCode::Update));
}

#[test]
fn a_parameter_or_value_that_is_not_understood_is_refused_and_never_passed_over() {
    let (_folder, setup) = twelve();
    for query in [
        "name=x",
        "patient.identifier=x",
        "date=yesterday",
        "date=ne2024",
        "_sort=date",
        "_count=x",
        "entity=a1",
        "_page=x",
        "_total=x",
    ] {
        assert_eq!(setup.try_search(query).unwrap_err().kind, ErrorKind::Invalid, "{query}");
    }
}

#[test]
fn a_count_of_zero_gives_the_total_alone() {
    let (_folder, setup) = twelve();
    let bundle = setup.search("_count=0");
    assert_eq!(bundle["total"], 12);
    assert_eq!(bundle["entry"], Value::Null);
}

#[test]
fn a_search_stops_at_its_deadline() {
    let (_folder, setup) = twelve();
    let late = Call { deadline: Instant::now(), ..search("") };
    assert_eq!(setup.perform(late).unwrap_err().kind, ErrorKind::TooCostly);
}

#[test]
fn the_time_of_an_event_is_the_time_of_the_record() {
    let (_folder, setup) = twelve();
    let first = setup.all("").pop().unwrap();
    assert_eq!(first["recorded"], "2024-01-01T00:00:00Z");
    assert_eq!(START, 1_704_067_200);
}
