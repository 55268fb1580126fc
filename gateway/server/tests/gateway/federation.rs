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
