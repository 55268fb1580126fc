//! Numbers and quantities: found by all prefixes, in any unit that measures the same, and sorted by.

use store::Store;

use super::fresh;
use crate::support::{Place, ids, search, update};

const UCUM: &str = "http://unitsofmeasure.org";

async fn put(store: &Store, kind: &str, id: &str, members: &str) {
    let json = format!(r#"{{"resourceType":"{kind}","id":"{id}",{members}}}"#);
    update(store, id, &json).await.unwrap();
}

async fn found(store: &Store, kind: &str, query: &str) -> Vec<String> {
    ids(&search(store, kind, query).await.unwrap())
}

fn ucum(value: &str, code: &str) -> String {
    format!(r#""valueQuantity":{{"value":{value},"unit":"{code}","system":"{UCUM}","code":"{code}"}}"#)
}

/// Doses: 5 mg, 5.4 mg, 0.005 g, less than 0.004 g, more than 1 kg, 5 tablets, 5 of nothing, 5 s.
async fn doses() -> (Place, Store) {
    let (folder, store) = fresh();
    put(&store, "Observation", "mg", &ucum("5", "mg")).await;
    put(&store, "Observation", "mg-more", &ucum("5.4", "mg")).await;
    put(&store, "Observation", "g", &ucum("0.005", "g")).await;
    let below = r#""valueQuantity":{"value":0.004,"comparator":"<","system":"http://unitsofmeasure.org","code":"g"}"#;
    put(&store, "Observation", "below", below).await;
    let above = r#""valueQuantity":{"value":1,"comparator":">","system":"http://unitsofmeasure.org","code":"kg"}"#;
    put(&store, "Observation", "above", above).await;
    put(&store, "Observation", "tablets", r#""valueQuantity":{"value":5,"unit":"tablet","system":"urn:x","code":"T"}"#)
        .await;
    put(&store, "Observation", "bare", r#""valueQuantity":{"value":5}"#).await;
    put(&store, "Observation", "time", &ucum("5", "s")).await;
    (folder, store)
}

#[tokio::test]
async fn a_quantity_in_a_unit_of_ucum_is_found_in_every_unit_that_measures_the_same() {
    let (_folder, store) = doses().await;
    for (value, expected) in [
        ("5|http://unitsofmeasure.org|mg", vec!["mg", "mg-more", "g"]),
        ("5.0|http://unitsofmeasure.org|mg", vec!["mg", "g"]),
        ("0.005|http://unitsofmeasure.org|g", vec!["mg", "mg-more", "g"]),
        ("5000|http://unitsofmeasure.org|ug", vec!["mg", "g"]),
        ("ne5.0|http://unitsofmeasure.org|mg", vec!["mg-more", "below", "above"]),
        ("gt0.005|http://unitsofmeasure.org|g", vec!["mg-more", "above"]),
        ("ge5|http://unitsofmeasure.org|mg", vec!["mg", "mg-more", "g", "above"]),
        ("lt5.4|http://unitsofmeasure.org|mg", vec!["mg", "g", "below"]),
        ("le5.4|http://unitsofmeasure.org|mg", vec!["mg", "mg-more", "g", "below"]),
        ("sa5|http://unitsofmeasure.org|mg", vec!["mg-more", "above"]),
        ("eb5|http://unitsofmeasure.org|mg", vec!["below"]),
        ("ap5.2|http://unitsofmeasure.org|mg", vec!["mg", "mg-more", "g"]),
        ("5|http://unitsofmeasure.org|mm", vec![]),
        ("5|http://unitsofmeasure.org|s,5|urn:x|T", vec!["tablets", "time"]),
    ] {
        let found = search(&store, "Observation", &format!("value-quantity={value}")).await.unwrap();
        assert_eq!((ids(&found), found["total"].as_u64()), (owned(&expected), Some(expected.len() as u64)), "{value}");
    }
}

#[tokio::test]
async fn a_quantity_without_a_system_is_compared_as_it_is_written() {
    let (_folder, store) = doses().await;
    for (value, expected) in [
        ("5", vec!["mg", "mg-more", "tablets", "bare", "time"]),
        ("5||tablet", vec!["tablets"]),
        ("5||mg", vec!["mg", "mg-more"]),
        ("5|urn:x|T", vec!["tablets"]),
        ("5|urn:y|T", vec![]),
        ("lt1", vec!["g", "below"]),
    ] {
        assert_eq!(found(&store, "Observation", &format!("value-quantity={value}")).await, expected, "{value}");
    }
    assert_eq!(found(&store, "Observation", "value-quantity:missing=false").await.len(), 8);
    put(&store, "Observation", "bare", r#""status":"final""#).await;
    assert_eq!(found(&store, "Observation", "value-quantity:missing=true").await, ["bare"]);
    assert_eq!(found(&store, "Observation", "value-quantity=5||T,5||tablet,5|urn:x|").await, ["tablets"]);
}

#[tokio::test]
async fn numbers_are_found_by_their_precision_and_sorted_by() {
    let (_folder, store) = fresh();
    for (id, probability) in [("a", "0.5"), ("b", "0.25"), ("c", "0.05"), ("d", "0.1")] {
        put(
            &store,
            "RiskAssessment",
            id,
            &format!(r#""prediction":[{{"probabilityDecimal":{probability}}},{{"probabilityDecimal":0.9}}]"#),
        )
        .await;
    }
    let range = r#""prediction":[{"probabilityRange":{"low":{"value":0.2},"high":{"value":0.6}}}]"#;
    put(&store, "RiskAssessment", "range", range).await;
    put(&store, "RiskAssessment", "none", r#""status":"final""#).await;
    for (value, expected) in [
        ("0.1", vec!["c", "d"]),
        ("0.10", vec!["d"]),
        ("0.3", vec!["b"]),
        ("lt0.1", vec!["c"]),
        ("ge0.95", vec![]),
        ("gt0.55", vec!["a", "b", "c", "d", "range"]),
        ("eb0.95", vec!["a", "b", "c", "d", "range"]),
        ("ap0.5", vec!["a", "range"]),
    ] {
        assert_eq!(found(&store, "RiskAssessment", &format!("probability={value}")).await, expected, "{value}");
    }
    assert_eq!(
        found(&store, "RiskAssessment", "_sort=probability").await,
        ["c", "d", "range", "b", "a", "none"],
        "the lowest of several, and what has none last"
    );
    assert_eq!(
        found(&store, "RiskAssessment", "_sort=-probability,_id").await,
        ["a", "b", "c", "d", "range", "none"],
        "the highest of several"
    );
}

#[tokio::test]
async fn quantities_are_sorted_in_base_units_and_on_pages() {
    let (_folder, store) = doses().await;
    let expected = ["below", "g", "mg", "mg-more", "bare", "tablets", "time", "above"];
    let sorted = found(&store, "Observation", "_sort=value-quantity,_id").await;
    assert_eq!(sorted, expected);
}

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}
