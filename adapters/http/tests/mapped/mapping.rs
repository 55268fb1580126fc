use adapter::contract::alone;
use adapter::{Adapter as _, AdapterKind as _, Call, ErrorKind, Health};
use fhir::{Compartment, Interaction, ResourceType};
use http_json::mapped::JsonApi;
use serde_json::json;

use crate::api::{create, crm, ids, json_of, patient, read, search, settings};

const ANNA: &str = r#"{"resourceType":"Patient","identifier":[{"system":"urn:frontdesk:contract","value":"7"}],"name":[{"family":"Muster"}],"gender":"female","birthDate":"1970-03-01","active":true,"photo":[{"title":"x"}]}"#;

#[tokio::test]
async fn what_a_table_maps_is_read_back_and_the_rest_is_told() {
    let crm = crm().await;
    let adapter = crm.adapter(json!({})).await;
    let reply = adapter.perform(create(ANNA)).await.unwrap();
    let lost: Vec<&str> = reply.issues.iter().filter_map(|issue| issue.expression.as_deref()).collect();
    assert_eq!(lost, ["Patient.active", "Patient.photo[0].title"]);
    let subject = reply.subject.clone().unwrap();
    assert_eq!(subject.version_id.unwrap().as_str(), "1");
    let found = json_of(&adapter.perform(read(&subject.id)).await.unwrap());
    assert_eq!(found["birthDate"], "1970-03-01");
    assert_eq!(found["identifier"], json!([{ "value": "7", "system": "urn:frontdesk:contract" }]));
    assert_eq!(found["meta"], json!({ "versionId": "1", "lastUpdated": "2030-01-01T09:00:00Z" }));
    assert!(found.get("active").is_none());
}

#[tokio::test]
async fn a_record_that_was_changed_on_their_side_shows_the_change_and_keeps_the_rest() {
    let crm = crm().await;
    let keeping = crm.adapter(json!({ "keep": "/fhir" })).await;
    let id = keeping.perform(create(ANNA)).await.unwrap().subject.unwrap().id;
    // Somebody else's client of the same API: it knows one field and leaves what was kept as it is.
    let kept = json!({ "json": "/fhir", "constant": ANNA });
    let other = crm.adapter(json!({ "fields": [{ "fhir": "name[0].family", "json": "/last_name" }, kept] })).await;
    let changed = r#"{"resourceType":"Patient","name":[{"family":"Meier"}]}"#;
    let update = Interaction::Update { id: id.clone(), resource: patient(changed), if_match: None };
    other.perform(alone::call(update)).await.unwrap();
    let found = json_of(&keeping.perform(read(&id)).await.unwrap());
    assert_eq!((&found["name"][0]["family"], &found["active"]), (&json!("Meier"), &json!(true)));
    assert!(found.get("gender").is_none());
}

#[tokio::test]
async fn searches_are_asked_in_their_words() {
    let crm = crm().await;
    let adapter = crm.adapter(json!({})).await;
    adapter.perform(create(ANNA)).await.unwrap();
    for (query, count) in [
        ("gender=female", 1),
        ("gender=male", 0),
        ("gender=other", 0),
        ("identifier=7", 1),
        ("identifier=urn:frontdesk:contract%7C7", 1),
        ("identifier=urn:else%7C7", 0),
        ("family=Mus&gender=female", 1),
        ("_id=1", 1),
        ("_id=2", 0),
        ("_count=0", 0),
    ] {
        assert_eq!(ids(&*adapter, query).await, count, "{query}");
    }
    for refused in [
        "gender=male,female",
        "family:exact=Muster",
        "birthdate=1970-03-01",
        "_sort=family",
        "_include=*",
        "_summary=text",
    ] {
        assert_eq!(adapter.perform(search(refused)).await.unwrap_err().kind, ErrorKind::Invalid, "{refused}");
    }
}

#[tokio::test]
async fn a_confined_search_finds_its_owner_or_is_refused() {
    let crm = crm().await;
    let adapter = crm.adapter(json!({})).await;
    let id = adapter.perform(create(ANNA)).await.unwrap().subject.unwrap().id;
    adapter.perform(create(ANNA)).await.unwrap();
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: id.clone() };
    let confined = |query: &str| Call { confined_to: Some(owner.clone()), ..search(query) };
    let bundle = json_of(&adapter.perform(confined("")).await.unwrap());
    assert_eq!((&bundle["total"], &bundle["entry"][0]["resource"]["id"]), (&json!(1), &json!(id.as_str())));
    assert_eq!(adapter.perform(confined("gender=female")).await.unwrap_err().kind, ErrorKind::Forbidden);
    assert_eq!(json_of(&adapter.perform(confined("_id=99")).await.unwrap())["total"], 0);
}

#[tokio::test]
async fn an_error_has_their_text_and_their_status_has_its_kind() {
    let crm = crm().await;
    let adapter = crm.adapter(json!({})).await;
    let error = adapter.perform(read(&"99".parse().unwrap())).await.unwrap_err();
    assert_eq!((error.kind, error.issues[0].text.as_str()), (ErrorKind::NotFound, "no such person"));
    assert_eq!(adapter.health().await, Health::Up);
    let stranger = crate::api::adapter(settings(&crm.base, json!({}))).await;
    assert_eq!(stranger.perform(read(&"1".parse().unwrap())).await.unwrap_err().kind, ErrorKind::Credentials);
}

#[test]
fn settings_that_cannot_work_are_told_with_their_places() {
    let mut wrong = settings(
        "http://127.0.0.1:1/api",
        json!({
            "read": { "path": "/people" },
            "fields": [{ "fhir": "nmae", "json": "/x" }, { "fhir": "telecom", "json": "/t", "each": [{ "fhir": "no", "json": "/n" }] }],
        }),
    );
    wrong["errors"]["kinds"] = json!({ "418": "teapot" });
    wrong["resources"]["Patient"]["search"]["parameters"]["shoe"] = json!({ "name": "shoe", "type": "token" });
    wrong["resources"]["Person2"] = json!({ "id": "/id", "fields": [] });
    let settings = serde_json::from_value(wrong).unwrap();
    let places: Vec<String> = JsonApi::faults(&settings).iter().map(|fault| fault.path.join(".")).collect();
    for expected in [
        "errors.kinds.418",
        "resources.Patient.read",
        "resources.Patient.search.parameters.shoe",
        "resources.Patient.fields.0",
        "resources.Patient.fields.1.each.0",
        "resources.Person2",
    ] {
        assert!(places.iter().any(|place| place == expected), "{expected}: {places:?}");
    }
    assert!(JsonApi::offers(&settings).is_none());
}
