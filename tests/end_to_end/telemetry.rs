//! Spans arrive at a real OTLP collector; metrics are there for Prometheus.

use std::process::Command;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::process::Process;
use crate::support::{eventually, free_port, patient, peers};

const STORE: &str = "[adapters.store]\nkind = \"store\"\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n";

#[tokio::test]
async fn a_sampled_request_is_a_trace_with_a_span_for_each_stage() {
    for protocol in ["grpc", "http"] {
        let logs = tempfile::tempdir().unwrap();
        let (grpc, http) = (free_port(), free_port());
        let mut command = Command::new(peers::rotel());
        command.args([
            "start",
            "--debug-log",
            "traces",
            "--debug-log-verbosity",
            "detailed",
            "--exporter",
            "blackhole",
        ]);
        command.args([
            "--otlp-grpc-endpoint",
            &format!("127.0.0.1:{grpc}"),
            "--otlp-http-endpoint",
            &format!("127.0.0.1:{http}"),
        ]);
        let mut collector = Process::start(command, logs.path(), "rotel");
        collector.line_with("Starting");
        let port = if protocol == "grpc" { grpc } else { http };
        let telemetry = format!(
            "{STORE}\n[telemetry]\notlp-endpoint = \"http://127.0.0.1:{port}\"\notlp-protocol = \"{protocol}\"\nsample-ratio = 0.0\n"
        );
        let site = Site::with(&telemetry);
        let gateway = site.serve();
        let client = gateway.http(&site, EVERYTHING);
        // The ratio is 0: only what the caller samples is traced.
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let sampled = format!("00-{trace}-00f067aa0ba902b7-01");
        let headers = [("content-type", "application/fhir+json"), ("traceparent", sampled.as_str())];
        client.send(http::Method::POST, "/Patient", &headers, patient("Traced")).await.expect(201);
        let unsampled = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-00";
        client.send(http::Method::GET, "/Patient/none", &[("traceparent", unsampled)], "").await.expect(404);
        let stages = ["receive", "authorize", "route", "validate", "dispatch", "respond"];
        eventually("a span of each stage at the collector", || {
            let printed = collector.printed();
            printed.contains(trace) && stages.iter().all(|stage| printed.contains(stage))
        });
        gateway.stop();
        let printed = collector.printed();
        assert!(!printed.contains("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "an unsampled request was traced");
        assert!(!printed.contains("Traced") && !printed.contains("1931-07-04"), "patient data in a span");
    }
}

#[tokio::test]
async fn a_gateway_runs_on_while_its_collector_is_down() {
    let telemetry =
        format!("{STORE}\n[telemetry]\notlp-endpoint = \"http://127.0.0.1:{}\"\nsample-ratio = 1.0\n", free_port());
    let site = Site::with(&telemetry);
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    for _ in 0..50 {
        http.get("/Patient/none").await.expect(404);
    }
    gateway.stop();
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_health_names_the_adapters() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    for _ in 0..7 {
        http.get("/Patient/none").await.expect(404);
    }
    let admin = gateway.admin();
    let metrics = admin.get("/metrics").await.expect(200);
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let counted = text
        .lines()
        .any(|line| line.contains("store") && line.contains("read") && line.contains("404") && line.ends_with(" 7"));
    assert!(counted, "{text}");
    assert!(text.contains("_bucket{"), "a latency histogram was expected:\n{text}");
    admin.get("/health").await.expect(200);
    let ready = admin.get("/ready").await.expect(200);
    assert_eq!(ready.json()["adapters"]["store"]["status"], "up", "{ready:?}");
    admin.get("/fhir/r4/Patient/1").await.expect(404);
}
