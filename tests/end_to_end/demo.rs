//! `frontdesk demo`: what a newcomer does with two commands.

use std::process::Command;
use std::time::Duration;

use crate::support::gateway::{Site, binary};
use crate::support::{Http, patient};

/// Runs a printed line in a shell, as if pasted; `frontdesk` is found as the built binary.
fn paste(line: &str) -> String {
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash").args(["-c", line]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn printed(output: &str, start: &str) -> String {
    let line = output.lines().find(|line| line.trim_start().starts_with(start));
    line.unwrap_or_else(|| panic!("expected a line that starts with `{start}`:\n{output}")).trim().to_owned()
}

#[tokio::test]
async fn the_demo_prints_a_token_line_and_a_curl_line_that_work_when_pasted() {
    let site = Site::on_store();
    let gateway = site.demo_with_practice();
    let output = gateway.process.printed();
    assert!(output.contains(&site.base()), "{output}");
    let token = printed(&output, "TOKEN=");
    let curl = printed(&output, "curl ");
    let bundle: serde_json::Value = serde_json::from_str(&paste(&format!("{token}\n{curl}"))).unwrap();
    assert_eq!(bundle["resourceType"], "Bundle", "{bundle}");
    assert!(bundle["entry"].as_array().is_some_and(|entries| !entries.is_empty()), "{bundle}");
}

#[tokio::test]
async fn the_demo_has_its_sample_practice_and_a_restart_keeps_the_data() {
    let site = Site::on_store();
    let gateway = site.demo_with_practice();
    let key = site.data().join("demo-client.pem");
    let http = Http::new(&gateway.base, Some(&gateway.token("demo", &key, &[])));
    for (search, expected) in [
        ("/Patient?_total=accurate&_count=1", 60..=60),
        ("/Practitioner?_total=accurate&_count=1", 3..=3),
        ("/PractitionerRole?_total=accurate&_count=1", 3..=100),
        ("/Location?_total=accurate&_count=1", 2..=2),
        ("/Organization?_total=accurate&_count=1", 1..=1),
        ("/Slot?status=free&_total=accurate&_count=1", 100..=100_000),
        ("/Appointment?_total=accurate&_count=1", 120..=120),
    ] {
        let total = http.get(search).await.expect(200).json()["total"].as_i64().unwrap();
        assert!(expected.contains(&total), "{search}: {total}");
    }
    let id = http.post("/Patient", patient("Keptafterrestart")).await.expect(201).created_id();
    assert!(gateway.stop() < Duration::from_secs(12));

    let gateway = site.demo_with_practice();
    let http = Http::new(&gateway.base, Some(&gateway.token("demo", &key, &[])));
    let kept = http.get(&format!("/Patient/{id}")).await.expect(200).json();
    assert_eq!(kept["name"][0]["family"], "Keptafterrestart");
    let total = http.get("/Patient?_total=accurate&_count=1").await.expect(200).json()["total"].as_i64();
    assert_eq!(total, Some(61), "the sample is loaded once");
    gateway.stop();
}

#[tokio::test]
async fn sigterm_lets_a_request_in_flight_end_and_exits_with_0() {
    let site = Site::on_store();
    let gateway = site.demo_with_practice();
    let key = site.data().join("demo-client.pem");
    let http = Http::new(&gateway.base, Some(&gateway.token("demo", &key, &[])));
    let requests = (0..50).map(|number| {
        let http = http.clone();
        tokio::spawn(async move {
            http.try_send(http::Method::GET, &format!("/Appointment?_count={}", 20 + number), &[], "").await
        })
    });
    let requests: Vec<_> = requests.collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    gateway.stop();
    for request in requests {
        match request.await.unwrap() {
            // What was begun was answered in full; what came later found no listener.
            Ok(answer) => assert!(matches!(answer.status.as_u16(), 200 | 503), "{answer:?}"),
            Err(error) => assert!(
                error.contains("Connect")
                    || error.contains("connection closed before message completed")
                    || error.contains("ChannelClosed")
                    || error.contains("Canceled"),
                "{error}"
            ),
        }
    }
}
