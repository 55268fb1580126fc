//! Who did what is written down, and found by those who may look.

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::patient;

#[tokio::test]
async fn every_interaction_is_found_by_patient_by_agent_and_by_date() {
    let site = Site::on_store();
    let gateway = site.serve();
    let key = site.client("portal", EVERYTHING, &[]);
    let http = gateway.anonymous().with_token(Some(&gateway.token("portal", &key, &[])));
    let id = http.post("/Patient", patient("Audited")).await.expect(201).created_id();
    http.get(&format!("/Patient/{id}")).await.expect(200);
    http.get("/Patient?family=Audited").await.expect(200);
    http.get("/Patient/nobody").await.expect(404);
    http.delete(&format!("/Patient/{id}")).await;

    let auditor = gateway.http(&site, "system/AuditEvent.rs");
    let events = auditor.all(&format!("/AuditEvent?patient=Patient/{id}")).await;
    let mut actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    assert_eq!(actions, ["C", "D", "E", "R"], "{events:#?}");
    let by_agent = auditor.all("/AuditEvent?agent=portal&_count=2").await;
    assert!(by_agent.len() >= 5, "{}", by_agent.len());
    assert!(by_agent.iter().any(|event| event["outcome"] == "4" && event.to_string().contains("nobody")));
    assert_eq!(auditor.all("/AuditEvent?agent=portal&date=lt2020").await.len(), 0);
    assert_eq!(auditor.all("/AuditEvent?agent=portal&date=gt2020&outcome=0").await.len(), 4);
    let event = auditor.get(&format!("/AuditEvent/{}", events[0]["id"].as_str().unwrap())).await.expect(200).json();
    assert_eq!(event["id"], events[0]["id"]);
}

#[tokio::test]
async fn a_search_over_several_patients_is_an_event_for_each_of_them() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(http.post("/Patient", patient("Together")).await.expect(201).created_id());
    }
    http.get("/Patient?family=Together").await.expect(200);
    let auditor = gateway.http(&site, "system/AuditEvent.rs");
    for id in ids {
        let searches = auditor.all(&format!("/AuditEvent?patient={id}&subtype=search-type")).await;
        assert_eq!(searches.len(), 1, "{id}");
    }
}

#[tokio::test]
async fn the_log_needs_a_scope_of_its_own_is_append_only_and_survives_a_restart() {
    let site = Site::on_store();
    let key = site.client("auditor", "system/AuditEvent.rs", &[]);
    let gateway = site.serve();
    let reader = gateway.http(&site, "system/Patient.rs");
    reader.get("/Patient/none").await.expect(404);
    reader.get("/AuditEvent").await.expect_issue(403, "forbidden");
    let http = gateway.http(&site, EVERYTHING);
    // Not even a scope for everything opens the log.
    http.get("/AuditEvent").await.expect_issue(403, "forbidden");
    let auditor =
        gateway.anonymous().with_token(Some(&gateway.token("auditor", &key, &["--scope", "system/AuditEvent.rs"])));
    let event = auditor.all("/AuditEvent").await.remove(0);
    let path = format!("/AuditEvent/{}", event["id"].as_str().unwrap());
    for answer in [
        http.put(&path, &[], event.to_string()).await,
        http.delete(&path).await,
        http.post("/AuditEvent", event.to_string()).await,
    ] {
        assert!(matches!(answer.status.as_u16(), 403 | 405), "{answer:?}");
    }
    gateway.stop();
    let gateway = site.serve();
    let auditor =
        gateway.anonymous().with_token(Some(&gateway.token("auditor", &key, &["--scope", "system/AuditEvent.rs"])));
    assert_eq!(auditor.get(&path).await.expect(200).json()["id"], event["id"]);
}
