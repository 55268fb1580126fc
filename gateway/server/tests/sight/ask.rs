//! Random requests.

use std::fmt;

use http::Method;
use population::{BASE, Choices, Names, query, resource};
use serde_json::{Value, json};

/// A request; [`BASE`] in it stands for the FHIR base.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// Behind the base.
    pub(crate) path: String,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?} {}", self.method, self.path, self.fields, self.body)
    }
}

impl Ask {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), fields: Vec::new(), body: String::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(crate) fn carrying(self, body: impl fmt::Display) -> Self {
        let mut carrying = self.with("content-type", "application/fhir+json");
        carrying.body = body.to_string();
        carrying
    }
}

/// One of everything that a client can ask for.
pub(crate) fn any(names: &Names, choices: &mut Choices<'_>) -> Ask {
    let kind = choices.of(names.kinds());
    match choices.below(16) {
        0..=5 => Ask::get(format!("/{kind}?{}", query::encoded(&query::search(kind, names, choices)))),
        6 => read(kind, names, choices),
        7 => history(kind, names, choices),
        8 => posted_search(kind, names, choices),
        9 | 10 => compartment(names, choices),
        11 => system(names, choices),
        12 => operation(kind, names, choices),
        13 | 14 => write(kind, names, choices),
        _ => batch(names, choices),
    }
}

fn read(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> Ask {
    let id = names.id(kind, choices);
    let version = choices.of(&["", "", "/_history/1", "/_history/2"]);
    let more = choices.of(&["", "", "?_summary=true", "?_elements=id", "?_format=xml"]);
    let method = if choices.is_one_in(4) { Method::HEAD } else { Method::GET };
    let ask = Ask::new(method, format!("/{kind}/{id}{version}{more}"));
    match choices.below(4) {
        3 => ask.with("if-none-match", "W/\"1\""),
        2 => ask.with("if-modified-since", "Wed, 01 Jan 2020 00:00:00 GMT"),
        _ => ask,
    }
}

fn history(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> Ask {
    let of = match choices.below(6) {
        0..=3 => format!("/{kind}/{}", names.id(kind, choices)),
        4 => format!("/{kind}"),
        _ => String::new(),
    };
    let more = choices.of(&[
        "",
        "?_count=1",
        "?_since=2020-01-01T00:00:00Z",
        "?_count=2&_sort=_lastUpdated",
        "?_summary=true",
    ]);
    Ask::get(format!("{of}/_history{more}"))
}

fn posted_search(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> Ask {
    let form = query::encoded(&query::search(kind, names, choices));
    let handling = choices.of(&["handling=strict", "handling=lenient"]);
    let mut ask = Ask::new(Method::POST, format!("/{kind}/_search"))
        .with("content-type", "application/x-www-form-urlencoded")
        .with("prefer", handling);
    ask.body = form;
    ask
}

fn compartment(names: &Names, choices: &mut Choices<'_>) -> Ask {
    let kind = choices.of(names.kinds());
    let owner = choices.of(&["Patient", "Patient", "Practitioner", "Encounter", "RelatedPerson"]);
    let id = names.id(owner, choices);
    let of = if choices.is_one_in(6) { "*" } else { kind };
    let mut pairs = query::search(kind, names, choices);
    if of == "*" {
        pairs.clear();
    }
    Ask::get(format!("/{owner}/{id}/{of}?{}", query::encoded(&pairs)))
}

fn system(names: &Names, choices: &mut Choices<'_>) -> Ask {
    let (first, second) = (choices.of(names.kinds()), choices.of(names.kinds()));
    let types = match choices.below(4) {
        0 => String::new(),
        1 => first.to_owned(),
        _ => format!("{first},{second}"),
    };
    let mut pairs = vec![("_id".to_owned(), names.id(first, choices).to_owned())];
    if !types.is_empty() {
        pairs.push(("_type".to_owned(), types));
    }
    if choices.is_one_in(2) {
        pairs.push(("_include".into(), format!("{first}:*")));
    }
    Ask::get(format!("?{}", query::encoded(&pairs)))
}

fn operation(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> Ask {
    let id = names.id(kind, choices);
    let resource = resource::of(kind, Some(id), names, choices);
    let parameters =
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": resource }] });
    match choices.below(5) {
        0 => Ask::get(format!("/Patient/{}/$everything", names.id("Patient", choices))),
        1 => Ask::get("/Patient/$everything"),
        2 => Ask::new(Method::POST, format!("/{kind}/$validate")).carrying(resource),
        3 => Ask::new(Method::POST, format!("/{kind}/{id}/$validate")).carrying(parameters),
        _ => Ask::new(Method::POST, "/Patient/$match").carrying(json!({
            "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": resource::of("Patient", None, names, choices) }]
        })),
    }
}

/// The id of a write by id: of what is there, or of what nobody has.
fn written(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> String {
    if choices.is_one_in(4) {
        // Ids of a type on several back ends begin with the back end's.
        let prefix = names.all(kind).first().and_then(|id| id.rsplit_once('-')).map_or("", |(prefix, _)| prefix);
        return if prefix.is_empty() { "new".to_owned() } else { format!("{prefix}-new") };
    }
    names.id(kind, choices).to_owned()
}

fn condition(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> String {
    if choices.below(2) == 0 {
        return format!("identifier={}", choices.of(&["x", "y", "urn:s|z"]));
    }
    query::encoded(&query::criteria(kind, names, choices))
}

fn write(kind: &'static str, names: &Names, choices: &mut Choices<'_>) -> Ask {
    let id = written(kind, names, choices);
    let body =
        |id: Option<&str>, choices: &mut Choices<'_>| own(resource::of(kind, id, names, choices), names, choices);
    match choices.below(8) {
        0 => Ask::new(Method::PUT, format!("/{kind}/{id}")).carrying(body(Some(&id), choices)),
        1 => Ask::new(Method::POST, format!("/{kind}")).carrying(body(None, choices)),
        2 => Ask::new(Method::POST, format!("/{kind}"))
            .with("if-none-exist", condition(kind, names, choices))
            .carrying(body(None, choices)),
        3 => {
            Ask::new(Method::PUT, format!("/{kind}?{}", condition(kind, names, choices))).carrying(body(None, choices))
        }
        4 => Ask::new(Method::DELETE, format!("/{kind}/{id}")),
        5 => Ask::new(Method::DELETE, format!("/{kind}?{}", condition(kind, names, choices))),
        6 => patch(&format!("/{kind}/{id}"), choices),
        _ => patch(&format!("/{kind}?{}", condition(kind, names, choices)), choices),
    }
}

fn patch(path: &str, choices: &mut Choices<'_>) -> Ask {
    let operation = match choices.below(3) {
        0 => json!({ "op": "add", "path": "/language", "value": "en" }),
        1 => json!({ "op": "test", "path": "/status", "value": "booked" }),
        _ => json!({ "op": "replace", "path": "/subject/reference", "value": "Patient/2" }),
    };
    let mut ask = Ask::new(Method::PATCH, path).with("content-type", "application/json-patch+json");
    ask.body = json!([operation]).to_string();
    ask
}

/// With a reference to the first patient, most of the time: a write that is permitted tells more.
fn own(mut resource: Value, names: &Names, choices: &mut Choices<'_>) -> Value {
    if choices.is_one_in(4) {
        return resource;
    }
    let first = names.all("Patient").first().copied().unwrap_or_default();
    let patient = format!("Patient/{first}");
    rewrite(&mut resource, &|text| text.contains("Patient/").then(|| patient.clone()));
    resource
}

fn rewrite(value: &mut Value, replaced: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = replaced(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, replaced)),
        Value::Object(members) => members.values_mut().for_each(|member| rewrite(member, replaced)),
        _ => {}
    }
}

fn batch(names: &Names, choices: &mut Choices<'_>) -> Ask {
    let kind = choices.of(&["batch", "transaction"]);
    let count = 1 + choices.below(4);
    let entries: Vec<Value> = (0..count).map(|number| entry(number, names, choices)).collect();
    Ask::new(Method::POST, "").carrying(json!({ "resourceType": "Bundle", "type": kind, "entry": entries }))
}

fn entry(number: usize, names: &Names, choices: &mut Choices<'_>) -> Value {
    let kind = choices.of(names.kinds());
    let asked = match choices.below(4) {
        0 => Ask::get(format!("/{kind}?{}", query::encoded(&query::search(kind, names, choices)))),
        1 => read(kind, names, choices),
        _ => write(kind, names, choices),
    };
    let mut request = json!({ "method": asked.method.as_str(), "url": asked.path.trim_start_matches('/') });
    let field = |name: &str| asked.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    if let Some(condition) = field("if-none-exist") {
        request["ifNoneExist"] = condition.into();
    }
    let mut entry =
        json!({ "fullUrl": format!("urn:uuid:0c3151bd-1cbf-4d64-b04d-00000000000{number}"), "request": request });
    if let Ok(mut resource) = serde_json::from_str::<Value>(&asked.body)
        && resource.is_object()
    {
        if choices.below(2) == 1 {
            conditionally(&mut resource, names, choices);
        }
        entry["resource"] = resource;
    }
    entry
}

/// What it refers to that is no patient is named by a condition or by another entry.
fn conditionally(resource: &mut Value, names: &Names, choices: &mut Choices<'_>) {
    let kind = choices.of(&["Practitioner", "Organization", "Observation", "Patient", "Appointment"]);
    let named = match choices.below(3) {
        0 => format!("{kind}?identifier=x"),
        1 => format!("{kind}?{}", query::encoded(&query::criteria(kind, names, choices))),
        _ => "urn:uuid:0c3151bd-1cbf-4d64-b04d-000000000000".to_owned(),
    };
    rewrite(resource, &|text| {
        let is_other =
            text.contains('/') && !text.contains("Patient/") && !text.starts_with("http") && !text.contains(BASE);
        is_other.then(|| named.clone())
    });
}
