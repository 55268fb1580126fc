//! Bundles: identities, links, documents, messages, search results.

use super::{accepted, doubted_at, refused_at};

fn document(entries: &str) -> String {
    format!(
        r#"{{"resourceType":"Bundle","type":"document","timestamp":"2026-01-01T00:00:00Z","identifier":{{"system":"urn:ietf:rfc:3986","value":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}},"entry":[{entries}]}}"#
    )
}

fn composition(subject: &str) -> String {
    format!(
        r#"{{"fullUrl":"http://a.example/fhir/Composition/c","resource":{{"resourceType":"Composition","id":"c","status":"final","type":{{"text":"x"}},"date":"2026","title":"x","author":[{{"display":"x"}}],"subject":{{"reference":"{subject}"}}}}}}"#
    )
}

const PATIENT: &str = r#"{"fullUrl":"http://a.example/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p"}}"#;

#[test]
fn a_document_holds_what_its_composition_refers_to() {
    accepted(&document(&format!("{},{PATIENT}", composition("Patient/p"))));
    accepted(&document(&format!("{},{PATIENT}", composition("http://a.example/fhir/Patient/p"))));
    refused_at(&document(&composition("Patient/p")), "Bundle.entry[0].resource.subject");
    refused_at(
        &document(&format!("{},{PATIENT}", composition("http://b.example/fhir/Patient/p"))),
        "Bundle.entry[0].resource.subject",
    );
}

#[test]
fn every_resource_of_a_document_is_tied_to_the_composition() {
    let other = PATIENT.replace("/p\"", "/q\"").replace("\"p\"", "\"q\"");
    refused_at(&document(&format!("{},{PATIENT},{other}", composition("Patient/p"))), "Bundle.entry[2]");
    let observation = r#"{"fullUrl":"http://a.example/fhir/Observation/o","resource":{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}}"#;
    accepted(&document(&format!("{},{PATIENT},{observation}", composition("Patient/p"))));
}

#[test]
fn a_document_begins_with_a_composition_and_a_message_with_a_header() {
    refused_at(&document(PATIENT), "Bundle.entry[0].resource");
    let message = format!(r#"{{"resourceType":"Bundle","type":"message","entry":[{PATIENT}]}}"#);
    refused_at(&message, "Bundle.entry[0].resource");
}

#[test]
fn a_full_url_is_absolute_and_agrees_with_the_resource() {
    let bundle = |full_url: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{{full_url}"resource":{{"resourceType":"Patient","id":"p"}}}}]}}"#
        )
    };
    accepted(&bundle(r#""fullUrl":"http://a.example/fhir/Patient/p","#));
    accepted(&bundle(r#""fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","#));
    refused_at(&bundle(r#""fullUrl":"Patient/p","#), "Bundle.entry[0].fullUrl");
    refused_at(&bundle(r#""fullUrl":"http://a.example/fhir/Patient/q","#), "Bundle.entry[0].fullUrl");
    refused_at(&bundle(r#""fullUrl":"http://a.example/fhir/Person/p","#), "Bundle.entry[0].fullUrl");
    refused_at(&bundle(""), "Bundle.entry[0].fullUrl");
}

#[test]
fn a_search_result_has_an_id_the_searched_type_and_each_page_once() {
    let bundle = |links: &str, entry: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"searchset","link":[{{"relation":"self","url":"http://a.example/fhir/Patient?name=x"}}{links}],"entry":[{entry}]}}"#
        )
    };
    let entry = |mode: &str, resource: &str| {
        format!(r#"{{"fullUrl":"http://a.example/fhir/x","search":{{"mode":"{mode}"}},"resource":{resource}}}"#)
    };
    let patient = r#"{"resourceType":"Patient","id":"p"}"#;
    accepted(&bundle("", &entry("match", patient)));
    accepted(&bundle("", &entry("include", r#"{"resourceType":"Organization","id":"o","name":"x"}"#)));
    refused_at(
        &bundle("", &entry("match", r#"{"resourceType":"Patient","active":true}"#)),
        "Bundle.entry[0].resource.id",
    );
    refused_at(
        &bundle("", &entry("match", r#"{"resourceType":"Organization","id":"o","name":"x"}"#)),
        "Bundle.entry[0].resource",
    );
    refused_at(&bundle("", &entry("outcome", patient)), "Bundle.entry[0].resource");
    refused_at(&bundle(r#",{"relation":"self","url":"http://a.example"}"#, &entry("match", patient)), "Bundle.link[1]");
}

#[test]
fn the_url_of_a_request_is_that_of_its_resource() {
    let transaction = |method: &str, url: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{{"resourceType":"Basic","id":"a","code":{{"text":"x"}}}},"request":{{"method":"{method}","url":"{url}"}}}}]}}"#
        )
    };
    let at = "Bundle.entry[0].request";
    for (method, url) in
        [("POST", "Basic"), ("PUT", "Basic/a"), ("PUT", "Basic?code=x"), ("PUT", "http://a.example/Basic/a")]
    {
        accepted(&transaction(method, url));
    }
    for (method, url) in [("POST", "Patient"), ("PUT", "Basic/b"), ("PUT", "Patient/a"), ("PUT", "Patient?code=x")] {
        refused_at(&transaction(method, url), at);
    }
}

#[test]
fn a_urn_that_no_entry_has_is_doubtful() {
    let reference = |target: u8| {
        format!(
            r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"fullUrl":"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0","resource":{{"resourceType":"Basic","code":{{"text":"x"}},"subject":{{"reference":"urn:uuid:{target}c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}}}}}}]}}"#
        )
    };
    let at = "Bundle.entry[0].resource.subject.reference";
    assert!(!doubted_at(&reference(0), at));
    assert!(doubted_at(&reference(1), at));
}
