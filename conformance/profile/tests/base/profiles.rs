//! StructureDefinitions: the order of a differential, values and targets.

use super::{accepted, doubted_at, refused_at};

fn profile(elements: &str) -> String {
    format!(
        r#"{{"resourceType":"StructureDefinition","url":"http://a.example/sd","name":"X","status":"draft","kind":"resource","abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint","differential":{{"element":[{{"id":"Patient","path":"Patient"}},{elements}]}}}}"#
    )
}

fn element(path: &str, members: &str) -> String {
    format!(r#"{{"id":"{path}","path":"{path}"{members}}}"#)
}

#[test]
fn a_differential_has_the_order_of_its_type() {
    let pair = |first: &str, second: &str| profile(&format!("{},{}", element(first, ""), element(second, "")));
    accepted(&pair("Patient.name", "Patient.gender"));
    accepted(&pair("Patient.contact", "Patient.contact.name"));
    refused_at(&pair("Patient.gender", "Patient.name"), "StructureDefinition.differential.element[2]");
    refused_at(&pair("Patient.contact.gender", "Patient.contact.name"), "StructureDefinition.differential.element[2]");
}

#[test]
fn a_slice_may_go_back_to_where_its_list_began() {
    let slices = r#"{"id":"Patient.identifier","path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},{"id":"Patient.identifier:a","path":"Patient.identifier","sliceName":"a"},{"id":"Patient.identifier:a.system","path":"Patient.identifier.system"},{"id":"Patient.identifier:b","path":"Patient.identifier","sliceName":"b"},{"id":"Patient.identifier:b.use","path":"Patient.identifier.use"}"#;
    accepted(&profile(slices));
}

#[test]
fn a_fixed_value_is_of_a_type_of_its_element() {
    let fixed = |value: &str| profile(&element("Patient.gender", &format!(r#","type":[{{"code":"code"}}],{value}"#)));
    accepted(&fixed(r#""fixedCode":"male""#));
    refused_at(&fixed(r#""fixedString":"male""#), "StructureDefinition.differential.element[1].fixed");
    refused_at(&fixed(r#""patternCoding":{"code":"male"}"#), "StructureDefinition.differential.element[1].pattern");
}

#[test]
fn a_profile_of_a_type_is_one_of_that_type_and_a_target_a_resource() {
    let typed = |of: &str| profile(&element("Patient.managingOrganization", &format!(r#","type":[{{{of}}}]"#)));
    let core = "http://hl7.org/fhir/StructureDefinition";
    let target = |name: &str| typed(&format!(r#""code":"Reference","targetProfile":["{core}/{name}"]"#));
    let at = "StructureDefinition.differential.element[1].type[0]";
    accepted(&target("Organization"));
    refused_at(&target("HumanName"), &format!("{at}.targetProfile[0]"));
    accepted(&typed(&format!(r#""code":"Reference","profile":["{core}/Reference"]"#)));
    refused_at(
        &typed(&format!(r#""code":"Reference","profile":["{core}/Organization"]"#)),
        &format!("{at}.profile[0]"),
    );
}

#[test]
fn a_binding_of_an_element_is_to_a_value_set() {
    let bound = |url: &str| {
        let binding = format!(r#","binding":{{"strength":"required","valueSet":"{url}"}}"#);
        profile(&element("Patient.gender", &binding))
    };
    accepted(&bound("http://hl7.org/fhir/ValueSet/administrative-gender"));
    accepted(&bound("http://a.example/nobody-knows"));
    let at = "StructureDefinition.differential.element[1].binding.valueSet";
    refused_at(&bound("http://hl7.org/fhir/StructureDefinition/Patient"), at);
}

#[test]
fn a_binding_is_no_weaker_than_the_required_one_of_the_type() {
    let bound = |path: &str, strength: &str| {
        let binding = format!(r#","binding":{{"strength":"{strength}","valueSet":"http://a.example/vs"}}"#);
        profile(&element(path, &binding))
    };
    let at = "StructureDefinition.differential.element[1].binding.strength";
    accepted(&bound("Patient.gender", "required"));
    refused_at(&bound("Patient.gender", "extensible"), at);
    accepted(&bound("Patient.maritalStatus", "required"));
    assert!(doubted_at(&bound("Patient.maritalStatus", "example"), at));
}

#[test]
fn a_reference_of_a_profile_leads_where_that_of_the_type_may() {
    let to = |name: &str| {
        let core = "http://hl7.org/fhir/StructureDefinition";
        let types = format!(r#","type":[{{"code":"Reference","targetProfile":["{core}/{name}"]}}]"#);
        profile(&element("Patient.generalPractitioner", &types))
    };
    accepted(&to("Practitioner"));
    refused_at(&to("Patient"), "StructureDefinition.differential.element[1].type[0].targetProfile[0]");
    accepted(&to("nobody-knows"));
}

#[test]
fn a_snapshot_that_is_older_than_the_differential_is_doubtful() {
    let both = |snapshot: &str| {
        let whole = format!(r#"{{"id":"Patient","path":"Patient"}},{snapshot}"#);
        profile(&element("Patient.gender", r#","min":1"#))
            .replace(r#""differential""#, &format!(r#""snapshot":{{"element":[{whole}]}},"differential""#))
    };
    let at = "StructureDefinition.differential.element[1]";
    assert!(!doubted_at(&both(r#"{"id":"Patient.gender","path":"Patient.gender","min":1}"#), &format!("{at}.min")));
    assert!(doubted_at(&both(r#"{"id":"Patient.gender","path":"Patient.gender","min":0}"#), &format!("{at}.min")));
    assert!(doubted_at(&both(r#"{"id":"Patient.name","path":"Patient.name"}"#), at));
}
