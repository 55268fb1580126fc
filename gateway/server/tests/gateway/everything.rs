//! `$everything`, as a client sees it: against compartments that are built by hand, over several back ends, one of them dead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

struct Asking {
    practice: Practice,
    token: String,
}

impl Asking {
    async fn of(practice: Practice) -> Self {
        let token = practice.token("system/*.cruds").await;
        Self { practice, token }
    }

    async fn get_with(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.practice.ask(Method::GET, path, &[("authorization", bearer.as_str())], "").await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.get_with(&self.token, path).await;
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.json());
        answer.json()
    }

    async fn put(&self, resource: Value) {
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
    async fn pages(&self, path: &str) -> (BTreeSet<String>, usize) {
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

fn entries(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().into_iter().flatten();
    let told = entries.filter(|entry| entry["search"]["mode"] != "outcome").map(|entry| {
        let resource = &entry["resource"];
        let identity = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!(entry["fullUrl"].as_str().unwrap().ends_with(&format!("/{identity}")));
        format!("{} {identity}", entry["search"]["mode"].as_str().unwrap())
    });
    told.collect()
}

fn outcomes(bundle: &Value) -> String {
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

/// A back end without compartments, and one that is dead.
struct Plain {
    of: ResourceType,
    is_dead: bool,
}

#[async_trait::async_trait]
impl Adapter for Plain {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let search = ["sender", "recipient", "actor"].map(|code| (code.to_owned(), "reference".to_owned()));
        let offered = ResourceCapability {
            interactions: [InteractionCode::Read, InteractionCode::SearchType].into(),
            search: search.into(),
            ..ResourceCapability::default()
        };
        capability.resources.insert(self.of, offered);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        if self.is_dead {
            return Err(Error::new(ErrorKind::Unreachable, "the back end cannot be reached"));
        }
        let Interaction::SearchType { compartment: None, query, .. } = &call.interaction else {
            return Err(Error::new(ErrorKind::Forbidden, "expected a search without a compartment"));
        };
        let message = |id: &str| {
            let own = json!({ "reference": "Patient/a" });
            let mut resource = json!({ "resourceType": "Communication", "id": id, "status": "completed" });
            if id != "received" {
                resource["sender"] = own.clone();
            }
            if id != "sent" {
                resource["recipient"] = json!([own]);
            }
            json!({ "resource": resource, "search": { "mode": "match" } })
        };
        let found = match (query.first("sender"), query.first("recipient")) {
            (Some("Patient/a"), None) => vec![message("sent"), message("both")],
            (None, Some("Patient/a")) => vec![message("received"), message("both")],
            _ => Vec::new(),
        };
        let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "entry": found });
        Ok(Reply::new(Status::Ok).with_body(bundle.to_string()))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn several_back_ends_are_one_record_and_a_dead_one_is_told() {
    let of = |name: &str| name.parse::<ResourceType>().unwrap();
    let adapters: BTreeMap<String, Arc<dyn Adapter>> = [
        ("messages".to_owned(), Arc::new(Plain { of: of("Communication"), is_dead: false }) as Arc<dyn Adapter>),
        ("scheduler".to_owned(), Arc::new(Plain { of: of("Appointment"), is_dead: true }) as Arc<dyn Adapter>),
    ]
    .into();
    let settings = r#"
        [adapters.ehr]
        kind = "store"

        [adapters.laboratory]
        kind = "store"

        [[routes]]
        adapter = "laboratory"
        types = ["Observation"]

        [[routes]]
        adapter = "ehr"
        types = ["Patient", "Practitioner"]
    "#;
    let asking = Asking::of(Practice::around(settings, adapters).await).await;
    let own = json!({ "reference": "Patient/a" });
    asking.put(json!({ "resourceType": "Patient", "id": "a" })).await;
    asking.put(json!({ "resourceType": "Practitioner", "id": "p" })).await;
    asking
        .put(json!({ "resourceType": "Observation", "id": "o", "status": "final", "code": { "text": "x" },
        "subject": own, "performer": [{ "reference": "Practitioner/p" }] }))
        .await;
    let page = asking.get("/Patient/a/$everything").await;
    let expected = [
        "match Communication/both",
        "match Communication/received",
        "match Communication/sent",
        "match Observation/o",
        "match Patient/a",
        "include Practitioner/p",
    ]
    .map(str::to_owned);
    assert_eq!(entries(&page).into_iter().collect::<BTreeSet<_>>(), expected.into());
    assert_eq!(entries(&page).len(), 6);
    let told = outcomes(&page);
    assert!(told.contains("`scheduler`") && told.contains("Appointment"), "{told}");
    // `subject` of a Communication is not searched there.
    assert!(told.contains("Communication"), "{told}");
    for count in [1, 2] {
        let (found, _) = asking.pages(&format!("/Patient/a/$everything?_count={count}")).await;
        assert_eq!(found.len(), 6, "{found:?}");
    }
}

#[tokio::test]
async fn a_record_whose_own_back_end_is_dead_is_given_as_far_as_others_have_it() {
    let dead = Arc::new(Plain { of: ResourceType::PATIENT, is_dead: true }) as Arc<dyn Adapter>;
    let asking = Asking::of(Practice::around("", [("ehr".to_owned(), dead)].into()).await).await;
    assert_eq!(asking.get_with(&asking.token, "/Patient/a/$everything").await.status, 503);
    asking
        .put(json!({ "resourceType": "Observation", "id": "o", "status": "final", "code": { "text": "x" },
        "subject": { "reference": "Patient/a" } }))
        .await;
    let page = asking.get("/Patient/a/$everything").await;
    assert_eq!(entries(&page), ["match Observation/o"]);
    assert!(outcomes(&page).contains("`ehr`"), "{page}");
}

#[tokio::test]
async fn ids_of_several_back_ends_with_one_type_are_those_of_clients() {
    let settings = r#"
        [adapters.ehr]
        kind = "store"

        [adapters.archive]
        kind = "store"
        prefix = "old"

        [[routes]]
        adapters = ["ehr", "archive"]
        types = ["Patient", "Observation"]
    "#;
    let asking = Asking::of(Practice::with(settings).await).await;
    asking.put(json!({ "resourceType": "Patient", "id": "ehr-1" })).await;
    for id in ["ehr-o", "ehr-p", "ehr-q", "old-o", "old-p", "old-q"] {
        asking
            .put(json!({ "resourceType": "Observation", "id": id, "status": "final", "code": { "text": "x" },
            "subject": { "reference": "Patient/ehr-1" } }))
            .await;
    }
    asking
        .put(json!({ "resourceType": "Appointment", "id": "booked", "status": "proposed",
        "participant": [{ "actor": { "reference": "Patient/ehr-1" }, "status": "accepted" }] }))
        .await;
    let page = asking.get("/Patient/ehr-1/$everything").await;
    let found: BTreeSet<String> = entries(&page).into_iter().collect();
    assert!(found.contains("match Appointment/booked") && found.contains("match Observation/ehr-o"), "{found:?}");
    assert!(found.contains("match Observation/old-q") && found.len() == 8, "{found:?}");
    let (paged, _) = asking.pages("/Patient/ehr-1/$everything?_count=1").await;
    assert_eq!(paged, found);
}
