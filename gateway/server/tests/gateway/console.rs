//! The operator's pages on the admin port.

use std::collections::BTreeMap;

use frontdesk::admin::Secret;
use http::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Practice};

/// Somebody at the admin port.
struct Operator<'a> {
    practice: &'a Practice,
    cookie: String,
}

impl<'a> Operator<'a> {
    fn stranger(practice: &'a Practice) -> Self {
        Self { practice, cookie: String::new() }
    }

    async fn signed_in(practice: &'a Practice) -> Self {
        let mut operator = Self::stranger(practice);
        let answer = operator.sign_in(&token(practice), "").await;
        assert_eq!((answer.status.as_u16(), answer.field("location")), (303, "/admin"));
        answer.field("set-cookie").split(';').next().unwrap().clone_into(&mut operator.cookie);
        operator
    }

    async fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)], form: &str) -> Answer {
        let url = format!("http://{}{path}", self.practice.gateway.admin_address());
        let mut all = vec![("cookie", self.cookie.as_str())];
        all.extend(fields);
        self.practice.ask(method, &url, &all, form.to_owned()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    async fn sign_in(&self, token: &str, next: &str) -> Answer {
        self.post("/admin/sign-in", &[("token", token), ("next", next)]).await
    }

    async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.ask(Method::POST, path, &[("sec-fetch-site", "same-origin")], &form).await
    }
}

fn token(practice: &Practice) -> String {
    Secret::open(practice.data()).unwrap().reveal().unwrap()
}

async fn bearer(practice: &Practice, path: &str) -> Value {
    let url = format!("http://{}{path}", practice.gateway.admin_address());
    let token = format!("Bearer {}", token(practice));
    let answer = practice.ask(Method::GET, &url, &[("authorization", &token)], "").await;
    assert_eq!(answer.status, 200, "{path} {:?}", answer.json());
    answer.json()
}

/// A client asks for something; the status of the answer.
async fn client(practice: &Practice, method: Method, path: &str, body: &str) -> u16 {
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", "application/fhir+json")];
    practice.ask(method, path, &fields, body.to_owned()).await.status.as_u16()
}

const PAGES: [&str; 6] =
    ["/admin", "/admin/back-ends", "/admin/requests", "/admin/validation", "/admin/audit", "/admin/system"];

#[tokio::test]
async fn without_signing_in_no_page_and_no_data_is_shown() {
    let practice = Practice::open().await;
    let stranger = Operator::stranger(&practice);
    for path in PAGES {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, 303, "{path}");
        assert!(answer.field("location").starts_with("/admin/sign-in") && answer.body.is_empty(), "{path}");
        let data = if path == "/admin" { "/admin/overview.json".to_owned() } else { format!("{path}.json") };
        let answer = stranger.get(&data).await;
        assert_eq!(answer.status, 401, "{data}");
        assert!(answer.field("www-authenticate").starts_with("Bearer"));
        let url = format!("http://{}{data}", practice.gateway.admin_address());
        assert_eq!(
            practice.ask(Method::GET, &url, &[("authorization", "Bearer wrong")], "").await.status.as_u16() / 100,
            4
        );
    }
    assert_eq!(stranger.get("/admin/nothing").await.status, 303);
    assert_eq!(stranger.get("/").await.field("location"), "/admin");
}

#[tokio::test]
async fn the_token_opens_every_page_and_the_same_as_data() {
    let practice = Practice::open().await;
    let operator = Operator::signed_in(&practice).await;
    for path in PAGES {
        let page = operator.text(path).await;
        assert!(page.contains("<main") && page.contains("aria-current=\"page\"") && page.contains("<h1>"), "{path}");
        let data = if path == "/admin" { "/admin/overview.json".to_owned() } else { format!("{path}.json") };
        assert!(operator.get(&data).await.json().is_object(), "{data}");
        assert!(bearer(&practice, &data).await.is_object(), "{data}");
    }
    assert_eq!(bearer(&practice, "/admin/overview.json").await["status"], "good");
    assert!(operator.text("/admin").await.contains("Everything works"));
    assert_eq!(operator.get("/admin/nothing").await.status, 404);
    assert_eq!(operator.ask(Method::DELETE, "/admin", &[], "").await.status, 405);
}

#[tokio::test]
async fn every_answer_is_locked_into_its_own_page() {
    let practice = Practice::open().await;
    let operator = Operator::signed_in(&practice).await;
    for path in ["/admin", "/admin/sign-in", "/admin/nothing", "/admin/requests.json"] {
        let answer = operator.get(path).await;
        let policy = answer.field("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.field("cache-control"), "no-store");
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
        assert_eq!(answer.field("referrer-policy"), "no-referrer");
        assert_eq!(answer.field("strict-transport-security"), "", "not encrypted");
    }
    let answer = operator.sign_in(&token(&practice), "").await;
    let cookie = answer.field("set-cookie");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Strict") && cookie.contains("; Path=/admin"));
    assert!(!cookie.contains("Secure"), "a browser would not send it back over plain HTTP on this machine");
}

#[tokio::test]
async fn a_wrong_token_is_refused_and_guessing_is_slowed_down() {
    let practice = Practice::open().await;
    let operator = Operator::stranger(&practice);
    for _ in 0..4 {
        let answer = operator.sign_in("wrong", "").await;
        assert_eq!((answer.status.as_u16(), answer.field("set-cookie")), (401, ""));
    }
    let answer = operator.sign_in(&token(&practice), "").await;
    assert_eq!((answer.status.as_u16(), answer.field("retry-after")), (429, "1"), "the right one has to wait too");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(operator.sign_in(&token(&practice), "").await.status, 303);
}

#[tokio::test]
async fn signing_out_and_a_new_token_end_a_session() {
    let practice = Practice::open().await;
    let (first, second) = (Operator::signed_in(&practice).await, Operator::signed_in(&practice).await);
    first.post("/admin/sign-out", &[("form", "guessed")]).await;
    let page = first.text("/admin").await;
    let form = page.split_once("name=\"form\" value=\"").unwrap().1.split('"').next().unwrap();
    let answer = first.post("/admin/sign-out", &[("form", form)]).await;
    assert!(answer.field("set-cookie").contains("Max-Age=0"));
    assert_eq!(first.get("/admin").await.status, 303);
    assert_eq!(second.get("/admin").await.status, 200, "the other one goes on");
    Secret::renewed(practice.data()).unwrap();
    assert_eq!(second.get("/admin").await.status, 303);
    assert!(Operator::signed_in(&practice).await.get("/admin").await.status.is_success());
}

#[tokio::test]
async fn names_that_may_be_pointed_here_and_forms_of_other_pages_are_refused() {
    let practice = Practice::open().await;
    let operator = Operator::signed_in(&practice).await;
    let answer = operator.ask(Method::GET, "/admin", &[("host", "evil.example")], "").await;
    assert_eq!(answer.status, 421);
    assert!(!String::from_utf8_lossy(&answer.body).contains("Overview"));
    let form = format!("token={}", token(&practice));
    for fields in [[("sec-fetch-site", "cross-site")], [("origin", "https://evil.example")], [("x-nothing", "")]] {
        let answer = operator.ask(Method::POST, "/admin/sign-in", &fields, &form).await;
        assert_eq!((answer.status.as_u16(), answer.field("set-cookie")), (403, ""), "{fields:?}");
    }
}

#[tokio::test]
async fn after_signing_in_somebody_is_led_to_a_page_of_ours_only() {
    let practice = Practice::open().await;
    let operator = Operator::stranger(&practice);
    let led = operator.get("/admin/back-ends").await;
    assert_eq!(led.field("location"), "/admin/sign-in?next=%2Fadmin%2Fback-ends");
    assert!(operator.text(led.field("location")).await.contains("value=\"/admin/back-ends\""));
    for (next, expected) in [
        ("/admin/back-ends", "/admin/back-ends"),
        ("https://evil.example", "/admin"),
        ("//evil.example/admin", "/admin"),
        ("/admin/back-ends\r\nx: y", "/admin"),
    ] {
        assert_eq!(operator.sign_in(&token(&practice), next).await.field("location"), expected);
    }
}

#[tokio::test]
async fn a_token_does_not_travel_over_plain_http_from_another_machine() {
    let practice = Practice::with("trusted-proxies = [\"127.0.0.1\"]\n--").await;
    let operator = Operator::stranger(&practice);
    let far = ("x-forwarded-for", "192.0.2.7");
    assert_eq!(operator.ask(Method::GET, "/admin/sign-in", &[far], "").await.status, 403);
    let fields = [far, ("x-forwarded-proto", "https"), ("sec-fetch-site", "same-origin")];
    let form = format!("token={}", token(&practice));
    let answer = operator.ask(Method::POST, "/admin/sign-in", &fields, &form).await;
    assert!(answer.field("set-cookie").contains("; Secure") && answer.status == 303);
    assert_ne!(answer.field("strict-transport-security"), "");
}

#[tokio::test]
async fn requests_and_broken_rules_are_shown_without_a_word_of_what_was_sent() {
    let practice = Practice::open().await;
    assert_eq!(client(&practice, Method::PUT, "/Patient/a", r#"{"resourceType":"Patient","id":"a"}"#).await, 201);
    let wrong = r#"{"resourceType":"Patient","gender":"Mallory","contact":[{"id":"Mallory"}],"Mallory":1}"#;
    assert_eq!(client(&practice, Method::POST, "/Patient", wrong).await, 400);
    practice.get("/Patient/a").await;

    let requests = bearer(&practice, "/admin/requests.json").await;
    let of_client = |requests: &Value| {
        let rows = requests["requests"].as_array().unwrap().iter();
        rows.filter(|row| row["client"] == "tester").cloned().collect::<Vec<_>>()
    };
    let rows = of_client(&requests);
    assert_eq!(rows[0]["minute"], json!({ "answered": 1, "refused": 1, "failed": 0 }), "{requests}");
    assert_eq!((&rows[0]["route"], &rows[0]["practice"]), (&json!("store"), &json!("default")));

    let operator = Operator::signed_in(&practice).await;
    let page = operator.text("/admin/validation").await;
    assert!(page.contains("pat-1") && page.contains("Patient.contact") && page.contains("tester"), "{page}");
    assert!(page.contains("unknown element") && page.contains("administrative-gender"), "{page}");
    for path in PAGES {
        assert!(!operator.text(path).await.contains("Mallory"), "{path}");
    }
    let rules = bearer(&practice, "/admin/validation.json").await;
    assert_eq!(rules["rules"].as_array().map(Vec::len), Some(4), "{rules}");
}

#[tokio::test]
async fn the_audit_of_a_patient_is_shown_in_plain_words_and_looking_is_written_down() {
    let practice = Practice::open().await;
    client(&practice, Method::PUT, "/Patient/a", r#"{"resourceType":"Patient","id":"a"}"#).await;
    client(&practice, Method::GET, "/Patient/a", "").await;
    client(&practice, Method::GET, "/Patient/b", "").await;
    let operator = Operator::signed_in(&practice).await;
    let page = operator.text("/admin/audit?patient=a").await;
    assert!(page.contains("read Patient/a") && page.contains("changed Patient/a") && page.contains("tester"), "{page}");
    assert!(!page.contains("Patient/b"), "{page}");

    let events = bearer(&practice, "/admin/audit.json?patient=a").await;
    let texts: Vec<&str> = events["events"].as_array().unwrap().iter().filter_map(|of| of["text"].as_str()).collect();
    assert_eq!(texts[0], "operator searched for this patient's audit", "{texts:?}");
    assert_eq!(texts.len(), 3);
    assert!(events["events"][0]["person"].as_str().unwrap().starts_with("admin session "));
    // A client that may read the log sees it as any other event.
    let token = format!("Bearer {}", practice.token("system/AuditEvent.rs").await);
    let bundle =
        practice.ask(Method::GET, "/AuditEvent?patient=a&agent=operator", &[("authorization", &token)], "").await;
    assert_eq!(bundle.json()["entry"].as_array().map(Vec::len), Some(2), "{:?}", bundle.json());

    let refused = operator.get("/admin/audit?patient=%3Cscript%3E&practice=default").await;
    assert_eq!(refused.status, 400);
    assert!(!String::from_utf8_lossy(&refused.body).contains("<script>alert") && refused.body.len() > 100);
    assert_eq!(operator.get("/admin/audit?patient=a&practice=north").await.status, 400);
}

#[tokio::test]
async fn a_long_audit_comes_in_pages_that_do_not_overlap() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    for _ in 0..30 {
        practice.ask(Method::GET, "/Patient/a", &[("authorization", &token)], "").await;
    }
    let first = bearer(&practice, "/admin/audit.json?patient=a").await;
    let next = first["next"].as_str().expect("a further page");
    let second = bearer(&practice, &format!("/admin/audit.json?patient=a&page={next}")).await;
    assert_eq!((first["events"].as_array().unwrap().len(), second["events"].as_array().unwrap().len()), (25, 5));
    let forged = format!("/admin/audit.json?patient=a&page={}", next.chars().rev().collect::<String>());
    assert_eq!(Operator::signed_in(&practice).await.get(&forged).await.status, 400);
}

#[tokio::test]
async fn what_others_named_is_shown_as_text() {
    let route = "[[routes]]\nname = \"<script>alert(1)</script>\"\nadapter = \"store\"\ntypes = [\"Patient\"]\n";
    let practice = Practice::with(route).await;
    client(&practice, Method::GET, "/Patient/a", "").await;
    let operator = Operator::signed_in(&practice).await;
    for path in ["/admin/requests", "/admin/system"] {
        let page = operator.text(path).await;
        assert!(page.contains("&lt;script&gt;alert(1)") && !page.contains("<script>alert(1)"), "{path}");
    }
}

#[tokio::test]
async fn what_a_back_end_did_is_shown_with_its_last_failure_in_words() {
    let further = BTreeMap::from([("awkward".to_owned(), super::faults::awkward())]);
    let practice = Practice::around("", further).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let data = bearer(&practice, "/admin/back-ends.json").await;
    let states: Vec<_> = data["back-ends"].as_array().unwrap().iter().map(|of| (&of["name"], &of["state"])).collect();
    assert_eq!(states, [(&json!("store"), &json!("Works")), (&json!("awkward"), &json!("Works"))]);
    assert_eq!(client(&practice, Method::GET, "/Patient/down", "").await, 503);
    let back_end = &bearer(&practice, "/admin/back-ends.json").await["back-ends"][1];
    assert_eq!((&back_end["calls"]["minute"], &back_end["failed"]["minute"]), (&json!(1), &json!(1)), "{back_end}");
    assert_eq!(back_end["last-failure"]["text"], "it could not be reached");
    assert_eq!(back_end["breaker"]["state"], "closed");
    assert!(back_end["seconds"]["p99"].as_f64().unwrap() > 0.0);
}
