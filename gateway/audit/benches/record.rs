//! What a record costs: microseconds of CPU of the whole process, the writer's thread, checksums and fsyncs included, at a
//! given rate, because the cost of an fsync is shared by the records of a window.
//!
//! `cargo bench -p audit`

#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter::Practice;
use adapter::host::SystemClock;
use audit::{Agent, Log, Outcome, Record, Settings, Subject};
use fhir::{InteractionCode, ResourceType};

fn main() {
    for (rate, seconds) in [(1_000, 2), (10_000, 3), (100_000, 3)] {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::open(Settings::new(folder.path()), Arc::new(SystemClock)).unwrap();
        let before = cpu();
        let records = run(&log, rate, Duration::from_secs(seconds));
        log.flush(Duration::from_secs(10)).unwrap();
        let micros = (cpu() - before).as_secs_f64() * 1e6 / f64::from(records);
        let bytes = log.size().0 / u64::from(records);
        println!("{rate:>7} records/s: {micros:.2} us of CPU a record, {bytes} bytes each");
    }
}

/// Records evenly; sleeps when it is ahead.
fn run(log: &Log, rate: u32, time: Duration) -> u32 {
    let record = record();
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < time {
        let due = (began.elapsed().as_secs_f64() * f64::from(rate)) as u32;
        while done < due {
            log.record(&record).unwrap();
            done += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    done
}

fn record() -> Record {
    Record {
        practice: Practice::default(),
        recorded: SystemTime::now(),
        interaction: InteractionCode::Read,
        outcome: Outcome::Success,
        reason: "".into(),
        agent: Agent {
            client: Some("portal".into()),
            user: None,
            address: Ipv4Addr::LOCALHOST.into(),
            token: Some("01890a5d-ac96-774b-bcce-b302099a8057".into()),
            scopes: "system/*.cruds".into(),
        },
        base: "https://gateway.example/fhir/r4".into(),
        subject: Some(Subject {
            resource_type: ResourceType::PATIENT,
            id: "8f5c4a44-0b6e-4c6e-9d7f-000000000001".parse().unwrap(),
            version_id: "1".parse().ok(),
        }),
        patients: vec!["8f5c4a44-0b6e-4c6e-9d7f-000000000001".parse().unwrap()],
        query: None,
        request_id: "01890a5d-ac96-774b-bcce-b302099a8058".into(),
    }
}

/// CPU time of every thread of this process.
fn cpu() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
