//! A practice on three back ends: Medplum's router is the EHR, the store the scheduler, a process in Python the billing. To
//! a client they are one server.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::http::link;
use crate::support::process::Process;
use crate::support::{Gateway, Http, PATIENCE, free_port, peers};

const PATIENTS: usize = 5;
const APPOINTMENTS: usize = 12;
const CLAIMS: usize = 7;
const SECRET: &str = "between the two";

struct Scene {
    http: Http,
    /// The ids of the patients, who are in the EHR.
    patients: Vec<String>,
    ehr: Process,
    billing: Process,
    ports: (u16, u16),
    // Dropped behind the processes.
    _gateway: Gateway,
    _site: Site,
    folder: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = (free_port(), free_port());
        let ehr = peers::medplum_on(ports.0, Some(&folder.path().join("ehr.json")), folder.path());
        let billing = peers::billing_on(ports.1, SECRET, folder.path());
        fs::write(folder.path().join("secret"), SECRET).unwrap();
        let site = Site::with(&configuration(ports, &folder));
        let gateway = site.serve();
        let http = gateway.http(&site, EVERYTHING);
        let mut scene =
            Self { http, patients: Vec::new(), ehr, billing, ports, _gateway: gateway, _site: site, folder };
        scene.fill().await;
        scene
    }

    async fn fill(&mut self) {
        for number in 0..PATIENTS {
            let family = if number % 2 == 0 { "Even" } else { "Odd" };
            let name = json!({ "family": family, "given": [number.to_string()] });
            let patient = json!({ "resourceType": "Patient", "name": [name] });
            let id = self.http.post("/Patient", patient.to_string()).await.expect(201).created_id();
            self.patients.push(id);
        }
        for number in 0..APPOINTMENTS {
            let appointment = appointment(self.patient(number));
            self.http.post("/Appointment", appointment.to_string()).await.expect(201);
        }
        self.fill_billing().await;
        for number in 0..3 {
            let practitioner =
                json!({ "resourceType": "Practitioner", "name": [{ "family": format!("Staff{number}") }] });
            self.http.post("/Practitioner", practitioner.to_string()).await.expect(201);
        }
    }

    async fn fill_billing(&self) {
        for number in 0..CLAIMS {
            self.http.post("/Claim", claim(self.patient(number)).to_string()).await.expect(201);
        }
    }

    fn patient(&self, number: usize) -> &str {
        &self.patients[number % PATIENTS]
    }

    async fn search(&self, path: &str) -> Found {
        Found(self.http.get(path).await.expect(200).json())
    }

    /// Asks until an answer is as it should be: a breaker takes a moment to close.
    async fn eventually(&self, path: &str, is_so: impl Fn(&Found) -> bool) {
        let ask = async {
            loop {
                let answer = self.http.get(path).await;
                if answer.status == 200 && is_so(&Found(answer.json())) {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ask).await.unwrap_or_else(|_| panic!("expected {path} to be whole again"));
    }
}

fn configuration((ehr, billing): (u16, u16), folder: &TempDir) -> String {
    let breaker = r#"breaker = { failures = 50, calls = 5, window = "2s", open = "500ms", probes = 1 }"#;
    let secret = folder.path().join("secret");
    let secret = secret.display();
    format!(
        r#"
        [adapters.ehr]
        kind = "fhir-rest"
        base = "http://127.0.0.1:{ehr}/fhir/R4"
        {breaker}

        [adapters.scheduler]
        kind = "store"

        [adapters.billing]
        kind = "process"
        url = "http://127.0.0.1:{billing}"
        secret = {{ file = "{secret}" }}
        {breaker}

        [[routes]]
        adapter = "ehr"
        types = ["Patient"]

        [[routes]]
        adapters = ["ehr", "scheduler"]
        types = ["Practitioner"]

        [[routes]]
        adapter = "billing"
        types = ["Claim", "Coverage"]

        [[routes]]
        adapter = "scheduler"
        types = ["*"]
        "#
    )
}

fn appointment(patient: &str) -> Value {
    let actor = json!({ "reference": format!("Patient/{patient}") });
    json!({
        "resourceType": "Appointment", "status": "proposed",
        "participant": [{ "actor": actor, "status": "accepted" }]
    })
}

fn claim(patient: &str) -> Value {
    let kind = json!({ "system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional" });
    json!({
        "resourceType": "Claim", "status": "active", "use": "claim", "created": "2030-01-01",
        "type": { "coding": [kind] }, "priority": { "coding": [{ "code": "normal" }] },
        "patient": { "reference": format!("Patient/{patient}") }, "provider": { "display": "the practice" },
        "insurance": [{ "sequence": 1, "focal": true, "coverage": { "display": "own" } }]
    })
}

/// A Bundle that was found.
struct Found(Value);

impl Found {
    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.0["entry"].as_array().into_iter().flatten()
    }

    /// How many of a type came with a mode.
    fn count(&self, of: &str, mode: &str) -> usize {
        self.entries()
            .filter(|entry| entry["resource"]["resourceType"] == of && entry["search"]["mode"] == mode)
            .count()
    }

    /// The texts of the OperationOutcome that came along.
    fn outcome(&self) -> String {
        let outcomes = self.entries().filter(|entry| entry["search"]["mode"] == "outcome");
        outcomes.map(|entry| entry["resource"]["issue"].to_string()).collect()
    }

    fn is_whole(&self) -> bool {
        self.outcome().is_empty()
    }
}

#[tokio::test]
async fn one_search_brings_what_three_back_ends_hold() {
    let scene = Scene::set().await;
    let found = scene.search("/Appointment?_include=Appointment:patient").await;
    assert_eq!((found.count("Appointment", "match"), found.count("Patient", "include")), (APPOINTMENTS, PATIENTS));

    let found = scene.search("/Claim?_include=Claim:patient&_revinclude:iterate=Appointment:patient").await;
    let counts = [("Claim", "match"), ("Patient", "include"), ("Appointment", "include")];
    assert_eq!(counts.map(|(of, mode)| found.count(of, mode)), [CLAIMS, PATIENTS, APPOINTMENTS]);
    assert!(found.is_whole(), "{}", found.outcome());

    let one = scene.patient(0);
    let found =
        scene.search(&format!("/Patient?_id={one}&_revinclude=Claim:patient&_revinclude=Appointment:patient")).await;
    assert_eq!((found.count("Claim", "include"), found.count("Appointment", "include")), (2, 3));
    let ids: Vec<_> = found.entries().map(|entry| entry["fullUrl"].as_str()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "nothing twice: {ids:?}");
}

#[tokio::test]
async fn a_chain_and_a_has_lead_from_one_back_end_to_another() {
    let scene = Scene::set().await;
    for (path, of, expected) in [
        ("/Appointment?patient.name=Odd", "Appointment", 5),
        ("/Appointment?patient:Patient.family=Even", "Appointment", 7),
        ("/Claim?patient.family=Odd", "Claim", 3),
        ("/Patient?_has:Appointment:patient:status=proposed", "Patient", PATIENTS),
        ("/Patient?_has:Appointment:patient:status=booked", "Patient", 0),
        ("/Appointment?patient.name=Nobody", "Appointment", 0),
    ] {
        let found = scene.search(path).await;
        let matches = found.entries().filter(|entry| entry["resource"]["resourceType"] == of).count();
        assert_eq!(matches, expected, "{path}: {}", found.0);
        assert!(link(&found.0, "self").is_some(), "{path}: {}", found.0);
    }
}

#[tokio::test]
async fn a_killed_back_end_is_named_in_the_answer_and_is_whole_again_when_it_is_back() {
    let mut scene = Scene::set().await;
    let around = "/Patient?_revinclude=Claim:patient&_revinclude=Appointment:patient";
    let with_patients = "/Appointment?_include=Appointment:patient";

    scene.billing.kill();
    let found = scene.search(around).await;
    assert_eq!((found.count("Claim", "include"), found.count("Appointment", "include")), (0, APPOINTMENTS));
    assert!(found.outcome().contains("`billing`"), "{}", found.outcome());
    scene.http.get("/Claim?_count=1").await.expect_issue(503, "transient");
    assert!(scene.search(with_patients).await.is_whole(), "who does not need it does not miss it");
    scene.billing = peers::billing_on(scene.ports.1, SECRET, scene.folder.path());
    scene.eventually(around, Found::is_whole).await;
    scene.fill_billing().await;
    scene.eventually(around, |found| found.is_whole() && found.count("Claim", "include") == CLAIMS).await;

    scene.ehr.kill();
    let found = scene.search(with_patients).await;
    assert_eq!((found.count("Appointment", "match"), found.count("Patient", "include")), (APPOINTMENTS, 0));
    assert!(found.outcome().contains("`ehr`"), "{}", found.outcome());
    let staff = scene.search("/Practitioner").await;
    assert!(staff.outcome().contains("`ehr`") && staff.0["total"].is_null(), "{}", staff.0);
    // What cannot be decided without it is not answered as if nothing were there.
    let answer = scene.http.get("/Appointment?patient.name=Odd").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    scene.ehr = peers::medplum_on(scene.ports.0, Some(&scene.folder.path().join("ehr.json")), scene.folder.path());
    let is_whole = |found: &Found| found.is_whole() && found.count("Patient", "include") == PATIENTS;
    scene.eventually(with_patients, is_whole).await;
    scene.eventually("/Practitioner", |found| found.is_whole() && found.entries().count() == 3).await;
}

#[tokio::test]
async fn one_chain_of_links_leads_through_everything_and_gives_nothing_twice() {
    let scene = Scene::set().await;
    for (path, of, expected) in [
        ("/Appointment?_include=Appointment:patient&_count=5", "Appointment", APPOINTMENTS),
        ("/Claim?_include=Claim:patient&_count=2", "Claim", CLAIMS),
        ("/Patient?_revinclude=Appointment:patient&_count=2", "Patient", PATIENTS),
        ("/Practitioner?_count=2", "Practitioner", 3),
    ] {
        let (mut seen, mut came, mut next) = (Vec::new(), BTreeSet::new(), Some(path.to_owned()));
        while let Some(page) = next {
            let found = scene.search(&page).await;
            assert!(found.is_whole(), "{path}: {}", found.outcome());
            for resource in found.entries().map(|entry| &entry["resource"]) {
                let id = resource["id"].as_str().unwrap().to_owned();
                if resource["resourceType"] == of {
                    seen.push(id);
                } else {
                    came.insert(id);
                }
            }
            assert!(seen.len() <= expected, "{path}: {seen:?}");
            next = link(&found.0, "next");
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), expected, "{path}: {seen:?}");
        assert_eq!(seen.len(), expected, "{path}: {seen:?}");
        let along = [("Appointment", PATIENTS), ("Claim", PATIENTS), ("Patient", APPOINTMENTS), ("Practitioner", 0)];
        assert!(along.contains(&(of, came.len())), "{path}: {} came along", came.len());
    }
}
