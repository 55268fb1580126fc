use super::*;
use crate::interaction::PatchFormat;
use crate::{Interaction, InteractionCode};

const BASE: &str = "https://gw.example/fhir/r4";

fn read_json(json: &str) -> Result<Vec<Result<Entry, Fault>>, Vec<Issue>> {
    let context = Context { version: Version::R4, base: BASE, most: 10 };
    read(&Bytes::copy_from_slice(json.as_bytes()), &context)
}

fn entries(entries: &str) -> Vec<Result<Entry, Fault>> {
    read_json(&format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}"#)).unwrap()
}

fn one(request: &str, resource: &str) -> Result<Entry, Fault> {
    let resource = if resource.is_empty() { String::new() } else { format!(r#","resource":{resource}"#) };
    entries(&format!(r#"{{"request":{request}{resource}}}"#)).remove(0)
}

#[test]
fn every_url_of_an_entry_is_the_interaction_that_it_would_be_alone() {
    use InteractionCode as Code;
    let patient = r#"{"resourceType":"Patient","id":"1"}"#;
    for (method, url, resource, code) in [
        ("GET", "Patient/1", "", Code::Read),
        ("HEAD", "/Patient/1", "", Code::Read),
        ("GET", "https://gw.example/fhir/r4/Patient/1", "", Code::Read),
        ("GET", "Patient/1/_history/2", "", Code::Vread),
        ("GET", "Patient/1/_history", "", Code::HistoryInstance),
        ("GET", "Patient/_history?_count=1", "", Code::HistoryType),
        ("GET", "_history", "", Code::HistorySystem),
        ("GET", "Patient?name=a&_format=xml", "", Code::SearchType),
        ("POST", "Patient/_search?name=a", "", Code::SearchType),
        ("GET", "?_type=Patient", "", Code::SearchSystem),
        ("GET", "Patient/1/Appointment", "", Code::SearchType),
        ("GET", "Patient/1/*", "", Code::SearchSystem),
        ("GET", "metadata", "", Code::Capabilities),
        ("POST", "Patient", patient, Code::Create),
        ("PUT", "Patient/1", patient, Code::Update),
        ("PUT", "Patient?identifier=1", patient, Code::Update),
        ("PATCH", "Patient/1", r#"{"resourceType":"Parameters"}"#, Code::Patch),
        ("DELETE", "Patient/1", "", Code::Delete),
        ("DELETE", "Patient?identifier=1", "", Code::Delete),
        ("POST", "Patient/$match", r#"{"resourceType":"Parameters"}"#, Code::Operation),
    ] {
        let entry = one(&format!(r#"{{"method":"{method}","url":"{url}"}}"#), resource).unwrap();
        assert_eq!(entry.interaction.code(), code, "{method} {url}");
    }
}

#[test]
fn conditions_of_an_entry_are_those_of_its_interaction() {
    let patient = r#"{"resourceType":"Patient"}"#;
    let create = one(r#"{"method":"POST","url":"Patient","ifNoneExist":"Patient?identifier=a"}"#, patient).unwrap();
    let Interaction::Create { if_none_exist: Some(criteria), resource } = create.interaction else { panic!() };
    assert_eq!((criteria.first("identifier"), &resource.bytes[..]), (Some("a"), patient.as_bytes()));
    let create = one(r#"{"method":"POST","url":"Patient?identifier=a"}"#, patient).unwrap();
    assert!(matches!(create.interaction, Interaction::Create { if_none_exist: Some(_), .. }));
    assert!(one(r#"{"method":"POST","url":"Patient?identifier=a","ifNoneExist":"identifier=a"}"#, patient).is_err());
    let update = one(r#"{"method":"PUT","url":"Patient/1","ifMatch":"W/\"7\""}"#, patient).unwrap();
    let Interaction::Update { if_match: Some(version), .. } = update.interaction else { panic!() };
    assert_eq!(version.as_str(), "7");
    let read = one(r#"{"method":"GET","url":"Patient/1","ifNoneMatch":"W/\"3\""}"#, "").unwrap();
    assert_eq!(read.if_none_match.unwrap().as_str(), "3");
    assert!(one(r#"{"method":"PUT","url":"Patient/1","ifNoneMatch":"*"}"#, patient).unwrap().must_create);
    let binary = r#"{"resourceType":"Binary","contentType":"application/json-patch+json","data":"W10="}"#;
    let patch = one(r#"{"method":"PATCH","url":"Patient/1"}"#, binary).unwrap();
    let Interaction::Patch { patch, .. } = patch.interaction else { panic!() };
    assert_eq!((patch.format, &patch.bytes[..]), (PatchFormat::Json, b"[]".as_slice()));
}

#[test]
fn every_fault_of_an_entry_is_named_by_its_place_and_leaves_the_others_alone() {
    let all = entries(
        r#"{"request":{"method":"GET","url":"Patient/1"}},
           {"request":{"method":"SEND","url":"Nothing/1","ifMatch":"7"},"surprise":1},
           {"fullUrl":"urn:uuid:1"},
           {"request":{"method":"POST","url":"Patient"},"resource":{"resourceType":"Slot"}},
           {"request":{"method":"POST","url":"/"}},
           {"request":{"method":"PUT","url":"Patient"},"resource":{"resourceType":"Patient"}},
           {"request":{"method":"DELETE","url":"Patient/a_b"}}, 7"#,
    );
    assert!(all[0].is_ok());
    let places = |index: usize| -> Vec<String> {
        let issues = all[index].clone().unwrap_err().issues;
        issues.into_iter().map(|issue| issue.expression.unwrap()).collect()
    };
    assert_eq!(
        places(1),
        [
            "Bundle.entry[1].surprise",
            "Bundle.entry[1].request.method",
            "Bundle.entry[1].request.ifMatch",
            "Bundle.entry[1].request.url",
        ]
    );
    assert_eq!(places(2), ["Bundle.entry[2].request"]);
    assert_eq!(places(3), ["Bundle.entry[3].resource"]);
    assert_eq!(places(4), ["Bundle.entry[4].request.method"]);
    assert_eq!(places(5), ["Bundle.entry[5].request.url"]);
    assert_eq!(places(6), ["Bundle.entry[6].request.url"]);
    assert_eq!(places(7), ["Bundle.entry[7]"]);
}

#[test]
fn what_is_wrong_with_the_whole_bundle_is_told_before_any_entry() {
    for (json, place) in [
        ("[]", None),
        (r#"{"resourceType":"Patient"}"#, None),
        (r#"{"resourceType":"Bundle","entry":7}"#, Some("Bundle.entry")),
        (r#"{"resourceType":"Bundle","entries":[]}"#, Some("Bundle.entries")),
        (r#"{"resourceType":"Bundle","entry":[1,2,3,4,5,6,7,8,9,10,11]}"#, Some("Bundle.entry")),
    ] {
        assert_eq!(read_json(json).unwrap_err()[0].expression.as_deref(), place, "{json}");
    }
    assert!(read_json("{").is_err());
    assert!(read_json(r#"{"resourceType":"Bundle","type":"batch"}"#).unwrap().is_empty());
}

#[test]
fn a_resource_or_a_full_url_twice_is_a_duplicate() {
    let all = entries(
        r#"{"fullUrl":"urn:uuid:1","request":{"method":"DELETE","url":"Patient/1"}},
           {"fullUrl":"urn:uuid:1","request":{"method":"DELETE","url":"Patient/1"}},
           {"request":{"method":"GET","url":"Patient/1"}}"#,
    );
    let all: Vec<Entry> = all.into_iter().map(Result::unwrap).collect();
    let places: Vec<String> = duplicates(&all).into_iter().map(|issue| issue.expression.unwrap()).collect();
    assert_eq!(places, ["Bundle.entry[1].request.url", "Bundle.entry[1].fullUrl"]);
}

#[test]
fn a_composed_bundle_reads_back_as_the_same_entries() {
    let all = entries(
        r#"{"fullUrl":"urn:uuid:1","request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=a%7Cb"},
            "resource":{"resourceType":"Patient", "x": 1.50}},
           {"request":{"method":"PUT","url":"Patient/1","ifMatch":"W/\"2\""},"resource":{"resourceType":"Patient"}},
           {"request":{"method":"GET","url":"Patient?name=\"q\""}},
           {"request":{"method":"DELETE","url":"Patient?name=a"}}"#,
    );
    let all: Vec<Entry> = all.into_iter().map(Result::unwrap).collect();
    let parts: Vec<Part<'_>> = all
        .iter()
        .map(|entry| Part { entry, interaction: &entry.interaction, must_create: entry.index == 1 })
        .collect();
    let again = read_json(&String::from_utf8(compose(&parts)).unwrap()).unwrap();
    for (entry, again) in all.iter().zip(again) {
        let again = again.unwrap();
        assert_eq!((&entry.interaction, &entry.full_url), (&again.interaction, &again.full_url));
        assert_eq!(again.must_create, entry.index == 1);
    }
}

#[test]
fn answers_read_back_as_they_were_written() {
    let answer = Answer {
        status: 201,
        full_url: Some(format!("{BASE}/Patient/1")),
        location: Some("Patient/1/_history/2".into()),
        version_id: "2".parse().ok(),
        last_modified: Some("2026-01-01T00:00:00Z".into()),
        resource: Some(Bytes::from_static(br#"{"resourceType":"Patient"}"#)),
        outcome: None,
    };
    let mut answers = Answers::new(true);
    answers.push(&answer);
    let bytes = answers.into_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(r#""status":"201 Created""#), "{text}");
    assert_eq!(Answer::read_all(&bytes).unwrap(), std::slice::from_ref(&answer));
    let (kind, id, version) = answer.subject().unwrap();
    assert_eq!((kind.as_str(), id.as_str(), version.unwrap().as_str()), ("Patient", "1", "2"));
}
