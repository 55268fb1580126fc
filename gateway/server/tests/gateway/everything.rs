//! `$everything`, as a client sees it, against compartments that are built by hand.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

/// Somebody who asks a practice.
pub(crate) struct Asking {
    practice: Practice,
    pub(crate) token: String,
}

impl Asking {
    pub(crate) async fn of(practice: Practice) -> Self {
        let token = practice.token("system/*.cruds").await;
        Self { practice, token }
    }

    pub(crate) async fn get_with(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.practice.ask(Method::GET, path, &[("authorization", bearer.as_str())], "").await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.get_with(&self.token, path).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.json());
        answer.json()
    }

    pub(crate) async fn put(&self, resource: Value) {
        let bearer = format!("Bearer {}", self.token);
        let fields = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let answer = self.practice.ask(Method::PUT, &path, &fields, resource.to_string()).await;
        assert!(answer.status.is_success(), "{path}: {:?}", answer.json());
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let fields = [("authorization", bearer.as_str()), ("content-type", "application/fhir+json")];
        self.practice.ask(Method::POST, path, &fields, body.to_string()).await
    }

    /// Every page, as `mode Type/id`; nothing stands twice.
    pub(crate) async fn pages(&self, path: &str) -> (BTreeSet<String>, usize) {
        let mut all = BTreeSet::new();
        let (mut next, mut pages) = (Some(path.to_owned()), 0);
        while let Some(path) = next {
            let page = self.get(&path).await;
            for entry in entries(&page) {
                assert!(all.insert(entry.clone()), "{entry} twice");
            }
            assert!(!outcomes(&page).contains("left out"), "{}", outcomes(&page));
            pages += 1;
            assert!(pages < 100);
            next = link(&page, "next");
        }
        (all, pages)
    }

    async fn admit_everybody(&self) {
        for patient in ["a", "b"] {
            let of = |resource_type: &str, more: Value| {
                let mut resource =
                    json!({ "resourceType": resource_type, "id": format!("{resource_type}-{patient}").to_lowercase() });
                resource.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                resource
            };
            let own = json!({ "reference": format!("Patient/{patient}") });
            let one = json!({ "text": "of some kind" });
            self.put(json!({ "resourceType": "Patient", "id": patient })).await;
            self.put(of("Practitioner", json!({ "active": true }))).await;
            self.put(of("Location", json!({ "status": "active" }))).await;
            self.put(of("Medication", json!({ "code": one }))).await;
            let role = json!({ "practitioner": { "reference": format!("Practitioner/practitioner-{patient}") } });
            self.put(of("PractitionerRole", role)).await;
            let seen = json!({ "status": "final", "code": one, "subject": own, "effectiveDateTime": "2023-05-01",
                "performer": [own, { "reference": format!("PractitionerRole/practitionerrole-{patient}") }] });
            self.put(of("Observation", seen)).await;
            let booked = json!({ "status": "booked", "start": "2024-05-01T09:00:00Z", "end": "2024-05-01T09:30:00Z",
                "participant": [{ "actor": own, "status": "accepted" },
                    { "actor": { "reference": format!("Location/location-{patient}") }, "status": "accepted" }] });
            self.put(of("Appointment", booked)).await;
            let order = json!({ "status": "active", "intent": "order", "subject": own, "authoredOn": "2024-02-01",
                "medicationReference": { "reference": format!("Medication/medication-{patient}") } });
            self.put(of("MedicationRequest", order)).await;
            self.put(of(
                "AllergyIntolerance",
                json!({ "patient": own, "code": one, "clinicalStatus": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active" }] } }),
            ))
            .await;
        }
        self.put(json!({ "resourceType": "Practitioner", "id": "nobodys" })).await;
    }
}

/// Mode, type and id of each entry.
pub(crate) fn entries(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let told = entries.filter(|entry| entry["search"]["mode"] != "outcome").map(|entry| {
        let resource = &entry["resource"];
        let identity = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!(entry["fullUrl"].as_str().unwrap().ends_with(&format!("/{identity}")));
        format!("{} {identity}", entry["search"]["mode"].as_str().unwrap())
    });
    told.collect()
}

/// The texts of all issues.
pub(crate) fn outcomes(bundle: &Value) -> String {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let told = entries.filter(|entry| entry["search"]["mode"] == "outcome");
    told.flat_map(|entry| entry["resource"]["issue"].as_array().unwrap().iter())
        .map(|issue| issue["details"]["text"].as_str().unwrap_or_default().to_owned() + "\n")
        .collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    Some(links.iter().find(|link| link["relation"] == relation)?["url"].as_str()?.to_owned())
}

fn of_a() -> BTreeSet<String> {
    [
        "match Patient/a",
        "match AllergyIntolerance/allergyintolerance-a",
        "match Appointment/appointment-a",
        "match MedicationRequest/medicationrequest-a",
        "match Observation/observation-a",
        "include Location/location-a",
        "include Medication/medication-a",
        "include Practitioner/practitioner-a",
        "include PractitionerRole/practitionerrole-a",
    ]
    .map(str::to_owned)
    .into()
}

fn without(all: &BTreeSet<String>, types: &[&str]) -> BTreeSet<String> {
    all.iter().filter(|entry| !types.iter().any(|of| entry.contains(&format!(" {of}/")))).cloned().collect()
}

#[tokio::test]
async fn a_record_comes_with_its_compartment_and_what_that_refers_to() {
    let asking = Asking::of(Practice::open().await).await;
    asking.admit_everybody().await;
    let page = asking.get("/Patient/a/$everything").await;
    assert_eq!((page["resourceType"].as_str(), page["type"].as_str()), (Some("Bundle"), Some("searchset")));
    assert_eq!(entries(&page)[0], "match Patient/a");
    assert_eq!(entries(&page).into_iter().collect::<BTreeSet<_>>(), of_a());
    assert_eq!(entries(&page).len(), of_a().len());
    assert_eq!((link(&page, "next"), outcomes(&page)), (None, String::new()));

    let body = json!({ "resourceType": "Parameters", "parameter": [{ "name": "_type", "valueCode": "Observation" }] });
    let posted = asking.post("/Patient/a/$everything", &body).await;
    assert_eq!(entries(&posted.json()), ["match Observation/observation-a"]);
    let some = asking.get("/Patient/a/$everything?_type=Appointment,Location").await;
    assert_eq!(entries(&some), ["match Appointment/appointment-a", "include Location/location-a"]);

    let later = asking.get("/Patient/a/$everything?start=2024-01-01&end=2024-03").await;
    let gone = ["Appointment", "Observation", "Location", "PractitionerRole", "Practitioner"];
    assert_eq!(entries(&later).into_iter().collect::<BTreeSet<_>>(), without(&of_a(), &gone));
    let changed = asking.get("/Patient/a/$everything?_since=2099-01-01T00:00:00Z").await;
    assert_eq!(entries(&changed), Vec::<String>::new());
    let since = asking.get("/Patient/a/$everything?_since=2020-01-01T00:00:00Z").await;
    assert_eq!(entries(&since).len(), of_a().len());
}

#[tokio::test]
async fn pages_hold_everything_once_and_their_links_belong_to_one_record() {
    let asking = Asking::of(Practice::open().await).await;
    asking.admit_everybody().await;
    let own = json!({ "reference": "Patient/a" });
    for index in 0..7 {
        let role = json!({ "reference": "PractitionerRole/practitionerrole-a" });
        asking
            .put(json!({ "resourceType": "Observation", "id": format!("more-{index}"), "status": "final",
            "code": { "text": "x" }, "subject": own, "performer": [role] }))
            .await;
    }
    let whole = asking.pages("/Patient/a/$everything").await;
    assert_eq!((whole.0.len(), whole.1), (of_a().len() + 7, 1));
    for count in [1, 2, 3, 5] {
        let (found, pages) = asking.pages(&format!("/Patient/a/$everything?_count={count}")).await;
        assert_eq!(found, whole.0, "{count} a page");
        assert!((12_usize.div_ceil(count)..=12_usize.div_ceil(count) + 1).contains(&pages), "{pages} pages of {count}");
    }
    let first = asking.get("/Patient/a/$everything?_count=1").await;
    let next = link(&first, "next").unwrap();
    for changed in [next.replace("/Patient/a/", "/Patient/b/"), format!("{next}x")] {
        assert_eq!(asking.get_with(&asking.token, &changed).await.status, 400, "{changed}");
    }
}

#[tokio::test]
async fn each_type_needs_its_own_scope_and_what_is_left_out_is_told() {
    let asking = Asking::of(Practice::open().await).await;
    asking.admit_everybody().await;
    let little = asking.practice.token("system/Patient.r system/Observation.rs system/PractitionerRole.r").await;
    let page = asking.get_with(&little, "/Patient/a/$everything").await.json();
    let expected =
        ["match Patient/a", "match Observation/observation-a", "include PractitionerRole/practitionerrole-a"];
    assert_eq!(entries(&page), expected);
    let told = outcomes(&page);
    assert!(told.contains("Appointment") && told.contains("Practitioner") && !told.contains("AuditEvent"), "{told}");
    assert!(!told.contains("Observation"), "{told}");
    let none = asking.practice.token("system/Observation.rs").await;
    assert_eq!(asking.get_with(&none, "/Patient/a/$everything").await.status, 403);
}

#[tokio::test]
async fn a_patient_gets_its_own_record_and_no_other() {
    let asking = Asking::of(Practice::open().await).await;
    asking.admit_everybody().await;
    let granted = asking.practice.token_for("launch/patient patient/*.rs", "&patient=a").await.json();
    let own = granted["access_token"].as_str().unwrap().to_owned();
    for path in ["/Patient/a/$everything", "/Patient/$everything"] {
        let page = asking.get_with(&own, path).await.json();
        let found: BTreeSet<String> = entries(&page).into_iter().collect();
        // Medication is no type of the directory.
        assert_eq!(found, without(&of_a(), &["Medication"]), "{path}: {page}");
        assert!(outcomes(&page).contains("Medication"), "{page}");
    }
    let first = asking.get_with(&own, "/Patient/$everything?_count=1").await.json();
    let next = link(&first, "next").unwrap();
    assert_eq!(asking.get_with(&own, &next).await.status, 200);
    assert_eq!(asking.get_with(&asking.token, &next).await.status, 400, "a link of a confined token");
    for (token, path, status) in [
        (&own, "/Patient/b/$everything", 403),
        (&own, "/Encounter/x/$everything", 403),
        (&asking.token, "/Patient/$everything", 400),
        (&asking.token, "/Patient/nobody/$everything", 404),
        (&asking.token, "/Patient/a/$everything?_count=0", 400),
        (&asking.token, "/Patient/a/$everything?start=soon", 400),
        (&asking.token, "/Patient/a/$everything?unknown=1", 400),
        (&asking.token, "/Patient/a/$everything?_page=AAAA", 400),
    ] {
        assert_eq!(asking.get_with(token, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn an_encounter_comes_with_what_was_done_in_it_and_with_its_patient() {
    let asking = Asking::of(Practice::open().await).await;
    asking.admit_everybody().await;
    let own = json!({ "reference": "Patient/a" });
    asking
        .put(json!({ "resourceType": "Encounter", "id": "visit", "status": "finished", "subject": own, "class": {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" } }))
        .await;
    asking
        .put(json!({ "resourceType": "Observation", "id": "there", "status": "final", "code": { "text": "x" },
        "subject": own, "encounter": { "reference": "Encounter/visit" } }))
        .await;
    let page = asking.get("/Encounter/visit/$everything").await;
    assert_eq!(entries(&page), ["match Encounter/visit", "match Observation/there", "include Patient/a"]);
}
