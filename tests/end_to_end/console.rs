//! The operator's pages, in a real browser.

use std::process::Command;

use crate::back_ends::two_frontdesks;
use crate::support::gateway::{EVERYTHING, Gateway, Site, run_well};
use crate::support::process::Process;
use crate::support::wire::{Rogue, reply};
use crate::support::{patient, peers, repository};

const HOSTILE: &str = "<img src=x onerror=window.ran=1><script>window.ran=1</script>";

/// A check of `tests/peers/console.mjs` at a gateway's admin port.
fn browser(check: &str, site: &Site, gateway: &Gateway) -> Process {
    let token = run_well(&["admin", "token", "--config", site.config().to_str().unwrap()]);
    let mut command = Command::new("node");
    command.arg(repository().join("tests/peers/console.mjs")).arg(check);
    command.arg(format!("http://127.0.0.1:{}", gateway.admin)).arg(token.trim());
    command.env("FRONTDESK_PEERS", peers::folder());
    Process::start(command, site.folder.path(), "browser")
}

fn ends_well(check: &str, site: &Site, gateway: &Gateway) {
    let mut browser = browser(check, site, gateway);
    let status = browser.wait();
    assert!(status.success() && browser.printed().ends_with("done\n"), "{check}:\n{}", browser.printed());
}

/// A gateway with something to show: requests, a refusal, an audit of the patient `shown`.
async fn busy() -> (Site, Gateway) {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let shown = r#"{"resourceType":"Patient","id":"shown"}"#;
    http.put("/Patient/shown", &[], shown).await.expect(201);
    http.get("/Patient/shown").await.expect(200);
    http.post("/Patient", r#"{"resourceType":"Patient","gender":"xx","contact":[{"id":"x"}]}"#).await.expect(422);
    (site, gateway)
}

#[tokio::test]
async fn a_wrong_token_is_refused_in_words_and_guessing_has_to_wait() {
    let (site, gateway) = busy().await;
    ends_well("wrong-token", &site, &gateway);
}

#[tokio::test]
async fn every_page_fits_a_desk_and_a_phone_and_names_what_it_shows() {
    let (site, gateway) = busy().await;
    ends_well("tour", &site, &gateway);
}

#[tokio::test]
async fn the_pages_work_by_keyboard_alone() {
    let (site, gateway) = busy().await;
    ends_well("keyboard", &site, &gateway);
}

#[tokio::test]
async fn the_pages_work_without_scripts() {
    let (site, gateway) = busy().await;
    ends_well("no-script", &site, &gateway);
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let (site, gateway) = busy().await;
    ends_well("sign-out", &site, &gateway);
}

#[tokio::test]
async fn what_routes_and_back_ends_are_called_and_say_runs_nowhere() {
    let text = format!(r#"{{"status":"degraded","text":"{HOSTILE}"}}"#);
    let rogue = Rogue::start(move |stream, _| {
        let _ = std::io::Write::write_all(stream, reply(200, &text).as_bytes());
    });
    let site = Site::with(&format!(
        "[adapters.rogue]\nkind = \"process\"\nurl = \"http://127.0.0.1:{}\"\n\n[adapters.store]\nkind = \"store\"\n\n\
         [[routes]]\nname = \"{HOSTILE}\"\nadapter = \"store\"\n",
        rogue.port
    ));
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    http.post("/Patient", patient("Hostile")).await.expect(201);
    ends_well("hostile", &site, &gateway);
}

#[tokio::test]
async fn a_back_end_that_goes_away_and_comes_back_is_seen_without_loading_the_page_again() {
    let ((back, back_gateway), (front, front_gateway)) = two_frontdesks();
    let mut browser = browser("outage", &front, &front_gateway);
    browser.line_with("up");
    back_gateway.stop();
    browser.line_with("down");
    let _back = back.serve();
    let status = browser.wait();
    assert!(status.success() && browser.printed().ends_with("done\n"), "{}", browser.printed());
}
