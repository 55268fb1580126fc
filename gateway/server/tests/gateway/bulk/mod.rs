//! Bulk Data exports, over sockets.

mod back_ends;
mod kick_off;
mod lifetime;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

/// A client of the gateway that exports.
struct Exporter<'p> {
    practice: &'p Practice,
    token: String,
}

impl<'p> Exporter<'p> {
    async fn with(practice: &'p Practice, scope: &str) -> Self {
        Self { practice, token: format!("Bearer {}", practice.token(scope).await) }
    }

    async fn of(practice: &'p Practice) -> Self {
        Self::with(practice, "system/*.cruds").await
    }

    async fn ask(&self, method: Method, path: &str, more: &[(&str, &str)], body: String) -> Answer {
        let mut fields = vec![("authorization", self.token.as_str()), ("content-type", "application/fhir+json")];
        fields.extend(more);
        self.practice.ask(method, path, &fields, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], String::new()).await
    }

    async fn kick_off(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[("prefer", "respond-async")], String::new()).await
    }

    async fn put(&self, resource: Value) {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let answer = self.ask(Method::PUT, &path, &[], resource.to_string()).await;
        assert!(answer.status.is_success(), "{:?}", answer.json());
    }

    /// Kicks off and waits for the end.
    async fn export(&self, path: &str) -> Answer {
        let begun = self.kick_off(path).await;
        assert_eq!(begun.status, 202, "{:?}", begun.json());
        self.ended(begun.field("content-location")).await
    }

    async fn ended(&self, place: &str) -> Answer {
        for _ in 0..600 {
            let answer = self.get(place).await;
            if answer.status != 202 {
                return answer;
            }
            assert!(!answer.field("x-progress").is_empty() && !answer.field("retry-after").is_empty());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the export does not end");
    }

    /// The lines of the files of a list of a manifest, by type.
    async fn lines(&self, manifest: &Value, list: &str) -> BTreeMap<String, Vec<Value>> {
        let mut lines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for file in manifest[list].as_array().unwrap() {
            let answer = self.get(file["url"].as_str().unwrap()).await;
            assert_eq!((answer.status.as_u16(), answer.field("content-type")), (200, "application/fhir+ndjson"));
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(file["count"].as_u64(), Some(read.len() as u64));
            lines.entry(file["type"].as_str().unwrap().to_owned()).or_default().extend(read);
        }
        lines
    }

    /// The ids of what an export wrote of a type.
    async fn ids(&self, manifest: &Value, of: &str) -> Vec<String> {
        let lines = self.lines(manifest, "output").await.remove(of).unwrap_or_default();
        let mut ids: Vec<String> = lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1970-01-01" })
}

fn appointment(id: &str, actors: &[&str]) -> Value {
    let actors: Vec<Value> =
        actors.iter().map(|actor| json!({ "actor": { "reference": actor }, "status": "accepted" })).collect();
    json!({ "resourceType": "Appointment", "id": id, "status": "proposed", "participant": actors })
}

fn group(id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|member| json!({ "entity": { "reference": member } })).collect();
    json!({ "resourceType": "Group", "id": id, "type": "person", "actual": true, "member": members })
}

/// Two patients, one of whom is in a group; appointments of each, of both, and of nobody.
async fn fill(exporter: &Exporter<'_>) {
    for id in ["a", "b"] {
        exporter.put(patient(id)).await;
    }
    exporter.put(json!({ "resourceType": "Practitioner", "id": "p" })).await;
    exporter.put(appointment("of-a", &["Patient/a"])).await;
    exporter.put(appointment("of-b", &["Patient/b"])).await;
    exporter.put(appointment("of-both", &["Patient/a", "Patient/b"])).await;
    exporter.put(appointment("of-nobody", &["Practitioner/p"])).await;
    exporter.put(group("g", &["Patient/a", "Patient/b"])).await;
    exporter.put(group("small", &["Patient/a"])).await;
}
