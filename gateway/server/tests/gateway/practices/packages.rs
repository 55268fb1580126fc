//! Packages of one practice in another.

use std::path::Path;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ROUTES, Town};

const PROFILE: &str = "http://clinic.example/StructureDefinition/patient";

/// A package with a profile that demands `active`, and a search parameter of its own.
fn write_package(folder: &Path, name: &str, path: &str) {
    let content = folder.join(format!("{name}#1.0.0/package"));
    std::fs::create_dir_all(&content).unwrap();
    let files = [
        (
            "package.json",
            json!({ "name": name, "version": "1.0.0", "canonical": "http://clinic.example",
            "fhirVersions": ["4.0.1"], "dependencies": {} }),
        ),
        (
            "StructureDefinition-patient.json",
            json!({ "resourceType": "StructureDefinition", "url": PROFILE,
            "name": "P", "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
            "derivation": "constraint", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
            "differential": { "element": [{ "id": path, "path": path, "min": 1 }] } }),
        ),
        (
            "SearchParameter-color.json",
            json!({ "resourceType": "SearchParameter", "code": "color",
            "url": "http://clinic.example/SearchParameter/color", "name": "color", "status": "active", "base": ["Patient"],
            "description": "what the practice calls the color", "type": "token", "expression": format!("{path}") }),
        ),
    ];
    for (file, json) in files {
        std::fs::write(content.join(file), json.to_string()).unwrap();
    }
}

fn claiming(more: &Value) -> Value {
    let mut patient = json!({ "resourceType": "Patient", "meta": { "profile": [PROFILE] } });
    patient.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    patient
}

#[tokio::test]
async fn the_package_of_one_practice_validates_and_searches_there_only() {
    let folder = tempfile::tempdir().unwrap();
    write_package(folder.path(), "clinic.north", "Patient.gender");
    let further = format!("{ROUTES}\n[practices.north.packages]\nfolder = \"{}\"\n", folder.path().display());
    let town = Town::with(&further).await;
    let [north, south] = town.clients().await;
    let refused = north.ask(Method::POST, "/Patient", &claiming(&json!({}))).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.json());
    let created = south.ask(Method::POST, "/Patient", &claiming(&json!({}))).await;
    assert_eq!(created.status, StatusCode::CREATED, "a profile that is not known refuses nothing: {}", created.json());

    for client in [&north, &south] {
        let created = client.ask(Method::POST, "/Patient", &claiming(&json!({ "gender": "female" }))).await;
        assert_eq!(created.status, StatusCode::CREATED);
    }
    assert_eq!(north.get("/Patient?color=female&_total=accurate").await.json()["total"], 1);
    assert_eq!(north.get("/Patient?color=male&_total=accurate").await.json()["total"], 0);
    assert_eq!(north.get("/Patient?_sort=color").await.status, StatusCode::OK);
    for path in ["/Patient?color=female", "/Patient?_sort=color", "/Appointment?patient.color=female"] {
        assert_eq!(south.get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let told = south.get("/Patient?color=female").await.json().to_string();
    assert!(!told.contains(", color"), "{told}");
    assert_eq!(names(&town, "north").await, [true, true]);
    assert_eq!(names(&town, "south").await, [false, true]);
    assert_eq!(names(&town, "default").await, [false, true]);
}

/// Whether `/metadata` names `color` and `gender` for Patient.
async fn names(town: &Town, practice: &str) -> [bool; 2] {
    let statement = town.0.get(&format!("{}/metadata", town.base(practice))).await.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let patient = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    let names = |code: &str| patient["searchParam"].as_array().unwrap().iter().any(|known| known["name"] == code);
    ["color", "gender"].map(names)
}

#[tokio::test]
async fn one_name_may_mean_something_else_in_each_practice() {
    let (norths, souths) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_package(norths.path(), "clinic.guide", "Patient.gender");
    write_package(souths.path(), "clinic.guide", "Patient.active");
    let further = format!(
        "{ROUTES}\n[practices.north.packages]\nfolder = \"{}\"\n[practices.south.packages]\nfolder = \"{}\"\n",
        norths.path().display(),
        souths.path().display()
    );
    let town = Town::with(&further).await;
    let [north, south] = town.clients().await;
    let resource = claiming(&json!({ "gender": "female", "active": true }));
    for (client, color, not) in [(&north, "female", "true"), (&south, "true", "female")] {
        assert_eq!(client.ask(Method::POST, "/Patient", &resource).await.status, StatusCode::CREATED);
        let count = async |value: &str| {
            client.get(&format!("/Patient?color={value}&_total=accurate")).await.json()["total"].clone()
        };
        assert_eq!((count(color).await, count(not).await), (json!(1), json!(0)), "{}", client.practice);
    }
    let half = claiming(&json!({ "gender": "female" }));
    assert_eq!(north.ask(Method::POST, "/Patient", &half).await.status, StatusCode::CREATED);
    assert_eq!(south.ask(Method::POST, "/Patient", &half).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(names(&town, "south").await[0]);
}
