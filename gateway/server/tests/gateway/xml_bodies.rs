//! FHIR XML in and out, as a client sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::{Adapter, Body, Call, Error, Health, Reply, Status};
use bytes::Bytes;
use fhir::capability::ResourceCapability;
use fhir::{Capability, Interaction, InteractionCode, ResourceType, Version};
use http::Method;
use parking_lot::Mutex;
use serde_json::Value;
use xml::{Limits, to_json};

use crate::harness::{Answer, Practice};

const XML: &str = "application/fhir+xml";
const LOCATION: &str = "<?xml version=\"1.0\"?>\n<Location xmlns=\"http://hl7.org/fhir\">\n  <!-- x -->\n  <status value=\"active\"/>\n  <name id=\"n\" value=\"Room &#252; &lt;1&gt;\"/>\n  <position><longitude value=\"1.50\"/><latitude value=\"-7.0\"/></position>\n</Location>";

/// What an answer in XML says, as JSON.
fn said(answer: &Answer) -> Value {
    assert!(answer.field("content-type").starts_with("application/fhir+xml"), "{}", answer.field("content-type"));
    let json = to_json(&answer.body, Version::R4, Limits::default());
    let json =
        json.unwrap_or_else(|outcome| panic!("{}: {}", String::from_utf8_lossy(&answer.body), outcome.0[0].text));
    serde_json::from_slice(&json).unwrap()
}

#[tokio::test]
async fn a_resource_is_created_read_and_found_in_xml_and_is_the_same_in_json() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    let fields = [token, ("content-type", XML), ("accept", XML)];
    let made = practice.ask(Method::POST, "/Location", &fields, LOCATION).await;
    assert_eq!(made.status, 201);
    let made = said(&made);
    assert_eq!((&made["name"], &made["_name"]["id"]), (&"Room ü <1>".into(), &"n".into()));
    let path = format!("/Location/{}", made["id"].as_str().unwrap());
    let json = practice.ask(Method::GET, &path, &[token], "").await;
    assert_eq!(json.json(), made);
    assert!(json.body.windows(4).any(|part| part == b"1.50"));
    let read = practice.ask(Method::GET, &format!("{path}?_format=xml"), &[token], "").await;
    assert_eq!(said(&read), made);
    assert!(read.body.windows(18).any(|part| part == b"<latitude value=\"-"));
    let pretty = practice.ask(Method::GET, &format!("{path}?_format=xml&_pretty=true"), &[token], "").await;
    assert_eq!(said(&pretty), made);
    assert!(String::from_utf8_lossy(&pretty.body).contains("\n  <position>\n    <longitude"));
    let head = practice.ask(Method::HEAD, &format!("{path}?_format=xml"), &[token], "").await;
    assert_eq!((head.field("content-length"), head.body.len()), (read.body.len().to_string().as_str(), 0));
    let found = practice.ask(Method::GET, "/Location?_format=xml&name=room", &[token], "").await;
    let found = said(&found);
    assert_eq!((&found["total"], &found["entry"][0]["resource"]), (&1.into(), &made));
    let updated = String::from_utf8_lossy(&read.body).replace("\"active\"", "\"suspended\"");
    let updated = practice.ask(Method::PUT, &path, &[token, ("content-type", "text/xml")], updated).await;
    assert_eq!((updated.status.as_u16(), &said(&updated)["status"]), (200, &"suspended".into()));
}

#[tokio::test]
async fn who_writes_xml_and_takes_anything_is_answered_in_xml() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let token = ("authorization", token.as_str());
    for (accept, query, is_xml) in [
        ("", "", true),
        ("*/*", "", true),
        ("application/json;q=0.5, */*", "", true),
        ("application/fhir+json", "", false),
        ("", "?_format=json", false),
    ] {
        let fields = [token, ("content-type", XML), ("accept", accept)];
        let fields = if accept.is_empty() { &fields[..2] } else { &fields };
        for (body, status) in [(LOCATION, 201), ("<Location xmlns=\"http://hl7.org/fhir\"><x/></Location>", 400)] {
            let answer = practice.ask(Method::POST, &format!("/Location{query}"), fields, body).await;
            assert_eq!(answer.status, status);
            let content_type = answer.field("content-type");
            assert_eq!(content_type.starts_with(XML), is_xml, "{accept} {query} {content_type}");
        }
    }
    let unknown = practice.ask(Method::POST, "/Location", &[("content-type", XML)], LOCATION).await;
    assert_eq!((unknown.status.as_u16(), &said(&unknown)["resourceType"]), (401, &"OperationOutcome".into()));
}

#[tokio::test]
async fn faults_of_the_xml_and_broken_rules_are_told_at_once() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", XML)];
    let patient = "<Patient xmlns=\"http://hl7.org/fhir\">\n  <gender value=\"neuter\"/>\n  <nonsense/>\n  \
                   <birthDate value=\"1974-13-01\"/>\n</Patient>";
    let expected = [("Patient.gender", 2), ("Patient.nonsense", 3), ("Patient.birthDate", 4)];
    let places = |outcome: &Value| -> Vec<(String, u64)> {
        let issues = outcome["issue"].as_array().unwrap();
        let place = |issue: &Value| {
            let line = issue["extension"][0]["valueInteger"].as_u64().unwrap();
            (issue["expression"][0].as_str().unwrap().to_owned(), line)
        };
        issues.iter().filter(|issue| issue["severity"] == "error").map(place).collect()
    };
    let expected: Vec<(String, u64)> = expected.map(|(path, line)| (path.to_owned(), line)).to_vec();
    let refused = practice.ask(Method::POST, "/Patient", &fields, patient).await;
    assert_eq!((refused.status.as_u16(), places(&said(&refused))), (400, expected.clone()));
    let judged = practice.ask(Method::POST, "/Patient/$validate", &fields, patient).await;
    assert_eq!((judged.status.as_u16(), places(&said(&judged))), (200, expected));
    let found = practice.ask(Method::GET, "/Patient", &fields[..1], "").await;
    assert_eq!(found.json()["total"], 0);
}

#[tokio::test]
async fn validate_takes_xml_alone_and_in_parameters() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", XML)];
    let patient =
        |active: &str| format!("<Patient xmlns=\"http://hl7.org/fhir\">\n<active value=\"{active}\"/></Patient>");
    let wrapped = |patient: &str| {
        format!(
            "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"mode\"/><valueCode value=\"create\"/>\
             </parameter>\n<parameter><name value=\"resource\"/><resource>{patient}</resource></parameter></Parameters>"
        )
    };
    for (body, severity, line) in [
        (patient("true"), "information", None),
        (patient("yes"), "error", Some(2)),
        (wrapped(&patient("true")), "information", None),
        (wrapped(&patient("yes")), "error", Some(3)),
    ] {
        let answer = practice.ask(Method::POST, "/Patient/$validate", &fields, body.clone()).await;
        assert_eq!(answer.status, 200);
        let issue = &said(&answer)["issue"][0];
        assert_eq!(
            (&issue["severity"], issue["extension"][0]["valueInteger"].as_u64()),
            (&severity.into(), line),
            "{body}"
        );
        if severity == "error" {
            assert_eq!(issue["expression"][0], "Patient.active", "{body}");
        }
    }
}

/// Takes every patch and transaction, and shows what it was given.
#[derive(Default)]
struct Taking(Mutex<Vec<Value>>);

#[async_trait::async_trait]
impl Adapter for Taking {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let interactions = [InteractionCode::Patch, InteractionCode::Create].into();
        let location = ResourceCapability { interactions, ..Default::default() };
        capability.resources.insert(ResourceType::LOCATION, location);
        capability.system.insert(InteractionCode::Transaction);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let bytes = match &call.interaction {
            Interaction::Patch { patch, .. } => &patch.bytes,
            other => &other.resource().unwrap().bytes,
        };
        self.0.lock().push(serde_json::from_slice(bytes).unwrap());
        let answered =
            r#"{"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201"}}]}"#;
        let is_batch = matches!(call.interaction, Interaction::Batch { .. });
        let reply = Reply::new(Status::Ok);
        Ok(if is_batch { reply.with_body(answered) } else { reply })
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn patches_and_transactions_in_xml_reach_the_adapter_in_json_or_not_at_all() {
    let taking = Arc::new(Taking::default());
    let adapters: BTreeMap<String, Arc<dyn Adapter>> =
        [("taking".to_owned(), Arc::clone(&taking) as Arc<dyn Adapter>)].into();
    let practice = Practice::around("", adapters).await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", XML)];
    let part = |name: &str, value: &str| format!("<part><name value=\"{name}\"/>{value}</part>");
    let patch = format!(
        "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter><name value=\"operation\"/>{}{}{}\n</parameter></Parameters>",
        part("type", "<valueCode value=\"replace\"/>"),
        part("path", "<valueString value=\"Location.status\"/>"),
        part("value", "<valueCode value=\"inactive\"/>"),
    );
    let bundle = format!(
        "<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"transaction\"/>\n<entry><resource>{}</resource>\
         <request><method value=\"POST\"/><url value=\"Location\"/></request></entry></Bundle>",
        LOCATION.split_once('\n').unwrap().1
    );
    for (method, path, good, bad, expression, line) in [
        (Method::PATCH, "/Location/a", &patch, patch.replace("\n", "\n<x/>"), "Parameters.parameter[0].x", Some(2)),
        (Method::POST, "", &bundle, bundle.replace("active", "nowhere"), "Bundle.entry[0].resource.status", None),
        (Method::POST, "", &bundle, bundle.replace("<entry>", "<x/><entry>"), "Bundle.x", Some(2)),
    ] {
        taking.0.lock().clear();
        let refused = practice.ask(method.clone(), path, &fields, bad.clone()).await;
        assert!(refused.status.is_client_error() && taking.0.lock().is_empty(), "{bad}");
        let issue = &said(&refused)["issue"][0];
        let place = (issue["expression"][0].as_str(), issue["extension"][0]["valueInteger"].as_u64());
        assert_eq!(place, (Some(expression), line), "{issue}");
        assert_eq!(practice.ask(method, path, &fields, good.clone()).await.status, 200);
        let json = to_json(good.as_bytes(), Version::R4, Limits::default()).unwrap();
        assert_eq!(taking.0.lock().as_slice(), [serde_json::from_slice::<Value>(&json).unwrap()]);
    }
}

/// Answers every read with one body, as it arrives.
struct Streaming(&'static str);

#[async_trait::async_trait]
impl Adapter for Streaming {
    fn capability(&self) -> Arc<Capability> {
        let mut capability = Capability::empty(Version::R4);
        let patient = ResourceCapability { interactions: [InteractionCode::Read].into(), ..Default::default() };
        capability.resources.insert(ResourceType::PATIENT, patient);
        Arc::new(capability)
    }

    async fn perform(&self, _: Call) -> Result<Reply, Error> {
        let pieces = self.0.as_bytes().chunks(7).map(|piece| Ok(Bytes::from_static(piece)));
        let mut reply = Reply::new(Status::Ok);
        reply.body = Body::Stream(None, Box::pin(futures_util::stream::iter(pieces)));
        Ok(reply)
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

#[tokio::test]
async fn a_streamed_reply_is_gathered_for_xml_and_one_that_is_no_fhir_is_502() {
    for (body, status) in [
        (r#"{"resourceType":"Patient","id":"a","active":true}"#, 200),
        (r#"{"resourceType":"Patient","id":"a","nonsense":true}"#, 502),
    ] {
        let adapters: BTreeMap<String, Arc<dyn Adapter>> =
            [("streaming".to_owned(), Arc::new(Streaming(body)) as Arc<dyn Adapter>)].into();
        let practice = Practice::around("", adapters).await;
        let token = format!("Bearer {}", practice.token("system/*.cruds").await);
        let fields = [("authorization", token.as_str()), ("accept", XML)];
        let answer = practice.ask(Method::GET, "/Patient/a", &fields, "").await;
        assert_eq!(answer.status.as_u16(), status);
        let expected = if status == 200 { "Patient" } else { "OperationOutcome" };
        assert_eq!(said(&answer)["resourceType"], expected);
    }
}
