//! Search: what is found, in which order, on which page, and who may see it.

use adapter::{Adapter as _, Call, ErrorKind, Practice};
use fhir::{Compartment, Handling, Id, Interaction, Query, ResourceType};
use serde_json::Value;
use store::Store;

use super::fresh;
use crate::support::{BASE, Place, call, create, id, ids, json, search, search_call, update};

async fn put(store: &Store, kind: &str, id: &str, members: &str) {
    let json = format!(r#"{{"resourceType":"{kind}","id":"{id}",{members}}}"#);
    update(store, id, &json).await.unwrap();
}

async fn found(store: &Store, kind: &str, query: &str) -> Vec<String> {
    ids(&search(store, kind, query).await.unwrap())
}

async fn three_patients() -> (Place, Store) {
    let (folder, store) = fresh();
    put(&store, "Patient", "a", r#""name":[{"family":"Zander"}],"birthDate":"1970-03-01","gender":"female""#).await;
    put(&store, "Patient", "b", r#""name":[{"family":"Abel"},{"family":"Young"}],"birthDate":"1970""#).await;
    put(&store, "Patient", "c", r#""name":[{"family":"Müller"}],"gender":"male""#).await;
    (folder, store)
}

fn next(bundle: &Value) -> Option<String> {
    let link = bundle["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
    Some(link["url"].as_str()?.strip_prefix(&format!("{BASE}/"))?.split_once('?')?.1.to_owned())
}

async fn all_pages(store: &Store, kind: &str, query: &str) -> Vec<String> {
    let mut bundle = search(store, kind, query).await.unwrap();
    let mut all = ids(&bundle);
    while let Some(query) = next(&bundle) {
        bundle = search(store, kind, &query).await.unwrap();
        all.extend(ids(&bundle));
    }
    all
}

#[tokio::test]
async fn matches_are_sorted_by_their_lowest_or_highest_value_and_those_without_one_come_last() {
    let (_folder, store) = three_patients().await;
    for (sort, expected) in [
        ("family", ["b", "c", "a"]),
        ("-family", ["a", "b", "c"]),
        ("birthdate", ["b", "a", "c"]),
        ("-birthdate", ["a", "b", "c"]),
        ("-_id", ["c", "b", "a"]),
        ("_lastUpdated", ["a", "b", "c"]),
        ("gender,_id", ["a", "c", "b"]),
    ] {
        assert_eq!(found(&store, "Patient", &format!("_sort={sort}")).await, expected, "{sort}");
        assert_eq!(all_pages(&store, "Patient", &format!("_sort={sort}&_count=1")).await, expected, "{sort}, paged");
    }
}

#[tokio::test]
async fn an_update_or_a_delete_leaves_no_trace_in_the_index() {
    let (_folder, store) = three_patients().await;
    put(&store, "Patient", "a", r#""name":[{"family":"Changed"}]"#).await;
    assert!(found(&store, "Patient", "family=Zander").await.is_empty());
    assert!(found(&store, "Patient", "gender=female").await.is_empty());
    assert_eq!(found(&store, "Patient", "family=changed").await, ["a"]);
    let delete = Interaction::Delete { resource_type: ResourceType::PATIENT, id: "a".parse().unwrap(), if_match: None };
    store.perform(call(delete)).await.unwrap();
    assert!(found(&store, "Patient", "family=changed").await.is_empty());
    assert_eq!(found(&store, "Patient", "").await, ["b", "c"]);
    put(&store, "Patient", "a", r#""name":[{"family":"Back"}]"#).await;
    assert_eq!(found(&store, "Patient", "family=back").await, ["a"]);
}

#[tokio::test]
async fn a_relative_reference_and_an_absolute_one_to_this_gateway_are_the_same() {
    let (_folder, store) = fresh();
    for (id, reference) in [
        ("relative", "Patient/1".to_owned()),
        ("absolute", format!("{BASE}/Patient/1")),
        ("elsewhere", "http://elsewhere/fhir/Patient/1".to_owned()),
        ("another", "Patient/12".to_owned()),
    ] {
        let members = format!(
            r#""status":"booked","participant":[{{"actor":{{"reference":"{reference}"}},"status":"accepted"}}]"#
        );
        put(&store, "Appointment", id, &members).await;
    }
    for query in ["patient=Patient/1", "actor=1", "actor:Patient=1", &format!("actor={BASE}/Patient/1")] {
        assert_eq!(found(&store, "Appointment", query).await, ["relative", "absolute"], "{query}");
    }
    assert_eq!(found(&store, "Appointment", "actor=http://elsewhere/fhir/Patient/1").await, ["elsewhere"]);
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() };
    let confined = json(&store.perform(search_call("Appointment", "", Some(owner.clone()))).await.unwrap());
    assert_eq!(ids(&confined), ["relative", "absolute"]);
    assert_eq!(confined["total"], 2);
    let slots = json(&store.perform(search_call("Slot", "", Some(owner))).await.unwrap());
    assert_eq!(slots["total"], 0, "what is not in the compartment gives nothing, never everything");
}

#[tokio::test]
async fn a_compartment_in_the_url_is_kept_by_its_page_links() {
    let (_folder, store) = fresh();
    for number in 0..3 {
        for patient in ["1", "2"] {
            let members = format!(
                r#""status":"booked","participant":[{{"actor":{{"reference":"Patient/{patient}"}},"status":"accepted"}}]"#
            );
            put(&store, "Appointment", &format!("{patient}-{number}"), &members).await;
        }
    }
    let owner = Compartment { resource_type: ResourceType::PATIENT, id: "2".parse().unwrap() };
    let interaction = Interaction::SearchType {
        resource_type: ResourceType::APPOINTMENT,
        compartment: Some(owner),
        query: Query::parse("_count=2&status=booked"),
    };
    let first = json(&store.perform(call(interaction)).await.unwrap());
    assert_eq!(ids(&first), ["2-0", "2-1"]);
    assert_eq!(first["total"], 3);
    let second = search(&store, "Appointment", &next(&first).unwrap()).await.unwrap();
    assert_eq!(ids(&second), ["2-2"]);
    assert_eq!(second["total"], 3);
    assert_eq!(next(&second), None);
}

#[tokio::test]
async fn practices_see_nothing_of_each_other_not_even_through_links() {
    let (_folder, store) = three_patients().await;
    let other = |call: Call| Call { practice: Practice::new("other"), ..call };
    let nothing = json(&store.perform(other(search_call("Patient", "", None))).await.unwrap());
    assert_eq!(nothing["total"], 0);
    let read = Interaction::Read { resource_type: ResourceType::PATIENT, id: "a".parse().unwrap() };
    assert_eq!(store.perform(other(call(read))).await.unwrap_err().kind, ErrorKind::NotFound);
    let first = search(&store, "Patient", "_count=1").await.unwrap();
    let stolen = store.perform(other(search_call("Patient", &next(&first).unwrap(), None))).await;
    assert_eq!(stolen.unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_conditional_creates_of_one_identifier_make_one_resource() {
    let (_folder, store) = fresh();
    let store = std::sync::Arc::new(store);
    for round in 0..4 {
        let tasks = (0..64).map(|_| {
            let store = std::sync::Arc::clone(&store);
            tokio::spawn(async move {
                let json =
                    format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:x","value":"{round}"}}]}}"#);
                let condition = Query::parse(&format!("identifier=urn:x|{round}"));
                let resource = crate::support::resource(&json);
                let create = Interaction::Create { resource, if_none_exist: Some(condition) };
                id(&store.perform(call(create)).await.unwrap())
            })
        });
        let mut all = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            all.push(task.await.unwrap());
        }
        all.dedup();
        assert_eq!(all.len(), 1);
        assert_eq!(found(&store, "Patient", &format!("identifier=urn:x|{round}")).await, all);
    }
}

#[tokio::test]
async fn what_the_store_does_not_offer_is_refused_and_says_what_it_does() {
    let (_folder, store) = three_patients().await;
    for query in ["_include=Patient:family", "_contained=true", "_filter=name eq x", "language:in=http://vs"] {
        let error = search(&store, "Patient", query).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}: {error:?}");
        assert!(error.issues.iter().all(|issue| issue.text.len() > 20), "{query}");
    }
    for query in ["_page=x", "_count=-1", "birthdate=yesterday", "family=", "no-such=1"] {
        let error = search(&store, "Patient", query).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}");
    }
}

#[tokio::test]
async fn a_lenient_search_passes_over_what_is_not_known_or_not_offered_and_says_so_in_the_bundle() {
    let (_folder, store) = three_patients().await;
    let lenient = |query: &str| Call { handling: Handling::Lenient, ..search_call("Patient", query, None) };
    let query = "colour=blue&_count=1&birthdate:missing=false&_containedType=container&_list=x";
    let first = json(&store.perform(lenient(query)).await.unwrap());
    assert_eq!((ids(&first), first["total"].clone()), (vec!["a".to_owned()], 2.into()), "the outcome is no match");
    let outcome = &first["entry"][1];
    assert_eq!(outcome["search"]["mode"], "outcome");
    assert_eq!(outcome["resource"]["resourceType"], "OperationOutcome");
    let issues = outcome["resource"]["issue"].as_array().unwrap();
    assert!(issues.iter().all(|issue| issue["severity"] == "warning" && issue["code"] == "not-supported"));
    let texts = outcome.to_string();
    for named in ["colour", "_containedType", "_list"] {
        assert!(texts.contains(named), "{named}: {texts}");
    }
    assert_eq!(first["link"][0]["url"], format!("{BASE}/Patient?_count=1&birthdate%3Amissing=false"));
    let second = json(&store.perform(lenient(&next(&first).unwrap())).await.unwrap());
    assert_eq!(ids(&second), ["b"], "a later page goes on with what was searched for");
}

#[tokio::test]
async fn a_lenient_search_never_passes_over_a_value_that_is_wrong_and_a_condition_is_always_strict() {
    let (_folder, store) = three_patients().await;
    let lenient = |call: Call| Call { handling: Handling::Lenient, ..call };
    for query in ["birthdate=yesterday", "family=", "_count=-1"] {
        let error = store.perform(lenient(search_call("Patient", query, None))).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{query}");
    }
    let condition = Query::parse("colour=blue&gender=male");
    let delete = Interaction::ConditionalDelete { resource_type: ResourceType::PATIENT, criteria: condition.clone() };
    let resource = crate::support::resource(r#"{"resourceType":"Patient"}"#);
    let create = Interaction::Create { resource, if_none_exist: Some(condition) };
    for write in [delete, create] {
        assert_eq!(store.perform(lenient(call(write))).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(found(&store, "Patient", "").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_condition_without_criteria_never_means_everything() {
    let (_folder, store) = fresh();
    put(&store, "Patient", "only", r#""active":true"#).await;
    for query in ["", "_count=1", "_total=none"] {
        let delete =
            Interaction::ConditionalDelete { resource_type: ResourceType::PATIENT, criteria: Query::parse(query) };
        assert_eq!(store.perform(call(delete)).await.unwrap_err().kind, ErrorKind::Invalid, "{query}");
    }
    assert_eq!(found(&store, "Patient", "").await, ["only"]);
}

#[tokio::test]
async fn a_total_is_exact_on_every_page_and_absent_when_it_is_not_wanted() {
    let (_folder, store) = three_patients().await;
    let first = search(&store, "Patient", "_count=2&_total=accurate").await.unwrap();
    create(&store, r#"{"resourceType":"Patient"}"#).await.unwrap();
    let second = search(&store, "Patient", &next(&first).unwrap()).await.unwrap();
    assert_eq!((first["total"].clone(), second["total"].clone()), (3.into(), 3.into()));
    assert_eq!(ids(&second), ["c"], "what was created meanwhile is not on a later page");
    assert_eq!(search(&store, "Patient", "_total=none").await.unwrap()["total"], Value::Null);
    let count = search(&store, "Patient", "_summary=count&gender=male").await.unwrap();
    assert_eq!((count["total"].clone(), count["entry"].clone()), (1.into(), Value::Null));
}

#[tokio::test]
async fn the_store_can_be_searched_by_every_parameter_that_its_capability_names() {
    let (_folder, store) = three_patients().await;
    let capability = store.capability();
    for kind in
        ["Patient", "Practitioner", "PractitionerRole", "Appointment", "Schedule", "Slot", "Location", "Organization"]
    {
        let resource_type: ResourceType = kind.parse().unwrap();
        let offered = &capability.resources[&resource_type].search;
        assert!(offered.len() >= 9, "{kind}: {offered:?}");
        put(&store, kind, "x", r#""language":"en""#).await;
        for (code, parameter_kind) in offered {
            let value = match parameter_kind.as_str() {
                "date" => "2020-01-01",
                "reference" => "Patient/1",
                "number" => "1",
                "quantity" => "1|http://unitsofmeasure.org|kg",
                "uri" => "http://example.org",
                _ => "x",
            };
            search(&store, kind, &format!("{code}={value}")).await.unwrap();
            search(&store, kind, &format!("{code}:missing=true")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_search_that_takes_too_long_ends_at_its_deadline() {
    let (_folder, store) = fresh();
    for number in 0..400 {
        let members = format!(r#""name":[{{"text":"{number} {}"}}]"#, "long ".repeat(2_000));
        put(&store, "Patient", &format!("p{number}"), &members).await;
    }
    let mut slow = search_call("Patient", "name:contains=nowhere&_sort=name", None);
    let begun = std::time::Instant::now();
    slow.deadline = begun + std::time::Duration::from_millis(1);
    assert_eq!(store.perform(slow).await.unwrap_err().kind, ErrorKind::Timeout);
    assert!(begun.elapsed() < std::time::Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(search(&store, "Patient", "name:contains=nowhere").await.is_ok(), "its thread goes on");
}

#[tokio::test]
async fn no_patient_data_stands_in_any_debug_text() {
    let (_folder, store) = fresh();
    let reply =
        create(&store, r#"{"resourceType":"Patient","id":"x","name":[{"family":"Everywoman"}]}"#).await.unwrap();
    let call = search_call("Patient", "family=Everywoman", None);
    let texts = [format!("{reply:?}"), format!("{call:?}"), format!("{:?}", store.perform(call.clone()).await)];
    let refused = search(&store, "Patient", "birthdate=Everywoman").await.unwrap_err();
    let cause = refused.cause.as_ref().map(|cause| format!("{cause:?} {cause}"));
    for text in texts.into_iter().chain([format!("{refused:?} {refused}"), cause.unwrap_or_default()]) {
        assert!(!text.contains("Everywoman"), "{text}");
    }
    assert!("Everywoman".parse::<Id>().is_ok_and(|id| !format!("{id:?}").contains("Everywoman")));
}

#[tokio::test]
async fn a_page_ends_before_it_grows_too_large_and_the_rest_follows() {
    let (_folder, store) = fresh();
    let narrative = "x".repeat(1 << 20);
    for number in 10..22 {
        let members = format!(r#""text":{{"status":"generated","div":"<div>{narrative}</div>"}}"#);
        put(&store, "Patient", &format!("p{number}"), &members).await;
    }
    let first = search(&store, "Patient", "").await.unwrap();
    assert!(ids(&first).len() < 12, "a page of {} MB", ids(&first).len());
    let all: Vec<String> = (10..22).map(|number| format!("p{number}")).collect();
    assert_eq!(all_pages(&store, "Patient", "").await, all);
}

#[tokio::test]
async fn texts_of_any_length_and_with_any_character_are_found_by_all_of_their_characters() {
    let (_folder, store) = fresh();
    let long = "ä long náme ".repeat(1_000);
    for (id, end) in [("a", "A"), ("b", "B")] {
        let members = format!(
            r#""name":[{{"family":"{long}{end}"}}],"identifier":[{{"value":"{long}{end}"}}],"managingOrganization":{{"reference":"http://x/{long}{end}"}}"#
        );
        put(&store, "Patient", id, &members).await;
        put(&store, "Patient", &format!("nul-{id}"), &format!(r#""identifier":[{{"value":"nul\u0000{end}"}}]"#)).await;
    }
    for query in [
        format!("family={long}b"),
        format!("family:exact={long}B"),
        "family:contains=name+b".to_owned(),
        format!("identifier={long}B"),
        format!("organization=http://x/{long}B"),
    ] {
        let found = found(&store, "Patient", &query.replace(' ', "+")).await;
        assert_eq!(found, ["b"], "{}", query.chars().take(30).collect::<String>());
    }
    assert_eq!(found(&store, "Patient", &format!("family={long}").replace(' ', "+")).await, ["a", "b"]);
    assert_eq!(found(&store, "Patient", "identifier=nul%00B").await, ["nul-b"]);
    let sorted = all_pages(&store, "Patient", "_sort=-family&_count=1").await;
    assert_eq!(sorted, ["b", "a", "nul-a", "nul-b"]);
    put(&store, "Patient", "b", r#""active":true"#).await;
    assert!(found(&store, "Patient", &format!("family={long}b").replace(' ', "+")).await.is_empty());
}

#[tokio::test]
async fn a_search_with_too_many_values_is_refused() {
    let (_folder, store) = three_patients().await;
    let values: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    search(&store, "Patient", &format!("identifier={}", values.join(","))).await.unwrap();
    let values: Vec<String> = (0..5_000).map(|number| number.to_string()).collect();
    let error = search(&store, "Patient", &format!("identifier={}", values.join(","))).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::TooCostly | ErrorKind::Invalid), "{error:?}");
}
