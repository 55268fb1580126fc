//! What leaked once, each by a case of its own.

use http::Method;
use serde_json::json;

use crate::ask::Ask;
use crate::case::{Case, Write};
use crate::properties::{Pair, one_store};

/// An observation of another patient is to the first one as if it were not there.
fn tells_nothing(asks: Vec<Ask>) {
    let other = json!({ "resourceType": "Observation", "id": "1", "subject": { "reference": "Patient/2" } });
    let case = Case { writes: vec![Write::Put(other)], asks };
    if let Err(difference) = Pair::of_patient(&one_store(), "1").compare(&case) {
        panic!("{difference}");
    }
}

#[test]
fn the_history_of_what_is_hidden_is_missing_and_not_empty() {
    tells_nothing(vec![Ask::get("/Observation/1/_history"), Ask::get("/Observation/1/_history?_count=1")]);
}

#[test]
fn what_is_wrong_with_a_history_is_told_whether_or_not_anything_of_the_type_is_there() {
    tells_nothing(vec![Ask::get("/Observation/9/_history?_sort=_id"), Ask::get("/Observation/9/_history?_page=x")]);
}

#[test]
fn a_transaction_that_reads_what_is_hidden_fails_as_when_it_is_not_there() {
    let reads = ["Observation/1", "Observation/1/_history/1", "Observation/1/_history"].map(|url| {
        let entry = json!({ "request": { "method": "GET", "url": url } });
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
        Ask::new(Method::POST, "").carrying(bundle)
    });
    tells_nothing(reads.into());
}
