//! Back ends that fail, forget, repeat and come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use adapter::{Adapter, Call, Error, ErrorKind, Health, Reply, Status};
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use http::Method;
use serde_json::json;

use super::Exporter;
use crate::harness::Practice;

const SLOTS: usize = 40;
const OF_A_PAGE: usize = 5;

/// Has slots, a few a page, and may be down, forget its pages, or show a slot twice.
#[derive(Default)]
struct Agenda {
    is_down: AtomicBool,
    forgets: AtomicBool,
    asked: AtomicUsize,
    pause: Duration,
}

impl Agenda {
    fn page(&self, call: &Call) -> Result<String, Error> {
        let query = adapter::page::query(&call.interaction).cloned().unwrap_or_default();
        let from = match query.first("_page").map(str::parse::<usize>) {
            Some(_) if self.forgets.swap(false, Ordering::SeqCst) => {
                return Err(Error::new(ErrorKind::Invalid, "the page is not known any more"));
            }
            Some(from) => from.map_err(|_| Error::new(ErrorKind::Invalid, "expected a page of ours"))?,
            None => 0,
        };
        // One of the page before once more, as when something moved meanwhile.
        let entries: Vec<_> = (from.saturating_sub(1)..(from + OF_A_PAGE).min(SLOTS))
            .map(|number| json!({ "resource": { "resourceType": "Slot", "id": format!("s{number}"), "status": "free" } }))
            .collect();
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "entry": entries });
        if from + OF_A_PAGE < SLOTS {
            let url = adapter::page::link_to(call, &(from + OF_A_PAGE).to_string());
            bundle["link"] = json!([{ "relation": "next", "url": url }]);
        }
        Ok(bundle.to_string())
    }
}

#[async_trait::async_trait]
impl Adapter for Agenda {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let interactions = [InteractionCode::SearchType].into();
        capability
            .resources
            .insert(ResourceType::SLOT, ResourceCapability { interactions, ..ResourceCapability::default() });
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.pause).await;
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unreachable, "the back end cannot be reached"));
        }
        Ok(Reply::new(Status::Ok).with_body(self.page(&call)?))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

fn adapters(agenda: &Arc<Agenda>) -> BTreeMap<String, Arc<dyn Adapter>> {
    [("agenda".to_owned(), Arc::clone(agenda) as Arc<dyn Adapter>)].into()
}

#[tokio::test]
async fn what_a_back_end_shows_twice_is_written_once_also_when_it_forgets_its_pages() {
    let agenda = Arc::new(Agenda::default());
    let practice = Practice::around("", adapters(&agenda)).await;
    agenda.forgets.store(true, Ordering::SeqCst);
    let exporter = Exporter::of(&practice).await;
    let manifest = exporter.export("/$export?_type=Slot").await.json();
    assert_eq!(manifest["error"], json!([]), "{manifest}");
    let mut ids = exporter.ids(&manifest, "Slot").await;
    assert_eq!(ids.len(), SLOTS);
    ids.dedup();
    assert_eq!(ids.len(), SLOTS);
}

#[tokio::test]
async fn a_back_end_that_is_down_for_a_while_is_waited_for() {
    let agenda = Arc::new(Agenda::default());
    let practice = Practice::around("", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    agenda.is_down.store(true, Ordering::SeqCst);
    let place = exporter.kick_off("/$export?_type=Slot").await.field("content-location").to_owned();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(exporter.get(&place).await.status, 202);
    agenda.is_down.store(false, Ordering::SeqCst);
    let manifest = exporter.ended(&place).await.json();
    assert_eq!(exporter.ids(&manifest, "Slot").await.len(), SLOTS);
}

#[tokio::test]
async fn what_a_back_end_does_not_give_is_told_beside_what_others_gave() {
    let agenda = Arc::new(Agenda::default());
    agenda.is_down.store(true, Ordering::SeqCst);
    let practice = Practice::around("[bulk]\n patience = \"100ms\"\n", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    exporter.put(super::patient("a")).await;
    let ended = exporter.export("/$export?_type=Slot,Patient").await;
    assert_eq!(ended.status, 200);
    let manifest = ended.json();
    assert_eq!(exporter.ids(&manifest, "Patient").await, ["a"]);
    let errors = exporter.lines(&manifest, "error").await;
    assert_eq!(errors["OperationOutcome"][0]["issue"][0]["code"], "incomplete", "{errors:?}");
    let nothing = exporter.export("/$export?_type=Slot").await;
    assert_eq!((nothing.status.as_u16(), nothing.issue().as_str()), (502, "incomplete"));
}

#[tokio::test]
async fn an_export_goes_on_after_a_restart_where_it_was() {
    let agenda = Arc::new(Agenda { pause: Duration::from_millis(100), ..Agenda::default() });
    let practice = Practice::around("", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    let place = exporter.kick_off("/$export?_type=Slot").await.field("content-location").to_owned();
    while agenda.asked.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let practice = practice.restarted("", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    let manifest = exporter.ended(&place).await.json();
    assert_eq!(exporter.ids(&manifest, "Slot").await.len(), SLOTS);
    let pages = SLOTS / OF_A_PAGE;
    assert!(agenda.asked.load(Ordering::SeqCst) <= pages + 1, "pages that were written are not asked for again");
}

#[tokio::test]
async fn unfinished_exports_of_one_client_are_few_and_a_removed_one_stops() {
    let agenda = Arc::new(Agenda { pause: Duration::from_millis(200), ..Agenda::default() });
    let practice = Practice::around("[bulk]\n jobs-per-client = 1\n", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    let place = exporter.kick_off("/$export?_type=Slot").await.field("content-location").to_owned();
    let crowded = exporter.kick_off("/$export?_type=Slot").await;
    assert_eq!((crowded.status.as_u16(), crowded.issue().as_str()), (429, "throttled"));
    assert!(!crowded.field("retry-after").is_empty());
    assert_eq!(exporter.ask(Method::DELETE, &place, &[], String::new()).await.status, 202);
    assert_eq!(exporter.get(&place).await.status, 404);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let asked = agenda.asked.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(agenda.asked.load(Ordering::SeqCst), asked);
    assert_eq!(exporter.kick_off("/$export?_type=Slot").await.status, 202);
}

#[tokio::test]
async fn an_export_stops_when_its_client_loses_its_scopes() {
    let agenda = Arc::new(Agenda { pause: Duration::from_millis(100), ..Agenda::default() });
    let practice = Practice::around("", adapters(&agenda)).await;
    let exporter = Exporter::of(&practice).await;
    let place = exporter.kick_off("/$export?_type=Slot").await.field("content-location").to_owned();
    let practice = practice.narrowed("system/Patient.rs", adapters(&agenda)).await;
    let exporter = Exporter::with(&practice, "system/Patient.rs").await;
    let ended = exporter.ended(&place).await;
    assert_eq!((ended.status.as_u16(), ended.issue().as_str()), (403, "forbidden"));
}
