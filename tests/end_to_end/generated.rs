//! Requests made by schemathesis of what `/metadata` says and the sample practice holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::gateway::{EVERYTHING, Site, run};
use crate::support::{Gateway, peers, repository};

/// Seconds of generated requests; FRONTDESK_GENERATED_SECONDS says otherwise.
const SECONDS: &str = "45";
/// The least of the answers that must be 2xx, in percent.
const ANSWERED: usize = 60;
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,every_failure_is_an_operation_outcome";

/// A gateway on the sample practice, without limits of rates.
fn practice() -> (Site, Gateway) {
    let site = Site::on_store();
    site.demo_with_practice().stop();
    let gateway = site.serve();
    (site, gateway)
}

fn python(program: &str) -> Command {
    Command::new(peers::folder().join("python/bin").join(program))
}

/// Makes OpenAPI of the base, in a folder.
fn describe(base: &str, token: &str, folder: &Path) -> PathBuf {
    let schema = folder.join("openapi.json");
    let script = repository().join("tests/peers/openapi.py");
    let made = python("python").arg(script).args([base, token]).arg(&schema).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    println!("{}", String::from_utf8_lossy(&made.stdout).trim());
    schema
}

/// Sends requests until the time is over; what failed is in the output.
fn generate(base: &str, token: &str, schema: &Path, folder: &Path) {
    let seconds = std::env::var("FRONTDESK_GENERATED_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    let mut command = python("schemathesis");
    command.arg("run").arg(schema).args(["--url", base, "--header", &format!("Authorization: Bearer {token}")]);
    command.args(["--mode", "positive", "--phases", "coverage,fuzzing", "--seed", "4", "--max-examples", "20"]);
    command.args(["--max-time", &seconds, "--checks", CHECKS, "--suppress-health-check", "all", "--warnings", "off"]);
    command.args(["--continue-on-failure", "--generation-database", "none", "--no-color"]);
    command.env("SCHEMATHESIS_HOOKS", "generated_hooks").env("PYTHONPATH", repository().join("tests/peers"));
    let output = command.env("FRONTDESK_GENERATED", folder).current_dir(folder).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// How often each status was answered.
fn statuses(folder: &Path) -> BTreeMap<u64, usize> {
    let mut statuses = BTreeMap::new();
    for line in fs::read_to_string(folder.join("answers.jsonl")).unwrap().lines() {
        let answer: Value = serde_json::from_str(line).unwrap();
        *statuses.entry(answer["status"].as_u64().unwrap()).or_default() += 1;
    }
    statuses
}

/// What our validator says of the bodies that were kept: errors, each with the file it is about.
fn invalid(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder.join("bodies")).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let files: Vec<String> = files.collect();
    assert!(files.len() > 50, "{} bodies were kept", files.len());
    let mut arguments = vec!["validate", "--output", "json"];
    arguments.extend(files.iter().map(String::as_str));
    let printed = String::from_utf8(run(&arguments).stdout).unwrap();
    let outcomes: Vec<Value> =
        serde_json::Deserializer::from_str(&printed).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(outcomes.len(), files.len());
    let issues = outcomes
        .iter()
        .zip(&files)
        .flat_map(|(outcome, file)| outcome["issue"].as_array().unwrap().iter().map(move |issue| (issue, file)));
    let errors = issues.filter(|(issue, _)| issue["severity"] == "error" || issue["severity"] == "fatal");
    // Its definition wants a string where that of `issue-line` wants an integer; validators write integers in both.
    let errors =
        errors.filter(|(issue, _)| !issue["details"]["text"].to_string().contains("operationoutcome-issue-col"));
    errors.map(|(issue, file)| format!("{issue}: {}", fs::read_to_string(file).unwrap())).collect()
}

#[tokio::test]
async fn generated_requests_find_no_5xx_and_most_are_answered_as_asked_in_sound_fhir() {
    let (site, gateway) = practice();
    let token = gateway.http(&site, EVERYTHING).token.unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bodies")).unwrap();
    let schema = describe(&gateway.base, &token, folder.path());
    generate(&gateway.base, &token, &schema, folder.path());

    let statuses = statuses(folder.path());
    let all: usize = statuses.values().sum();
    let answered: usize = statuses.range(200..300).map(|(_, count)| count).sum();
    println!("{all} answers, {} % of them 2xx: {statuses:?}", answered * 100 / all);
    assert!(all > 500, "{statuses:?}");
    assert!(answered * 100 >= all * ANSWERED, "{statuses:?}");
    assert_eq!(statuses.range(500..).count(), 0, "{statuses:?}");
    let invalid = invalid(folder.path());
    assert!(invalid.is_empty(), "{}", invalid.join("\n"));
}
