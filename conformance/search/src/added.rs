//! Search parameters that packages define, beside those of the specification.

use definitions::{Component, Definitions, ParameterKind, SearchParameter};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{ResourceType, Version};

use parking_lot::Mutex;

use crate::{ParameterType, extract};

/// Definitions that a process keeps, at most: what was read once is kept for ever.
const MOST: usize = 30_000;

/// Why a SearchParameter is not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdded {
    /// It is no SearchParameter in JSON.
    #[error("expected a SearchParameter in JSON")]
    NoParameter,
    /// A member without which it means nothing is missing or has a value that FHIR does not have.
    #[error("expected `{0}` with a value that FHIR has")]
    Member(&'static str),
    /// What it says cannot be computed.
    #[error("expected FHIRPath in `expression`: {0}")]
    Expression(String),
    /// There are more than any sensible practice has.
    #[error("expected at most {MOST} search parameters beside those of the specification")]
    TooMany,
    /// There are more practices with definitions of their own than any sensible gateway has.
    #[error("expected at most 1000 different sets of search parameters beside those of the specification")]
    TooManySets,
}

/// A definition that was read, in the form that is kept for ever; the same for who reads the same again.
pub(crate) fn kept_definition(version: Version, json: &[u8]) -> Result<&'static SearchParameter, NotAdded> {
    static KNOWN: [Mutex<Vec<&'static SearchParameter>>; 3] = [const { Mutex::new(Vec::new()) }; 3];
    let mut nodes = Vec::new();
    scan(json, &mut nodes, Limits::default()).map_err(|_| NotAdded::NoParameter)?;
    let root = Document::new(json, &nodes).root().ok_or(NotAdded::NoParameter)?;
    let mut known = KNOWN.get(version as usize).ok_or(NotAdded::NoParameter)?.lock();
    if let Some(known) = known.iter().find(|known| is_same(known, root)) {
        return Ok(known);
    }
    if known.len() >= MOST {
        return Err(NotAdded::TooMany);
    }
    let definition = read(root)?;
    let definitions = definitions::of(version);
    for resource_type in ResourceType::all().filter(|known| is_for(definitions, &definition, *known)) {
        let checked = extract::check(definitions, resource_type, &definition);
        checked.map_err(|error| NotAdded::Expression(error.to_string()))?;
    }
    let kept: &'static SearchParameter = Box::leak(Box::new(definition));
    known.push(kept);
    Ok(kept)
}

/// Whether what is read would come to the same: all that a search follows from.
fn is_same(known: &SearchParameter, root: Value<'_>) -> bool {
    let is = |name, own: Option<&str>| root.member(name).and_then(Value::text).as_deref().map(str::trim) == own;
    let are = |name, own: &[&str]| {
        let items = root.member(name).into_iter().flat_map(Value::items).filter_map(Value::text);
        items.eq(own.iter().copied())
    };
    let mut components = root.member("component").into_iter().flat_map(Value::children);
    let mut same_component = |own: &Component| {
        components.next().is_some_and(|component| {
            let is = |name, own: &str| component.member(name).and_then(Value::text).is_some_and(|text| text == own);
            is("definition", own.definition) && is("expression", own.expression)
        })
    };
    is("resourceType", Some("SearchParameter"))
        && is("url", Some(known.url))
        && is("code", Some(known.code))
        && is("type", Some(ParameterType::from(known.kind).code()))
        && is("expression", known.expression)
        && are("base", &known.bases)
        && are("target", &known.targets)
        && known.components.iter().all(&mut same_component)
        && components.next().is_none()
}

/// Whether a parameter is one of a type: by name, or as every resource's.
pub(crate) fn is_for(definitions: &Definitions, parameter: &SearchParameter, resource_type: ResourceType) -> bool {
    let Some(own) = definitions.type_of(resource_type) else { return false };
    parameter.bases.iter().filter_map(|base| definitions.type_named(base)).any(|base| {
        let is_its_kind = base.is_abstract() && own.specializes(base);
        base.name() == own.name() || is_its_kind
    })
}

fn read(root: Value<'_>) -> Result<SearchParameter, NotAdded> {
    if text(root, "resourceType") != Some("SearchParameter") {
        return Err(NotAdded::NoParameter);
    }
    let bases = texts(root, "base");
    if bases.is_empty() {
        return Err(NotAdded::Member("base"));
    }
    let code = text(root, "code").filter(|code| is_name(code)).ok_or(NotAdded::Member("code"))?;
    Ok(SearchParameter {
        url: text(root, "url").ok_or(NotAdded::Member("url"))?,
        code,
        kind: text(root, "type")
            .and_then(ParameterKind::from_code)
            // Special parameters have rules that a definition does not say.
            .filter(|kind| *kind != ParameterKind::Special)
            .ok_or(NotAdded::Member("type"))?,
        expression: Some(text(root, "expression").ok_or(NotAdded::Member("expression"))?),
        bases,
        targets: texts(root, "target"),
        comparators: texts(root, "comparator"),
        modifiers: texts(root, "modifier"),
        multiple_or: root.member("multipleOr").and_then(Value::boolean),
        multiple_and: root.member("multipleAnd").and_then(Value::boolean),
        components: root.member("component").into_iter().flat_map(Value::children).filter_map(component).collect(),
    })
}

/// Whether a code can be a name in a query: `:` and `.` there mean modifiers and chains.
fn is_name(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) && !code.is_empty()
}

fn component(value: Value<'_>) -> Option<Component> {
    Some(Component { definition: text(value, "definition")?, expression: text(value, "expression")? })
}

/// Kept for ever, as the definitions of the specification are; whoever reads looks first whether it is there already.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn text(value: Value<'_>, name: &str) -> Option<&'static str> {
    let text = value.member(name)?.text()?;
    (!text.trim().is_empty()).then(|| kept(text.trim()))
}

fn texts(value: Value<'_>, name: &str) -> Vec<&'static str> {
    let items = value.member(name).into_iter().flat_map(Value::items);
    items.filter_map(|item| item.text().map(|text| kept(&text))).collect()
}
