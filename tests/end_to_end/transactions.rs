//! Official examples in Bundles: those that are batches and transactions themselves, and all others as entries of one.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::examples::{REFUSED, examples};
use crate::support::gateway::{EVERYTHING, Site};
use crate::support::{Answer, Gateway, Http, peers};

fn on_store() -> (Site, Gateway, Http) {
    let site = Site::on_store();
    // More entries than one request has bytes by default.
    site.configure("", "[limits]\nbody = \"16MiB\"\n[adapters.store]\nkind = \"store\"\n\n[[routes]]\nadapter = \"store\"\ntypes = [\"*\"]\n");
    let gateway = site.serve();
    let http = gateway.http(&site, EVERYTHING);
    (site, gateway, http)
}

fn statuses(answer: &Answer) -> String {
    let entries = answer.json()["entry"].as_array().cloned().unwrap_or_default();
    let statuses: Vec<_> =
        entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect();
    statuses.join(" ")
}

/// Each with what comes of it: the statuses of its entries, or the status and where and why the whole was refused.
const BUNDLES: [(&str, u16, &str, &str); 6] = [
    // `_list` is not offered, and `notgiven` is no parameter of R4.
    ("bundle-request-medsallergies", 200, "404 400 400 400 400", ""),
    ("bundle-request-simplesummary", 200, "404 200 200 200", ""),
    // Its `$lookup` is an operation that the store has not.
    ("bundle-transaction", 405, "Bundle.entry[7]", "operation is not offered on ValueSet"),
    ("hla-1", 200, "201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201 201", ""),
    // Its URLs are those of another server.
    ("ussg-fht", 404, "Bundle.entry[0].request.url", "expected a URL of FHIR's RESTful API behind the base"),
    ("xds", 200, "201 201 201 201 201", ""),
];

#[tokio::test]
async fn each_official_batch_and_transaction_is_done_or_refused_for_a_reason_that_is_told() {
    let (_site, _gateway, http) = on_store();
    let folder = peers::folder().join("node_modules/hl7.fhir.r4.examples");
    for (name, status, expected, text) in BUNDLES {
        let bundle = fs::read(folder.join(format!("Bundle-{name}.json"))).unwrap();
        let answer = http.post("/", bundle).await.expect(status);
        if status == 200 {
            assert_eq!(statuses(&answer), expected, "{name}");
        } else {
            let issue = &answer.json()["issue"][0];
            assert_eq!(issue["expression"][0], expected, "{name}");
            assert!(issue["details"]["text"].as_str().unwrap().contains(text), "{name}: {issue}");
        }
    }
}

/// Every text of a reference.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn all_official_examples_are_made_by_one_transaction_with_the_references_between_them() {
    let (_site, _gateway, http) = on_store();
    let sent: Vec<(String, Value)> = examples()
        .into_iter()
        .filter(|(name, _)| REFUSED.iter().all(|(refused, _)| name != refused))
        .map(|(name, bytes)| (name.replacen('-', "/", 1), serde_json::from_slice(&bytes).unwrap()))
        .collect();
    let url = |name: &str| format!("http://example.org/fhir/{name}");
    let entries: Vec<Value> = sent
        .iter()
        .map(|(name, resource)| {
            let request = json!({ "method": "POST", "url": resource["resourceType"] });
            json!({ "fullUrl": url(name), "resource": resource, "request": request })
        })
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let answer = http.post("/", bundle.to_string()).await.expect(200).json();
    let answered = answer["entry"].as_array().unwrap();
    let made: BTreeMap<&str, &str> = sent
        .iter()
        .zip(answered)
        .map(|((name, _), entry)| {
            assert_eq!(&entry["response"]["status"].as_str().unwrap()[..3], "201", "{name}: {entry}");
            let location = entry["response"]["location"].as_str().unwrap();
            let place = location.split("/_history/").next().unwrap();
            (name.as_str(), place.split_at(place.find(name.split('/').next().unwrap()).unwrap()).1)
        })
        .collect();
    assert_eq!(made.len(), sent.len());

    let mut resolved = 0;
    for (name, before) in &sent {
        let after = http.get(&format!("/{}", made[name.as_str()])).await.expect(200).json();
        let (mut were, mut are) = (Vec::new(), Vec::new());
        references(before, &mut were);
        references(&after, &mut are);
        for (was, is) in were.iter().zip(&are) {
            let expected = made.get(was).unwrap_or(was);
            assert_eq!(is, expected, "{name}: {was}");
            resolved += usize::from(is != was);
        }
        assert_eq!(were.len(), are.len(), "{name}");
    }
    assert!(resolved > 50, "only {resolved} references between examples");
}
