//! CodeSystems to text: a line a concept, below its parent.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::package::{Package, items, one_line, text};
use crate::{Block, Blocks, add, version};

pub(crate) fn blocks(packages: &[Package]) -> Blocks {
    let filtered = filtered_properties(packages);
    let mut blocks = Blocks::new();
    for package in packages {
        for system in package.of_type("CodeSystem").filter(|system| is_fact(system)) {
            add(&mut blocks, text(system, "url"), block(package, system, &filtered));
        }
    }
    blocks
}

/// Code systems of others that have grown since the packages took a copy: a code that is not there may be one.
const GROWING: [&str; 3] = [
    "http://dicom.nema.org/resources/ontology/DCM",
    "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set",
    "https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/HospitalAcqCond/Coding",
];

/// Supplements and examples are none.
fn is_fact(system: &Value) -> bool {
    !text(system, "url").is_empty() && text(system, "content") != "supplement"
}

/// The properties, other than those that every code system has, by which a value set filters.
fn filtered_properties(packages: &[Package]) -> BTreeSet<(String, String)> {
    let sets = packages.iter().flat_map(|package| package.of_type("ValueSet"));
    let clauses = sets
        .filter_map(|set| set.get("compose"))
        .flat_map(|compose| items(compose, "include").iter().chain(items(compose, "exclude")));
    clauses
        .flat_map(|clause| {
            items(clause, "filter").iter().map(move |filter| (text(clause, "system"), text(filter, "property")))
        })
        .map(|(system, property)| (system.to_owned(), property.to_owned()))
        .collect()
}

fn block(package: &Package, system: &Value, filtered: &BTreeSet<(String, String)>) -> Block {
    let mut body = String::new();
    let content = if GROWING.contains(&text(system, "url")) { "fragment" } else { text(system, "content") };
    if content != "complete" {
        let _ = writeln!(body, "@content {content}");
    }
    if system.get("caseSensitive").and_then(Value::as_bool) == Some(false) {
        body.push_str("@case-insensitive\n");
    }
    if !text(system, "valueSet").is_empty() {
        let _ = writeln!(body, "@valueset {}", text(system, "valueSet"));
    }
    let mut codes = BTreeSet::new();
    let url = text(system, "url");
    let keeps = |property: &str| filtered.contains(&(url.to_owned(), property.to_owned()));
    lines(items(system, "concept"), 0, &keeps, &mut body, &mut codes);
    let releases = vec![(package.name.clone(), version(package, system).to_owned())];
    Block { releases, body, codes }
}

fn lines(
    concepts: &[Value],
    depth: usize,
    keeps: &dyn Fn(&str) -> bool,
    body: &mut String,
    codes: &mut BTreeSet<String>,
) {
    for concept in concepts {
        let code = text(concept, "code");
        assert!(!code.starts_with('@') && !code.contains('\t') && !code.is_empty(), "a code of one line: {code}");
        codes.insert(code.to_owned());
        let _ = write!(body, "{}{code}\t{}", "\t".repeat(depth + 1), one_line(text(concept, "display")));
        marks(concept, keeps).iter().for_each(|mark| {
            let _ = write!(body, "\t{mark}");
        });
        body.push('\n');
        lines(items(concept, "concept"), depth + 1, keeps, body, codes);
    }
}

fn marks(concept: &Value, keeps: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut marks = Vec::new();
    for property in items(concept, "property") {
        let value = property.as_object().into_iter().flatten().find(|(name, _)| name.starts_with("value"));
        let value = value.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let Some(value) = value.map(|value| one_line(&value)) else { continue };
        match (text(property, "code"), &*value) {
            ("subsumedBy" | "parent", _) => marks.push(format!("parent={value}")),
            ("child", _) => marks.push(format!("child={value}")),
            ("notSelectable" | "abstract" | "abstract-type", "true") => marks.push("abstract".to_owned()),
            ("inactive", "true") | ("status", "retired" | "inactive") => marks.push("inactive".to_owned()),
            ("deprecated", "true") | ("status", "deprecated") => marks.push("deprecated".to_owned()),
            _ => {}
        }
        let name = text(property, "code");
        if keeps(name) && !matches!(name, "concept" | "code" | "display" | "parent" | "child") {
            marks.push(format!("{name}={value}"));
        }
    }
    for designation in items(concept, "designation").iter().filter(|item| is_english(item)) {
        let words = one_line(text(designation, "value"));
        if words != one_line(text(concept, "display")) {
            marks.push(format!("also={words}"));
        }
    }
    marks.dedup();
    marks
}

fn is_english(designation: &Value) -> bool {
    let language = text(designation, "language");
    language.is_empty() || language.starts_with("en")
}
