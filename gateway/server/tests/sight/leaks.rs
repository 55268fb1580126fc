//! What leaked once, each by a case of its own.

use http::Method;
use serde_json::{Value, json};

use crate::ask::Ask;
use crate::case::{Case, Eyes, Write};
use crate::properties::{Pair, by_type, one_store};

fn same_as_alone(mut pair: Pair, writes: Vec<Value>, asks: Vec<Ask>) {
    let case = Case { writes: writes.into_iter().map(Write::Put).collect(), asks };
    if let Err(difference) = pair.compare(&case) {
        panic!("{difference}");
    }
}

/// An observation of another patient is to the first one as if it were not there.
fn tells_nothing(asks: Vec<Ask>) {
    let other = json!({ "resourceType": "Observation", "id": "1", "subject": { "reference": "Patient/2" } });
    same_as_alone(Pair::of_patient(&one_store(), "1"), vec![other], asks);
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

#[test]
fn an_include_goes_on_from_nothing_that_the_scopes_hide() {
    let writes = vec![
        json!({ "resourceType": "Practitioner", "id": "1", "name": [{ "family": "Smith" }] }),
        json!({ "resourceType": "Appointment", "id": "1", "status": "booked" }),
        json!({ "resourceType": "Provenance", "id": "1", "target": [{ "reference": "Appointment/1" }],
            "agent": [{ "who": { "reference": "Practitioner/1" } }] }),
    ];
    let asks = [
        "/Appointment?_revinclude=Provenance:target",
        "/Appointment?_revinclude=Provenance:target&_include:iterate=Provenance:agent",
    ];
    for layout in [one_store(), by_type()] {
        let eyes = Eyes::Types(&["Appointment", "Practitioner"]);
        let pair = Pair::start(&layout, eyes, "system/Appointment.cruds system/Practitioner.cruds", "");
        same_as_alone(pair, writes.clone(), asks.map(Ask::get).into());
    }
}

#[test]
fn a_group_visit_is_found_by_nothing_that_one_of_its_patients_is_not_shown() {
    let visit = json!({
        "resourceType": "Appointment", "id": "1", "status": "booked", "reasonCode": [{ "coding": [{ "system": "urn:c", "code": "a" }] }],
        "participant": [
            { "actor": { "reference": "Patient/1" }, "status": "accepted" },
            { "actor": { "reference": "Patient/2" }, "status": "declined" },
        ],
    });
    let asks = ["reason-code=a", "reason-code=b", "part-status=declined", "_sort=reason-code", "actor=RelatedPerson/1"];
    let asks = asks.map(|query| Ask::get(format!("/Appointment?{query}")));
    same_as_alone(Pair::of_patient_who_is_shown(&one_store(), "1"), vec![visit], asks.into());
}
