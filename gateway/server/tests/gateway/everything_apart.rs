//! `$everything` over several back ends: without compartments, with one type on two of them, and one dead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};
use serde_json::json;

use crate::everything::{Asking, entries, outcomes};
use crate::harness::Practice;

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
