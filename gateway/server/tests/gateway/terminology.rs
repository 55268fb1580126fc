//! Codes that a terminology server outside is asked about. The server is a process of its own, in Python: the code says what
//! becomes of its question.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Practice};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gateway/terminology_server.py");
const SYSTEM: &str = "http://codes.example/own";

/// The server; it ends with this.
struct Server {
    process: Child,
    base: String,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new("python3").arg(SCRIPT).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { process, base: format!("http://127.0.0.1:{}/r4", port.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A practice that asks a server, and a client of it.
struct Client {
    practice: Practice,
    server: Server,
    bearer: String,
}

impl Client {
    async fn with(settings: &str) -> Self {
        let server = Server::start();
        let settings = format!("[terminology]\nserver = \"{}\"\n{settings}", server.base);
        let practice = Practice::with(&settings).await;
        let bearer = format!("Bearer {}", practice.token("system/*.cruds").await);
        Self { practice, server, bearer }
    }

    async fn create(&self, patient: &Value) -> Answer {
        let fields = [
            ("authorization", self.bearer.as_str()),
            ("content-type", "application/fhir+json"),
            ("prefer", "return=OperationOutcome"),
        ];
        self.practice.ask(Method::POST, "/Patient", &fields, patient.to_string()).await
    }

    /// What the server was asked so far.
    async fn asked(&self) -> Vec<Value> {
        let url = self.server.base.clone();
        self.practice.ask(Method::GET, &url, &[], "").await.json().as_array().unwrap().clone()
    }
}

fn tagged(codes: &[&str]) -> Value {
    let tags: Vec<Value> = codes.iter().map(|code| json!({ "system": SYSTEM, "code": code })).collect();
    json!({ "resourceType": "Patient", "meta": { "tag": tags }, "name": [{ "family": "Chalmers" }] })
}

/// Severity and code of each issue of a create.
fn issues(answer: &Answer) -> Vec<(String, String)> {
    let outcome = answer.json();
    let of = |issue: &Value, name: &str| issue[name].as_str().unwrap().to_owned();
    let issues = outcome["issue"].as_array().unwrap_or_else(|| panic!("{outcome}"));
    issues.iter().map(|issue| (of(issue, "severity"), of(issue, "code"))).collect()
}

fn has(answer: &Answer, severity: &str, code: &str) -> bool {
    issues(answer).contains(&(severity.to_owned(), code.to_owned()))
}

#[tokio::test]
async fn a_code_that_the_server_has_passes_and_one_that_it_has_not_is_refused() {
    let client = Client::with("").await;
    let good = client.create(&tagged(&["good"])).await;
    assert_eq!(good.status, 201, "{}", good.json());
    assert!(!has(&good, "warning", "not-found"), "{}", good.json());
    let bad = client.create(&tagged(&["good", "bad"])).await;
    assert_eq!(bad.status, 422, "{}", bad.json());
    assert!(has(&bad, "error", "code-invalid"));
    assert_eq!(bad.json()["issue"][0]["expression"][0], "Patient.meta.tag[1].code");
}

#[tokio::test]
async fn a_value_set_that_nobody_here_has_is_asked_with_the_code_alone() {
    const SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex|6.1.0";
    let client = Client::with("").await;
    let patient = |code: &str| {
        let extension = json!({ "url": SEX.split('|').next().unwrap(), "valueCode": code });
        json!({ "resourceType": "Patient", "extension": [extension] })
    };
    assert_eq!(client.create(&patient("good")).await.status, 201);
    let bad = client.create(&patient("bad")).await;
    assert_eq!(bad.status, 422, "{}", bad.json());
    let asked = client.asked().await;
    assert_eq!(asked[0]["path"], "/r4/ValueSet/$validate-code");
    let names: Vec<&str> =
        asked[0]["body"]["parameter"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["url", "code", "inferSystem"]);
}

#[tokio::test]
async fn only_canonicals_and_codes_leave_with_the_credentials_and_an_answer_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let client = Client::with(&format!("token = {{ file = \"{}\" }}", secret.display())).await;
    for _ in 0..3 {
        assert_eq!(client.create(&tagged(&["good-1", "good-2"])).await.status, 201);
    }
    let asked = client.asked().await;
    assert_eq!(asked.len(), 2, "{asked:?}");
    for question in &asked {
        assert_eq!(question["path"], "/r4/CodeSystem/$validate-code");
        assert_eq!(question["authorization"], "Bearer s3cret");
        assert_eq!(question["body"]["parameter"][0], json!({ "name": "url", "valueUri": SYSTEM }));
        assert!(!question.to_string().contains("Chalmers"), "{question}");
    }
}

#[tokio::test]
async fn a_slow_server_costs_its_deadline_once_and_leaves_a_warning() {
    let client = Client::with("time = \"300ms\"").await;
    let began = Instant::now();
    let slow = client.create(&tagged(&["slow-1", "slow-2", "slow-3", "good"])).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(slow.status, 201, "{}", slow.json());
    assert_eq!(issues(&slow).iter().filter(|(severity, _)| severity == "warning").count(), 3, "{}", slow.json());
}

#[tokio::test]
async fn a_broken_server_is_left_alone_after_some_failures_and_tried_again_later() {
    let client = Client::with("failures = 2\npause = \"400ms\"").await;
    for number in 0..6 {
        let broken = client.create(&tagged(&[&format!("broken-{number}")])).await;
        assert_eq!(broken.status, 201, "{}", broken.json());
        assert!(has(&broken, "warning", "not-found"));
    }
    assert_eq!(client.asked().await.len(), 2);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!has(&client.create(&tagged(&["good"])).await, "warning", "not-found"));
    assert_eq!(client.create(&tagged(&["bad"])).await.status, 422);
}

#[tokio::test]
async fn what_the_server_does_not_know_stays_a_warning_and_is_not_asked_again() {
    let client = Client::with("failures = 1").await;
    for _ in 0..3 {
        let strange = client.create(&tagged(&["strange"])).await;
        assert_eq!(strange.status, 201);
        assert!(has(&strange, "warning", "not-found"), "{}", strange.json());
    }
    assert_eq!(client.asked().await.len(), 1);
    assert_eq!(client.create(&tagged(&["bad"])).await.status, 422);
}

#[tokio::test]
async fn a_server_that_is_down_stalls_nothing_and_validate_tells_what_it_can() {
    let mut client = Client::with("").await;
    client.server.process.kill().unwrap();
    client.server.process.wait().unwrap();
    let began = Instant::now();
    let answer = client.create(&tagged(&["bad"])).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(answer.status, 201, "{}", answer.json());
    let fields = [("authorization", client.bearer.as_str()), ("content-type", "application/fhir+json")];
    let told = client.practice.ask(Method::POST, "/Patient/$validate", &fields, tagged(&["bad"]).to_string()).await;
    assert_eq!(told.status, 200);
    assert!(has(&told, "warning", "not-found"), "{}", told.json());
}

#[test]
fn the_command_line_asks_it_too() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let outcome = |code: &str| -> Value {
        let file = folder.path().join("patient.json");
        std::fs::write(&file, tagged(&[code]).to_string()).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_frontdesk"))
            .args(["validate", "--output", "json", "--terminology", &server.base])
            .arg(&file)
            .output()
            .unwrap();
        serde_json::from_slice(&command.stdout).unwrap()
    };
    let severity = |code: &str| outcome(code)["issue"][0]["severity"].as_str().unwrap().to_owned();
    assert_eq!(
        (severity("good"), severity("bad"), severity("broken")),
        ("information".into(), "error".into(), "warning".into())
    );
}
