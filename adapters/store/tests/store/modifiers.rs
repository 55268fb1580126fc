//! Every modifier of the specification on every type of parameter: the right result, or a refusal that says what to use instead.

use adapter::{Adapter as _, Call, Error, ErrorKind};
use fhir::Handling;
use store::Store;

use super::fresh;
use crate::support::{ids, json, search, search_call, update};

/// search.html#modifiers, those of R5 and of later drafts, and one that there is not.
const MODIFIERS: [&str; 15] = [
    "missing",
    "exact",
    "contains",
    "not",
    "text",
    "in",
    "not-in",
    "below",
    "above",
    "of-type",
    "identifier",
    "Practitioner",
    "iterate",
    "code-text",
    "nonsense",
];

/// A parameter of each type, and what a resource holds that has it.
const PARAMETERS: [(&str, &str, &str, &str); 7] = [
    ("string", "Patient", "family", r#""name":[{"family":"Smith"}]"#),
    (
        "token",
        "Person",
        "identifier",
        r#""identifier":[{"system":"urn:s","value":"1","type":{"text":"A record","coding":[{"system":"urn:t","code":"MR"}]}}]"#,
    ),
    (
        "reference",
        "Encounter",
        "participant",
        r#""participant":[{"individual":{"reference":"Practitioner/1","identifier":{"system":"urn:s","value":"1"}}}]"#,
    ),
    ("date", "RelatedPerson", "birthdate", r#""birthDate":"1970-01-01""#),
    ("number", "RiskAssessment", "probability", r#""prediction":[{"probabilityDecimal":1}]"#),
    ("quantity", "Observation", "value-quantity", r#""code":{"coding":[{"code":"c"}]},"valueQuantity":{"value":1}"#),
    ("uri", "ValueSet", "url", r#""url":"http://a/b/c""#),
];

/// A value with which the modifier finds what holds the parameter; `None` where it does not go with the type.
fn sound(kind: &str, modifier: &str) -> Option<&'static str> {
    Some(match (kind, modifier) {
        (_, "missing") => "false",
        ("string", "exact") => "Smith",
        ("string", "contains") => "MIT",
        ("token", "not") => "urn:s|2",
        ("token", "text") => "a rec",
        ("token", "of-type") => "urn:t|MR|1",
        ("reference", "identifier") => "urn:s|1",
        ("reference", "Practitioner") => "1",
        ("uri", "below") => "http://a/b",
        ("uri", "above") => "http://a/b/c/d",
        _ => return None,
    })
}

fn any_value(kind: &str) -> &'static str {
    match kind {
        "date" => "1970-01-01",
        "reference" => "Practitioner/1",
        "uri" => "http://a/b/c",
        _ => "1",
    }
}

async fn lenient(store: &Store, kind: &str, query: &str) -> Result<Vec<String>, Error> {
    let call = Call { handling: Handling::Lenient, ..search_call(kind, query, None) };
    store.perform(call).await.map(|reply| ids(&json(&reply)))
}

#[tokio::test]
async fn every_modifier_gives_the_right_result_or_is_refused_whatever_the_handling() {
    let (_folder, store) = fresh();
    for (kind, resource_type, code, members) in PARAMETERS {
        for (id, members) in [("has", members), ("none", r#""language":"en""#)] {
            let json = format!(r#"{{"resourceType":"{resource_type}","id":"{id}",{members}}}"#);
            update(&store, id, &json).await.unwrap();
        }
        for modifier in MODIFIERS {
            let value = sound(kind, modifier).unwrap_or_else(|| any_value(kind));
            let query = format!("{code}:{modifier}={value}");
            let (strict, lenient) =
                (search(&store, resource_type, &query).await, lenient(&store, resource_type, &query).await);
            if sound(kind, modifier).is_some() {
                let expected = if modifier == "not" { vec!["has", "none"] } else { vec!["has"] };
                assert_eq!(ids(&strict.unwrap()), expected, "{kind}: {query}");
                assert_eq!(lenient.unwrap(), expected, "{kind}: {query}");
            } else {
                for refused in [strict.unwrap_err(), lenient.unwrap_err()] {
                    assert_eq!(refused.kind, ErrorKind::Invalid, "{kind}: {query}");
                    let text = &refused.issues[0].text;
                    assert!(text.contains("known: ") || text.contains("expected "), "{kind}: {query}: {text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_composite_takes_no_modifier_but_missing() {
    let (_folder, store) = fresh();
    let coded = r#""code":{"coding":[{"system":"urn:c","code":"x"}]}"#;
    for (id, value) in [("has", r#","valueQuantity":{"value":5}"#), ("none", "")] {
        update(&store, id, &format!(r#"{{"resourceType":"Observation","id":"{id}",{coded}{value}}}"#)).await.unwrap();
    }
    for query in ["code-value-quantity=urn:c|x$5", "code-value-quantity:missing=false"] {
        assert_eq!(ids(&search(&store, "Observation", query).await.unwrap()), ["has"], "{query}");
    }
    for modifier in MODIFIERS.iter().filter(|modifier| **modifier != "missing") {
        let refused = search(&store, "Observation", &format!("code-value-quantity:{modifier}=x$5")).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{modifier}");
    }
}

#[tokio::test]
async fn a_uri_is_found_below_and_above_by_whole_segments_and_a_urn_is_not() {
    let (_folder, store) = fresh();
    for (id, url) in [
        ("root", "http://a"),
        ("b", "http://a/b"),
        ("c", "http://a/b/c/"),
        ("bc", "http://a/bc"),
        ("urn", "urn:oid:1.2"),
        ("urn-more", "urn:oid:1.2/3"),
    ] {
        update(&store, id, &format!(r#"{{"resourceType":"ValueSet","url":"{url}"}}"#)).await.unwrap();
    }
    for (query, expected) in [
        ("url:below=http://a/b", vec!["b", "c"]),
        ("url:below=http://a/b/", vec!["b", "c"]),
        ("url:below=http://a", vec!["root", "b", "c", "bc"]),
        ("url:above=http://a/b/c", vec!["root", "b", "c"]),
        ("url:above=http://a/b/c/d", vec!["root", "b", "c"]),
        ("url:above=http://a/bc", vec!["root", "bc"]),
        ("url:below=urn:oid:1.2", vec![]),
        ("url:above=urn:oid:1.2/3", vec![]),
        ("url=urn:oid:1.2", vec!["urn"]),
    ] {
        assert_eq!(ids(&search(&store, "ValueSet", query).await.unwrap()), expected, "{query}");
    }
}

#[tokio::test]
async fn parameters_of_the_specification_that_are_not_offered_say_what_to_use_instead() {
    let (_folder, store) = fresh();
    update(&store, "x", r#"{"resourceType":"Location","id":"x"}"#).await.unwrap();
    for query in [
        "_list=x",
        "_text=x",
        "_content=x",
        "_filter=name eq x",
        "_query=x",
        "_contained=true",
        "_contained=both",
        "_containedType=container",
        "_sort=_score",
        "near=1|2|3|km",
    ] {
        let refused = search(&store, "Location", query).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Invalid, "{query}");
        assert!(refused.issues[0].text.contains("; expected "), "{query}: {}", refused.issues[0].text);
    }
}
