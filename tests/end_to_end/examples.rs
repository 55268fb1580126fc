//! Real input: the official R4 examples, created through the gateway and read back.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::{Http, peers};

const TYPES: [&str; 11] = [
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Appointment",
    "AppointmentResponse",
    "Schedule",
    "Slot",
    "Location",
    "Organization",
    "Coverage",
    "Claim",
];

/// Examples that R4 itself forbids, with the clause. Nothing else may be refused.
pub(crate) const REFUSED: [(&str, &str); 1] =
    [("Organization-2.16.840.1.113883.19.5", "urn:ietf:rfc:3986: an identifier of this system is a URI")];

/// Name and bytes of every example of these types.
pub(crate) fn examples() -> Vec<(String, Vec<u8>)> {
    let folder = peers::folder().join("node_modules/hl7.fhir.r4.examples");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .filter(|(name, _)| name.split_once('-').is_some_and(|(kind, _)| TYPES.contains(&kind)))
        .collect();
    found.sort();
    assert!(found.len() >= 80, "only {} examples", found.len());
    found
}

/// The bytes of each member of the outermost object, as written, by name.
fn members(bytes: &[u8]) -> BTreeMap<String, String> {
    let members: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_slice(bytes).unwrap();
    members.into_iter().map(|(name, raw)| (name, raw.get().to_owned())).collect()
}

/// The names of the outermost object's members in order.
fn order(bytes: &[u8]) -> Vec<String> {
    let value: serde_json::Map<String, Value> = serde_json::from_slice(bytes).unwrap();
    value.keys().filter(|name| !matches!(name.as_str(), "id" | "meta")).cloned().collect()
}

/// JavaScript has one kind of number: 105.0 comes back as 105.
fn in_floats(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::from(number.as_f64().unwrap()),
        Value::Array(items) => items.iter_mut().for_each(in_floats),
        Value::Object(members) => members.values_mut().for_each(in_floats),
        _ => {}
    }
}

/// Creates each example and hands what was read back to a judge; how many were stored.
async fn round_trip(http: &Http, judge: impl Fn(&str, &[u8], &[u8])) -> usize {
    let mut refused = Vec::new();
    let examples = examples();
    for (name, bytes) in &examples {
        let (kind, _) = name.split_once('-').unwrap();
        let created = http.post(&format!("/{kind}"), bytes.clone()).await;
        if created.status != 201 {
            refused.push(format!("{name}: {} {}", created.status, String::from_utf8_lossy(&created.body)));
            continue;
        }
        let read = http.get(&format!("/{kind}/{}", created.created_id())).await.expect(200);
        judge(name, bytes, &read.body);
    }
    let unexpected: Vec<_> =
        refused.iter().filter(|text| !REFUSED.iter().any(|(name, _)| text.starts_with(&format!("{name}:")))).collect();
    assert!(unexpected.is_empty(), "refused without a clause:\n{unexpected:#?}");
    for (name, clause) in REFUSED {
        println!("refused: {name}, {clause}");
    }
    println!("{} examples stored and read back, {} refused", examples.len() - refused.len(), refused.len());
    examples.len() - refused.len()
}

/// Every byte of every member but id and meta, and their order.
fn same_bytes(name: &str, sent: &[u8], read: &[u8]) {
    assert_eq!(order(sent), order(read), "{name}");
    let (mut sent, mut read) = (members(sent), members(read));
    for spliced in ["id", "meta"] {
        sent.remove(spliced);
        read.remove(spliced);
    }
    for (member, raw) in &sent {
        assert_eq!(Some(raw), read.get(member), "{name}.{member}");
    }
    assert_eq!(sent.len(), read.len(), "{name}");
}

#[tokio::test]
async fn every_official_example_comes_back_from_the_store_in_every_byte() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    assert!(round_trip(&http, same_bytes).await >= 80);
}

#[tokio::test]
async fn every_official_example_comes_back_through_a_second_frontdesk_in_every_byte() {
    let (back, front) = super::back_ends::two_frontdesks();
    let http = front.1.http(&front.0, EVERYTHING);
    assert!(round_trip(&http, same_bytes).await >= 80);
    drop(back);
}

#[tokio::test]
async fn every_official_example_comes_back_through_medplum_with_equal_values() {
    let logs = tempfile::tempdir().unwrap();
    let (_medplum, base) = peers::medplum(logs.path());
    let site = Site::before(&base, "");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let equal = |name: &str, sent: &[u8], read: &[u8]| {
        let [sent, read] = [sent, read].map(|bytes| {
            let mut value: Value = serde_json::from_slice(bytes).unwrap();
            let object = value.as_object_mut().unwrap();
            object.remove("id");
            object.remove("meta");
            in_floats(&mut value);
            value
        });
        assert_eq!(sent, read, "{name}");
    };
    assert!(round_trip(&http, equal).await >= 80);
}
