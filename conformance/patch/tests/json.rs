//! JSON Patch on resources, and the community's suite for RFC 6902.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

use std::path::Path;

use fhir::Version;
use fhir::interaction::PatchFormat;
use fhir::json::{Document, Kind, Limits as ScanLimits, Value, scan};
use patch::{Context, Fault, Limits, PatchError, apply, apply_json};

const PATIENT: &str = r#"{ "resourceType":"Patient" , "id": "p",
  "name": [ {"family":"Chalmers","given":["Peter","James"]} ],  "multipleBirthInteger": 3,
  "extension":[{"url":"http://example.org/w","valueDecimal":71.50}], "active" : true }"#;

fn patched(resource: &str, patch: &str) -> Result<String, PatchError> {
    let made = apply(resource.as_bytes(), PatchFormat::Json, patch.as_bytes(), &Context::new(Version::R4))?;
    Ok(String::from_utf8(made).unwrap())
}

fn fault(resource: &str, patch: &str) -> (Fault, Option<usize>) {
    let error = patched(resource, patch).unwrap_err();
    (error.fault, error.operation)
}

#[test]
fn what_a_patch_does_not_touch_stays_byte_for_byte() {
    let made = patched(PATIENT, r#"[{"op":"replace","path":"/name/0/given/1","value":"Jim"}]"#).unwrap();
    assert_eq!(made, PATIENT.replace("James", "Jim"));
    let made = patched(PATIENT, r#"[{"op":"add","path":"/birthDate","value":"1974-12-25"}]"#).unwrap();
    assert_eq!(made, PATIENT.replace(": true }", r#" : true,"birthDate":"1974-12-25" }"#.trim_start()));
    let made = patched(PATIENT, r#"[{"op":"remove","path":"/multipleBirthInteger"}]"#).unwrap();
    assert_eq!(made, PATIENT.replace(",  \"multipleBirthInteger\": 3", ""));
    let made = patched(PATIENT, r#"[{"op":"test","path":"/extension/0/valueDecimal","value":715e-1}]"#).unwrap();
    assert_eq!(made, PATIENT, "a number is what it says, however it is written");
}

#[test]
fn a_value_comes_over_as_the_patch_has_it() {
    let patch = r#"[{"op":"replace","path":"/extension/0/valueDecimal","value":1.10e+2}]"#;
    assert!(patched(PATIENT, patch).unwrap().contains(r#""valueDecimal":1.10e+2}"#));
    let patch = r#"[{"op":"copy","from":"/extension/0","path":"/extension/-"},{"op":"move","from":"/name/0/given/0","path":"/name/0/given/1"}]"#;
    let made = patched(PATIENT, patch).unwrap();
    assert_eq!(made.matches("71.50").count(), 2);
    assert!(made.contains(r#"["James","Peter"]"#), "{made}");
}

#[test]
fn no_array_or_object_that_a_patch_emptied_is_left_behind() {
    let patch = r#"[{"op":"remove","path":"/name/0/family"},{"op":"remove","path":"/name/0/given/0"},{"op":"remove","path":"/name/0/given/0"},
        {"op":"remove","path":"/extension/0"}]"#;
    let made = patched(PATIENT, patch).unwrap();
    assert!(!made.contains("name") && !made.contains("extension") && made.contains("\"active\" : true"), "{made}");
    let refilled = r#"[{"op":"remove","path":"/extension/0"},{"op":"add","path":"/extension/-","value":{"url":"u"}}]"#;
    assert!(patched(PATIENT, refilled).unwrap().contains(r#""extension":[{"url":"u"}]"#));
    let own = r#"[{"op":"add","path":"/contact","value":[]}]"#;
    assert!(
        patched(PATIENT, own).unwrap().contains(r#""contact":[]"#),
        "an empty array that was sent is for the validator"
    );
}

#[test]
fn an_error_names_its_operation_and_nothing_is_done() {
    for (patch, expected) in [
        (r#"{"op":"remove","path":"/active"}"#, (Fault::Malformed, None)),
        (r#"[{"op":"remove","path":"/active"},{"op":"erase","path":"/id"}]"#, (Fault::Malformed, Some(1))),
        (r#"[{"op":"remove"}]"#, (Fault::Malformed, Some(0))),
        (r#"[{"op":"add","path":"/active"}]"#, (Fault::Malformed, Some(0))),
        (r#"[{"op":"remove","path":"active"}]"#, (Fault::Malformed, Some(0))),
        (r#"[{"op":"remove","path":"/a~2"}]"#, (Fault::Malformed, Some(0))),
        (r#"[{"op":"remove","path":"/active"},{"op":"remove","path":"/active"}]"#, (Fault::Unsuitable, Some(1))),
        (r#"[{"op":"test","path":"/active","value":"true"}]"#, (Fault::Unsuitable, Some(0))),
        (r#"[{"op":"add","path":"/name/2","value":{}}]"#, (Fault::Unsuitable, Some(0))),
        (r#"[{"op":"add","path":"/name/00","value":{}}]"#, (Fault::Unsuitable, Some(0))),
        (r#"[{"op":"move","from":"/name","path":"/name/0/given"}]"#, (Fault::Unsuitable, Some(0))),
        (r#"[{"op":"remove","path":""}]"#, (Fault::Unsuitable, Some(0))),
        (r#"[{"op":"replace","path":"/id","value":"q"}]"#, (Fault::Protected, None)),
        (r#"[{"op":"remove","path":"/id"}]"#, (Fault::Protected, None)),
        (r#"[{"op":"replace","path":"","value":{"resourceType":"Slot","id":"p"}}]"#, (Fault::Protected, None)),
        ("[", (Fault::Malformed, None)),
    ] {
        assert_eq!(fault(PATIENT, patch), expected, "{patch}");
    }
}

#[test]
fn a_copy_of_a_copy_ends_at_the_limit() {
    let doubling = r#"{"op":"copy","from":"/contained","path":"/contained/-"}"#;
    let resource = r#"{"resourceType":"Patient","id":"p","contained":[{"resourceType":"Patient","id":"a"}]}"#;
    let bomb = format!("[{}]", vec![doubling; 60].join(","));
    assert_eq!(fault(resource, &bomb).0, Fault::TooCostly);
    let many = format!("[{}]", vec![r#"{"op":"test","path":"/id","value":"p"}"#; 1001].join(","));
    assert_eq!(fault(resource, &many), (Fault::TooCostly, None));
    let context = Context { limits: Limits { work: 1_000, ..Limits::default() }, ..Context::new(Version::R4) };
    let slow = format!("[{}]", [r#"{"op":"replace","path":"/active","value":true}"#; 10].join(","));
    let error = apply(PATIENT.as_bytes(), PatchFormat::Json, slow.as_bytes(), &context).unwrap_err();
    assert_eq!(error.fault, Fault::TooCostly, "each operation reads the resource");
}

#[test]
fn debug_shows_nothing_of_the_patch() {
    let error = patched(PATIENT, r#"[{"op":"remove","path":"/Everywoman"}]"#).unwrap_err();
    assert!(error.to_string().contains("Everywoman") && !format!("{error:?}").contains("Everywoman"));
    assert!(error.to_string().starts_with("operation 0 of the patch"), "{error}");
}

/// The suite keeps outside of the project; without it there is nothing to compare with.
#[test]
fn the_suite_of_rfc_6902_passes() {
    let folder = std::env::var("FRONTDESK_SUITES")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites").to_owned());
    let mut judged = 0;
    for file in ["spec_tests.json", "tests.json"] {
        let Ok(bytes) = std::fs::read(Path::new(&folder).join("json-patch").join(file)) else {
            println!("skipped: no suite in {folder}");
            let is_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!is_ci, "expected the suite in FRONTDESK_SUITES");
            continue;
        };
        judged += suite(&bytes);
    }
    assert!(judged == 0 || judged > 100, "{judged} cases");
}

fn suite(bytes: &[u8]) -> usize {
    // Not read as one document: a case may repeat a member on purpose.
    let cases: Vec<&serde_json::value::RawValue> = serde_json::from_slice(bytes).unwrap();
    let mut judged = 0;
    for case in cases {
        let members: std::collections::HashMap<String, &serde_json::value::RawValue> =
            serde_json::from_str(case.get()).unwrap();
        let (Some(document), Some(patch)) = (members.get("doc"), members.get("patch")) else { continue };
        if members.contains_key("disabled") {
            continue;
        }
        let made = apply_json(document.get().as_bytes(), patch.get().as_bytes(), &Limits::default());
        match (members.get("expected"), made) {
            (Some(expected), Ok(made)) => {
                let test = format!(r#"[{{"op":"test","path":"","value":{}}}]"#, expected.get());
                assert!(apply_json(&made, test.as_bytes(), &Limits::default()).is_ok(), "{case}");
                assert_eq!(nulls(&made), nulls(expected.get().as_bytes()), "{case}");
            }
            (Some(_), Err(error)) => panic!("{error}: {case}"),
            (None, Ok(_)) if members.contains_key("error") => panic!("expected an error: {case}"),
            _ => {}
        }
        judged += 1;
    }
    judged
}

fn nulls(bytes: &[u8]) -> usize {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, ScanLimits::default()).unwrap();
    let document = Document::new(bytes, &nodes);
    (0..).map_while(|index| document.at(index)).filter(|value: &Value<'_>| value.kind() == Kind::Null).count()
}

#[test]
fn operations_that_only_look_are_work_too() {
    let patch = format!("[{}]", vec![r#"{"op":"test","path":"/id","value":"p"}"#; 100].join(","));
    assert!(patched(PATIENT, &patch).is_ok());
    let context = Context { limits: Limits { work: 10_000, ..Limits::default() }, ..Context::new(Version::R4) };
    let error = apply(PATIENT.as_bytes(), PatchFormat::Json, patch.as_bytes(), &context).unwrap_err();
    assert_eq!(error.fault, Fault::TooCostly);
}
