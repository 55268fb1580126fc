//! Patches through the whole pipeline (http.html#patch).

use std::sync::Arc;

use adapter::{Adapter, Body, Call, Error, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::interaction::PatchFormat;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};
use http::Method;
use parking_lot::Mutex;
use serde_json::json;

use crate::harness::{Answer, Practice};

const JSON_PATCH: &str = "application/json-patch+json";
const PATIENT: &str = r#"{ "resourceType" : "Patient","id":"eve", "active":true,"name":[{"family":"Everywoman"}],
  "extension":[{"url":"http://example.org/weight","valueDecimal":71.50}]}"#;

/// Somebody with a token.
struct Client<'p> {
    practice: &'p Practice,
    token: String,
}

impl<'p> Client<'p> {
    async fn system(practice: &'p Practice) -> Self {
        Self { practice, token: format!("Bearer {}", practice.token("system/*.cruds").await) }
    }

    async fn of_patient(practice: &'p Practice, id: &str) -> Self {
        let granted = practice.token_for("launch/patient patient/*.cruds", &format!("&patient={id}")).await;
        Self { practice, token: format!("Bearer {}", granted.json()["access_token"].as_str().unwrap()) }
    }

    async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![("authorization", self.token.as_str())];
        all.extend(fields);
        self.practice.ask(method, path, &all, body.to_owned()).await
    }

    async fn put(&self, path: &str, body: &str) -> Answer {
        self.send(Method::PUT, path, &[("content-type", "application/fhir+json")], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    async fn patch(&self, path: &str, patch: &str) -> Answer {
        self.send(Method::PATCH, path, &[("content-type", JSON_PATCH)], patch).await
    }
}

fn deactivate() -> &'static str {
    r#"[{"op":"test","path":"/active","value":true},{"op":"replace","path":"/active","value":false}]"#
}

#[tokio::test]
async fn a_patch_makes_a_new_version_that_differs_where_the_patch_says() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client.put("/Patient/eve", PATIENT).await;
    let before = String::from_utf8(client.get("/Patient/eve").await.body.to_vec()).unwrap();
    let patched = client.patch("/Patient/eve", deactivate()).await;
    assert_eq!((patched.status.as_u16(), patched.field("etag")), (200, "W/\"2\""), "{:?}", patched.json());
    assert_eq!(patched.field("content-location"), format!("{}/Patient/eve/_history/2", practice.gateway.base()));
    assert!(!patched.field("last-modified").is_empty());
    let after = client.get("/Patient/eve").await;
    assert_eq!(after.body, patched.body);
    let meta = |text: &str| {
        text.split_once("\"meta\":{").and_then(|(_, rest)| Some(rest.split_once('}')?.0.to_owned())).unwrap()
    };
    let after = String::from_utf8(after.body.to_vec()).unwrap();
    let expected = before.replace("\"active\":true", "\"active\":false").replace(&meta(&before), &meta(&after));
    assert_eq!(after, expected, "the rest is as it was, decimals and spaces too");
}

#[tokio::test]
async fn fhirpath_patches_come_in_json_and_in_xml() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client.put("/Patient/eve", PATIENT).await;
    let patch = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "add" }, { "name": "path", "valueString": "Patient" },
        { "name": "name", "valueString": "birthDate" }, { "name": "value", "valueDate": "1930-01-01" }] }] });
    let json = [("content-type", "application/fhir+json")];
    let patched = client.send(Method::PATCH, "/Patient/eve", &json, &patch.to_string()).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["birthDate"]), (200, &json!("1930-01-01")));
    let again = client.send(Method::PATCH, "/Patient/eve", &json, &patch.to_string()).await;
    assert_eq!((again.status.as_u16(), again.issue().as_str()), (422, "processing"), "it is there already");
    let xml = r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
        <part><name value="type"/><valueCode value="replace"/></part>
        <part><name value="path"/><valueString value="Patient.birthDate"/></part>
        <part><name value="value"/><valueDate value="1931"/></part></parameter></Parameters>"#;
    let fields = [("content-type", "application/fhir+xml"), ("accept", "application/fhir+json")];
    let patched = client.send(Method::PATCH, "/Patient/eve", &fields, xml).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["birthDate"]), (200, &json!("1931")), "{:?}", patched.json());
    let broken = client.send(Method::PATCH, "/Patient/eve", &fields, &xml.replace("<part>", "<party>")).await;
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn what_is_no_patch_does_not_fit_or_breaks_a_rule_is_refused_and_nothing_changes() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client.put("/Patient/eve", PATIENT).await;
    for (patch, status, code) in [
        ("{}", 400, "structure"),
        ("[", 400, "structure"),
        ("", 400, "structure"),
        (r#"[{"op":"replace","path":"/active","value":false},{"op":"erase","path":"/name"}]"#, 400, "structure"),
        (
            r#"[{"op":"replace","path":"/active","value":false},{"op":"test","path":"/active","value":true}]"#,
            422,
            "processing",
        ),
        (r#"[{"op":"remove","path":"/photo"}]"#, 422, "processing"),
        (r#"[{"op":"replace","path":"/id","value":"bob"}]"#, 422, "business-rule"),
        (r#"[{"op":"add","path":"/nonsense","value":1}]"#, 400, "structure"),
        (r#"[{"op":"add","path":"/gender","value":"purple"}]"#, 422, "code-invalid"),
        (r#"[{"op":"add","path":"/contact","value":[{"gender":"male"}]}]"#, 422, "invariant"),
    ] {
        let refused = client.patch("/Patient/eve", patch).await;
        assert_eq!((refused.status.as_u16(), refused.issue().as_str()), (status, code), "{patch}");
    }
    let text = client.patch("/Patient/eve", r#"[{"op":"remove","path":"/photo"}]"#).await.json();
    let text = text["issue"][0]["details"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("operation 0 of the patch") && text.contains("/photo"), "{text}");
    let wrong = client.send(Method::PATCH, "/Patient/eve", &[("content-type", "application/xml-patch+xml")], "").await;
    assert_eq!(wrong.status, 415);
    assert!(wrong.field("accept-patch").contains(JSON_PATCH));
    assert_eq!(client.get("/Patient/eve").await.field("etag"), "W/\"1\"");
    assert_eq!(client.patch("/Patient/nobody", deactivate()).await.status, 404);
    client.send(Method::DELETE, "/Patient/eve", &[], "").await;
    assert_eq!(client.patch("/Patient/eve", deactivate()).await.status, 410);
}

#[tokio::test]
async fn a_patch_honours_if_match_and_prefer() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client.put("/Patient/eve", PATIENT).await;
    let fields = |of: &'static str, value: &'static str| [("content-type", JSON_PATCH), (of, value)];
    let stale = client.send(Method::PATCH, "/Patient/eve", &fields("if-match", "W/\"7\""), deactivate()).await;
    assert_eq!((stale.status.as_u16(), stale.issue().as_str()), (412, "conflict"));
    let current = client.send(Method::PATCH, "/Patient/eve", &fields("if-match", "W/\"1\""), deactivate()).await;
    assert_eq!((current.status.as_u16(), current.field("etag")), (200, "W/\"2\""));
    let minimal = client
        .send(
            Method::PATCH,
            "/Patient/eve",
            &fields("prefer", "return=minimal"),
            r#"[{"op":"remove","path":"/active"}]"#,
        )
        .await;
    assert_eq!((minimal.status.as_u16(), minimal.body.len(), minimal.field("etag")), (200, 0, "W/\"3\""));
    let outcome = client
        .send(
            Method::PATCH,
            "/Patient/eve",
            &fields("prefer", "return=OperationOutcome"),
            r#"[{"op":"add","path":"/active","value":true}]"#,
        )
        .await;
    assert_eq!((outcome.status.as_u16(), &outcome.json()["resourceType"]), (200, &json!("OperationOutcome")));
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    let made = client.put("/Patient/eve", PATIENT).await;
    for patch in ["[]", r#"[{"op":"replace","path":"/active","value":true}]"#] {
        let same = client.patch("/Patient/eve", patch).await;
        assert_eq!((same.status.as_u16(), same.field("etag")), (200, "W/\"1\""));
        assert_eq!(same.body, made.body);
    }
    assert_eq!(client.get("/Patient/eve/_history").await.json()["entry"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_patch_by_criteria_changes_the_one_match() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client.put("/Patient/eve", PATIENT).await;
    assert_eq!(client.patch("/Patient?family=Nobody", deactivate()).await.status, 404);
    let patched = client.patch("/Patient?family=Everywoman", deactivate()).await;
    assert_eq!((patched.status.as_u16(), &patched.json()["active"]), (200, &json!(false)));
    client.put("/Patient/eva", &PATIENT.replace("eve", "eva")).await;
    let many = client.patch("/Patient?family=Everywoman", deactivate()).await;
    assert_eq!((many.status.as_u16(), many.issue().as_str()), (412, "multiple-matches"));
    assert_eq!(client.patch("/Patient", deactivate()).await.status, 400, "without criteria it would be everybody");
    let unknown = client.patch("/Patient?colour=blue", deactivate()).await;
    assert_eq!(unknown.status, 400, "a criterion that is passed over would change somebody else");
}

#[tokio::test]
async fn patches_at_the_same_time_are_all_applied() {
    let practice = Practice::open().await;
    let client = Client::system(&practice).await;
    client
        .put(
            "/Patient/eve",
            &PATIENT.replace("\"name\"", "\"telecom\":[{\"system\":\"phone\",\"value\":\"0\"}],\"name\""),
        )
        .await;
    let add = |number: usize| {
        let client = &client;
        async move {
            let patch =
                format!(r#"[{{"op":"add","path":"/telecom/-","value":{{"system":"phone","value":"{number}"}}}}]"#);
            client.patch("/Patient/eve", &patch).await.status.as_u16()
        }
    };
    let statuses = futures_util::future::join_all((1..=8).map(add)).await;
    assert_eq!(statuses, [200; 8]);
    let all = client.get("/Patient/eve").await;
    assert_eq!((all.field("etag"), all.json()["telecom"].as_array().unwrap().len()), ("W/\"9\"", 9));
}

#[tokio::test]
async fn a_patients_token_patches_what_is_the_patients_and_learns_nothing_of_others() {
    let practice = Practice::open().await;
    let system = Client::system(&practice).await;
    let coverage = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"Coverage","id":"{id}","status":"active","beneficiary":{{"reference":"Patient/{of}"}},"payor":[{{"display":"x"}}]}}"#
        )
    };
    system.put("/Patient/eve", PATIENT).await;
    system.put("/Patient/bob", &PATIENT.replace("eve", "bob")).await;
    system.put("/Coverage/own", &coverage("own", "eve")).await;
    system.put("/Coverage/bobs", &coverage("bobs", "bob")).await;
    let eve = Client::of_patient(&practice, "eve").await;
    assert_eq!(eve.patch("/Patient/eve", deactivate()).await.status, 200);
    let cancel = r#"[{"op":"replace","path":"/status","value":"cancelled"}]"#;
    assert_eq!(eve.patch("/Coverage/own", cancel).await.status, 200);
    assert_eq!(
        eve.patch("/Coverage?status=cancelled", r#"[{"op":"replace","path":"/status","value":"active"}]"#).await.status,
        200
    );
    let nobodys = eve.patch("/Patient/nobody", deactivate()).await;
    for (path, patch) in [
        ("/Patient/bob", deactivate()),
        ("/Patient/bob", r#"[{"op":"test","path":"/active","value":false}]"#),
        ("/Patient/bob", "[]"),
        ("/Coverage/bobs", cancel),
    ] {
        let others = eve.patch(path, patch).await;
        assert_eq!((others.status.as_u16(), others.json()), (404, nobodys.json()), "{path}");
    }
    assert_eq!(eve.patch("/Coverage?beneficiary=Patient/bob", cancel).await.status, 404);
    let away = r#"[{"op":"replace","path":"/beneficiary/reference","value":"Patient/bob"}]"#;
    assert_eq!(eve.patch("/Coverage/own", away).await.status, 403);
    let beside = r#"[{"op":"add","path":"/subscriber","value":{"reference":"Patient/bob"}}]"#;
    assert_eq!(eve.patch("/Coverage/own", beside).await.status, 403);
    assert_eq!(system.get("/Coverage/bobs").await.field("etag"), "W/\"1\"");
    assert_eq!(system.get("/Coverage/own").await.field("etag"), "W/\"3\"");
}

/// Reads, updates and patches as it was made to, and keeps what it was asked.
struct BackEnd {
    versioning: Option<&'static str>,
    interactions: &'static [InteractionCode],
    asked: Arc<Mutex<Vec<Call>>>,
}

#[async_trait::async_trait]
impl Adapter for BackEnd {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let offered = ResourceCapability {
            interactions: self.interactions.iter().copied().collect(),
            versioning: self.versioning.map(str::to_owned),
            ..ResourceCapability::default()
        };
        capability.resources.insert(ResourceType::PATIENT, offered);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.asked.lock().push(call);
        let reply = Reply::new(Status::Ok);
        Ok(Reply { body: Body::Bytes(PATIENT.into()), ..reply })
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

async fn asked_of(
    versioning: Option<&'static str>,
    interactions: &'static [InteractionCode],
) -> (Answer, Vec<Call>, Answer) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let back_end = BackEnd { versioning, interactions, asked: Arc::clone(&asked) };
    let practice = Practice::around("", [("ehr".to_owned(), Arc::new(back_end) as Arc<dyn Adapter>)].into()).await;
    let answer = Client::system(&practice).await.patch("/Patient/eve", deactivate()).await;
    let asked = asked.lock().clone();
    (answer, asked, practice.get("/metadata").await)
}

fn offers_patch(statement: &Answer) -> bool {
    let statement = statement.json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap().clone();
    let patient = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    patient["interaction"].as_array().unwrap().contains(&json!({ "code": "patch" }))
}

#[tokio::test]
async fn a_back_end_that_patches_and_has_no_versions_is_sent_the_patch_as_it_came() {
    use InteractionCode::{Patch, Read, Update};
    for versioning in [None, Some("no-version"), Some("versioned")] {
        let (answer, asked, statement) = asked_of(versioning, &[Read, Update, Patch]).await;
        assert_eq!(answer.status, 200);
        let Some(Interaction::Patch { patch, .. }) = asked.last().map(|call| &call.interaction) else {
            panic!("expected a patch: {asked:?}");
        };
        assert_eq!((patch.format, &patch.bytes[..]), (PatchFormat::Json, deactivate().as_bytes()));
        assert!(offers_patch(&statement));
    }
}

#[tokio::test]
async fn where_nothing_can_be_patched_it_is_405_and_metadata_does_not_offer_it() {
    use InteractionCode::{Read, SearchType, Update};
    for (versioning, interactions, allowed) in
        [(None, &[Read, Update][..], "GET, HEAD, PUT"), (Some("versioned"), &[Read, SearchType], "GET, HEAD")]
    {
        let (answer, asked, statement) = asked_of(versioning, interactions).await;
        assert_eq!((answer.status.as_u16(), answer.field("allow")), (405, allowed));
        assert!(asked.is_empty() && !offers_patch(&statement));
    }
    let (answer, asked, _) = asked_of(Some("versioned"), &[Read, Update]).await;
    assert_eq!((answer.status.as_u16(), asked.len()), (502, 1), "it says that it has versions, and gave none");
}

#[tokio::test]
async fn metadata_says_that_the_store_can_be_patched_and_how() {
    let practice = Practice::open().await;
    let statement = practice.get("/metadata").await;
    assert!(offers_patch(&statement));
    let formats = statement.json()["patchFormat"].clone();
    assert_eq!(formats, json!([JSON_PATCH, "application/fhir+json", "application/fhir+xml"]));
}

/// SMART scopes: `u` alone lets a part be changed and not the whole be seen.
#[tokio::test]
async fn who_may_write_and_not_read_is_not_shown_the_resource_that_was_patched() {
    let practice = Practice::open().await;
    Client::system(&practice).await.put("/Patient/eve", PATIENT).await;
    let token = format!("Bearer {}", practice.token("system/Patient.u").await);
    let writer = Client { practice: &practice, token };
    let patched = writer.patch("/Patient/eve", deactivate()).await;
    assert_eq!((patched.status.as_u16(), patched.field("etag")), (200, "W/\"2\""));
    assert!(patched.body.is_empty(), "{:?}", patched.body);
}
