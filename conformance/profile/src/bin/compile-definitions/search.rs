//! SearchParameters and CompartmentDefinitions.

use definitions::text::{CompartmentText, SearchParameterText};
use serde_json::Value;

use crate::package::{Package, items, one_line, text, texts, unversioned};

/// The search parameters of the specification, sorted by canonical. Those marked experimental are examples.
pub(crate) fn parameters(package: &Package) -> Vec<SearchParameterText> {
    let mut found: Vec<_> = package
        .of_type("SearchParameter")
        .filter(|parameter| !flag(parameter, "experimental").unwrap_or_default())
        .filter(|parameter| !items(parameter, "base").is_empty())
        .map(parameter_text)
        .collect();
    found.sort_by(|left, right| left.url.cmp(&right.url));
    found
}

fn parameter_text(parameter: &Value) -> SearchParameterText {
    let expression = one_line(text(parameter, "expression"));
    SearchParameterText {
        url: text(parameter, "url").to_owned(),
        code: text(parameter, "code").to_owned(),
        kind: text(parameter, "type").to_owned(),
        bases: texts(parameter, "base"),
        expression: (!expression.is_empty()).then_some(expression),
        targets: texts(parameter, "target"),
        comparators: texts(parameter, "comparator"),
        modifiers: texts(parameter, "modifier"),
        multiple_or: flag(parameter, "multipleOr"),
        multiple_and: flag(parameter, "multipleAnd"),
        components: items(parameter, "component").iter().map(component).collect(),
    }
}

fn component(component: &Value) -> (String, String) {
    (unversioned(text(component, "definition")).to_owned(), one_line(text(component, "expression")))
}

fn flag(value: &Value, name: &str) -> Option<bool> {
    value.get(name).and_then(Value::as_bool)
}

/// The compartments, sorted by owner.
pub(crate) fn compartments(package: &Package) -> Vec<CompartmentText> {
    let mut found: Vec<_> = package
        .of_type("CompartmentDefinition")
        .map(|compartment| CompartmentText {
            owner: text(compartment, "code").to_owned(),
            members: items(compartment, "resource").iter().filter_map(member).collect(),
        })
        .collect();
    found.sort_by(|left, right| left.owner.cmp(&right.owner));
    found
}

fn member(resource: &Value) -> Option<(String, Vec<String>)> {
    let parameters = texts(resource, "param");
    (!parameters.is_empty()).then(|| (text(resource, "code").to_owned(), parameters))
}
