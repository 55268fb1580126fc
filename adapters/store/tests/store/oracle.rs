//! The store against `search::matches`: the same answers on random resources and random queries.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use adapter::{Adapter as _, Call, Practice};
use fhir::json::{Document, Limits, scan};
use fhir::{Interaction, Query, ResourceType, Version};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use search::Handling;
use serde_json::{Value, json};
use store::Store;

use super::fresh;
use crate::support::{Place, bytes, call, ids, json as json_of, resource};

fn text() -> impl Strategy<Value = &'static str> {
    select(vec![
        "Smith",
        "smith",
        "Smi",
        "Smythe",
        "Müller",
        "Muller",
        "O'Neil",
        "a,b",
        "a|b",
        "a$b",
        "x y",
        "\u{10ffff}",
    ])
}

fn date() -> impl Strategy<Value = &'static str> {
    select(vec!["1970", "1970-03", "1970-03-01", "1971-12-31", "1970-02-28"])
}

fn moment() -> impl Strategy<Value = &'static str> {
    select(vec!["1970-03-01", "1970-03-01T10:00:00Z", "1970-03-01T12:00:00+02:00", "1971"])
}

fn reference() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"reference": "Practitioner/1"}),
        json!({"reference": "Organization/1"}),
        json!({"reference": "Practitioner/2/_history/3"}),
        json!({"reference": "http://elsewhere/fhir/Practitioner/1"}),
        json!({"reference": "urn:uuid:7a9c3f0e-5b1d-4c1f-8a51-000000000001"}),
        json!({"identifier": {"system": "urn:s", "value": "1"}}),
        json!({"display": "nobody"}),
    ])
}

fn identifier() -> impl Strategy<Value = Value> {
    (option::of(select(vec!["urn:s", "urn:t"])), select(vec!["1", "2", "a|b"])).prop_map(|(system, value)| {
        let mut identifier = json!({ "value": value, "type": { "coding": [{ "system": "urn:types", "code": "MR" }] } });
        if let Some(system) = system {
            identifier["system"] = system.into();
        }
        identifier
    })
}

prop_compose! {
    fn patient()(
        families in vec(text(), 0..3),
        given in option::of(text()),
        gender in option::of(select(vec!["male", "female"])),
        birth in option::of(date()),
        identifiers in vec(identifier(), 0..3),
        active in option::of(any::<bool>()),
        doctors in vec(reference(), 0..3),
        city in option::of(text()),
        deceased in option::of(moment()),
        tag in option::of(select(vec!["t1", "t2"])),
    ) -> Value {
        let mut patient = json!({ "resourceType": "Patient" });
        let mut names: Vec<Value> = families.iter().map(|family| json!({ "family": family })).collect();
        names.extend(given.map(|given| json!({ "given": [given] })));
        insert(&mut patient, "name", names);
        insert(&mut patient, "identifier", identifiers);
        insert(&mut patient, "generalPractitioner", doctors);
        insert(&mut patient, "address", city.map(|city| json!({ "city": city })).into_iter().collect());
        for (name, value) in [("gender", gender), ("birthDate", birth), ("deceasedDateTime", deceased)] {
            if let Some(value) = value {
                patient[name] = value.into();
            }
        }
        if let Some(active) = active {
            patient["active"] = active.into();
        }
        if let Some(tag) = tag {
            patient["meta"] = json!({ "tag": [{ "system": "urn:tags", "code": tag, "display": "A tag" }] });
        }
        patient
    }
}

fn insert(resource: &mut Value, name: &str, values: Vec<Value>) {
    if !values.is_empty() {
        resource[name] = values.into();
    }
}

fn escaped() -> impl Strategy<Value = String> {
    text().prop_map(|text| text.replace('|', "\\|").replace(',', "\\,").replace('$', "\\$"))
}

fn criterion() -> impl Strategy<Value = (String, String)> {
    let strings = (
        select(vec!["family", "name", "given", "address-city", "address"]),
        select(vec!["", ":exact", ":contains"]),
        vec(escaped(), 1..3),
    )
        .prop_map(|(name, modifier, values)| (format!("{name}{modifier}"), values.join(",")));
    let tokens = select(vec![
        ("gender", "male"),
        ("gender:not", "male"),
        ("gender", "male,female"),
        ("gender:not", "male,female"),
        ("gender", "http://hl7.org/fhir/administrative-gender|male"),
        ("active", "true"),
        ("active:not", "true"),
        ("identifier", "1"),
        ("identifier", "urn:s|1"),
        ("identifier", "|1"),
        ("identifier", "urn:s|"),
        ("identifier:not", "urn:s|1"),
        ("identifier", "a\\|b"),
        ("identifier", "1,urn:t|2"),
        ("identifier:of-type", "urn:types|MR|1"),
        ("_tag", "t1"),
        ("_tag", "urn:tags|t1"),
        ("_tag:not", "urn:tags|t2"),
        ("_tag:text", "a tag"),
        ("deceased", "true"),
        ("deceased:not", "true"),
    ]);
    let references = select(vec![
        ("general-practitioner", "1"),
        ("general-practitioner", "Practitioner/1"),
        ("general-practitioner", "2"),
        ("general-practitioner:Organization", "1"),
        ("general-practitioner", "http://elsewhere/fhir/Practitioner/1"),
        ("general-practitioner", "Practitioner/1,Organization/1"),
        ("general-practitioner:identifier", "urn:s|1"),
        ("general-practitioner", "urn:uuid:7a9c3f0e-5b1d-4c1f-8a51-000000000001"),
    ]);
    let dates = (
        select(vec!["birthdate", "death-date"]),
        select(vec!["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]),
        prop_oneof![date(), moment()],
    )
        .prop_map(|(name, prefix, value)| (name.to_owned(), format!("{prefix}{value}")));
    let missing = (
        select(vec!["family", "gender", "birthdate", "identifier", "general-practitioner", "death-date", "_tag"]),
        any::<bool>(),
    )
        .prop_map(|(name, is_missing)| (format!("{name}:missing"), is_missing.to_string()));
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    prop_oneof![
        3 => strings,
        3 => tokens.prop_map(owned),
        2 => references.prop_map(owned),
        3 => dates,
        1 => missing,
    ]
}

fn sort() -> impl Strategy<Value = Option<&'static str>> {
    option::of(select(vec!["family", "-family", "birthdate,-_id", "-birthdate", "gender,family", "_lastUpdated"]))
}

/// What a search must find: decided on the bytes that the store answered.
fn expected(documents: &[(String, Vec<u8>)], query: &Query) -> Option<BTreeSet<String>> {
    let search = search::parse(query, Version::R4, Some(ResourceType::PATIENT), Handling::Strict).ok()?;
    let is_match = |body: &[u8]| {
        let mut nodes = Vec::new();
        scan(body, &mut nodes, Limits::default()).unwrap();
        search::matches(Document::new(body, &nodes), &search.criteria)
    };
    Some(documents.iter().filter(|(_, body)| is_match(body)).map(|(id, _)| id.clone()).collect())
}

fn within(call: Call, practice: &Practice) -> Call {
    Call { practice: practice.clone(), ..call }
}

async fn stored(store: &Store, practice: &Practice, patients: &[Value]) -> Vec<(String, Vec<u8>)> {
    let mut documents = Vec::new();
    for patient in patients {
        let create = Interaction::Create { resource: resource(&patient.to_string()), if_none_exist: None };
        let reply = store.perform(within(call(create), practice)).await.unwrap();
        documents.push((crate::support::id(&reply), bytes(&reply).to_vec()));
    }
    documents
}

async fn all_pages(store: &Store, practice: &Practice, query: &Query) -> Option<(Vec<String>, u64)> {
    let mut query = query.clone();
    let (mut all, mut total) = (Vec::new(), 0);
    for page in 0.. {
        let search =
            Interaction::SearchType { resource_type: ResourceType::PATIENT, compartment: None, query: query.clone() };
        let bundle = json_of(&store.perform(within(call(search), practice)).await.ok()?);
        all.extend(ids(&bundle));
        assert!(page == 0 || total == bundle["total"].as_u64().unwrap());
        total = bundle["total"].as_u64().unwrap();
        let links = bundle["link"].as_array().unwrap().clone();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { break };
        query = Query::parse(next["url"].as_str().unwrap().split_once('?').unwrap().1);
    }
    Some((all, total))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48,
        failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_search_finds_what_the_rules_say_on_pages_of_any_size_in_any_order(
        patients in vec(patient(), 1..14),
        queries in vec((vec(criterion(), 1..4), sort(), 1_u32..8), 1..12),
    ) {
        thread_local! {
            static STORE: (Place, Store) = fresh();
        }
        static PRACTICES: AtomicU32 = AtomicU32::new(0);
        let practice = Practice::new(&format!("p{}", PRACTICES.fetch_add(1, Ordering::Relaxed)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        STORE.with(|(_, store)| runtime.block_on(async {
            let documents = stored(store, &practice, &patients).await;
            for (criteria, sort, count) in queries {
                let mut query: Query = criteria.into_iter().collect();
                let expected = expected(&documents, &query);
                query.push("_count", count.to_string());
                if let Some(sort) = sort {
                    query.push("_sort", sort);
                }
                let found = all_pages(store, &practice, &query).await;
                let distinct = found.as_ref().map(|(all, _)| all.iter().cloned().collect::<BTreeSet<_>>());
                assert_eq!(distinct, expected, "{}", query.encode());
                if let (Some((all, total)), Some(distinct)) = (found, distinct) {
                    assert_eq!((all.len(), total as usize), (distinct.len(), distinct.len()), "{}", query.encode());
                }
            }
        }));
    }
}
