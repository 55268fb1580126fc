//! ValueSets and CodeSystems to lists of codes.

use std::collections::BTreeSet;

use definitions::text::{TypeText, ValueSetText};
use serde_json::Value;

use crate::package::{Package, items, text, texts, unversioned};

/// The value sets that required bindings use, sorted by canonical. One that the package does not have is left out.
pub(crate) fn required(package: &Package, types: &[TypeText]) -> Vec<ValueSetText> {
    let bindings = types.iter().flat_map(|definition| &definition.elements).filter_map(|line| line.binding.as_ref());
    let urls: BTreeSet<_> =
        bindings.filter(|binding| binding.strength == "required").map(|binding| &binding.value_set).collect();
    urls.into_iter().filter_map(|url| value_set(package, url, 0)).collect()
}

fn value_set(package: &Package, url: &str, depth: u8) -> Option<ValueSetText> {
    let compose = package.canonical("ValueSet", url)?.get("compose")?;
    let mut found = ValueSetText { url: url.to_owned(), systems: Vec::new() };
    for include in items(compose, "include") {
        for (system, codes) in clause(package, include, depth)? {
            add(&mut found, system, codes);
        }
    }
    for exclude in items(compose, "exclude") {
        for (system, codes) in clause(package, exclude, depth)? {
            found
                .systems
                .iter_mut()
                .filter(|(known, _)| *known == system)
                .for_each(|(_, kept)| kept.retain(|code| !codes.contains(code)));
        }
    }
    Some(found)
}

fn add(found: &mut ValueSetText, system: String, codes: Vec<String>) {
    match found.systems.iter_mut().find(|(known, _)| *known == system) {
        Some((_, known)) => codes.into_iter().for_each(|code| {
            if !known.contains(&code) {
                known.push(code);
            }
        }),
        None => found.systems.push((system, codes)),
    }
}

/// The codes of an include or an exclude. A system that cannot be listed has none.
fn clause(package: &Package, clause: &Value, depth: u8) -> Option<Vec<(String, Vec<String>)>> {
    let mut systems = Vec::new();
    let system = text(clause, "system");
    if !system.is_empty() {
        systems.push((system.to_owned(), system_codes(package, clause, system)));
    }
    // A value set that includes itself would be a fault of the package.
    for url in texts(clause, "valueSet").iter().filter(|_| depth < 8) {
        systems.extend(value_set(package, unversioned(url), depth + 1)?.systems);
    }
    Some(systems)
}

fn system_codes(package: &Package, clause: &Value, system: &str) -> Vec<String> {
    let listed = items(clause, "concept");
    if !listed.is_empty() {
        return listed.iter().map(|concept| text(concept, "code").to_owned()).collect();
    }
    let Some(code_system) = package.complete_code_system(system) else { return Vec::new() };
    let mut concepts = Vec::new();
    collect(items(code_system, "concept"), &[], &mut concepts);
    concepts
        .into_iter()
        .filter(|concept| items(clause, "filter").iter().all(|filter| passes(concept, filter)))
        .map(|concept| text(concept.value, "code").to_owned())
        .collect()
}

/// A concept and the codes above it.
struct Concept<'a> {
    value: &'a Value,
    ancestors: Vec<&'a str>,
}

fn collect<'a>(concepts: &'a [Value], ancestors: &[&'a str], out: &mut Vec<Concept<'a>>) {
    for value in concepts {
        out.push(Concept { value, ancestors: ancestors.to_vec() });
        let mut below = ancestors.to_vec();
        below.push(text(value, "code"));
        collect(items(value, "concept"), &below, out);
    }
}

fn passes(concept: &Concept<'_>, filter: &Value) -> bool {
    let (property, value) = (text(filter, "property"), text(filter, "value"));
    let code = text(concept.value, "code");
    match (property, text(filter, "op")) {
        ("concept", "is-a") => code == value || is_below(concept, value),
        ("concept", "descendent-of") => is_below(concept, value),
        ("concept", "is-not-a") => code != value && !is_below(concept, value),
        (_, "=") => items(concept.value, "property").iter().any(|known| {
            text(known, "code") == property
                && (text(known, "valueCode") == value || text(known, "valueString") == value)
        }),
        _ => true,
    }
}

/// Whether a concept is below another: by nesting, or by `subsumedBy` (v3 code systems).
fn is_below(concept: &Concept<'_>, ancestor: &str) -> bool {
    concept.ancestors.contains(&ancestor)
        || items(concept.value, "property")
            .iter()
            .any(|known| text(known, "code") == "subsumedBy" && text(known, "valueCode") == ancestor)
}
