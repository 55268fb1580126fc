//! How fast the store takes a practice in, and how searches of a booking portal grow with it.
//!
//!     cargo bench -p store --bench scale                               SQLite, 10,000 and 100,000 patients with ten appointments each
//!     BENCH_POSTGRES=postgres://… cargo bench -p store --bench scale   the same on an empty database, too
//!
//! `BENCH_PATIENTS=1000,10000` says how many, `BENCH_FOLDER` on which disk, `BENCH_SECONDS` how long each search is asked.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement")]

mod practice;
mod queries;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use adapter::contract::alone::{call, host};
use adapter::{Adapter as _, Body};
use fhir::{Interaction, Query, Resource, ResourceType, Version};
use practice::{APPOINTMENTS, PATIENTS_PER_BUNDLE, Practice};
use store::{Settings, Store};

const WRITERS: usize = 8;
const CLIENTS: [usize; 2] = [1, 8];

/// Within a minute PostgreSQL has counted what its tables hold (autovacuum); before that its plans are guesses.
const STOCK: Duration = Duration::from_secs(75);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(std::env::var_os("BENCH_FOLDER").unwrap_or_else(|| ".".into())).unwrap();
    let postgres = std::env::var("BENCH_POSTGRES").ok();
    for (number, patients) in sizes().into_iter().enumerate() {
        let file = Settings { file: format!("{patients}.sqlite").into(), ..Settings::default() };
        measure(&runtime, "SQLite", &file, folder.path(), patients);
        let Some(url) = &postgres else { continue };
        let url = in_schema(url, &format!("scale_{number}"));
        let database = Settings { database: Some(url.parse().unwrap()), ..Settings::default() };
        measure(&runtime, "PostgreSQL", &database, folder.path(), patients);
    }
}

fn sizes() -> Vec<usize> {
    let sizes = std::env::var("BENCH_PATIENTS").unwrap_or_else(|_| "10000,100000".to_owned());
    sizes.split(',').map(|size| size.trim().parse().expect("numbers of patients, with commas between")).collect()
}

/// The database at that URL, in a schema that must be there: `scale_0`, `scale_1`.
fn in_schema(url: &str, schema: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}options=-csearch_path%3D{schema}")
}

fn measure(
    runtime: &tokio::runtime::Runtime,
    database: &str,
    settings: &Settings,
    folder: &std::path::Path,
    patients: usize,
) {
    let store = Arc::new(Store::open(settings, &host(folder)).unwrap());
    let practice = Arc::new(Practice::new(patients));
    runtime.block_on(async {
        let begun = Instant::now();
        take_in(&store, &practice).await;
        let (count, seconds) = (patients * (1 + APPOINTMENTS), begun.elapsed().as_secs_f64());
        println!("\n{database}, {patients} patients, {} appointments", patients * APPOINTMENTS);
        println!("taken in {count} resources in {seconds:.0} s, {:.0} a second", count as f64 / seconds);
        if settings.database.is_some() {
            tokio::time::sleep(STOCK).await;
        }
        println!("{:<44} {:>30} {:>30}", "", "1 client: p50, p99, a second", "8 clients: p50, p99, a second");
        for (name, ask) in queries::ALL {
            let mut line = format!("{name:<44}");
            for clients in CLIENTS {
                line += &format!(" {:>30}", searched(&store, &practice, ask, clients).await);
            }
            println!("{line}");
        }
    });
}

/// Transactions of patients with their appointments, by several clients at a time, each answered when it is durable.
async fn take_in(store: &Arc<Store>, practice: &Arc<Practice>) {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..WRITERS).map(|_| {
        let (store, practice, next) = (Arc::clone(store), Arc::clone(practice), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let first = next.fetch_add(PATIENTS_PER_BUNDLE, Ordering::Relaxed);
                if first >= practice.patients() {
                    return;
                }
                let bundle = Resource::new(ResourceType::BUNDLE, Version::R4, practice.bundle(first));
                let reply = store.perform(call(Interaction::Batch { bundle, transaction: true })).await.unwrap();
                practice.note(first, &bytes(reply.body));
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
}

/// `p50, p99` in milliseconds and answers a second, each question with other values.
async fn searched(store: &Arc<Store>, practice: &Arc<Practice>, ask: queries::Ask, clients: usize) -> String {
    let seconds = std::env::var("BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(4.0);
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let begun = Instant::now();
    let tasks = (0..clients).map(|client| {
        let (store, practice) = (Arc::clone(store), Arc::clone(practice));
        tokio::spawn(async move {
            let mut times = Vec::new();
            let mut seed = client * 7_919 + 1;
            while Instant::now() < until {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (resource_type, query) = ask(&practice, seed >> 20);
                let query = Query::parse(&query);
                let interaction = Interaction::SearchType { resource_type, compartment: None, query };
                let asked = Instant::now();
                bytes(store.perform(call(interaction)).await.unwrap().body);
                times.push(asked.elapsed());
            }
            times
        })
    });
    let mut times = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.extend(task.await.unwrap());
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    format!("{:.2} ms {:.2} ms {:.0}", at(50), at(99), times.len() as f64 / begun.elapsed().as_secs_f64())
}

fn bytes(body: Body) -> bytes::Bytes {
    match body {
        Body::Bytes(bytes) => bytes,
        Body::Empty | Body::Stream(..) => panic!("the store answers in one piece"),
    }
}
