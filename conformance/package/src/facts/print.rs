//! Facts to text.

use std::fmt::Write as _;

use super::words::{context, derivation, discriminator, escaped, kind, rules, short, strength};
use crate::draft::{ElementDraft, Max, StructureDraft};
use crate::structure::{AdditionalBinding, Binding, Constraint, Releases, Slicing, TypeUse, ValueFact};

/// The text of a structure, its elements with ids.
#[must_use]
pub fn print(draft: &StructureDraft) -> String {
    let mut out = Text(String::new());
    out.line(0, &format!("structure {}", draft.url));
    head(&mut out, draft);
    for (name, elements) in [("snapshot", &draft.snapshot), ("differential", &draft.differential)] {
        if !elements.is_empty() {
            out.line(0, name);
            elements.iter().for_each(|written| element(&mut out, written));
        }
    }
    out.0
}

/// Lines with indentation.
struct Text(String);

impl Text {
    fn line(&mut self, indent: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{}", "", text.trim_end());
    }

    fn some(&mut self, indent: usize, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.line(indent, &format!("{name} {value}"));
        }
    }
}

fn head(out: &mut Text, draft: &StructureDraft) {
    out.some(2, "version", draft.version.as_deref());
    out.some(2, "name", Some(&escaped(&draft.name)));
    out.some(2, "fhir", draft.fhir_version.map(fhir::Version::number));
    out.some(2, "status", Some(&draft.status));
    out.some(2, "kind", Some(kind(draft.kind)));
    out.some(2, "type", Some(&draft.type_));
    out.some(2, "base", draft.base.as_deref().map(short).as_deref());
    out.some(2, "derivation", Some(derivation(draft.derivation)));
    if draft.is_abstract {
        out.line(2, "abstract");
    }
    for place in &draft.contexts {
        out.line(2, &format!("context {} {}", context(place.type_), escaped(&place.expression)));
        place.releases.iter().for_each(|said| out.line(2, &format!("context-releases {}", releases(said))));
    }
    for rule in &draft.context_invariants {
        out.line(2, &format!("context-invariant {}", escaped(rule)));
    }
    draft.releases.iter().for_each(|said| out.line(2, &format!("releases {}", releases(said))));
    for imposed in &draft.imposed {
        out.line(2, &format!("imposes {}", short(imposed)));
    }
}

fn releases(said: &Releases) -> String {
    format!("{}..{}", said.first.as_deref().unwrap_or_default(), said.last.as_deref().unwrap_or_default())
}

fn element(out: &mut Text, element: &ElementDraft) {
    let mut line = format!("{} {}", element.id, cardinality(element.min, element.max));
    for (word, flag) in [
        ("modifier", element.is_modifier),
        ("must-support", element.must_support),
        ("must-have-value", element.must_have_value),
    ] {
        match flag {
            Some(true) => line.extend([" ", word]),
            Some(false) => line.extend([" no-", word]),
            None => {}
        }
    }
    out.line(2, &line);
    if super::parse::path_of(&element.id) != element.path {
        out.line(4, &format!("path {}", element.path));
    }
    if let Some(base) = &element.base {
        out.line(4, &format!("base {} {}", base.path, cardinality(Some(base.min), Some(base.max))));
    }
    shape(out, element);
    values(out, element);
    element.binding.iter().for_each(|said| binding(out, said));
    element.constraints.iter().for_each(|said| constraint(out, said));
}

fn cardinality(min: Option<u32>, max: Option<Max>) -> String {
    let min = min.map(|min| min.to_string()).unwrap_or_default();
    let max = max.map(|max| max.map_or_else(|| "*".to_owned(), |max| max.to_string())).unwrap_or_default();
    format!("{min}..{max}")
}

fn shape(out: &mut Text, element: &ElementDraft) {
    element.slicing.iter().for_each(|said| slicing(out, said));
    element.types.iter().for_each(|used| out.line(4, &type_line(used)));
    out.some(4, "content", element.content.as_deref());
}

fn slicing(out: &mut Text, slicing: &Slicing) {
    let ordered = if slicing.is_ordered { " ordered" } else { "" };
    out.line(4, &format!("slicing {}{ordered}", rules(slicing.rules)));
    for by in &slicing.discriminators {
        out.line(6, &format!("by {} {}", discriminator(by.type_), escaped(&by.path)));
    }
}

fn type_line(used: &TypeUse) -> String {
    let mut line = format!("type {}", used.code);
    let canonicals = |list: &[String]| list.iter().map(|canonical| short(canonical)).collect::<Vec<_>>();
    for (word, list) in [
        ("as", canonicals(&used.profiles)),
        ("to", canonicals(&used.targets)),
        ("found", used.aggregation.clone()),
        ("versioned", used.versioning.iter().cloned().collect()),
    ] {
        if !list.is_empty() {
            line.push_str(&format!(" {word} {}", list.join(" ")));
        }
    }
    line
}

fn values(out: &mut Text, element: &ElementDraft) {
    for (name, fact) in [
        ("fixed", &element.fixed),
        ("pattern", &element.pattern),
        ("at-least", &element.min_value),
        ("at-most", &element.max_value),
    ] {
        fact.iter().for_each(|fact| value(out, name, fact));
    }
    if let Some(length) = element.max_length {
        out.line(4, &format!("length {length}"));
    }
    for alternative in &element.value_alternatives {
        out.line(4, &format!("alternative {}", short(alternative)));
    }
}

fn value(out: &mut Text, name: &str, fact: &ValueFact) {
    out.line(4, &format!("{name} {} {}", fact.type_, String::from_utf8_lossy(&fact.json)));
}

fn binding(out: &mut Text, binding: &Binding) {
    let value_set = binding.value_set.as_deref().map(short).unwrap_or_default();
    out.line(4, &format!("binding {} {value_set}", strength(binding.strength)));
    binding.additional.iter().for_each(|said| additional(out, said));
}

fn additional(out: &mut Text, binding: &AdditionalBinding) {
    let any = if binding.is_any { " any" } else { "" };
    out.line(6, &format!("also {} {}{any}", binding.purpose, short(&binding.value_set)));
    for usage in &binding.usages {
        out.line(8, &format!("for {}", String::from_utf8_lossy(usage)));
    }
}

fn constraint(out: &mut Text, constraint: &Constraint) {
    let severity = if constraint.is_error { "error" } else { "warning" };
    let advice = if constraint.is_best_practice { " best-practice" } else { "" };
    let source = constraint.source.as_deref().map(|source| format!(" from {}", short(source))).unwrap_or_default();
    out.line(4, &format!("! {} {severity}{advice}{source}", constraint.key));
    out.some(6, "=", constraint.expression.as_deref().map(escaped).as_deref());
    out.some(6, ":", Some(&escaped(&constraint.human)));
}
