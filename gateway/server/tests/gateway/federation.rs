//! One type on two back ends, and another type on a third, through the whole gateway.

use http::Method;
use serde_json::{Value, json};

use crate::harness::Practice;

const ROUTES: &str = r#"
    [adapters.ehr]
    kind = "store"

    [adapters.archive]
    kind = "store"
    prefix = "old"

    [[routes]]
    adapter = "archive"
    types = ["Patient"]
    interactions = ["create"]
    name = "admissions to the archive"
    practice = "default"

    [[routes]]
    adapters = ["ehr", "archive"]
    types = ["Patient"]
"#;

fn ids(bundle: &Value, mode: &str) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let of_mode = entries.filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["resource"]["id"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn a_type_on_two_back_ends_is_one_for_a_client() {
    let practice = Practice::with(ROUTES).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let ask = async |method: Method, path: &str, body: String| practice.ask(method, path, &fields, body).await;

    let created =
        ask(Method::POST, "/Patient", json!({ "resourceType": "Patient", "gender": "female" }).to_string()).await;
    assert_eq!(created.status, 201, "{:?}", created.json());
    let old = created.json()["id"].as_str().unwrap().to_owned();
    assert!(old.starts_with("old-"), "{old}");
    assert!(created.field("location").contains(&format!("/Patient/{old}/_history/")), "{}", created.field("location"));
    let put = ask(Method::PUT, "/Patient/ehr-1", json!({ "resourceType": "Patient", "id": "ehr-1" }).to_string()).await;
    assert_eq!(put.status, 201, "{:?}", put.json());
    assert_eq!(ask(Method::GET, &format!("/Patient/{old}"), String::new()).await.json()["id"], old.as_str());
    assert_eq!(ask(Method::GET, "/Patient/1", String::new()).await.status, 404);

    let page = ask(Method::GET, "/Patient?_sort=_lastUpdated&_total=accurate", String::new()).await;
    assert_eq!(page.status, 200, "{:?}", page.json());
    assert_eq!(
        (ids(&page.json(), "match"), page.json()["total"].as_u64()),
        (vec![old.clone(), "ehr-1".to_owned()], Some(2))
    );

    let actor = json!({ "reference": format!("Patient/{old}") });
    let appointment = json!({ "resourceType": "Appointment", "status": "proposed", "participant": [{ "actor": actor, "status": "accepted" }] });
    let booked = ask(Method::POST, "/Appointment", appointment.to_string()).await;
    assert_eq!(booked.status, 201, "{:?}", booked.json());
    let page =
        ask(Method::GET, &format!("/Appointment?patient={old}&_include=Appointment:patient"), String::new()).await;
    assert_eq!(
        (ids(&page.json(), "match").len(), ids(&page.json(), "include")),
        (1, vec![old.clone()]),
        "{:?}",
        page.json()
    );
    let page = ask(Method::GET, "/Appointment?patient.gender=female", String::new()).await;
    assert_eq!(ids(&page.json(), "match").len(), 1, "{:?}", page.json());

    let granted = practice.token_for("launch/patient patient/*.rs", &format!("&patient={old}")).await;
    let own = format!("Bearer {}", granted.json()["access_token"].as_str().unwrap());
    let own = [("authorization", own.as_str())];
    let page = practice.ask(Method::GET, "/Patient", &own, "").await;
    assert_eq!(ids(&page.json(), "match"), [old.as_str()], "{:?}", page.json());
    assert_eq!(practice.ask(Method::GET, "/Patient/ehr-1", &own, "").await.status, 404);
    let page = practice.ask(Method::GET, "/Appointment?_include=Appointment:patient", &own, "").await;
    assert_eq!((ids(&page.json(), "match").len(), ids(&page.json(), "include")), (1, vec![old]), "{:?}", page.json());
}

const BY_CONTENT: &str = r#"
    [adapters.dental]
    kind = "store"

    [adapters.scheduler]
    kind = "store"

    [[routes]]
    adapter = "dental"
    types = ["Appointment"]
    when = "serviceType.coding.exists(code = 'dental')"

    [[routes]]
    adapter = "scheduler"
    types = ["Appointment"]

    [[routes]]
    adapters = ["dental", "scheduler"]
    types = ["Patient"]
"#;

fn appointment(code: &str) -> Value {
    let coding = json!([{ "system": "urn:services", "code": code }]);
    let participant = json!([{ "actor": { "display": "somebody" }, "status": "accepted" }]);
    json!({ "resourceType": "Appointment", "status": "proposed", "serviceType": [{ "coding": coding }], "participant": participant })
}

#[tokio::test]
async fn content_decides_where_a_resource_is_made_and_a_patch_leaves_it_there() {
    let practice = Practice::with(BY_CONTENT).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let ask = async |method: Method, path: &str, body: String| practice.ask(method, path, &fields, body).await;
    let mut made = Vec::new();
    for code in ["dental", "eyes"] {
        let created = ask(Method::POST, "/Appointment", appointment(code).to_string()).await;
        assert_eq!(created.status, 201, "{:?}", created.json());
        made.push(created.json()["id"].as_str().unwrap().to_owned());
    }
    assert!(made[0].starts_with("dental-") && made[1].starts_with("scheduler-"), "{made:?}");
    let page = ask(Method::GET, "/Appointment?_sort=_lastUpdated", String::new()).await;
    assert_eq!(ids(&page.json(), "match"), made);
    let patch = json!([{ "op": "replace", "path": "/serviceType/0/coding/0/code", "value": "eyes" }]).to_string();
    let fields = [("authorization", token.as_str()), ("content-type", "application/json-patch+json")];
    let patched = practice.ask(Method::PATCH, &format!("/Appointment/{}", made[0]), &fields, patch).await;
    assert_eq!(
        (patched.status.as_u16(), patched.json()["id"].as_str()),
        (200, Some(made[0].as_str())),
        "{:?}",
        patched.json()
    );
}

#[tokio::test]
async fn a_transaction_goes_to_the_one_member_that_all_of_its_entries_lead_to() {
    let practice = Practice::with(BY_CONTENT).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let send = async |entries: Value| {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        practice.ask(Method::POST, "", &fields, bundle.to_string()).await
    };
    let patient = json!({ "resourceType": "Patient", "active": true });
    let mut tooth = appointment("dental");
    tooth["participant"][0]["actor"] = json!({ "reference": "urn:uuid:0a7c0f9e-6c0f-4b53-8f4e-0b6f8f1d2a11" });
    let entries = json!([
        { "fullUrl": "urn:uuid:0a7c0f9e-6c0f-4b53-8f4e-0b6f8f1d2a11", "resource": patient, "request": { "method": "POST", "url": "Patient" } },
        { "resource": tooth, "request": { "method": "POST", "url": "Appointment" } }
    ]);
    let sent = send(entries).await;
    assert_eq!(sent.status, 200, "{:?}", sent.json());
    let answer = sent.json();
    let location = |index: usize| answer["entry"][index]["response"]["location"].as_str().unwrap().to_owned();
    assert!(location(0).contains("Patient/dental-") && location(1).contains("Appointment/dental-"), "{answer}");
    let at = location(1).split("Appointment/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let read = practice.ask(Method::GET, &format!("/Appointment/{at}"), &fields, "").await.json();
    let actor = read["participant"][0]["actor"]["reference"].as_str().unwrap().to_owned();
    assert!(location(0).contains(&actor), "{actor} {answer}");
    let apart = json!([
        { "resource": { "resourceType": "Patient", "active": true }, "request": { "method": "POST", "url": "Patient" } },
        { "resource": appointment("eyes"), "request": { "method": "POST", "url": "Appointment" } }
    ]);
    let refused = send(apart).await;
    assert_eq!(refused.status, 422, "{:?}", refused.json());
    let text = refused.json().to_string();
    assert!(text.contains("`dental`") && text.contains("`scheduler`") && text.contains("entry[1]"), "{text}");
    let condition = json!([{ "resource": { "resourceType": "Patient", "active": true },
        "request": { "method": "POST", "url": "Patient", "ifNoneExist": "active=true" } }]);
    let refused = send(condition).await;
    assert_eq!(refused.status, 422, "{:?}", refused.json());
}

#[tokio::test]
async fn a_condition_is_met_by_what_any_member_has() {
    let practice = Practice::with(ROUTES).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let plain = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    let patient =
        json!({ "resourceType": "Patient", "id": "old-7", "identifier": [{ "system": "urn:mark", "value": "1" }] });
    let put = practice.ask(Method::PUT, "/Patient/old-7", &plain, patient.to_string()).await;
    assert_eq!(put.status, 201, "{:?}", put.json());
    let update = practice.ask(Method::PUT, "/Patient?identifier=urn:mark%7C1", &plain, {
        let mut patient = patient.clone();
        patient["active"] = json!(true);
        patient.to_string()
    });
    let updated = update.await;
    assert_eq!((updated.status.as_u16(), updated.json()["id"].as_str()), (200, Some("old-7")), "{:?}", updated.json());
    let deleted = practice.ask(Method::DELETE, "/Patient?identifier=urn:mark%7C1", &plain, "").await;
    assert!(deleted.status.is_success(), "{}", deleted.status);
    assert_eq!(practice.ask(Method::GET, "/Patient/old-7", &plain, "").await.status, 410);
}
