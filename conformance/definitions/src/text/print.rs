//! Facts to text.

use std::fmt::Write as _;

use super::{
    CompartmentText, ElementText, Family, InvariantText, SearchParameterText, TypeText, TypeUse, ValueSetText,
};

/// A type as the text of its file.
#[must_use]
pub fn type_file(definition: &TypeText) -> String {
    let mut out = String::new();
    if definition.is_abstract {
        out.push_str("abstract ");
    }
    out.push_str(match definition.family {
        Family::Primitive => "primitive ",
        Family::Complex => "complex ",
        Family::Resource => "resource ",
    });
    out.push_str(&definition.name);
    if let Some(base) = &definition.base {
        let _ = write!(out, " : {base}");
    }
    out.push('\n');
    definition.invariants.iter().for_each(|rule| invariant(&mut out, rule));
    let width = definition.elements.iter().map(|element| element.path.len()).max().unwrap_or_default();
    definition.elements.iter().for_each(|line| element(&mut out, line, width));
    out
}

fn element(out: &mut String, element: &ElementText, width: usize) {
    let max = element.max.map_or_else(|| "*".to_owned(), |max| max.to_string());
    let _ = write!(out, "{:width$}  {}..{max}  {}", element.path, element.min, types(element));
    if element.is_modifier {
        out.push_str("  modifier");
    }
    if element.is_summary {
        out.push_str("  summary");
    }
    if let Some(binding) = &element.binding {
        let _ = write!(out, "  {}:{}", binding.strength, binding.value_set);
    }
    out.push('\n');
    element.invariants.iter().for_each(|rule| invariant(out, rule));
}

fn types(element: &ElementText) -> String {
    match &element.content {
        Some(content) => format!("@{content}"),
        None if element.types.is_empty() => "-".to_owned(),
        None => element.types.iter().map(type_use).collect::<Vec<_>>().join("|"),
    }
}

fn type_use(used: &TypeUse) -> String {
    let mut text = used.name.clone();
    if !used.profiles.is_empty() {
        let _ = write!(text, "[{}]", used.profiles.join("|"));
    }
    if !used.targets.is_empty() {
        let _ = write!(text, "({})", used.targets.join("|"));
    }
    text
}

fn invariant(out: &mut String, rule: &InvariantText) {
    let severity = if rule.is_error { "error" } else { "warning" };
    let _ = writeln!(out, "  ! {} {severity} {}", rule.key, rule.expression);
    let _ = writeln!(out, "    {}", rule.human);
}

/// Value sets as the text of their file.
#[must_use]
pub fn value_sets(value_sets: &[ValueSetText]) -> String {
    let mut out = String::new();
    for value_set in value_sets {
        let _ = writeln!(out, "valueset {}", value_set.url);
        for (system, codes) in &value_set.systems {
            let _ = writeln!(out, "  system {system}");
            codes.iter().for_each(|code| {
                let _ = writeln!(out, "    {code}");
            });
        }
    }
    out
}

/// Search parameters as the text of their file.
#[must_use]
pub fn search_parameters(parameters: &[SearchParameterText]) -> String {
    let mut out = String::new();
    for parameter in parameters {
        let bases = parameter.bases.join(" ");
        let _ = writeln!(out, "parameter {}", parameter.url);
        let _ = writeln!(out, "  {} {} of {bases}", parameter.code, parameter.kind);
        if let Some(expression) = &parameter.expression {
            let _ = writeln!(out, "  expression {expression}");
        }
        list(&mut out, "targets", &parameter.targets);
        list(&mut out, "comparators", &parameter.comparators);
        list(&mut out, "modifiers", &parameter.modifiers);
        flag(&mut out, "multiple-or", parameter.multiple_or);
        flag(&mut out, "multiple-and", parameter.multiple_and);
        for (url, expression) in &parameter.components {
            let _ = writeln!(out, "  component {url} {expression}");
        }
    }
    out
}

fn list(out: &mut String, name: &str, words: &[String]) {
    if !words.is_empty() {
        let _ = writeln!(out, "  {name} {}", words.join(" "));
    }
}

fn flag(out: &mut String, name: &str, value: Option<bool>) {
    if let Some(value) = value {
        let _ = writeln!(out, "  {name} {value}");
    }
}

/// Compartments as the text of their file.
#[must_use]
pub fn compartments(compartments: &[CompartmentText]) -> String {
    let mut out = String::new();
    for compartment in compartments {
        let _ = writeln!(out, "compartment {}", compartment.owner);
        for (resource_type, parameters) in &compartment.members {
            let _ = writeln!(out, "  {resource_type} {}", parameters.join(" "));
        }
    }
    out
}
