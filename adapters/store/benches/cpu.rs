//! CPU time per operation, summed over all threads of the process: wall time says little on a shared machine.
//!
//!     cargo bench -p store
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a measurement")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapter::Adapter as _;
use adapter::contract::alone::{call, host};
use fhir::{Interaction, Query, Resource, ResourceType, Version};
use store::{Settings, Store};

const CREATES: usize = 8_000;
const TRANSACTIONS: usize = 80;
const ENTRIES: usize = 100;
const READS: usize = 100_000;
const SEARCHES: usize = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_FOLDER").unwrap_or_else(|| ".".into())).unwrap();
    let begun = Begun::now();
    let store = Arc::new(Store::open(&Settings::default(), &host(folder.path())).unwrap());
    begun.report("open, for the first time", 1);
    let begun = Begun::now();
    let copy = Store::open(&Settings { file: "other.sqlite".into(), ..Settings::default() }, &host(folder.path()));
    begun.report("open, with the search parameters compiled before", 1);
    drop(copy.unwrap());
    runtime.block_on(operations(&store, READS));
    let Ok(url) = std::env::var("BENCH_POSTGRES") else { return };
    println!("\non PostgreSQL (CPU time without the server's)");
    let settings = Settings { database: Some(url.parse().unwrap()), ..Settings::default() };
    let store = Arc::new(Store::open(&settings, &host(folder.path())).unwrap());
    runtime.block_on(operations(&store, READS / 10));
}

async fn operations(store: &Arc<Store>, count: usize) {
    for clients in [1, 16, 64] {
        creates(store, clients, CREATES / if clients == 1 { 8 } else { 1 }).await;
    }
    for clients in [1, 8] {
        transactions(store, clients).await;
    }
    reads(store, count).await;
    for query in
        ["family=Chalmers17", "identifier=urn:oid:1.2.36.146.595.217.0.1|12345-77", "birthdate=1974-12-25&_count=10"]
    {
        searches(store, query).await;
    }
}

async fn creates(store: &Arc<Store>, clients: usize, count: usize) {
    let begun = Begun::now();
    let tasks = (0..clients).map(|client| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for number in 0..count / clients {
                let resource = Resource::new(ResourceType::PATIENT, Version::R4, patient(client * 10_000 + number));
                store.perform(call(Interaction::Create { resource, if_none_exist: None })).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    begun.report(&format!("create, {clients} clients"), count / clients * clients);
}

/// Creates in Bundles of [`ENTRIES`], each referring to the first of its Bundle; what is reported is for each resource.
async fn transactions(store: &Arc<Store>, clients: usize) {
    let begun = Begun::now();
    let tasks = (0..clients).map(|client| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for number in 0..TRANSACTIONS / clients {
                let bundle =
                    Resource::new(ResourceType::BUNDLE, Version::R4, bundle(client * 100_000 + number * ENTRIES));
                store.perform(call(Interaction::Batch { bundle, transaction: true })).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let count = TRANSACTIONS / clients * clients * ENTRIES;
    let rate = count as f64 / begun.wall.elapsed().as_secs_f64();
    begun.report(&format!("transactions of {ENTRIES} creates, {clients} clients, {rate:.0} resources a second"), count);
}

fn bundle(first: usize) -> String {
    let entry = |number: usize| {
        let resource = patient(first + number).replace("Organization/1", "urn:uuid:of-the-first");
        let name = if number == 0 { "urn:uuid:of-the-first".to_owned() } else { format!("urn:uuid:{number}") };
        format!(r#"{{"fullUrl":"{name}","resource":{resource},"request":{{"method":"POST","url":"Patient"}}}}"#)
    };
    let entries: Vec<String> = (0..ENTRIES).map(entry).collect();
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","))
}

async fn reads(store: &Store, count: usize) {
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, patient(1));
    let created = store.perform(call(Interaction::Create { resource, if_none_exist: None })).await.unwrap();
    let id = created.subject.unwrap().id;
    let begun = Begun::now();
    for _ in 0..count {
        let read = Interaction::Read { resource_type: ResourceType::PATIENT, id: id.clone() };
        store.perform(call(read)).await.unwrap();
    }
    begun.report("read", count);
}

async fn searches(store: &Store, query: &str) {
    let begun = Begun::now();
    for _ in 0..SEARCHES {
        let search = Interaction::SearchType {
            resource_type: ResourceType::PATIENT,
            compartment: None,
            query: Query::parse(query),
        };
        store.perform(call(search)).await.unwrap();
    }
    begun.report(&format!("search {query}"), SEARCHES);
}

struct Begun {
    wall: Instant,
    cpu: Duration,
}

impl Begun {
    fn now() -> Self {
        Self { wall: Instant::now(), cpu: cpu_time() }
    }

    fn report(&self, what: &str, count: usize) {
        let per = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        println!("{what}: {:.1} µs CPU, {:.1} µs wall", per(cpu_time() - self.cpu), per(self.wall.elapsed()));
    }
}

/// CPU time of all threads that are alive; those of a store live as long as it does.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// About 2 KB.
fn patient(number: usize) -> String {
    format!(
        r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>"}},"identifier":[{{"use":"usual","type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}}]}},"system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345-{number}","period":{{"start":"2001-05-06"}},"assigner":{{"display":"Acme Healthcare"}}}}],"active":true,"name":[{{"use":"official","family":"Chalmers{number}","given":["Peter","James"]}},{{"use":"usual","given":["Jim"]}}],"telecom":[{{"system":"phone","value":"(03) 5555 6473","use":"work","rank":1}},{{"system":"email","value":"peter{number}@example.org","use":"home"}}],"gender":"male","birthDate":"19{:02}-12-25","address":[{{"use":"home","type":"both","text":"534 Erewhon St PeasantVille, Rainbow, Vic  3999","line":["534 Erewhon St"],"city":"PleasantVille","district":"Rainbow","state":"Vic","postalCode":"3999","period":{{"start":"1974-12-25"}}}}],"contact":[{{"relationship":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"N"}}]}}],"name":{{"family":"du Marché","given":["Bénédicte"]}},"telecom":[{{"system":"phone","value":"+33 (237) 998327"}}]}}],"managingOrganization":{{"reference":"Organization/1"}}}}"#,
        "narrative ".repeat(45),
        number % 100
    )
}
