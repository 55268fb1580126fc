//! Random patients on three back ends: pages put one behind the other are the whole, in its order, each entry once.

use std::cmp::Ordering;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

use proptest::prelude::*;

use super::*;

/// A patient: id, year of birth, family name, when it was last updated.
type Person = (u8, Option<u8>, Option<u8>, u8);

/// A back end that sorts and pages as it should, and repeats the end of a page on the next one.
struct Desk {
    people: Vec<Value>,
    repeats: usize,
    answers: AtomicUsize,
    /// Answers before it fails for good.
    lasts: Option<usize>,
}

fn value<'v>(person: &'v Value, key: &str) -> Option<&'v str> {
    match key {
        "birthdate" => person["birthDate"].as_str(),
        "family" => person["name"][0]["family"].as_str(),
        _ => person["meta"]["lastUpdated"].as_str(),
    }
}

/// The order of a search; of equals the one with the smaller id comes first.
fn compare(sort: &str, left: &Value, right: &Value) -> Ordering {
    for key in sort.split(',').filter(|key| !key.is_empty()) {
        let (key, falls) = key.strip_prefix('-').map_or((key, false), |key| (key, true));
        let order = match (value(left, key), value(right, key)) {
            (None, None) => Ordering::Equal,
            (None, _) => Ordering::Greater,
            (_, None) => Ordering::Less,
            (left, right) if falls => right.cmp(&left),
            (left, right) => left.cmp(&right),
        };
        if order.is_ne() {
            return order;
        }
    }
    left["id"].as_str().cmp(&right["id"].as_str())
}

#[async_trait::async_trait]
impl Adapter for Desk {
    fn capability(&self) -> Arc<Capability> {
        let parameters = ["birthdate", "family", "_lastUpdated"].map(|code| (code.to_owned(), "date".to_owned()));
        let patient = fhir::capability::ResourceCapability {
            interactions: [fhir::InteractionCode::SearchType].into(),
            search: parameters.into(),
            ..Default::default()
        };
        let mut capability = Capability::empty(Version::R4);
        capability.resources.insert(ResourceType::PATIENT, patient);
        Arc::new(capability)
    }

    async fn perform(&self, call: Call) -> Result<Reply, Error> {
        let answers = self.answers.fetch_add(1, Atomic::Relaxed);
        if self.lasts.is_some_and(|lasts| answers >= lasts) {
            return Err(Error::new(ErrorKind::Unreachable, "scripted"));
        }
        let Interaction::SearchType { query, .. } = &call.interaction else { panic!("a search") };
        let number = |name| query.first(name).and_then(|text| text.parse::<usize>().ok());
        let (from, count) = (number("from").unwrap_or(0), number("_count").unwrap());
        let sort = query.first("_sort").unwrap_or("");
        let mut people = self.people.clone();
        people.sort_by(|left, right| compare(sort, left, right));
        let shown = people.iter().skip(from.saturating_sub(self.repeats)).take(count + self.repeats.min(from));
        let entry: Vec<_> = shown.map(|person| json!({ "resource": person, "search": { "mode": "match" } })).collect();
        let mut link = Vec::new();
        if from + count < people.len() {
            let url = format!("{}/Patient?_sort={sort}&_count={count}&from={}", call.base, from + count);
            link.push(json!({ "relation": "next", "url": url }));
        }
        let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": people.len(), "link": link, "entry": entry });
        Ok(Reply::new(Status::Ok).with_body(bundle.to_string()))
    }

    async fn health(&self) -> Health {
        Health::Up
    }
}

fn person(&(id, born, family, updated): &Person) -> Value {
    let mut person = json!({ "resourceType": "Patient", "id": format!("{id:03}"),
        "meta": { "lastUpdated": format!("2024-01-01T00:00:{:02}Z", updated % 60) } });
    if let Some(born) = born {
        person["birthDate"] = json!(format!("{}-01-01", 1950 + i32::from(born % 5)));
    }
    if let Some(family) = family {
        person["name"] = json!([{ "family": char::from(b'a' + family % 4).to_string() }]);
    }
    person
}

fn desks(people: &[Vec<Person>], repeats: usize, lasts: Option<usize>) -> (Federation, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let mut space = Space::new(Arc::new(Names::open(&folder.path().join("ids.db"), "default").unwrap()));
    let names = ["a", "b", "c"].map(|name| (Arc::from(name), Arc::from(name)));
    space.share(&[config::Types::One(ResourceType::PATIENT)], &names);
    let space = Arc::new(space);
    let (mut members, mut all) = (Vec::new(), Vec::new());
    for ((name, _), people) in names.iter().zip(people) {
        let once: BTreeMap<u8, Value> = people.iter().map(|of| (of.0, person(of))).collect();
        let people: Vec<Value> = once.into_values().collect();
        for mut person in people.clone() {
            person["id"] = json!(format!("{name}-{}", person["id"].as_str().unwrap()));
            all.push(person);
        }
        let lasts = lasts.filter(|_| **name == *"c");
        let adapter = Arc::new(Desk { people, repeats, answers: AtomicUsize::default(), lasts });
        let ids = Ids::new(Arc::clone(&space), Arc::clone(name), Arc::default());
        members.push(Member { name: Arc::clone(name), adapter, ids });
    }
    (Federation::new(members, Arc::new(Seal::new(&[7; 32])), Arc::new(SystemClock), 1 << 20), all)
}

fn in_order(mut people: Vec<Value>, sort: &str) -> Vec<String> {
    let sort = if sort.is_empty() { "-_lastUpdated" } else { sort };
    people.sort_by(|left, right| compare(sort, left, right));
    people.iter().map(|person| person["id"].as_str().unwrap().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pages_are_the_merged_list_each_entry_once(
        people in prop::collection::vec(prop::collection::vec(any::<Person>(), 0..14), 3),
        sort in prop::sample::select(vec!["", "birthdate", "-birthdate", "family", "-family,birthdate", "birthdate,-family"]),
        count in 1..9_usize,
        repeats in 0..3_usize,
        lasts in prop::option::of(0..4_usize),
    ) {
        let (federation, all) = desks(&people, repeats, lasts);
        let sorted = if sort.is_empty() { String::new() } else { format!("&_sort={sort}") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pages = runtime.block_on(pages(&federation, &format!("_count={count}{sorted}")));
        let given: Vec<String> = pages.concat();
        // What the one that fails did not give any more is missing, and nothing else is.
        let is_there = |person: &Value| {
            let id = person["id"].as_str().unwrap();
            !id.starts_with("c-") || given.iter().any(|known| known == id)
        };
        let expected: Vec<Value> = all.iter().filter(|person| is_there(person)).cloned().collect();
        if lasts.is_none() {
            prop_assert_eq!(expected.len(), all.len());
        }
        prop_assert_eq!(given, in_order(expected, sort));
        prop_assert!(pages.iter().all(|page| page.len() <= count));
    }
}
