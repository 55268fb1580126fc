//! What happens to data when the process or the disk gives up.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::gateway::{EVERYTHING, Site, binary, run_well};
use crate::support::{Http, patient, repository};

#[tokio::test]
async fn a_kill_during_writes_loses_nothing_that_was_acknowledged() {
    let site = Site::on_store();
    let mut acknowledged = Vec::new();
    let key = site.client("writer", EVERYTHING, &[]);
    for round in 0..3 {
        let mut gateway = site.serve();
        let token = gateway.token("writer", &key, &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (http, stop) = (Http::new(&gateway.base, Some(&token)), Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut written = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let headers = [("content-type", "application/fhir+json")];
                        match http.try_send(http::Method::POST, "/Patient", &headers, patient("Killed")).await {
                            Ok(answer) if answer.status == 201 => written.push(answer.created_id()),
                            _ => break,
                        }
                    }
                    written
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(400 + 300 * round)).await;
        gateway.process.kill();
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    assert!(acknowledged.len() > 50, "{} writes are no test", acknowledged.len());
    let gateway = site.serve();
    let http = Http::new(&gateway.base, Some(&gateway.token("writer", &key, &[])));
    for id in &acknowledged {
        http.get(&format!("/Patient/{id}")).await.expect(200);
    }
    let total = http.get("/Patient?family=Killed&_total=accurate&_count=1").await.expect(200).json()["total"].as_u64();
    assert!(total.unwrap() as usize >= acknowledged.len());
    println!("{} acknowledged writes survived three kills", acknowledged.len());
}

#[tokio::test]
async fn a_backup_of_a_running_gateway_is_a_whole_gateway() {
    let site = Site::on_store();
    let key = site.client("writer", EVERYTHING, &[]);
    let gateway = site.serve();
    let http = Http::new(&gateway.base, Some(&gateway.token("writer", &key, &[])));
    let mut before = Vec::new();
    for number in 0..50 {
        before.push(http.post("/Patient", patient(&format!("Backup{number}"))).await.expect(201).created_id());
    }
    let busy = {
        let http = http.clone();
        tokio::spawn(async move {
            for _ in 0..200 {
                http.post("/Patient", patient("Meanwhile")).await.expect(201);
            }
        })
    };
    let copy = site.folder.path().join("copy");
    let (config, to) = (site.config(), copy.clone());
    let backup = move || run_well(&["backup", "--config", config.to_str().unwrap(), "--to", to.to_str().unwrap()]);
    tokio::task::spawn_blocking(backup).await.unwrap();
    busy.await.unwrap();
    gateway.stop();

    fs::remove_dir_all(site.data()).unwrap();
    fs::rename(&copy, site.data()).unwrap();
    let gateway = site.serve();
    let http = Http::new(&gateway.base, Some(&gateway.token("writer", &key, &[])));
    for id in &before {
        http.get(&format!("/Patient/{id}")).await.expect(200);
    }
    assert_eq!(http.get("/Patient?family=Backup7").await.json()["entry"].as_array().map(Vec::len), Some(1));
}

/// A real full disk needs a file system of its own: a small tmpfs in a mount namespace, where the machine lets us.
#[tokio::test]
async fn on_a_full_disk_writes_are_refused_reads_go_on_and_nothing_acknowledged_is_lost() {
    let may_mount = Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success());
    if !may_mount {
        eprintln!("SKIPPED: no mount namespace on this machine (run as root), so no disk that can be full");
        assert!(std::env::var("CI").is_err(), "CI has to run this");
        return;
    }
    let site = Site::with(
        "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n[audit]\non-full = \"continue\"\n",
    );
    let key = site.client("writer", EVERYTHING, &[]);
    let mut command = Command::new("unshare");
    // The clients that were made before lie under the mount: they are copied into it.
    let script = format!(
        "cp -a '{data}' '{data}.seed'; mount -t tmpfs -o size=6m tmpfs '{data}' && cp -a '{data}.seed/.' '{data}/' && exec '{binary}' serve --config '{config}'",
        data = site.data().display(),
        binary = binary().display(),
        config = site.config().display()
    );
    command.args(["-m", "bash", "-c", &script]).current_dir(repository());
    let gateway = site.start(command);
    let http = Http::new(&gateway.base, Some(&gateway.token("writer", &key, &[])));
    let (mut written, mut refused) = (Vec::new(), None);
    let padding = "x".repeat(50_000);
    for _ in 0..400 {
        let answer = http.post("/Patient", patient(&format!("Full{padding}"))).await;
        match answer.status.as_u16() {
            201 => written.push(answer.created_id()),
            _ => {
                refused = Some(answer);
                break;
            }
        }
    }
    let refused = refused.expect("6 MiB hold no 20 MB");
    refused.expect_issue(503, "no-store");
    assert!(!written.is_empty());
    for id in &written {
        http.get(&format!("/Patient/{id}")).await.expect(200);
    }
    let ready = gateway.admin().get("/ready").await.json();
    assert_ne!(ready["adapters"]["store"]["status"], "up", "{ready}");
}
