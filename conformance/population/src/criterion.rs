//! One criterion of a search: `name=value`.

use fhir::{ResourceType, Version};
use search::{Parameter, ParameterType as Kind, parameters};

use crate::resource::KINDS;
use crate::{BASE, Choices, Names};

/// Chains and `_has` go through so many references at most.
const DEEPEST: usize = 3;

/// What the generated resources have values of, so that a criterion has something to find.
const TELLING: [(&str, &[&str]); 20] = [
    ("Patient", &["name", "gender", "birthdate", "organization", "general-practitioner", "link", "identifier"]),
    (
        "Appointment",
        &["status", "practitioner", "location", "date", "slot", "reason-code", "reason-reference", "actor", "patient"],
    ),
    ("Practitioner", &["name", "gender", "identifier"]),
    ("Organization", &["name", "partof"]),
    ("Location", &["name", "organization"]),
    (
        "Observation",
        &[
            "code",
            "subject",
            "patient",
            "performer",
            "value-quantity",
            "date",
            "has-member",
            "encounter",
            "code-value-quantity",
        ],
    ),
    ("Coverage", &["beneficiary", "payor", "subscriber"]),
    ("Claim", &["patient", "provider", "encounter", "created"]),
    ("Encounter", &["patient", "appointment", "service-provider", "part-of", "status"]),
    ("Slot", &["schedule", "status", "start"]),
    ("Schedule", &["actor"]),
    ("RelatedPerson", &["patient", "name"]),
    ("Provenance", &["target", "patient", "agent"]),
    ("Group", &["member", "type"]),
    ("List", &["item", "subject", "patient", "source"]),
    ("Person", &["patient", "link", "name"]),
    ("Account", &["subject", "patient", "name", "status"]),
    ("Task", &["patient", "focus", "owner", "subject"]),
    ("Communication", &["subject", "recipient", "sender"]),
    ("PractitionerRole", &["practitioner", "organization", "role"]),
];

/// A criterion on resources of that type, as name and value.
#[must_use]
pub(crate) fn of(resource_type: &str, names: &Names, choices: &mut Choices<'_>, depth: usize) -> (String, String) {
    let may_nest = depth < DEEPEST;
    match choices.below(10) {
        0 | 1 if may_nest => chain(resource_type, names, choices, depth),
        2 | 3 if may_nest => has(resource_type, names, choices, depth),
        4 => {
            ("_id".to_owned() + choices.of(&["", "", ":not", ":missing"]), names.id(resource_type, choices).to_owned())
        }
        _ => plain(resource_type, names, choices),
    }
}

/// `subject:Patient.name=smith`
fn chain(resource_type: &str, names: &Names, choices: &mut Choices<'_>, depth: usize) -> (String, String) {
    let references = references(resource_type);
    let Some(reference) = picked(&references, resource_type, choices) else {
        return plain(resource_type, names, choices);
    };
    let targets = targets(reference, names);
    let target = choices.of(&targets);
    let (name, value) = of(target, names, choices, depth + 1);
    let of_type = if targets.len() > 1 && !choices.is_one_in(4) { format!(":{target}") } else { String::new() };
    (format!("{}{of_type}.{name}", reference.code), value)
}

/// `_has:Observation:patient:code=a`
fn has(resource_type: &str, names: &Names, choices: &mut Choices<'_>, depth: usize) -> (String, String) {
    let pointing: Vec<(&str, &Parameter)> = names
        .kinds()
        .iter()
        .flat_map(|source| references(source).into_iter().map(move |reference| (*source, reference)))
        .filter(|(_, reference)| points_to(reference, resource_type))
        .collect();
    let Some((source, reference)) = pointing.get(choices.below(pointing.len())) else {
        return plain(resource_type, names, choices);
    };
    let (name, value) = of(source, names, choices, depth + 1);
    (format!("_has:{source}:{}:{name}", reference.code), value)
}

fn plain(resource_type: &str, names: &Names, choices: &mut Choices<'_>) -> (String, String) {
    let all: Vec<&Parameter> = all(resource_type).iter().collect();
    let Some(parameter) = picked(&all, resource_type, choices) else { return ("_id".into(), "1".into()) };
    if choices.is_one_in(8) {
        return (format!("{}:missing", parameter.code), choices.of(&["true", "false"]).to_owned());
    }
    let (modifier, value) = value(parameter, names, choices);
    (format!("{}{modifier}", parameter.code), value)
}

/// One of the telling ones mostly, any other at times.
fn picked<'p>(all: &[&'p Parameter], resource_type: &str, choices: &mut Choices<'_>) -> Option<&'p Parameter> {
    let telling = TELLING.iter().find(|(of, _)| *of == resource_type).map_or(&[][..], |(_, codes)| *codes);
    let known: Vec<_> = all.iter().copied().filter(|parameter| telling.contains(&parameter.code)).collect();
    let from = if known.is_empty() || choices.is_one_in(5) { all } else { &known };
    from.get(choices.below(from.len())).copied()
}

fn value(parameter: &Parameter, names: &Names, choices: &mut Choices<'_>) -> (String, String) {
    let plain = |value: &str| (String::new(), value.to_owned());
    match parameter.kind {
        Kind::Token => {
            let modifier = choices.of(&["", "", "", ":not", ":text"]);
            let tokens = [
                "a", "b", "urn:c|a", "urn:s|x", "x", "y", "|a", "booked", "proposed", "final", "active", "female",
                "finished", "free", "a,b",
            ];
            (modifier.to_owned(), choices.of(&tokens).to_owned())
        }
        Kind::Text => {
            let modifier = choices.of(&["", "", ":exact", ":contains"]);
            (modifier.to_owned(), choices.of(&["smith", "jones", "Smith", "e", "smith,miller"]).to_owned())
        }
        Kind::Date => {
            let prefix = choices.of(&["", "ge", "lt", "ne", "sa", "eb"]);
            (String::new(), format!("{prefix}{}", choices.of(&["2024-02-01", "2024", "2024-01"])))
        }
        Kind::Quantity | Kind::Number => plain(choices.of(&["1", "gt0", "le2", "ne3"])),
        Kind::Composite => plain(choices.of(&["urn:c|a$gt0", "a$1", "b$lt3"])),
        Kind::Reference => reference(parameter, names, choices),
        _ => plain("urn:x"),
    }
}

fn reference(parameter: &Parameter, names: &Names, choices: &mut Choices<'_>) -> (String, String) {
    let kind = choices.of(&targets(parameter, names));
    let id = names.id(kind, choices);
    match choices.below(8) {
        0..=4 => (String::new(), format!("{kind}/{id}")),
        7 => (String::new(), id.to_owned()),
        5 => (format!(":{kind}"), id.to_owned()),
        6 => (String::new(), format!("{BASE}/{kind}/{id}")),
        _ => (":identifier".to_owned(), "urn:s|x".to_owned()),
    }
}

/// What a resource of that type is searched by.
pub(crate) fn all(resource_type: &str) -> &'static [Parameter] {
    resource_type.parse::<ResourceType>().map_or(&[], |of| parameters(Version::R4, of))
}

/// The references among them.
pub(crate) fn references(resource_type: &str) -> Vec<&'static Parameter> {
    all(resource_type).iter().filter(|parameter| parameter.kind == Kind::Reference).collect()
}

/// What a reference may point to, of what there is.
fn targets(reference: &Parameter, names: &Names) -> Vec<&'static str> {
    let all: Vec<&str> = KINDS.iter().copied().filter(|kind| points_to(reference, kind)).collect();
    names.known(&all)
}

/// Whether a reference may point to that type.
pub(crate) fn points_to(reference: &Parameter, resource_type: &str) -> bool {
    reference.targets.is_empty() || reference.targets.iter().any(|target| target.as_str() == resource_type)
}
