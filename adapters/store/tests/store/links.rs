//! The store against a naive evaluation of chains, `_has` and quantities: the same answers on random resources and random queries.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use adapter::{Adapter as _, Call, Practice};
use fhir::json::{Document, Limits, scan};
use fhir::{Interaction, Query, ResourceType, Version};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use search::{Criterion, Handling, IndexValue};
use serde_json::{Value, json};
use store::Store;

use super::fresh;
use crate::support::{BASE, Place, call, ids, json as json_of, resource};

const UCUM: &str = "http://unitsofmeasure.org";

/// A resource that was stored.
struct Stored {
    kind: ResourceType,
    id: String,
    body: Vec<u8>,
}

/// All of them.
struct World(Vec<Stored>);

impl World {
    /// Whether a resource meets a criterion, by looking at every resource.
    fn meets(&self, one: &Stored, criterion: &Criterion) -> bool {
        match criterion {
            Criterion::Plain(_) => one.read(|document| search::matches(document, std::slice::from_ref(criterion))),
            Criterion::Chain { reference, alternatives } => one.targets(reference.code).iter().any(|(kind, id)| {
                alternatives.iter().filter(|(wanted, _)| wanted == kind).any(|(_, criterion)| {
                    self.0.iter().any(|to| to.kind == *kind && to.id == *id && self.meets(to, criterion))
                })
            }),
            Criterion::Has { resource_type, reference, criterion } => self.0.iter().any(|from| {
                from.kind == *resource_type
                    && from.targets(reference.code).contains(&(one.kind, one.id.clone()))
                    && self.meets(from, criterion)
            }),
        }
    }
}

impl Stored {
    fn read<T>(&self, look: impl FnOnce(Document<'_>) -> T) -> T {
        let mut nodes = Vec::new();
        scan(&self.body, &mut nodes, Limits::default()).unwrap();
        look(Document::new(&self.body, &nodes))
    }

    /// What the references of a parameter point to in this gateway.
    fn targets(&self, code: &str) -> Vec<(ResourceType, String)> {
        let mut targets = Vec::new();
        self.read(|document| {
            search::extract(document, self.kind, Version::R4, &mut |parameter, value| {
                let IndexValue::Reference(reference) = value else { return };
                let Some(kind) = reference.resource_type.filter(|_| parameter.code == code) else { return };
                let url = reference.url.as_deref().and_then(|url| url.strip_prefix(&format!("{BASE}/{kind}/")));
                targets.extend(reference.id.as_deref().or(url).map(|id| (kind, id.to_owned())));
            });
        });
        targets
    }
}

fn reference(kinds: &'static [&'static str]) -> impl Strategy<Value = Value> {
    (select(kinds), 1..4_u8, any::<bool>()).prop_map(|(kind, id, is_absolute)| {
        let base = if is_absolute { format!("{BASE}/") } else { String::new() };
        json!({ "reference": format!("{base}{kind}/{id}") })
    })
}

fn quantity() -> impl Strategy<Value = Value> {
    let number = select(vec!["5", "5.0", "0.005", "5000", "0.5", "-1", "1e3"]);
    let unit = select(vec![Some("mg"), Some("g"), Some("ug"), Some("s"), Some("no unit"), None]);
    (number, unit, select(vec![None, Some("<"), Some(">=")])).prop_map(|(number, unit, comparator)| {
        let mut quantity = json!({ "value": serde_json::from_str::<Value>(number).unwrap() });
        if let Some(unit) = unit {
            quantity["unit"] = unit.into();
            quantity["system"] = UCUM.into();
            quantity["code"] = unit.into();
        }
        if let Some(comparator) = comparator {
            quantity["comparator"] = comparator.into();
        }
        quantity
    })
}

prop_compose! {
    fn any_resource()(
        kind in select(vec!["Patient", "Organization", "Observation", "Observation", "RiskAssessment"]),
        id in 1..4_u8,
        name in select(vec!["Smith", "Jones"]),
        organization in reference(&["Organization"]),
        subject in reference(&["Patient"]),
        performers in vec(reference(&["Organization", "Patient"]), 0..3),
        quantity in quantity(),
        probability in select(vec![json!(0.1), json!(0.25), json!(1)]),
        day in select(vec!["2020-01-01", "2020-01", "2021-06-30T10:00:00Z"]),
    ) -> Value {
        let mut one = match kind {
            "Organization" => json!({ "name": name, "partOf": organization }),
            "Patient" => json!({ "name": [{ "family": name }], "managingOrganization": organization }),
            "RiskAssessment" => json!({
                "subject": subject, "occurrenceDateTime": day, "prediction": [{ "probabilityDecimal": probability }]
            }),
            _ => json!({
                "subject": subject, "performer": performers, "valueQuantity": quantity, "effectiveDateTime": day,
                "code": { "coding": [{ "system": "urn:c", "code": name }] }
            }),
        };
        if one["performer"] == json!([]) {
            one.as_object_mut().unwrap().remove("performer");
        }
        one["resourceType"] = kind.into();
        one["id"] = id.to_string().into();
        one
    }
}

fn amount() -> impl Strategy<Value = String> {
    let prefix = select(vec!["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]);
    let number = select(vec!["5", "5.0", "0.005", "5000", "0", "1e3"]);
    let unit = select(vec![
        "",
        "|http://unitsofmeasure.org|mg",
        "|http://unitsofmeasure.org|g",
        "||mg",
        "||s",
        "|http://unitsofmeasure.org|no unit",
        "|http://unitsofmeasure.org|",
    ]);
    (prefix, number, unit).prop_map(|(prefix, number, unit)| format!("{prefix}{number}{unit}"))
}

fn criterion() -> impl Strategy<Value = (&'static str, String, String)> {
    let prefix = select(vec!["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]);
    let day = select(vec!["2020", "2020-01-01", "2021-06-30T10:00:00Z"]);
    let fixed = select(vec![
        ("Observation", "patient.family", "smith"),
        ("Observation", "subject:Patient.organization.name", "jones"),
        ("Observation", "performer:Organization.partof.name", "smith"),
        ("Observation", "performer:Patient._has:RiskAssessment:subject:probability", "gt0.2"),
        ("Observation", "patient:missing", "false"),
        ("Observation", "code:not", "urn:c|Smith"),
        ("Observation", "code-value-quantity", "urn:c|Smith$gt1"),
        ("Patient", "_has:Observation:patient:code", "Smith"),
        ("Patient", "_has:Observation:performer:value-quantity", "lt1|http://unitsofmeasure.org|g"),
        ("Patient", "_has:Observation:patient:_has:Nothing:x:y", "1"),
        ("Patient", "organization.partof:missing", "false"),
        ("Organization", "_has:Patient:organization:_has:Observation:patient:code", "Jones"),
        ("Organization", "_has:Organization:partof:name", "smith"),
    ]);
    prop_oneof![
        3 => amount().prop_map(|value| ("Observation", "value-quantity".to_owned(), value)),
        1 => amount().prop_map(|value| ("Patient", "_has:Observation:patient:value-quantity".to_owned(), value)),
        1 => (prefix.clone(), select(vec!["0.1", "0.10", "0.3", "1"])).prop_map(|(prefix, number)| {
            ("RiskAssessment", "probability".to_owned(), format!("{prefix}{number}"))
        }),
        1 => (prefix, day).prop_map(|(prefix, day)| ("Observation", "date".to_owned(), format!("{prefix}{day}"))),
        4 => fixed.prop_map(|(kind, name, value)| (kind, name.to_owned(), value.to_owned())),
    ]
}

fn sort(kind: &str) -> &'static str {
    match kind {
        "Observation" => "-value-quantity,_id",
        "RiskAssessment" => "probability,-date",
        "Organization" => "-name",
        _ => "family,_id",
    }
}

fn within(call: Call, practice: &Practice) -> Call {
    Call { practice: practice.clone(), ..call }
}

async fn stored(store: &Store, practice: &Practice, all: &[Value]) -> World {
    let mut world: Vec<Stored> = Vec::new();
    for one in all {
        let (kind, id) = (one["resourceType"].as_str().unwrap().parse().unwrap(), one["id"].as_str().unwrap());
        let resource = resource(&one.to_string());
        let update = Interaction::Update { id: id.parse().unwrap(), resource, if_match: None };
        let reply = store.perform(within(call(update), practice)).await.unwrap();
        world.retain(|known| known.kind != kind || known.id != id);
        world.push(Stored { kind, id: id.to_owned(), body: crate::support::bytes(&reply).to_vec() });
    }
    World(world)
}

async fn all_pages(store: &Store, practice: &Practice, kind: ResourceType, query: &Query) -> Option<Vec<String>> {
    let (mut query, mut all) = (query.clone(), Vec::new());
    loop {
        let search = Interaction::SearchType { resource_type: kind, compartment: None, query };
        let bundle = json_of(&store.perform(within(call(search), practice)).await.ok()?);
        all.extend(ids(&bundle));
        let links = bundle["link"].as_array().unwrap();
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else { return Some(all) };
        query = Query::parse(next["url"].as_str().unwrap().split_once('?').unwrap().1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chains_has_and_quantities_find_what_a_look_at_every_resource_finds(
        all in vec(any_resource(), 1..20),
        queries in vec((criterion(), any::<bool>(), 1_u32..6), 1..16),
    ) {
        thread_local! {
            static STORE: (Place, Store) = fresh();
        }
        static PRACTICES: AtomicU32 = AtomicU32::new(0);
        let practice = Practice::new(&format!("links{}", PRACTICES.fetch_add(1, Ordering::Relaxed)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        STORE.with(|(_, store)| runtime.block_on(async {
            let world = stored(store, &practice, &all).await;
            for ((kind, name, value), is_sorted, count) in queries {
                let resource_type: ResourceType = kind.parse().unwrap();
                let mut query: Query = [(name, value)].into_iter().collect();
                let parsed = search::parse(&query, Version::R4, Some(resource_type), Handling::Strict).ok();
                let expected: Option<BTreeSet<String>> = parsed.map(|parsed| {
                    let met = world.0.iter().filter(|one| one.kind == resource_type);
                    let met = met.filter(|one| parsed.criteria.iter().all(|criterion| world.meets(one, criterion)));
                    met.map(|one| one.id.clone()).collect()
                });
                query.push("_count", count.to_string());
                if is_sorted {
                    query.push("_sort", sort(kind));
                }
                let found = all_pages(store, &practice, resource_type, &query).await;
                let distinct = found.as_ref().map(|all| all.iter().cloned().collect::<BTreeSet<_>>());
                assert_eq!(distinct, expected, "{kind}?{}", query.encode());
                assert_eq!(found.map(|all| all.len()), expected.map(|all| all.len()), "{kind}?{}", query.encode());
            }
        }));
    }
}
