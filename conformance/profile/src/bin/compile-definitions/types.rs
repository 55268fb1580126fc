//! StructureDefinitions to types.

use std::collections::HashMap;

use definitions::text::{BindingText, ElementText, Family, InvariantText, TypeText, TypeUse};
use serde_json::Value;

use crate::package::{Package, core_name, items, one_line, text, texts, unversioned};

/// Every type that the package defines, sorted by name.
pub(crate) fn types(package: &Package) -> Vec<TypeText> {
    let definitions: HashMap<&str, &Value> = package
        .of_type("StructureDefinition")
        .filter(|definition| text(definition, "derivation") != "constraint" && family(definition).is_some())
        .map(|definition| (text(definition, "type"), definition))
        .collect();
    let mut types: Vec<_> = definitions.values().filter_map(|definition| type_text(definition, &definitions)).collect();
    types.sort_by(|left, right| left.name.cmp(&right.name));
    types
}

fn family(definition: &Value) -> Option<Family> {
    match text(definition, "kind") {
        "primitive-type" => Some(Family::Primitive),
        "complex-type" => Some(Family::Complex),
        "resource" => Some(Family::Resource),
        _ => None,
    }
}

fn type_text(definition: &Value, all: &HashMap<&str, &Value>) -> Option<TypeText> {
    let family = family(definition)?;
    let name = text(definition, "type");
    let (root, rest) = snapshot(definition).split_first()?;
    let own = |element: &&Value| family != Family::Primitive && is_own(element, name, all);
    Some(TypeText {
        name: name.to_owned(),
        family,
        is_abstract: definition.get("abstract").and_then(Value::as_bool).unwrap_or_default(),
        base: base(definition).map(str::to_owned),
        invariants: invariants(root, name),
        elements: rest.iter().filter(own).map(|element| element_text(element, name)).collect(),
    })
}

fn snapshot(definition: &Value) -> &[Value] {
    definition.get("snapshot").map(|snapshot| items(snapshot, "element")).unwrap_or_default()
}

fn base(definition: &Value) -> Option<&str> {
    text(definition, "baseDefinition").rsplit('/').next().filter(|name| !name.is_empty())
}

/// Whether a type brings an element itself, or changes what it has from the type it specializes or is made of.
fn is_own(element: &Value, name: &str, all: &HashMap<&str, &Value>) -> bool {
    let (path, origin) = (text(element, "path"), origin(element));
    if origin == path {
        return true;
    }
    let Some((origin_type, _)) = origin.split_once('.') else { return true };
    let is_nested = path.matches('.').count() > 1;
    if !is_nested && !chain(name, all).any(|ancestor| ancestor == origin_type) {
        return true;
    }
    let inherited = all.get(origin_type).and_then(|of| snapshot(of).iter().find(|known| text(known, "path") == origin));
    inherited.is_none_or(|inherited| shape(inherited, origin_type) != shape(element, name))
}

/// The path where an element was first defined.
fn origin(element: &Value) -> &str {
    element.get("base").map_or(text(element, "path"), |base| text(base, "path"))
}

/// What a specialization would have to change for an element to be worth a line of its own.
fn shape(element: &Value, name: &str) -> (u16, Option<u16>, Vec<TypeUse>, Option<BindingText>) {
    let element = element_text(element, name);
    (element.min, element.max, element.types, element.binding)
}

fn chain<'a>(name: &'a str, all: &'a HashMap<&str, &Value>) -> impl Iterator<Item = &'a str> {
    std::iter::successors(all.get(name).copied().and_then(base), |name| all.get(name).copied().and_then(base))
}

fn element_text(element: &Value, name: &str) -> ElementText {
    let path = text(element, "path");
    let content = text(element, "contentReference").rsplit('#').next().filter(|content| !content.is_empty());
    ElementText {
        path: path.strip_prefix(name).and_then(|path| path.strip_prefix('.')).unwrap_or(path).to_owned(),
        min: element.get("min").and_then(Value::as_u64).and_then(|min| u16::try_from(min).ok()).unwrap_or_default(),
        max: text(element, "max").parse().ok(),
        types: items(element, "type").iter().map(|used| type_use(used, origin(element))).collect(),
        content: content.map(str::to_owned),
        binding: element.get("binding").and_then(binding),
        is_modifier: flag(element, "isModifier"),
        is_summary: flag(element, "isSummary"),
        invariants: invariants(element, name),
    }
}

fn flag(element: &Value, name: &str) -> bool {
    element.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn type_use(used: &Value, origin: &str) -> TypeUse {
    TypeUse {
        name: type_name(used, origin),
        targets: texts(used, "targetProfile").iter().map(|url| core_name(url)).collect(),
        profiles: texts(used, "profile").iter().map(|url| core_name(url)).collect(),
    }
}

fn type_name(used: &Value, origin: &str) -> String {
    let code = text(used, "code");
    if !code.starts_with("http://hl7.org/fhirpath/System.") {
        return code.to_owned();
    }
    // The packages differ in how they say it: resource.html#id is an id, element.html#id is a string without spaces.
    match origin {
        "Resource.id" => return "id".to_owned(),
        "Element.id" => return "string".to_owned(),
        _ => {}
    }
    let fhir_type = items(used, "extension").iter().find(|extension| text(extension, "url").ends_with("fhir-type"));
    let name = fhir_type.map(|extension| match text(extension, "valueUrl") {
        "" => text(extension, "valueUri"),
        name => name,
    });
    name.filter(|name| !name.is_empty()).unwrap_or("string").to_owned()
}

fn binding(binding: &Value) -> Option<BindingText> {
    let value_set = unversioned(text(binding, "valueSet"));
    (!value_set.is_empty())
        .then(|| BindingText { strength: text(binding, "strength").to_owned(), value_set: value_set.to_owned() })
}

/// The rules that an element brings itself: what it has from its type is written there.
fn invariants(element: &Value, name: &str) -> Vec<InvariantText> {
    let is_own = |rule: &&Value| {
        let source = core_name(text(rule, "source"));
        (source.is_empty() || source == name) && !text(rule, "expression").is_empty()
    };
    items(element, "constraint")
        .iter()
        .filter(is_own)
        .map(|rule| InvariantText {
            key: text(rule, "key").to_owned(),
            is_error: text(rule, "severity") != "warning",
            expression: one_line(text(rule, "expression")),
            human: one_line(text(rule, "human")),
        })
        .collect()
}
