//! Data types, references, ids and links.

use super::{accepted, refused_at, refused_by};
use fhir::Version;

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient",{members}}}"#)
}

#[test]
fn an_identifier_has_an_absolute_system_and_a_uri_where_the_system_says_so() {
    let identifier =
        |system: &str, value: &str| patient(&format!(r#""identifier":[{{"system":"{system}","value":"{value}"}}]"#));
    accepted(&identifier("http://a.example", "1"));
    accepted(&identifier("urn:ietf:rfc:3986", "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"));
    refused_at(&identifier("local", "1"), "Patient.identifier[0].system");
    refused_at(&identifier("urn:ietf:rfc:3986", "1"), "Patient.identifier[0].value");
    refused_at(&identifier("urn:ietf:rfc:3986", "urn:uuid:1"), "Patient.identifier[0].value");
    refused_at(&identifier("urn:oid:1.02", "1"), "Patient.identifier[0].system");
}

#[test]
fn a_coding_names_a_code_system_by_an_absolute_uri() {
    let coding =
        |system: &str| patient(&format!(r#""maritalStatus":{{"coding":[{{"system":"{system}","code":"x"}}]}}"#));
    refused_at(&coding("#local"), "Patient.maritalStatus.coding[0].system");
    refused_at(&coding("http://hl7.org/fhir/ValueSet/marital-status"), "Patient.maritalStatus.coding[0].system");
}

#[test]
fn a_relative_reference_is_a_type_and_an_id_or_a_search() {
    let reference = |text: &str| patient(&format!(r#""managingOrganization":{{"reference":"{text}"}}"#));
    for right in
        ["Organization/1", "Organization/1/_history/2", "Organization?identifier=x|1", "urn:oid:1.2", "http://a/b"]
    {
        accepted(&reference(right));
    }
    for wrong in
        ["Organization", "Organization/a_b", "Organization?identifier=1&?==", "organization/1", "a/Organization/1"]
    {
        refused_at(&reference(wrong), "Patient.managingOrganization.reference");
    }
}

#[test]
fn size_and_hash_of_an_attachment_are_those_of_its_data() {
    let photo =
        |members: &str| patient(&format!(r#""photo":[{{"contentType":"text/plain","data":"QUJD",{members}}}]"#));
    accepted(&photo(r#""size":3,"hash":"PAG9uybzWLqyfyZ5JKosmgP8/bg=""#));
    refused_at(&photo(r#""size":4"#), "Patient.photo[0]");
    refused_at(&photo(r#""hash":"PBG9vKCWyQKdGt+fwg1+qXsBuzY=""#), "Patient.photo[0]");
}

#[test]
fn an_element_id_stands_once_in_a_resource() {
    refused_at(
        &patient(r#""name":[{"id":"a","family":"x"}],"address":[{"id":"a","city":"x"}]"#),
        "Patient.address[0].id",
    );
    accepted(&patient(r#""id":"a","name":[{"id":"a","family":"x"},{"id":"b","family":"x"}]"#));
}

#[test]
fn a_link_within_narrative_leads_somewhere() {
    let narrative = |link: &str| {
        patient(&format!(
            r#""text":{{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'><a href='{link}'>x</a><p id='there'>y</p></div>"}}"#
        ))
    };
    accepted(&narrative("#there"));
    accepted(&narrative("http://a.example/#x"));
    refused_at(&narrative("#nowhere"), "Patient.text.div");
}

#[test]
fn r5_bounds_the_digits_of_a_decimal() {
    let observation = |value: &str| {
        format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{value}}}}}"#
        )
    };
    refused_by(Version::R5, &observation("1000000000000000000"), "Observation.value.value");
    refused_by(Version::R5, &observation("1.000000000000000000E-24"), "Observation.value.value");
    accepted(&observation("1000000000000000000"));
}

#[test]
fn narrative_knows_the_five_entities_of_xml_only() {
    let narrative = |text: &str| {
        patient(&format!(
            r#""text":{{"status":"generated","div":"<div xmlns='http://www.w3.org/1999/xhtml'>{text}</div>"}}"#
        ))
    };
    accepted(&narrative("a &amp; b &#160;"));
    refused_at(&narrative("a&nbsp;b"), "Patient.text.div");
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    accepted(&format!("\u{feff}{}", patient(r#""active":true"#)));
}

#[test]
fn what_is_no_json_is_told_with_the_element_before_it() {
    refused_at(r#"{"resourceType":"Patient","name":[{"family":"x" "given":["y"]}]}"#, "Patient.name[0].family");
}
