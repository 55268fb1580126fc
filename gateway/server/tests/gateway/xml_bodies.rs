//! FHIR XML in and out, as a client sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::{Adapter, Body, Call, Error, Health, Reply, Status};
use bytes::Bytes;
use fhir::capability::ResourceCapability;
use fhir::{Capability, InteractionCode, ResourceType, Version};
use http::Method;
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
    assert_eq!((updated.status.as_u16(), &updated.json()["status"]), (200, &"suspended".into()));
}

#[tokio::test]
async fn what_is_wrong_with_xml_is_told_by_its_lines() {
    let practice = Practice::open().await;
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [("authorization", token.as_str()), ("content-type", XML), ("accept", XML)];
    let xml = |inside: &str| format!("<Location xmlns=\"http://hl7.org/fhir\">\n  {inside}\n</Location>");
    for (body, status, code, expression, line) in [
        (xml("<nonsense/>"), 400, "structure", "Location.nonsense", 2),
        (xml("<name value='a'/>\n  <status value='nowhere'/>"), 400, "structure", "Location.status", 3),
        (xml("<status\n value='nowhere'/>"), 422, "code-invalid", "Location.status", 2),
        (xml("<status value='active'/>\n  <name value=''/>"), 400, "required", "Location.name", 3),
        (xml("<name value='a'/></Lokation>"), 400, "structure", "Location", 2),
        (format!("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>\n{}", xml("&b;")), 400, "structure", "", 1),
    ] {
        let answer = practice.ask(Method::POST, "/Location", &fields, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        let outcome = said(&answer);
        let issue = &outcome["issue"][0];
        assert_eq!(issue["code"], code, "{body} {outcome}");
        assert_eq!(issue["expression"][0].as_str().unwrap_or(""), expression, "{body}");
        assert_eq!(issue["extension"][0]["valueInteger"], line, "{body} {outcome}");
    }
}

#[tokio::test]
async fn refusals_and_the_statement_are_written_in_xml_too() {
    let practice = Practice::open().await;
    let xml = [("accept", XML)];
    for (path, status) in [("/Location/1", 401), ("/Nonsense", 404), ("/Location/1?_format=xml", 401)] {
        let answer = practice.ask(Method::GET, path, &xml, "").await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(said(&answer)["resourceType"], "OperationOutcome");
    }
    let statement = practice.ask(Method::GET, "/metadata", &xml, "").await;
    let json = practice.get("/metadata").await;
    assert_eq!(said(&statement), json.json());
    assert!(json.json()["format"].as_array().unwrap().contains(&XML.into()));
    let token = format!("Bearer {}", practice.token("system/*.cruds").await);
    let fields = [
        ("authorization", token.as_str()),
        ("content-type", XML),
        ("accept", XML),
        ("prefer", "return=OperationOutcome"),
    ];
    let answer = practice.ask(Method::POST, "/Location", &fields, LOCATION).await;
    assert_eq!((answer.status.as_u16(), &said(&answer)["resourceType"]), (201, &"OperationOutcome".into()));
    assert_eq!(practice.ask(Method::POST, "/Location", &fields, "").await.status, 400);
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
