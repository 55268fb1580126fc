//! Several practices in one gateway, and whoever tries to cross from one to another.

mod packages;
mod reach;
mod tokens;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

/// Two practices on one and the same back end, each with a client; `default` is a third.
const TWO: &str = r#"
    [practices.north]
    [practices.south]

    [clients.norther]
    jwks = CLIENT_KEYS
    scopes = "system/*.cruds system/AuditEvent.rs"
    practice = "north"

    [clients.souther]
    jwks = CLIENT_KEYS
    scopes = "system/*.cruds system/AuditEvent.rs"
    practice = "south"

    [adapters.ehr]
    kind = "store"
"#;

const ROUTES: &str = r#"
    [[routes]]
    name = "north-ehr"
    practice = "north"
    adapter = "ehr"

    [[routes]]
    name = "south-ehr"
    practice = "south"
    adapter = "ehr"
    types = ["Patient", "Appointment", "Bundle"]
"#;

/// A gateway with the practices `north` and `south`.
struct Town(Practice);

/// A client of one of them, with its token.
struct Client<'t> {
    town: &'t Town,
    practice: &'static str,
    token: String,
}

impl Town {
    async fn open() -> Self {
        Self::with(ROUTES).await
    }

    /// With other routes, or further sections.
    async fn with(further: &str) -> Self {
        Self(Practice::with(&format!("{TWO}{further}")).await)
    }

    fn root(&self, practice: &str) -> String {
        match practice {
            "default" => format!("http://{}", self.0.gateway.address()),
            other => format!("http://{}/{other}", self.0.gateway.address()),
        }
    }

    fn base(&self, practice: &str) -> String {
        format!("{}/fhir/r4", self.root(practice))
    }

    async fn client(&self, practice: &'static str) -> Client<'_> {
        let name = match practice {
            "north" => "norther",
            "south" => "souther",
            _ => "tester",
        };
        let url = format!("{}/auth/token", self.root(practice));
        let assertion = self.0.assertion(name, &url);
        let granted = self.0.token_at(&url, &assertion, "system/*.cruds system/AuditEvent.rs", "").await;
        let token = granted.json()["access_token"].as_str().unwrap().to_owned();
        Client { town: self, practice, token }
    }

    async fn clients(&self) -> [Client<'_>; 2] {
        [self.client("north").await, self.client("south").await]
    }
}

impl Client<'_> {
    /// Asks its own practice.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.ask_with(method, path, &[], body).await
    }

    async fn ask_with(&self, method: Method, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        self.ask_at(self.practice, method, path, more, body).await
    }

    /// Asks any practice; what is no path is a whole URL.
    async fn ask_at(&self, practice: &str, method: Method, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut fields = vec![("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
        fields.extend(more);
        let url = if path.starts_with('/') { format!("{}{path}", self.town.base(practice)) } else { path.to_owned() };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.town.0.ask(method, &url, &fields, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &Value::Null).await
    }

    async fn put(&self, id: &str, resource: &Value) -> Answer {
        let of = resource["resourceType"].as_str().unwrap();
        self.ask(Method::PUT, &format!("/{of}/{id}"), resource).await
    }
}

fn patient(id: &str, family: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "name": [{ "family": family }],
        "identifier": [{ "system": "urn:mrn", "value": id }] })
}

fn ids(bundle: &Value) -> Vec<&str> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["resource"]["id"].as_str()).collect()
}

#[tokio::test]
async fn the_same_id_is_another_resource_in_each_practice() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    assert_eq!(north.put("same", &patient("same", "Nord")).await.status, StatusCode::CREATED);
    assert_eq!(south.get("/Patient/same").await.status, StatusCode::NOT_FOUND);
    assert_eq!(south.put("same", &patient("same", "Sued")).await.status, StatusCode::CREATED);
    for (client, family) in [(&north, "Nord"), (&south, "Sued")] {
        assert_eq!(client.get("/Patient/same").await.json()["name"][0]["family"], family);
        assert_eq!(ids(&client.get("/Patient").await.json()), ["same"]);
        assert_eq!(client.get("/Patient?identifier=urn:mrn|same&_total=accurate").await.json()["total"], 1);
        assert_eq!(ids(&client.get("/Patient/_history").await.json()), ["same"]);
        let other = if family == "Nord" { "Sued" } else { "Nord" };
        assert_eq!(client.get(&format!("/Patient?family={other}&_summary=count")).await.json()["total"], 0);
    }
    assert_eq!(north.put("same", &patient("same", "Nordwest")).await.status, StatusCode::OK);
    assert_eq!(north.get("/Patient/same/_history").await.json()["total"], 2);
    assert_eq!(south.get("/Patient/same/_history").await.json()["total"], 1);
    assert_eq!(south.get("/Patient/same/_history/2").await.status, StatusCode::NOT_FOUND);
    let deleted = north.ask(Method::DELETE, "/Patient?identifier=urn:mrn|same", &Value::Null).await;
    assert!(deleted.status.is_success(), "{:?}", deleted.json());
    assert_eq!(north.get("/Patient/same").await.status, StatusCode::GONE);
    assert_eq!(south.get("/Patient/same").await.json()["name"][0]["family"], "Sued");
}

#[tokio::test]
async fn a_condition_and_an_idempotency_key_see_one_practice_only() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    let resource = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": "7" }] });
    let fields = [("if-none-exist", "identifier=urn:mrn|7"), ("idempotency-key", "the-same-key")];
    let mut places = Vec::new();
    for client in [&north, &south] {
        let created = client.ask_with(Method::POST, "/Patient", &fields, &resource).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", client.practice);
        let base = format!("{}/Patient/", town.base(client.practice));
        assert!(created.field("location").starts_with(&base), "{}", created.field("location"));
        places.push(created.json()["id"].as_str().unwrap().to_owned());
        assert_eq!(client.ask_with(Method::POST, "/Patient", &fields, &resource).await.status, StatusCode::OK);
    }
    assert_eq!(south.get(&format!("/Patient/{}", places[0])).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ids(&south.get("/Patient").await.json()), [&places[1]]);
    let update = json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": "8" }] });
    let updated = north.ask(Method::PUT, "/Patient?identifier=urn:mrn|8", &update).await;
    assert_eq!(updated.status, StatusCode::CREATED);
    assert_eq!(south.ask(Method::PUT, "/Patient?identifier=urn:mrn|8", &update).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_page_link_of_one_practice_opens_nothing_in_another() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    for client in [&north, &south] {
        for id in ["a", "b", "c"] {
            client.put(id, &patient(id, client.practice)).await;
        }
    }
    for path in ["/Patient?_count=1", "/Patient/a/_history?_count=1", "/Patient/_history?_count=1"] {
        if path.contains("/a/") {
            north.put("a", &patient("a", "again")).await;
        }
        let page = north.get(path).await.json();
        let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap();
        let next = next["url"].as_str().unwrap();
        assert!(next.starts_with(&town.base("north")), "{next}");
        let crossed = next.replace(&town.base("north"), &town.base("south"));
        let answer = south.get(&crossed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.json());
        assert_eq!(south.get(next).await.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(north.get(next).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn what_happened_in_one_practice_is_not_in_the_audit_of_another() {
    let town = Town::open().await;
    let [north, south] = town.clients().await;
    north.put("eve", &patient("eve", "Nord")).await;
    let events = north.get("/AuditEvent").await.json();
    let event = ids(&events).first().copied().unwrap().to_owned();
    assert!(events.to_string().contains("Patient/eve"));
    let seen = south.get("/AuditEvent?_count=100").await.json();
    assert!(!seen.to_string().contains("eve") && !seen.to_string().contains("norther"), "{seen}");
    assert_eq!(south.get(&format!("/AuditEvent/{event}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(north.get(&format!("/AuditEvent/{event}")).await.status, StatusCode::OK);
    let of_patient = south.get("/AuditEvent?patient=Patient/eve&_total=accurate").await.json();
    assert!(ids(&of_patient).iter().all(|id| *id != event), "{of_patient}");
}

#[tokio::test]
async fn ids_of_a_federation_are_those_of_one_practice() {
    let routes = r#"
        [adapters.archive]
        kind = "store"
        prefix = "old"

        [[routes]]
        practice = "north"
        adapters = ["ehr", "archive"]
        types = ["Patient"]

        [[routes]]
        practice = "south"
        adapters = ["ehr", "archive"]
        types = ["Patient"]
    "#;
    let town = Town::with(routes).await;
    let [north, south] = town.clients().await;
    let long = "x".repeat(62);
    for id in ["ehr-1", "old-1", "ehr-2", format!("ehr-{}", &long[..58]).as_str()] {
        let put = north.put(id, &patient(id, "Nord")).await;
        assert_eq!(put.status, StatusCode::CREATED, "{id} {:?}", put.json());
        assert_eq!(south.get(&format!("/Patient/{id}")).await.status, StatusCode::NOT_FOUND, "{id}");
    }
    south.put("ehr-1", &patient("ehr-1", "Sued")).await;
    assert_eq!(ids(&south.get("/Patient").await.json()), ["ehr-1"]);
    let page = north.get("/Patient?_count=1").await.json();
    let next = page["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap();
    let next = next["url"].as_str().unwrap();
    let crossed = next.replace(&town.base("north"), &town.base("south"));
    assert_eq!(south.get(&crossed).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(north.get(next).await.status, StatusCode::OK);
}
