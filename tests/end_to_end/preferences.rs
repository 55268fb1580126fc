//! How a client wants to be answered: formats, HEAD, conditions of reads and `Prefer`, through every interaction, by one table.

use http::Method;

use crate::support::gateway::{EVERYTHING, Site};
use crate::support::{Answer, Gateway, Http, patient};

/// What the body of an answer is a matter of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// One version, which can be current.
    Version,
    /// A Bundle or a document made for the answer.
    Listing,
    /// `Prefer: return` says what it is.
    Write,
    /// The same; without it there is none.
    Delete,
    /// An operation or a batch, whose answer is what was asked for.
    Answer,
}

struct Row {
    method: Method,
    path: String,
    content_type: &'static str,
    body: String,
    kind: Kind,
    /// Whether an unknown parameter can stand in its query.
    searches: bool,
}

fn row(method: Method, path: &str, body: &str, kind: Kind) -> Row {
    let content_type = if body.is_empty() { "" } else { "application/fhir+json" };
    let searches = false;
    Row { method, path: path.to_owned(), content_type, body: body.to_owned(), kind, searches }
}

impl Row {
    fn of(self, content_type: &'static str) -> Self {
        Self { content_type, ..self }
    }

    fn searching(self) -> Self {
        Self { searches: true, ..self }
    }

    fn with(&self, parameter: &str) -> String {
        let separator = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{separator}{parameter}", self.path)
    }

    async fn send(&self, http: &Http, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        if !self.content_type.is_empty() {
            fields.push(("content-type", self.content_type));
        }
        http.send(self.method.clone(), path, &fields, self.body.clone()).await
    }

    /// Asks, and expects that it is done; on a base with one Patient of its own.
    async fn done(&self, http: &Http, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.send(http, path, fields).await;
        let body = String::from_utf8_lossy(&answer.body);
        assert!(answer.status.is_success(), "{} {path} {fields:?}: {} {body}", self.method, answer.status);
        answer
    }
}

/// Every interaction, on a Patient of that id.
fn rows(id: &str) -> Vec<Row> {
    use Kind::{Answer, Delete, Listing, Version, Write};
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let of = |rest: &str| format!("/Patient/{id}{rest}");
    let family = patient("Preferring");
    let whole = family.replacen('{', &format!("{{\"id\":\"{id}\","), 1);
    let by = format!("/Patient?_id={id}");
    let batch = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"request":{{"method":"GET","url":"Patient/{id}"}}}}]}}"#
        )
    };
    let json_patch = r#"[{"op":"replace","path":"/active","value":true}]"#;
    let form = "application/x-www-form-urlencoded";
    vec![
        row(get.clone(), "/metadata", "", Listing),
        row(get.clone(), &of(""), "", Version),
        row(get.clone(), &of("/_history/1"), "", Version),
        row(get.clone(), &by, "", Listing).searching(),
        row(get.clone(), "/?_type=Patient", "", Listing).searching(),
        row(get.clone(), &of("/Appointment"), "", Listing).searching(),
        row(post.clone(), "/Patient/_search", "family=Preferring", Listing).of(form).searching(),
        row(get.clone(), &of("/_history"), "", Listing),
        row(get.clone(), "/Patient/_history", "", Listing),
        row(get, "/_history", "", Listing),
        row(post.clone(), "/Patient", &family, Write),
        row(put.clone(), &of(""), &whole, Write),
        row(put, &by, &whole, Write),
        row(Method::PATCH, &of(""), json_patch, Write).of("application/json-patch+json"),
        row(Method::PATCH, &by, json_patch, Write).of("application/json-patch+json"),
        row(post.clone(), "/Patient/$validate", &family, Answer),
        row(post.clone(), "/", &batch("batch"), Answer),
        row(post, "/", &batch("transaction"), Answer),
        row(Method::DELETE, "/Patient/never-was", "", Delete),
        row(Method::DELETE, "/Patient?identifier=urn:none|x", "", Delete),
    ]
}

async fn on_store() -> (Site, Gateway, Http, Vec<Row>) {
    let site = Site::on_store();
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    let id = http.post("/Patient", patient("Preferring")).await.expect(201).created_id();
    http.post("/Patient", patient("Another")).await.expect(201);
    let rows = rows(&id);
    (site, gateway, http, rows)
}

#[tokio::test]
async fn every_answer_is_in_the_format_that_was_asked_for() {
    let (_site, _gateway, http, rows) = on_store().await;
    for row in rows.iter().filter(|row| row.kind != Kind::Delete) {
        for (parameter, accept, media) in [
            ("", "", "application/fhir+json"),
            ("", "application/json", "application/json"),
            ("", "application/fhir+xml", "application/fhir+xml"),
            ("_format=xml", "application/fhir+json", "application/fhir+xml"),
            ("_format=json", "application/fhir+xml", "application/fhir+json"),
            ("_format=application/fhir%2Bxml", "", "application/fhir+xml"),
            ("_pretty=true", "", "application/fhir+json"),
            ("_pretty=true&_format=xml", "", "application/fhir+xml"),
        ] {
            let path = if parameter.is_empty() { row.path.clone() } else { row.with(parameter) };
            let fields: &[_] = if accept.is_empty() { &[] } else { &[("accept", accept)] };
            let answer = row.done(&http, &path, fields).await;
            let case = format!("{} {path} {accept}", row.method);
            assert_eq!(answer.header("content-type").split(';').next(), Some(media), "{case}");
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            assert_eq!(text.starts_with('<'), media.ends_with("xml"), "{case}: {text}");
            if media.ends_with("json") {
                assert!(answer.json()["resourceType"].is_string(), "{case}: {text}");
                assert_eq!(text.starts_with("{\n  \""), parameter.starts_with("_pretty"), "{case}: {text}");
            }
        }
        // What cannot be written so is refused, in what the gateway writes.
        let refused = row.send(&http, &row.with("_format=ttl"), &[]).await;
        refused.expect_issue(406, "not-supported");
    }
}

#[tokio::test]
async fn a_head_has_the_fields_of_its_get_and_no_body() {
    let (_site, _gateway, http, rows) = on_store().await;
    for row in rows.iter().filter(|row| row.method == Method::GET) {
        for parameter in ["_format=json", "_format=xml", "_pretty=true"] {
            let path = row.with(parameter);
            let get = row.done(&http, &path, &[]).await;
            let head = http.send(Method::HEAD, &path, &[], "").await;
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            for name in ["content-type", "etag", "last-modified"] {
                assert_eq!(head.header(name), get.header(name), "{path}: {name}");
            }
            let length = head.header("content-length");
            let is_fixed = row.kind == Kind::Version;
            assert!(length == get.body.len().to_string() || !is_fixed, "{path}: {length}");
        }
    }
}

#[tokio::test]
async fn a_version_that_the_client_has_is_not_sent_again_whatever_the_format() {
    let (_site, _gateway, http, rows) = on_store().await;
    for row in rows.iter().filter(|row| row.method == Method::GET) {
        let first = row.done(&http, &row.path, &[]).await;
        let is_version = row.kind == Kind::Version;
        let (current, other) = (first.header("etag").to_owned(), "W/\"999\"");
        let modified = first.header("last-modified").to_owned();
        let long_ago = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (field, value, expected) in [
            ("if-none-match", current.as_str(), 304),
            ("if-none-match", other, 200),
            ("if-modified-since", modified.as_str(), 304),
            ("if-modified-since", long_ago, 200),
        ] {
            let expected = if is_version || row.path == "/metadata" { expected } else { 200 };
            if value.is_empty() {
                assert!(!is_version, "{}: expected a version and a date", row.path);
                continue;
            }
            for (method, path) in [
                (Method::GET, row.path.clone()),
                (Method::GET, row.with("_format=xml")),
                (Method::HEAD, row.path.clone()),
            ] {
                let answer = http.send(method.clone(), &path, &[(field, value)], "").await;
                assert_eq!(answer.status, expected, "{method} {path} {field}: {value}");
                assert!(expected != 304 || (answer.body.is_empty() && answer.header("etag") == current), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_write_answers_is_a_matter_of_prefer_and_of_nothing_else() {
    let (_site, _gateway, http, rows) = on_store().await;
    for row in &rows {
        let plain = row.done(&http, &row.path, &[]).await;
        for (prefer, shown) in
            [("minimal", ""), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")]
        {
            let preference = format!("return={prefer}");
            for parameter in ["_format=json", "_format=xml"] {
                let answer = row.done(&http, &row.with(parameter), &[("prefer", &preference)]).await;
                let case = format!("{} {} {preference} {parameter}", row.method, row.path);
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                match row.kind {
                    Kind::Write => {
                        let has =
                            if parameter.ends_with("xml") { format!("<{shown} xmlns") } else { format!("\"{shown}\"") };
                        assert!(if shown.is_empty() { text.is_empty() } else { text.contains(&has) }, "{case}: {text}");
                        assert!(!answer.header("etag").is_empty(), "{case}");
                    }
                    Kind::Delete => assert_eq!(text.is_empty(), prefer != "OperationOutcome", "{case}: {text}"),
                    _ if parameter.ends_with("json") => {
                        assert_eq!(answer.json()["resourceType"], plain.json()["resourceType"], "{case}");
                    }
                    _ => assert!(!text.is_empty(), "{case}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_unless_the_client_prefers_it_passed_over() {
    let (_site, _gateway, http, rows) = on_store().await;
    for row in rows.iter().filter(|row| row.searches) {
        for prefer in ["", "handling=strict", "return=minimal"] {
            let answer = row.send(&http, &row.with("colour=blue"), &[("prefer", prefer)]).await;
            assert!(
                answer.status == 400 && answer.json()["resourceType"] == "OperationOutcome",
                "{}: {answer:?}",
                row.path
            );
            assert!(answer.json()["issue"].to_string().contains("colour"), "{}: {answer:?}", row.path);
        }
        let lenient = row.done(&http, &row.with("colour=blue"), &[("prefer", "handling=lenient")]).await.json();
        let modes: Vec<_> =
            lenient["entry"].as_array().unwrap().iter().map(|entry| entry["search"]["mode"].clone()).collect();
        assert!(modes.contains(&"outcome".into()), "{}: {lenient}", row.path);
        // The self link of a search of the whole system repeats what was asked (federate/README.md).
        let of_system = row.path.starts_with("/?");
        let repeats = lenient["link"][0]["url"].as_str().unwrap().contains("colour");
        assert!(of_system || !repeats, "{}: {lenient}", row.path);
    }
    // The criteria of a write are never passed over: it would be another write.
    for row in rows.iter().filter(|row| matches!(row.kind, Kind::Write | Kind::Delete) && row.path.contains('?')) {
        let answer = row.send(&http, &row.with("colour=blue"), &[("prefer", "handling=lenient")]).await;
        assert_eq!(answer.status, 400, "{} {}: {answer:?}", row.method, row.path);
    }
}
