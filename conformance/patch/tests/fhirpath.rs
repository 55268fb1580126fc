//! FHIRPath Patch on resources: fhirpatch.html, operation by operation.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

use fhir::Version;
use fhir::interaction::PatchFormat;
use patch::{Context, Fault, Limits, PatchError, apply};

/// An operation: its type, its path, and further parts as JSON.
fn operation(kind: &str, path: &str, parts: &str) -> String {
    let comma = if parts.is_empty() { "" } else { "," };
    let path = path.replace('"', "\\\"");
    format!(
        r#"{{"name":"operation","part":[{{"name":"type","valueCode":"{kind}"}},{{"name":"path","valueString":"{path}"}}{comma}{parts}]}}"#
    )
}

fn named(name: &str, value: &str) -> String {
    format!(r#"{{"name":"name","valueString":"{name}"}},{{"name":"value",{value}}}"#)
}

fn value(value: &str) -> String {
    format!(r#"{{"name":"value",{value}}}"#)
}

fn at(index: usize, value: &str) -> String {
    format!(r#"{{"name":"index","valueInteger":{index}}},{{"name":"value",{value}}}"#)
}

fn places(source: usize, destination: usize) -> String {
    format!(r#"{{"name":"source","valueInteger":{source}}},{{"name":"destination","valueInteger":{destination}}}"#)
}

fn patched(resource: &str, operations: &[String]) -> Result<String, PatchError> {
    let patch = format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operations.join(","));
    let made = apply(resource.as_bytes(), PatchFormat::FhirPath, patch.as_bytes(), &Context::new(Version::R4))?;
    Ok(String::from_utf8(made).unwrap())
}

/// A Patient of these members, patched; without what all of them have.
fn patient(members: &str, operations: &[String]) -> String {
    let comma = if members.is_empty() { "" } else { "," };
    let resource = format!(r#"{{"resourceType":"Patient","id":"p"{comma}{members}}}"#);
    match patched(&resource, operations) {
        Ok(made) => made
            .trim_start_matches(r#"{"resourceType":"Patient","id":"p""#)
            .trim_start_matches(',')
            .strip_suffix('}')
            .unwrap()
            .to_owned(),
        Err(error) => format!("{:?}", error.fault),
    }
}

#[test]
fn an_added_element_is_a_member_or_one_more_of_a_list() {
    let birth = [operation("add", "Patient", &named("birthDate", r#""valueDate":"1930-01-01""#))];
    assert_eq!(patient("", &birth), r#""birthDate":"1930-01-01""#);
    assert_eq!(patient(r#""birthDate":"1920""#, &birth), "Unsuitable", "`add` does not replace");
    assert_eq!(patient(r#""_birthDate":{"id":"b"}"#, &birth), "Unsuitable");
    let name = [operation("add", "Patient", &named("name", r#""valueHumanName":{"family":"a" }"#))];
    assert_eq!(patient("", &name), r#""name":[{"family":"a" }]"#);
    assert_eq!(patient(r#""name": [ {"text":"x"} ]"#, &name), r#""name": [ {"text":"x"},{"family":"a" } ]"#);
    let given = [operation("add", "Patient.name[0]", &named("given", r#""valueString":"b""#))];
    assert_eq!(patient(r#""name":[{"given":["a"]}]"#, &given), r#""name":[{"given":["a","b"]}]"#);
    let nothing = [operation("add", "Patient.contact", &named("gender", r#""valueCode":"male""#))];
    assert_eq!(patient("", &nothing), "Unsuitable");
    assert_eq!(patient(r#""contact":[{"id":"1"},{"id":"2"}]"#, &nothing), "Unsuitable");
}

#[test]
fn a_choice_takes_the_name_of_its_type() {
    let deceased = |of: &str| [operation("add", "Patient", &named("deceased", of))];
    assert_eq!(patient("", &deceased(r#""valueBoolean":true"#)), r#""deceasedBoolean":true"#);
    assert_eq!(patient(r#""deceasedDateTime":"2020""#, &deceased(r#""valueBoolean":true"#)), "Unsuitable");
    assert_eq!(patient("", &deceased(r#""valueQuantity":{"value":1}"#)), "Unsuitable");
    let replaced = [operation("replace", "Patient.deceased", &value(r#""valueDateTime":"2020-02""#))];
    let members = r#""deceasedBoolean":true,"_deceasedBoolean":{"id":"x"},"active":true"#;
    assert_eq!(patient(members, &replaced), r#""active":true,"deceasedDateTime":"2020-02""#);
    let same = [operation("replace", "Patient.deceased", &value(r#""valueBoolean":false"#))];
    assert_eq!(patient(members, &same), r#""deceasedBoolean":false,"active":true"#);
}

#[test]
fn an_element_is_put_together_from_parts() {
    let parts = r#""part":[
        {"name":"relationship","valueCodeableConcept":{"text":"mother"}},
        {"name":"relationship","valueCodeableConcept":{"text":"guardian"}},
        {"name":"name","part":[{"name":"family","valueString":"Mum"},{"name":"given","valueString":"A"},{"name":"given","_valueString":{"id":"g"}}]},
        {"name":"gender","valueCode":"female"}]"#;
    let contact = [operation("add", "Patient", &named("contact", parts))];
    assert_eq!(
        patient("", &contact),
        r#""contact":[{"relationship":[{"text":"mother"},{"text":"guardian"}],"name":{"family":"Mum","given":["A",null],"_given":[null,{"id":"g"}]},"gender":"female"}]"#
    );
    for wrong in [
        r#""part":[{"name":"nonsense","valueString":"x"}]"#,
        r#""part":[{"name":"gender","valueCode":"male"},{"name":"gender","valueCode":"female"}]"#,
    ] {
        assert_eq!(patient("", &[operation("add", "Patient", &named("contact", wrong))]), "Unsuitable");
    }
    assert_eq!(patient("", &[operation("add", "Patient", &named("contact", r#""part":[]"#))]), "Malformed");
}

#[test]
fn inserts_and_moves_keep_the_order_of_the_rest() {
    let list = r#""identifier":[{"value":"0"}, {"value":"1"},{"value":"2"}]"#;
    let values = |made: String| {
        let digits: String = made.chars().filter(char::is_ascii_digit).collect();
        digits
    };
    for (index, expected) in [(0, "9012"), (1, "0912"), (3, "0129")] {
        let insert = [operation("insert", "Patient.identifier", &at(index, r#""valueIdentifier":{"value":"9"}"#))];
        assert_eq!(values(patient(list, &insert)), expected);
    }
    for (source, destination, expected) in [(0, 2, "120"), (2, 0, "201"), (1, 1, "012"), (0, 1, "102")] {
        let shift = [operation("move", "Patient.identifier", &places(source, destination))];
        assert_eq!(values(patient(list, &shift)), expected);
    }
    let beyond = [operation("insert", "Patient.identifier", &at(4, r#""valueIdentifier":{"value":"9"}"#))];
    assert_eq!(patient(list, &beyond), "Unsuitable");
    assert_eq!(patient(list, &[operation("move", "Patient.identifier", &places(0, 3))]), "Unsuitable");
    let some = [operation("move", "Patient.identifier.where(value > '0')", &places(0, 1))];
    assert_eq!(patient(list, &some), "Unsuitable", "a filtered list is not the list");
    let first = [operation("insert", "Patient.identifier", &at(0, r#""valueIdentifier":{"value":"9"}"#))];
    assert_eq!(patient("", &first), r#""identifier":[{"value":"9"}]"#, "a list may begin");
}

#[test]
fn what_is_deleted_takes_its_companion_and_what_it_leaves_empty_with_it() {
    let delete = |path: &str| [operation("delete", path, "")];
    let birth = r#""birthDate":"1930","_birthDate":{"id":"b"},"active":true"#;
    assert_eq!(patient(birth, &delete("Patient.birthDate")), r#""active":true"#);
    assert_eq!(patient(birth, &delete("Patient.birthDate.id")), r#""birthDate":"1930","active":true"#);
    let contact = r#""contact":[{"name":{"text":"a"}}],"active":true"#;
    assert_eq!(patient(contact, &delete("Patient.contact[0].name.text")), r#""active":true"#);
    assert_eq!(patient(contact, &delete("Patient.photo")), contact, "what is not there is deleted already");
    assert_eq!(patient(r#""name":[{"text":"a"},{"text":"b"}]"#, &delete("Patient.name")), "Unsuitable");
    assert_eq!(
        patient(r#""name":[{"text":"a"},{"text":"b"}]"#, &delete("Patient.name.where(text = 'a')")),
        r#""name":[{"text":"b"}]"#
    );
    assert_eq!(patient("", &delete("Patient")), "Unsuitable");
    assert_eq!(patient("", &delete("Patient.id")), "Protected");
}

#[test]
fn companions_in_lists_keep_their_places() {
    let name = |of: &str| format!(r#""name":[{{{of}}}]"#);
    let made = |of: &str, operations: &[String]| {
        let made = patient(&name(of), operations);
        made.strip_prefix(r#""name":[{"#).and_then(|made| made.strip_suffix("}]")).unwrap_or(&made).to_owned()
    };
    let both = r#""given":["a",null,"c"],"_given":[null,{"id":"b"},{"id":"c"}]"#;
    let delete = |index: usize| [operation("delete", &format!("Patient.name.given[{index}]"), "")];
    assert_eq!(made(both, &delete(0)), r#""given":[null,"c"],"_given":[{"id":"b"},{"id":"c"}]"#);
    assert_eq!(made(r#""given":["a","c"],"_given":[null,{"id":"c"}]"#, &delete(1)), r#""given":["a"]"#);
    assert_eq!(made(r#""given":["a",null],"_given":[null,{"id":"c"}]"#, &delete(0)), r#""_given":[{"id":"c"}]"#);
    let shift = [operation("move", "Patient.name.given", &places(0, 2))];
    assert_eq!(made(both, &shift), r#""given":[null,"c","a"],"_given":[{"id":"b"},{"id":"c"},null]"#);
    let insert = [operation("insert", "Patient.name.given", &at(1, r#""valueString":"x""#))];
    assert_eq!(made(both, &insert), r#""given":["a","x",null,"c"],"_given":[null,null,{"id":"b"},{"id":"c"}]"#);
    let marked = [operation("insert", "Patient.name.given", &at(1, r#""valueString":"x","_valueString":{"id":"x"}"#))];
    assert_eq!(made(r#""given":["a","b"]"#, &marked), r#""given":["a","x","b"],"_given":[null,{"id":"x"},null]"#);
    let replace = [operation("replace", "Patient.name.given[2]", &value(r#""valueString":"z""#))];
    assert_eq!(made(both, &replace), r#""given":["a",null,"z"],"_given":[null,{"id":"b"},null]"#);
    let extension = r#""valueExtension":{"url":"u","valueCode":"x"}"#;
    let extend = [operation("add", "Patient.name.given[1]", &named("extension", extension))];
    assert_eq!(
        made(r#""given":["a","b"]"#, &extend),
        r#""given":["a","b"],"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]"#
    );
}

#[test]
fn a_primitive_gets_extensions_in_its_companion() {
    let extension = r#""valueExtension":{"url":"u","valueDateTime":"1930-01-01T10:00:00Z"}"#;
    let extend = [operation("add", "Patient.birthDate", &named("extension", extension))];
    let expected =
        r#""birthDate":"1930-01-01","_birthDate":{"extension":[{"url":"u","valueDateTime":"1930-01-01T10:00:00Z"}]}"#;
    assert_eq!(patient(r#""birthDate":"1930-01-01""#, &extend), expected);
    let more = patient(expected, &extend);
    assert_eq!(more.matches(r#""url":"u""#).count(), 2, "{more}");
    let less = [operation("delete", "Patient.birthDate.extension[0]", "")];
    assert_eq!(patient(expected, &less), r#""birthDate":"1930-01-01""#);
    assert_eq!(
        patient(
            r#""birthDate":"1930""#,
            &[operation("add", "Patient.birthDate", &named("text", r#""valueString":"x""#))]
        ),
        "Unsuitable"
    );
}

#[test]
fn each_operation_sees_what_the_one_before_it_did() {
    let operations = [
        operation("add", "Patient", &named("contact", r#""part":[{"name":"gender","valueCode":"male"}]"#)),
        operation("add", "Patient.contact[0]", &named("name", r#""valueHumanName":{"text":"a"}"#)),
        operation("delete", "Patient.contact[0].gender", ""),
        operation("replace", "Patient.contact[0].name.text", &value(r#""valueString":"b""#)),
    ];
    assert_eq!(patient("", &operations), r#""contact":[{"name":{"text":"b"}}]"#);
    let emptied = [
        operation("delete", "Patient.contact[0].gender", ""),
        operation("add", "Patient.contact[0]", &named("name", r#""valueHumanName":{"text":"a"}"#)),
    ];
    assert_eq!(patient(r#""contact":[{"gender":"male"}]"#, &emptied), r#""contact":[{"name":{"text":"a"}}]"#);
}

#[test]
fn contained_resources_and_decimals_come_over_as_they_are_written() {
    let contained = r#""resource":{"resourceType":"Organization","id":"o", "name" : "x"}"#;
    let add = [operation("add", "Patient", &named("contained", contained))];
    assert_eq!(patient("", &add), r#""contained":[{"resourceType":"Organization","id":"o", "name" : "x"}]"#);
    let rename = [operation("replace", "Patient.contained[0].name", &value(r#""valueString":"y""#))];
    let had = r#""contained":[{"resourceType":"Organization","id":"o","name":"x"}]"#;
    assert_eq!(patient(had, &rename), had.replace("\"x\"", "\"y\""));
    let observed = r#"{"resourceType":"Observation","id":"p","valueQuantity":{"value":1.50}}"#;
    let heavier = [operation("replace", "Observation.value.value", &value(r#""valueDecimal":1.500e0"#))];
    assert_eq!(patched(observed, &heavier).unwrap(), observed.replace("1.50", "1.500e0"));
}

#[test]
fn what_is_no_patch_is_refused_with_the_number_of_its_operation() {
    let fine = operation("delete", "Patient.active", "");
    for (second, expected) in [
        (operation("erase", "Patient.active", ""), Fault::Malformed),
        (operation("delete", "Patient.active.(", ""), Fault::Malformed),
        (operation("add", "Patient", r#"{"name":"value","valueString":"x"}"#), Fault::Malformed),
        (operation("add", "Patient", r#"{"name":"name","valueString":"active"}"#), Fault::Malformed),
        (operation("insert", "Patient.name", &at(0, r#""valueHumanName":{}"#).replace('0', "-1")), Fault::Malformed),
        (operation("delete", "Patient.active", r#"{"name":"reason","valueString":"x"}"#), Fault::Malformed),
        (operation("add", "Patient", &named("a\\\"b", r#""valueString":"x""#)), Fault::Malformed),
        (operation("replace", "Patient.name.count()", &value(r#""valueInteger":1"#)), Fault::Unsuitable),
        (operation("replace", "Patient.active", &value(r#""valueBoolean":true"#)), Fault::Unsuitable),
        (r#"{"name":"operations"}"#.to_owned(), Fault::Malformed),
    ] {
        let error = patched(r#"{"resourceType":"Patient","id":"p"}"#, &[fine.clone(), second.clone()]).unwrap_err();
        assert_eq!((error.fault, error.operation), (expected, Some(1)), "{second}: {error}");
    }
    let none = apply(b"{}", PatchFormat::FhirPath, br#"{"resourceType":"Patient"}"#, &Context::new(Version::R4));
    assert_eq!(none.unwrap_err().fault, Fault::Malformed);
}

#[test]
fn expressions_share_a_bounded_number_of_steps() {
    let context = Context { limits: Limits { steps: 200, ..Limits::default() }, ..Context::new(Version::R4) };
    let names: Vec<String> = (0..50).map(|number| format!(r#"{{"family":"{number}"}}"#)).collect();
    let resource = format!(r#"{{"resourceType":"Patient","id":"p","name":[{}]}}"#, names.join(","));
    let operation = operation("delete", "Patient.name.where(family = '7')", "");
    let patch = format!(r#"{{"resourceType":"Parameters","parameter":[{operation}]}}"#);
    let error = apply(resource.as_bytes(), PatchFormat::FhirPath, patch.as_bytes(), &context).unwrap_err();
    assert_eq!(error.fault, Fault::TooCostly);
}
