//! Ordinary tools as clients: curl and h2load.

use std::process::Command;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::patient;

fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn curl_speaks_http_1_1_and_http_2_by_prior_knowledge() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let token = format!("authorization: Bearer {}", http.token.clone().unwrap());
    let url = format!("{}/Patient", gateway.base);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let body = patient("Curl");
        let created = output(
            "curl",
            &[
                "-sSi",
                "--max-time",
                "10",
                version,
                "-H",
                &token,
                "-H",
                "content-type: application/fhir+json",
                "-d",
                &body,
                &url,
            ],
        );
        assert!(created.lines().next().unwrap().contains("201"), "{created}");
        // A body that waits for `100 Continue`.
        let expected = output(
            "curl",
            &[
                "-sSi",
                "--max-time",
                "10",
                version,
                "-H",
                &token,
                "-H",
                "expect: 100-continue",
                "-H",
                "content-type: application/fhir+json",
                "-d",
                &body,
                &url,
            ],
        );
        assert!(expected.contains(" 201"), "{expected}");
        let read = output(
            "curl",
            &["-sS", "--max-time", "10", version, "--compressed", "-H", &token, &format!("{url}?family=Curl")],
        );
        assert!(read.contains("\"Bundle\""), "{read}");
    }
}

#[tokio::test]
async fn h2load_gets_an_answer_to_every_request_on_many_streams() {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let id = http.post("/Patient", patient("Load")).await.expect(201).created_id();
    let token = format!("authorization: Bearer {}", http.token.clone().unwrap());
    let url = format!("{}/Patient/{id}", gateway.base);
    for protocol in [&["-p", "h2c"][..], &["--h1"]] {
        let arguments = [&["-n", "2000", "-c", "20", "-m", "20", "-H", &token], protocol, &[&url]].concat();
        let report = output("h2load", &arguments);
        assert!(report.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{report}");
        assert!(report.contains("status codes: 2000 2xx"), "{report}");
    }
}
