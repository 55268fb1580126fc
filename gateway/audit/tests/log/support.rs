//! A log in a temporary folder, with a clock that can be set.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub(crate) use adapter::contract::alone::call;
use adapter::seal::Seal;
use adapter::{Adapter, Body, Call, Clock, Error, Practice, Reply};
use audit::{Agent, Events, Log, Outcome, Record, Settings, Subject};
use fhir::{Compartment, Interaction, InteractionCode, Query, ResourceType};
use serde_json::Value;

/// 2024-01-01T00:00:00Z.
pub(crate) const START: u64 = 1_704_067_200;

pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(START)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }
}

pub(crate) struct Setup {
    pub(crate) log: Log,
    pub(crate) events: Events,
    pub(crate) clock: Arc<TestClock>,
}

pub(crate) fn open(folder: &Path) -> Setup {
    open_with(Settings::new(folder))
}

pub(crate) fn open_with(settings: Settings) -> Setup {
    let clock = TestClock::new();
    let log = Log::open(settings, clock.clone()).unwrap();
    let events = Events::new(log.clone(), Arc::new(Seal::new(&[7; 32])), clock.clone());
    Setup { log, events, clock }
}

impl Setup {
    pub(crate) fn record(&self, record: &Record) {
        self.log.record(&Record { recorded: self.clock.now(), ..record.clone() }).unwrap();
    }

    pub(crate) fn perform(&self, call: Call) -> Result<Reply, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.events.perform(call))
    }

    pub(crate) fn try_search(&self, query: &str) -> Result<Value, Error> {
        self.perform(search(query)).map(|reply| json(&reply))
    }

    pub(crate) fn search(&self, query: &str) -> Value {
        self.try_search(query).unwrap()
    }

    /// How many events a query finds, over all pages.
    pub(crate) fn count(&self, query: &str) -> usize {
        self.all(query).len()
    }

    /// Every event that a query finds, following the page links.
    pub(crate) fn all(&self, query: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut next = Some(query.to_owned());
        while let Some(query) = next {
            let bundle = self.search(&query);
            found.extend(bundle["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()));
            next = next_query(&bundle);
        }
        found
    }
}

pub(crate) fn next_query(bundle: &Value) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let next = links.iter().find(|link| link["relation"] == "next")?;
    Some(next["url"].as_str()?.split_once('?')?.1.to_owned())
}

pub(crate) fn search(query: &str) -> Call {
    let query = Query::parse(query);
    call(Interaction::SearchType { resource_type: ResourceType::AUDIT_EVENT, compartment: None, query })
}

pub(crate) fn patient(id: &str) -> Compartment {
    Compartment { resource_type: ResourceType::PATIENT, id: id.parse().unwrap() }
}

pub(crate) fn json(reply: &Reply) -> Value {
    let Body::Bytes(bytes) = &reply.body else { panic!("a body was expected") };
    serde_json::from_slice(bytes).unwrap()
}

/// A read of Appointment/a1, which is about one patient.
pub(crate) fn read_of(patient: &str) -> Record {
    Record {
        practice: Practice::default(),
        recorded: SystemTime::UNIX_EPOCH,
        interaction: InteractionCode::Read,
        outcome: Outcome::Success,
        reason: "".into(),
        agent: Agent {
            client: Some("portal".into()),
            user: None,
            address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
            token: Some("jti-1".into()),
            scopes: "system/*.rs".into(),
        },
        base: "https://gateway.example/fhir/r4".into(),
        subject: Some(Subject {
            resource_type: ResourceType::APPOINTMENT,
            id: "a1".parse().unwrap(),
            version_id: "3".parse().ok(),
        }),
        patients: vec![patient.parse().unwrap()],
        query: None,
        request_id: "request-1".into(),
    }
}

/// A search whose result is about these patients.
pub(crate) fn search_of(patients: &[&str]) -> Record {
    Record {
        interaction: InteractionCode::SearchType,
        subject: None,
        patients: patients.iter().map(|id| id.parse().unwrap()).collect(),
        query: Some("GET /fhir/r4/Patient?name=Everywoman".into()),
        ..read_of("unused")
    }
}
