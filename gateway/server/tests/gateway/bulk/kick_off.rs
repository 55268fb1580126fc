//! What is exported, and what a kick-off takes.

use http::Method;
use serde_json::{Value, json};

use super::{Exporter, appointment, fill, patient};
use crate::harness::Practice;

#[tokio::test]
async fn a_practice_is_exported_whole_and_each_resource_once() {
    let practice = Practice::with("[bulk]\n page = 2\n").await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let ended = exporter.export("/$export?_outputFormat=application/fhir+ndjson").await;
    assert_eq!((ended.status.as_u16(), ended.field("content-type")), (200, "application/json"));
    assert!(!ended.field("expires").is_empty());
    let manifest = ended.json();
    assert_eq!(manifest["requiresAccessToken"], true);
    assert!(manifest["request"].as_str().unwrap().ends_with("/fhir/r4/$export?_outputFormat=application/fhir+ndjson"));
    assert!(manifest["transactionTime"].as_str().unwrap().ends_with('Z'));
    assert_eq!((&manifest["error"], &manifest["deleted"]), (&json!([]), &json!([])));
    assert_eq!(exporter.ids(&manifest, "Patient").await, ["a", "b"]);
    assert_eq!(exporter.ids(&manifest, "Appointment").await, ["of-a", "of-b", "of-both", "of-nobody"]);
    assert_eq!(exporter.ids(&manifest, "Practitioner").await, ["p"]);
    let types: Vec<&str> =
        manifest["output"].as_array().unwrap().iter().map(|file| file["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["Appointment", "Group", "Patient", "Practitioner"]);
}

#[tokio::test]
async fn patients_and_groups_have_what_is_in_their_compartments() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let all = exporter.export("/Patient/$export").await.json();
    assert_eq!(exporter.ids(&all, "Appointment").await, ["of-a", "of-b", "of-both"]);
    assert!(exporter.ids(&all, "Practitioner").await.is_empty());
    let group = exporter.export("/Group/g/$export").await.json();
    assert_eq!(exporter.ids(&group, "Patient").await, ["a", "b"]);
    assert_eq!(exporter.ids(&group, "Appointment").await, ["of-a", "of-b", "of-both"]);
    let small = exporter.export("/Group/small/$export").await.json();
    assert_eq!(exporter.ids(&small, "Patient").await, ["a"]);
    assert_eq!(exporter.ids(&small, "Appointment").await, ["of-a", "of-both"]);
    assert_eq!(exporter.kick_off("/Group/none/$export").await.status, 404);
}

#[tokio::test]
async fn a_post_names_patients_and_its_url_alone_is_the_request() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let body = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "patient", "valueReference": { "reference": "Patient/b" } },
        { "name": "_type", "valueString": "Patient,Appointment" },
        { "name": "_elements", "valueString": "Patient.gender" },
    ] });
    let begun = exporter.ask(Method::POST, "/Patient/$export", &[], body.to_string()).await;
    assert_eq!(begun.status, 202, "{:?}", begun.json());
    let manifest = exporter.ended(begun.field("content-location")).await.json();
    assert!(manifest["request"].as_str().unwrap().ends_with("/fhir/r4/Patient/$export"), "{manifest}");
    assert_eq!(exporter.ids(&manifest, "Appointment").await, ["of-b", "of-both"]);
    let lines = exporter.lines(&manifest, "output").await;
    let only = &lines["Patient"][0];
    assert_eq!((&only["id"], &only["gender"], &only["birthDate"]), (&json!("b"), &json!("female"), &Value::Null));
    assert_eq!(only["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[tokio::test]
async fn since_brings_what_changed_and_tells_what_was_deleted() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let first = exporter.export("/$export?_type=Appointment,Patient").await.json();
    let since = first["transactionTime"].as_str().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    exporter.put(appointment("new", &["Patient/a"])).await;
    assert_eq!(exporter.ask(Method::DELETE, "/Appointment/of-a", &[], String::new()).await.status, 204);
    exporter.put(patient("c")).await;
    assert_eq!(exporter.ask(Method::DELETE, "/Patient/c", &[], String::new()).await.status, 204);
    exporter.put(patient("c")).await;
    let second = exporter.export(&format!("/$export?_type=Appointment,Patient&_since={since}")).await.json();
    assert_eq!(exporter.ids(&second, "Appointment").await, ["new"]);
    assert_eq!(exporter.ids(&second, "Patient").await, ["c"]);
    let deleted = exporter.lines(&second, "deleted").await;
    let urls: Vec<&Value> = deleted["Bundle"].iter().map(|bundle| &bundle["entry"][0]["request"]["url"]).collect();
    assert_eq!(urls, [&json!("Appointment/of-a")]);
    let until = exporter.export(&format!("/$export?_type=Appointment&_until={since}")).await.json();
    assert_eq!(exporter.ids(&until, "Appointment").await, ["of-b", "of-both", "of-nobody"]);
}

#[tokio::test]
async fn filters_of_one_type_are_alternatives() {
    let practice = Practice::open().await;
    let exporter = Exporter::of(&practice).await;
    fill(&exporter).await;
    let path = "/$export?_type=Appointment,Patient&_typeFilter=Appointment%3Factor%3DPatient/a\
                &_typeFilter=Appointment%3Fpractitioner%3DPractitioner/p%26status%3Dproposed";
    let manifest = exporter.export(path).await.json();
    assert_eq!(exporter.ids(&manifest, "Appointment").await, ["of-a", "of-both", "of-nobody"]);
    assert_eq!(exporter.ids(&manifest, "Patient").await, ["a", "b"]);
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_unless_the_client_is_lenient() {
    let practice = Practice::with("[bulk]\n jobs-per-client = 1000\n").await;
    let exporter = Exporter::of(&practice).await;
    for query in [
        "_type=Nothing",
        "_type=Binary,Appointment&_typeFilter=Slot%3Fstatus%3Dfree",
        "includeAssociatedData=LatestProvenanceResources",
        "patient=Patient/a",
        "unknown=1",
        "_type=Patient&_typeFilter=Patient%3Fnothing%3D1",
        "_type=Patient&_typeFilter=Patient%3F_include%3DPatient:organization",
    ] {
        let path = format!("/$export?{query}");
        let refused = exporter.kick_off(&path).await;
        assert_eq!(refused.status, 400, "{query}");
        assert_ne!(refused.issue(), "no OperationOutcome", "{query}");
        let lenient = [("prefer", "respond-async, handling=lenient")];
        assert_eq!(exporter.ask(Method::GET, &path, &lenient, String::new()).await.status, 202, "{query}");
    }
    for query in ["_outputFormat=text/csv", "_since=yesterday", "_typeFilter=Patient"] {
        assert_eq!(exporter.kick_off(&format!("/$export?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(exporter.kick_off("/Patient/$export?_type=Practitioner").await.status, 400);
    assert_eq!(exporter.ask(Method::HEAD, "/$export", &[], String::new()).await.status, 405);
    let not = exporter.ask(Method::POST, "/$export", &[], patient("a").to_string()).await;
    assert_eq!(not.status, 400);
}

#[tokio::test]
async fn only_what_a_token_reads_and_searches_is_exported() {
    let practice = Practice::open().await;
    fill(&Exporter::of(&practice).await).await;
    let narrow = Exporter::with(&practice, "system/Patient.rs system/Appointment.r system/Slot.s").await;
    let manifest = narrow.export("/$export").await.json();
    let types: Vec<&Value> = manifest["output"].as_array().unwrap().iter().map(|file| &file["type"]).collect();
    assert_eq!(types, [&json!("Patient")]);
    assert_eq!(narrow.kick_off("/$export?_type=Patient,Appointment").await.status, 403);
    assert_eq!(narrow.kick_off("/Group/g/$export").await.status, 403);
    let chained = "/$export?_type=Patient&_typeFilter=Patient%3F_has:Appointment:actor:status%3Dbooked";
    assert_eq!(narrow.kick_off(chained).await.status, 403);
    let none = Exporter::with(&practice, "system/Appointment.c").await;
    assert_eq!(none.kick_off("/$export").await.status, 403);
    let granted = practice.token_for("launch/patient patient/*.rs", "&patient=a").await;
    let token = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let confined = Exporter { practice: &practice, token };
    for path in ["/$export", "/Patient/$export", "/Group/g/$export"] {
        assert_eq!(confined.kick_off(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn metadata_says_what_can_be_exported() {
    let practice = Practice::open().await;
    let statement = practice.get("/metadata").await.json();
    let canonical = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data";
    assert!(statement["instantiates"].as_array().unwrap().contains(&json!(canonical)), "{}", statement["instantiates"]);
    let rest = &statement["rest"][0];
    let definition = |operations: &Value| {
        let known = operations.as_array().unwrap().iter().find(|operation| operation["name"] == "export");
        known.map_or(Value::Null, |operation| operation["definition"].clone())
    };
    let of = |name: &str| {
        let resource = rest["resource"].as_array().unwrap().iter().find(|resource| resource["type"] == name).unwrap();
        definition(&resource["operation"])
    };
    let base = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition";
    assert_eq!(definition(&rest["operation"]), format!("{base}/export"));
    assert_eq!(
        (of("Patient"), of("Group")),
        (json!(format!("{base}/patient-export")), json!(format!("{base}/group-export")))
    );
    assert_eq!(of("Appointment"), Value::Null);
}
