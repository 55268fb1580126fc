//! The same resource before `$validate`, before a create and before the command line: one verdict.

use std::fs;

use serde_json::{Value, json};

use crate::support::gateway::{EVERYTHING, Site, run};

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

fn claiming(name: &Value) -> Value {
    json!({
        "resourceType": "Patient", "meta": { "profile": [US_CORE] }, "gender": "female",
        "identifier": [{ "system": "http://clinic.example/mrn", "value": "1" }], "name": name,
    })
}

#[tokio::test]
async fn a_resource_has_one_verdict_on_the_wire_and_on_the_command_line() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    for (name, is_valid) in [(json!([{ "family": "Chalmers" }]), true), (json!([{ "use": "usual" }]), false)] {
        let patient = claiming(&name).to_string();
        let told = http.post("/Patient/$validate", patient.clone()).await.expect(200);
        let issues = told.json()["issue"].as_array().unwrap().clone();
        assert_eq!(issues.iter().all(|issue| issue["severity"] != "error"), is_valid, "{issues:?}");
        http.post("/Patient", patient.clone()).await.expect(if is_valid { 201 } else { 422 });
        let file = site.folder.path().join("patient.json");
        fs::write(&file, &patient).unwrap();
        assert_eq!(run(&["validate", file.to_str().unwrap()]).status.success(), is_valid);
    }
}

#[test]
fn a_bulk_file_is_told_by_its_lines_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Patient.ndjson");
    let good = claiming(&json!([{ "family": "Chalmers" }])).to_string();
    fs::write(&file, format!("{good}\n{}\n{good}\n", good.replace("female", "fem"))).unwrap();
    let output = run(&["validate", "--ndjson", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["line"]), (2, &json!(2)), "{printed}");
    assert_eq!(lines[1]["summary"]["resources"], 3, "{printed}");
}
