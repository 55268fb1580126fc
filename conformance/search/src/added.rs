//! Search parameters that packages define, beside those of the specification.

use definitions::{Component, Definitions, ParameterKind, SearchParameter};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{ResourceType, Version};

use crate::extract;
use crate::parameter::release;

/// Parameters that may be added to a release, at most: what is added is kept for ever.
const MOST: usize = 10_000;

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
}

/// Adds a SearchParameter to those of a release, for the whole process: from then on [`crate::parameters`] has it, queries may name
/// it and [`crate::extract`] gives its values. One whose code a type has already changes nothing for that type: what the
/// specification defines, and what was added first, stands. Gives whether it was not there before.
///
/// # Errors
/// It is no SearchParameter, or one that nothing can be searched by.
pub fn add(version: Version, json: &[u8]) -> Result<bool, NotAdded> {
    let mut nodes = Vec::new();
    scan(json, &mut nodes, Limits::default()).map_err(|_| NotAdded::NoParameter)?;
    let root = Document::new(json, &nodes).root().ok_or(NotAdded::NoParameter)?;
    let Some(release) = release(version) else { return Ok(false) };
    let mut added = release.added.lock();
    if added.iter().any(|known| is_same(known, root)) {
        return Ok(false);
    }
    if added.len() >= MOST {
        return Err(NotAdded::TooMany);
    }
    let definition = read(root)?;
    let definitions = definitions::of(version);
    let types: Vec<ResourceType> =
        ResourceType::all().filter(|known| is_for(definitions, &definition, *known)).collect();
    for resource_type in &types {
        let checked = extract::check(definitions, *resource_type, &definition);
        checked.map_err(|error| NotAdded::Expression(error.to_string()))?;
    }
    added.push(Box::leak(Box::new(definition)));
    for slot in types.iter().filter_map(|resource_type| release.types.get(resource_type)) {
        slot.store(None);
    }
    Ok(true)
}

fn is_same(known: &SearchParameter, root: Value<'_>) -> bool {
    let is = |name, own: Option<&str>| root.member(name).and_then(Value::text).as_deref().map(str::trim) == own;
    is("url", Some(known.url)) && is("code", Some(known.code)) && is("expression", known.expression)
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

/// Kept for ever, as the definitions of the specification are; [`add`] looks first whether it is there already.
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
