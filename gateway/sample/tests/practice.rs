//! What the sample practice promises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use fhir::ResourceType;
use sample::Entry;
use serde_json::Value;
use time::macros::date;

fn practice() -> Vec<Entry> {
    sample::practice(date!(2027 - 02 - 26)).unwrap()
}

fn json(entry: &Entry) -> Value {
    serde_json::from_slice(&entry.json).unwrap()
}

fn of(resource_type: ResourceType) -> Vec<Value> {
    practice().iter().filter(|entry| entry.resource_type == resource_type).map(json).collect()
}

#[test]
fn the_practice_has_everything_that_was_promised() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in practice() {
        *counts.entry(entry.resource_type.as_str()).or_default() += 1;
    }
    let expected = [
        ("Appointment", 120),
        ("Location", 2),
        ("Organization", 1),
        ("Patient", 60),
        ("Practitioner", 3),
        ("PractitionerRole", 3),
        ("Schedule", 3),
        ("Slot", 420),
    ];
    assert_eq!(counts, expected.into());
    assert!(of(ResourceType::SLOT).iter().filter(|slot| slot["status"] == "free").count() >= 100);
}

#[test]
fn the_same_day_gives_the_same_bytes_and_each_entry_is_what_it_says() {
    assert_eq!(practice(), practice());
    for entry in practice() {
        let resource = json(&entry);
        assert_eq!(resource["resourceType"], entry.resource_type.as_str());
        assert_eq!(resource["id"], entry.id.as_str());
    }
}

#[test]
fn every_reference_leads_to_an_entry_before_it() {
    let mut known = BTreeSet::new();
    for entry in practice() {
        let mut references = Vec::new();
        collect(&json(&entry), &mut references);
        for reference in references {
            assert!(known.contains(&reference), "{}/{} -> {reference}", entry.resource_type, entry.id);
        }
        known.insert(format!("{}/{}", entry.resource_type, entry.id));
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("reference").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, references)),
        _ => {}
    }
}

#[test]
fn a_slot_is_busy_exactly_when_one_appointment_stands_in_it() {
    let mut taken: BTreeMap<String, Value> = BTreeMap::new();
    for appointment in of(ResourceType::APPOINTMENT) {
        let slot = appointment["slot"][0]["reference"].as_str().unwrap().to_owned();
        assert!(taken.insert(slot.clone(), appointment).is_none(), "{slot} is taken twice");
    }
    for slot in of(ResourceType::SLOT) {
        let appointment = taken.get(&format!("Slot/{}", slot["id"].as_str().unwrap()));
        let expected = match appointment.map(|appointment| appointment["status"].as_str().unwrap()) {
            None => "free",
            Some("pending") => "busy-tentative",
            Some(_) => "busy",
        };
        assert_eq!(slot["status"], expected);
        if let Some(appointment) = appointment {
            assert_eq!((&appointment["start"], &appointment["end"]), (&slot["start"], &slot["end"]));
        }
    }
}

#[test]
fn patients_differ_and_were_born_before_the_first_day() {
    let patients = of(ResourceType::PATIENT);
    let names: BTreeSet<String> = patients.iter().map(|patient| patient["name"][0]["text"].to_string()).collect();
    assert_eq!(names.len(), 60);
    let first = patients.iter().map(|patient| patient["birthDate"].as_str().unwrap().to_owned()).max().unwrap();
    assert!(first.as_str() < "2027-02-26", "{first}");
}

#[test]
fn the_end_of_the_calendar_is_an_error_and_no_panic() {
    assert!(sample::practice(time::Date::MAX).is_err());
}
