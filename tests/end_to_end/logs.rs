//! No patient data in any log line.

use std::fs;

use crate::support::Http;
use crate::support::gateway::Site;

/// What must not be in a log: names, dates, identifiers, addresses and ids of people.
fn secrets(patients: &[serde_json::Value]) -> Vec<String> {
    let mut found = Vec::new();
    for patient in patients {
        let name = &patient["name"][0];
        found.extend(name["family"].as_str().map(str::to_owned));
        found.extend(name["given"].as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)));
        found.extend(patient["birthDate"].as_str().map(str::to_owned));
        found.extend(patient["id"].as_str().map(str::to_owned));
        found.extend(
            patient["identifier"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["value"].as_str().map(str::to_owned)),
        );
        found.extend(
            patient["telecom"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["value"].as_str().map(str::to_owned)),
        );
        found.extend(
            patient["address"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["line"][0].as_str().map(str::to_owned)),
        );
    }
    // A short word can stand in a log for another reason.
    found.retain(|secret| secret.len() > 5);
    found.sort();
    found.dedup();
    found
}

#[tokio::test]
async fn no_log_line_of_any_level_holds_patient_data() {
    let site = Site::on_store();
    let mut command = std::process::Command::new(crate::support::gateway::binary());
    let (listen, admin) = (format!("127.0.0.1:{}", site.port), format!("127.0.0.1:{}", site.admin));
    command.args(["demo", "--listen", &listen, "--admin", &admin, "--data"]).arg(site.data());
    // Everything that our own crates can say.
    let own = "info,frontdesk=trace,store=trace,audit=trace,fhir_rest=trace,config=trace,search=trace,profile=trace,adapter=trace";
    let mut gateway = site.start_with_log(command, own);
    gateway.process.line_with("curl ");
    let key = site.data().join("demo-client.pem");
    let http = Http::new(&gateway.base, Some(&gateway.token("demo", &key, &[])));
    let patients = http.all("/Patient?_count=100").await;
    assert!(patients.len() >= 60);
    let one = &patients[0];
    let (id, family) = (one["id"].as_str().unwrap(), one["name"][0]["family"].as_str().unwrap());
    for path in [
        format!("/Patient/{id}"),
        format!("/Patient?family={}", family.replace(' ', "%20")),
        format!("/Patient/{id}/_history"),
        format!("/Appointment?patient=Patient/{id}"),
        format!("/Patient/{id}/nonsense"),
        format!("/Patient?{id}=x"),
        format!("/{id}"),
    ] {
        http.get(&path).await;
        http.with_token(None).get(&path).await;
        http.with_token(Some("a.b.c")).get(&path).await;
    }
    let broken = one.to_string().replace("\"resourceType\"", "\"resourcetype\"");
    for body in [one.to_string(), broken, one.to_string()[..200].to_owned(), format!("{one}{family}")] {
        http.post("/Patient", body.clone()).await;
        http.put(&format!("/Patient/{id}"), &[("if-match", "W/\"99\"")], body.clone()).await;
        http.send(
            http::Method::POST,
            "/Patient/_search",
            &[("content-type", "application/x-www-form-urlencoded")],
            body,
        )
        .await;
    }
    let metrics = gateway.admin().get("/metrics").await;
    let health = gateway.admin().get("/health").await;
    let log = site.folder.path().join("gateway.log");
    gateway.stop();
    let seen = [
        fs::read_to_string(log).unwrap(),
        String::from_utf8_lossy(&metrics.body).into_owned(),
        String::from_utf8_lossy(&health.body).into_owned(),
    ];
    assert!(seen[0].lines().count() > 5, "{}", seen[0]);
    for secret in secrets(&patients) {
        for text in &seen {
            // The advice that the demo prints names its first patient; it is the same on every machine.
            let line = text.lines().find(|line| line.contains(&secret) && !line.starts_with("# "));
            assert_eq!(line, None, "`{secret}` is in a log line");
        }
    }
}
