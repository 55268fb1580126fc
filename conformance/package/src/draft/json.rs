//! JSON to drafts. What is written in a way that nobody defines is left out: a reader that refuses a whole package for one
//! odd member helps nobody. Only what makes a structure unusable is an error.

mod element;

use fhir::Version;
use fhir::json::{Document, Limits, Node, SyntaxError, Value, scan};

use super::StructureDraft;
use crate::structure::{Context, ContextType, Derivation, Header, Releases, StructureKind};

/// Values in one resource of a package, at most: a code system with 200,000 concepts has about two million.
pub(crate) const LIMITS: Limits = Limits { depth: 100, nodes: 8_000_000 };

/// Why a StructureDefinition cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedStructure {
    /// It is no JSON.
    #[error("{0}")]
    Json(#[from] SyntaxError),
    /// It is another resource.
    #[error("expected a StructureDefinition")]
    NotAStructure,
    /// A member without which it means nothing is missing or has a value that FHIR does not have.
    #[error("expected `{0}` with a value that FHIR has")]
    Member(&'static str),
    /// It has more elements than any sensible structure.
    #[error("expected at most {0} elements")]
    TooManyElements(usize),
}

/// Elements in one snapshot, at most.
pub(crate) const MAX_ELEMENTS: usize = 20_000;

/// The StructureDefinition of a JSON text.
///
/// # Errors
/// No JSON, no StructureDefinition, or one without `url`, `kind` or `type`.
pub fn read(bytes: &[u8]) -> Result<StructureDraft, MalformedStructure> {
    let mut nodes = Vec::new();
    scan(bytes, &mut nodes, LIMITS)?;
    structure(&nodes, bytes)
}

fn structure(nodes: &[Node], bytes: &[u8]) -> Result<StructureDraft, MalformedStructure> {
    let root = Document::new(bytes, nodes).root().ok_or(MalformedStructure::NotAStructure)?;
    if text(root, "resourceType").as_deref() != Some("StructureDefinition") {
        return Err(MalformedStructure::NotAStructure);
    }
    Ok(StructureDraft {
        header: header(root)?,
        fhir_version: text(root, "fhirVersion").and_then(|version| version.parse::<Version>().ok()),
        snapshot: elements(root, "snapshot")?,
        differential: elements(root, "differential")?,
    })
}

fn header(root: Value<'_>) -> Result<Header, MalformedStructure> {
    Ok(Header {
        url: canonical(root, "url").ok_or(MalformedStructure::Member("url"))?,
        version: word(root, "version"),
        name: text(root, "name").unwrap_or_default(),
        status: word(root, "status").unwrap_or_default(),
        kind: kind(root).ok_or(MalformedStructure::Member("kind"))?,
        type_: word(root, "type").ok_or(MalformedStructure::Member("type"))?,
        base: canonical(root, "baseDefinition"),
        derivation: derivation(root),
        is_abstract: flag(root, "abstract").unwrap_or_default(),
        contexts: items(root, "context").filter_map(context).collect(),
        context_invariants: items(root, "contextInvariant")
            .filter_map(|item| Some(item.text()?.into_owned()))
            .collect(),
        imposed: extensions(root, IMPOSED).filter_map(|value| canonical(value, "valueCanonical")).collect(),
        releases: releases(root),
    })
}

const VERSION_SPECIFIC_USE: &str = "http://hl7.org/fhir/StructureDefinition/version-specific-use";
const IMPOSED: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile";

fn kind(root: Value<'_>) -> Option<StructureKind> {
    match text(root, "kind")?.as_str() {
        "primitive-type" => Some(StructureKind::Primitive),
        "complex-type" => Some(StructureKind::Complex),
        "resource" => Some(StructureKind::Resource),
        "logical" => Some(StructureKind::Logical),
        _ => None,
    }
}

/// Older definitions of types leave `derivation` out; what has no base is a type as well.
fn derivation(root: Value<'_>) -> Derivation {
    match text(root, "derivation").as_deref() {
        Some("constraint") => Derivation::Constraint,
        Some(_) => Derivation::Specialization,
        None => match (canonical(root, "baseDefinition"), canonical(root, "url"), word(root, "type")) {
            (Some(_), Some(url), Some(type_)) if !url.ends_with(&format!("/{type_}")) => Derivation::Constraint,
            _ => Derivation::Specialization,
        },
    }
}

fn context(value: Value<'_>) -> Option<Context> {
    let type_ = match text(value, "type")?.as_str() {
        "element" => ContextType::Element,
        "extension" => ContextType::Extension,
        "fhirpath" => ContextType::Fhirpath,
        _ => return None,
    };
    Some(Context { type_, expression: text(value, "expression")?, releases: releases(value) })
}

/// The releases that something is for.
fn releases(value: Value<'_>) -> Option<Releases> {
    let use_ = extensions(value, VERSION_SPECIFIC_USE).next()?;
    let part = |name| extensions(use_, name).find_map(|part| word(part, "valueCode"));
    Some(Releases { first: part("startFhirVersion"), last: part("endFhirVersion") })
}

fn elements(root: Value<'_>, name: &'static str) -> Result<Vec<super::ElementDraft>, MalformedStructure> {
    let Some(list) = root.member(name) else { return Ok(Vec::new()) };
    let elements: Vec<_> = items(list, "element").take(MAX_ELEMENTS + 1).filter_map(element::element).collect();
    if elements.len() > MAX_ELEMENTS {
        return Err(MalformedStructure::TooManyElements(MAX_ELEMENTS));
    }
    Ok(elements)
}

/// The items of a member that is an array; none when it is none.
pub(crate) fn items<'a>(value: Value<'a>, name: &str) -> impl Iterator<Item = Value<'a>> + use<'a> {
    value.member(name).into_iter().flat_map(Value::children)
}

/// The text of a member.
pub(crate) fn text(value: Value<'_>, name: &str) -> Option<String> {
    value.member(name)?.text().map(std::borrow::Cow::into_owned)
}

/// The text of a member in which FHIR allows no space within: codes, ids, versions.
pub(crate) fn word(value: Value<'_>, name: &str) -> Option<String> {
    let text = text(value, name)?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.split_whitespace().collect::<Vec<_>>().join("-"))
}

/// A canonical or URL: no space in it.
pub(crate) fn canonical(value: Value<'_>, name: &str) -> Option<String> {
    clean(&value.member(name)?.text()?)
}

pub(crate) fn clean(url: &str) -> Option<String> {
    let url: String = url.split_whitespace().collect();
    (!url.is_empty()).then_some(url)
}

pub(crate) fn flag(value: Value<'_>, name: &str) -> Option<bool> {
    value.member(name)?.boolean()
}

/// The extensions of a value with that URL.
pub(crate) fn extensions<'a>(value: Value<'a>, url: &'a str) -> impl Iterator<Item = Value<'a>> {
    items(value, "extension").filter(move |extension| text(*extension, "url").as_deref() == Some(url))
}
