//! The types of the specification as structures, from the facts of `definitions`.

use definitions::text::{ElementText, Family, InvariantText, TypeText, TypeUse as UseText, parse};
use fhir::Version;

use crate::canonical::CORE;
use crate::structure::{
    Binding, Cardinality, Constraint, Derivation, ElementDefinition, Header, Strength, Structure, StructureKind,
    TypeUse,
};
use crate::volume::{Part, Volume, volume};

/// The texts of a release's types.
pub(crate) fn volume_of(version: Version) -> &'static Volume {
    static R4: Volume = volume!("r4-types");
    static R4B: Volume = volume!("r4b-types");
    static R5: Volume = volume!("r5-types");
    match version {
        Version::R4 => &R4,
        Version::R4B => &R4B,
        Version::R5 => &R5,
    }
}

/// The structure of a type; none when its text is damaged. `other` gives the structures of other types by name.
pub(crate) fn structure(
    version: Version,
    part: Part,
    other: &mut dyn FnMut(&str) -> Option<std::sync::Arc<Structure>>,
) -> Option<Structure> {
    let text = parse::type_file(volume_of(version).text(part)).ok()?;
    let base = match &text.base {
        Some(name) => Some(other(name)?),
        None => None,
    };
    let mut elements = inherited(&text, base.as_deref());
    for element in &text.elements {
        place(&mut elements, own(element, &text.name), other);
    }
    Some(head(version, &text, elements))
}

fn head(version: Version, text: &TypeText, elements: Vec<ElementDefinition>) -> Structure {
    let kind = match text.family {
        Family::Primitive => StructureKind::Primitive,
        Family::Complex => StructureKind::Complex,
        Family::Resource => StructureKind::Resource,
    };
    let url = format!("{CORE}{}", text.name);
    let header = Header {
        version: Some(version.number().to_owned()),
        name: text.name.clone(),
        status: "active".to_owned(),
        base: text.base.as_ref().map(|base| format!("{CORE}{base}")),
        is_abstract: text.is_abstract,
        ..Header::of(url, kind, text.name.clone(), Derivation::Specialization)
    };
    Structure { header, fhir_version: version, elements, missing_base: None }
}

/// The root and what the base has, under the name of the type.
fn inherited(text: &TypeText, base: Option<&Structure>) -> Vec<ElementDefinition> {
    let mut elements: Vec<_> =
        base.map(|base| base.elements.iter().map(|element| renamed(element, &text.name)).collect()).unwrap_or_default();
    if elements.is_empty() {
        let base = Some(Cardinality { path: text.name.clone(), min: 0, max: None });
        elements.push(ElementDefinition { id: text.name.clone(), path: text.name.clone(), base, ..Default::default() });
    }
    if let Some(root) = elements.first_mut() {
        root.max = None;
        root.constraints.extend(text.invariants.iter().map(|rule| constraint(rule, &text.name)));
    }
    elements
}

/// An element of another type as one of the type `name`.
fn renamed(element: &ElementDefinition, name: &str) -> ElementDefinition {
    let rename = |text: &str| text.split_once('.').map_or(name.to_owned(), |(_, rest)| format!("{name}.{rest}"));
    ElementDefinition { id: rename(&element.id), path: rename(&element.path), ..element.clone() }
}

/// Puts an element where it belongs: in the place of the inherited one, or behind the last one of its parent. What has
/// members of its own gets those that every element has as soon as the first of them comes.
fn place(
    elements: &mut Vec<ElementDefinition>,
    element: ElementDefinition,
    other: &mut dyn FnMut(&str) -> Option<std::sync::Arc<Structure>>,
) {
    if let Some(known) = elements.iter_mut().find(|known| known.path == element.path) {
        let base = known.base.clone();
        *known = ElementDefinition { base, ..element };
        return;
    }
    let parent = element.path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned();
    if elements.last().is_some_and(|last| last.path == parent) {
        let type_name = elements.last().and_then(|last| last.types.first()).map(|used| used.code.clone());
        if let Some(of) = type_name.and_then(|name| other(&name)) {
            elements.extend(of.elements.iter().skip(1).map(|element| renamed(element, &parent)));
        }
    }
    elements.push(element);
}

fn own(text: &ElementText, type_name: &str) -> ElementDefinition {
    let path = format!("{type_name}.{}", text.path);
    ElementDefinition {
        id: path.clone(),
        min: u32::from(text.min),
        max: text.max.map(u32::from),
        base: Some(Cardinality { path: path.clone(), min: u32::from(text.min), max: text.max.map(u32::from) }),
        types: text.types.iter().map(type_use).collect(),
        content: text.content.clone(),
        binding: text.binding.as_ref().map(|binding| Binding {
            strength: strength(&binding.strength),
            value_set: Some(binding.value_set.clone()),
            additional: Vec::new(),
        }),
        constraints: text.invariants.iter().map(|rule| constraint(rule, type_name)).collect(),
        is_modifier: text.is_modifier,
        path,
        ..ElementDefinition::default()
    }
}

fn type_use(used: &UseText) -> TypeUse {
    TypeUse {
        code: used.name.clone(),
        profiles: used.profiles.iter().map(|name| full(name)).collect(),
        targets: used.targets.iter().map(|name| full(name)).collect(),
        ..TypeUse::default()
    }
}

fn full(name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { format!("{CORE}{name}") }
}

fn strength(text: &str) -> Strength {
    match text {
        "required" => Strength::Required,
        "extensible" => Strength::Extensible,
        "preferred" => Strength::Preferred,
        _ => Strength::Example,
    }
}

fn constraint(rule: &InvariantText, type_name: &str) -> Constraint {
    Constraint {
        key: rule.key.clone(),
        is_error: rule.is_error,
        is_best_practice: false,
        human: rule.human.clone(),
        expression: Some(rule.expression.clone()),
        source: Some(format!("{CORE}{type_name}")),
    }
}
