use adapter::{Adapter as _, Call, ErrorKind};
use fhir::{Handling, Interaction, Query, Resource, ResourceType, Version};
use serde_json::{Value, json};

use crate::raw::{Act, PATIENT, fhir, response, serve};
use crate::support::{BASE, adapter, call, create, failure, perform, read, search};

#[tokio::test]
async fn urls_of_the_back_end_are_the_gateways_in_bodies_and_the_other_way_round() {
    let raw = serve(|_, request| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        assert!(body.contains(&format!("\"http://{host}/fhir/Practitioner/2\"")), "{body}");
        Act::Answer(response(
            201,
            &format!("content-type: application/fhir+json\r\nlocation: http://{host}/fhir/Patient/1/_history/1\r\n"),
            body,
        ))
    })
    .await;
    let adapter = adapter(&raw.base, json!({})).await;
    let sent = format!(
        r#"{{"resourceType":"Patient","id":"1","birthDate":"1970","generalPractitioner":[{{"reference":"{BASE}/Practitioner/2"}}]}}"#
    );
    let reply = adapter.perform(create(sent.clone())).await.unwrap();
    assert_eq!(reply.subject.as_ref().unwrap().version_id.as_ref().unwrap().as_str(), "1");
    assert_eq!(crate::support::whole(reply).await.unwrap(), sent.as_bytes());
}

#[tokio::test]
async fn an_alias_of_the_back_end_is_its_base_too() {
    let body = r#"{"resourceType":"Patient","id":"1","link":[{"other":{"reference":"https:\/\/public.example\/r4\/Patient\/2"}}]}"#;
    let raw = serve(move |_, _| Act::Answer(fhir(200, body))).await;
    let adapter = adapter(&raw.base, json!({ "aliases": ["https://public.example/r4/"] })).await;
    let body = perform(&*adapter, read("1")).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains(r#""https://gateway.example/fhir/r4\/Patient\/2""#));
}

#[tokio::test]
async fn nothing_of_the_client_but_its_trace_reaches_the_back_end() {
    let raw = serve(|_, _| Act::Answer(fhir(200, PATIENT))).await;
    perform(&*adapter(&raw.base, json!({})).await, read("1")).await.unwrap();
    let request = raw.seen.requests().remove(0);
    let mut names: Vec<&str> = request.lines().skip(1).filter_map(|line| line.split_once(':')).map(|f| f.0).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "traceparent", "user-agent", "x-request-id"]);
    assert!(request.starts_with("GET /fhir/Patient/1 HTTP/1.1"));
}

/// A server with two pages, which writes the link to the second in a way of its own.
async fn pages(link: &'static str) -> crate::raw::Raw {
    serve(move |_, request| {
        let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let link = link.replace("BASE", &format!("http://{host}/fhir"));
        let second = request.starts_with("GET /fhir?_getpages=a%7Cb&x=2 ") || request.starts_with("GET /fhir/Patient?page=2 ");
        let (id, links) = if second {
            ("2", String::new())
        } else {
            ("1", format!(r#","link":[{{"relation":"self","url":"http://{host}/fhir/Patient?name=a"}},{{"relation":"next","url":"{link}"}}]"#))
        };
        let entry = format!(r#"{{"fullUrl":"http://{host}/fhir/Patient/{id}","resource":{{"resourceType":"Patient","id":"{id}"}}}}"#);
        Act::Answer(fhir(200, &format!(r#"{{"resourceType":"Bundle","type":"searchset"{links},"entry":[{entry}]}}"#)))
    })
    .await
}

fn link(bundle: &[u8], relation: &str) -> Option<String> {
    let bundle: Value = serde_json::from_slice(bundle).unwrap();
    let link = bundle["link"].as_array()?.iter().find(|link| link["relation"] == relation)?;
    Some(link["url"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_page_link_is_a_token_that_only_its_own_search_can_follow() {
    for written in ["BASE?_getpages=a%7Cb&x=2", "BASE/Patient?page=2", "Patient?page=2"] {
        let raw = pages(written).await;
        let adapter = adapter(&raw.base, json!({})).await;
        let first = perform(&*adapter, search("name=a")).await.unwrap();
        assert_eq!(link(&first, "self").unwrap(), format!("{BASE}/Patient?name=a"));
        let next = link(&first, "next").unwrap();
        let token = next.strip_prefix(&format!("{BASE}/Patient?")).unwrap();
        assert!(token.starts_with("_page=") && !token.contains("getpages"));
        let second = perform(&*adapter, search(token)).await.unwrap();
        let second: Value = serde_json::from_slice(&second).unwrap();
        assert_eq!(second["entry"][0]["fullUrl"], format!("{BASE}/Patient/2"));

        let mut confined = search(token);
        confined.confined_to =
            Some(fhir::Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() });
        assert_eq!(failure(&*adapter, confined).await, ErrorKind::Invalid);
        let query = Query::parse(token);
        let other = Interaction::SearchType { resource_type: ResourceType::SLOT, compartment: None, query };
        assert_eq!(failure(&*adapter, call(other)).await, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_left_out_and_said_so() {
    for written in ["http://169.254.169.254/latest", "//evil.example/Patient", "BASE/../admin", "BASEpath?x=1"] {
        let raw = pages(written).await;
        let reply = adapter(&raw.base, json!({})).await.perform(search("name=a")).await.unwrap();
        assert_eq!(reply.issues.len(), 1, "{written}");
        let body = crate::support::whole(reply).await.unwrap();
        assert!(link(&body, "next").is_none() && link(&body, "self").is_some(), "{written}");
    }
}

#[tokio::test]
async fn references_in_criteria_are_the_back_ends_and_long_queries_go_into_a_body() {
    let bundle = r#"{"resourceType":"Bundle","type":"searchset"}"#;
    let raw = serve(move |_, _| Act::Answer(fhir(200, bundle))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    perform(&*adapter, search(&format!("general-practitioner={BASE}/Practitioner/2,Practitioner/3"))).await.unwrap();
    let criteria = Query::parse(raw.seen.requests()[0].split([' ', '?']).nth(2).unwrap());
    assert_eq!(criteria.first("general-practitioner").unwrap(), format!("{}/Practitioner/2,Practitioner/3", raw.base));
    perform(&*adapter, search(&format!("name={}", "a".repeat(5000)))).await.unwrap();
    assert!(raw.seen.requests()[1].starts_with("POST /fhir/Patient/_search "));
}

#[tokio::test]
async fn the_back_end_is_told_how_to_take_unknown_parameters_and_to_send_what_it_wrote() {
    let raw = serve(|_, _| Act::Answer(fhir(200, PATIENT))).await;
    let adapter = adapter(&raw.base, json!({})).await;
    let lenient = Call { handling: Handling::Lenient, ..search("colour=blue") };
    for call in [search("colour=blue"), lenient, create(PATIENT), read("1")] {
        let _ = perform(&*adapter, call).await;
    }
    let said: Vec<Option<String>> = raw
        .seen
        .requests()
        .iter()
        .map(|request| request.lines().find_map(|line| line.strip_prefix("prefer: ").map(str::to_owned)))
        .collect();
    let expected = [Some("handling=strict"), Some("handling=lenient"), Some("return=representation"), None];
    assert_eq!(said, expected.map(|said| said.map(str::to_owned)));
}

#[tokio::test]
async fn a_body_that_is_no_json_is_not_sent() {
    let raw = serve(|_, _| Act::Answer(fhir(200, PATIENT))).await;
    let resource = Resource::new(ResourceType::PATIENT, Version::R4, r#"{"resourceType":"#);
    let create = call(Interaction::Create { resource, if_none_exist: None });
    assert_eq!(failure(&*adapter(&raw.base, json!({})).await, create).await, ErrorKind::Invalid);
    assert!(raw.seen.requests().is_empty());
}
