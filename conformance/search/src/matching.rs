//! Whether a document meets criteria, decided on its extracted values: what a back end's index must agree with.

use fhir::ResourceType;
use fhir::json::{Document, Value};

use crate::query::{Condition, Criterion, Modifier, Operand, Prefix};
use crate::{Canonical, IndexValue, ReferenceValue, extract, fold};

/// Whether the resource meets every criterion. What needs more than the resource is never met: a chain or `_has`, `:in`
/// and `:not-in`, and `:above` and `:below` of a token or a reference. Parameters are compared by code, so a criterion of a system search
/// works on every type.
#[must_use]
pub fn matches(document: Document<'_>, criteria: &[Criterion]) -> bool {
    let mut conditions = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        match criterion {
            Criterion::Plain(condition) => conditions.push((condition, Vec::new())),
            Criterion::Chain { .. } | Criterion::Has { .. } => return false,
        }
    }
    let Some((first, _)) = conditions.first() else { return true };
    let vocabulary = first.parameter.additions.on(first.parameter.version);
    let Some(resource_type) = resource_type(document) else { return false };
    extract(document, resource_type, vocabulary, &mut |parameter, value| {
        for (condition, values) in &mut conditions {
            if condition.parameter.code == parameter.code {
                values.push(value.clone());
            }
        }
    });
    conditions.iter().all(|(condition, values)| meets(condition, values))
}

fn resource_type(document: Document<'_>) -> Option<ResourceType> {
    document.root()?.member("resourceType").and_then(Value::text)?.parse().ok()
}

/// Whether the values of one parameter meet a condition on it.
#[must_use]
pub fn meets(condition: &Condition, values: &[IndexValue<'_>]) -> bool {
    let any =
        |modifier: Option<Modifier>| condition.values.iter().any(|operand| matches_any(operand, modifier, values));
    match condition.modifier {
        Some(Modifier::Missing(missing)) => is_missing(condition, values) == missing,
        Some(Modifier::Not) => !any(None),
        Some(Modifier::In | Modifier::NotIn) => false,
        modifier => any(modifier),
    }
}

/// Of a composite: no occurrence has all of its parts.
fn is_missing(condition: &Condition, values: &[IndexValue<'_>]) -> bool {
    let parts = condition.parameter.components.len();
    if parts == 0 {
        return values.is_empty();
    }
    let has = |occurrence: &[(u32, usize, &IndexValue<'_>)]| {
        (0..parts).all(|wanted| occurrence.iter().any(|(_, part, _)| *part == wanted))
    };
    !occurrences(values).chunk_by(|left, right| left.0 == right.0).any(has)
}

fn matches_any(operand: &Operand, modifier: Option<Modifier>, values: &[IndexValue<'_>]) -> bool {
    match operand {
        Operand::Composite(parts) => composite(parts, values),
        operand => values.iter().any(|value| matches_one(operand, modifier, value)),
    }
}

/// Every part matches in one and the same occurrence.
fn composite(parts: &[Operand], values: &[IndexValue<'_>]) -> bool {
    occurrences(values).chunk_by(|left, right| left.0 == right.0).any(|occurrence| {
        parts.iter().enumerate().all(|(part, operand)| {
            occurrence.iter().any(|(_, own_part, value)| *own_part == part && matches_one(operand, None, value))
        })
    })
}

/// The parts of composites, each with its occurrence and its place in it, sorted by occurrence.
fn occurrences<'v, 'a>(values: &'v [IndexValue<'a>]) -> Vec<(u32, usize, &'v IndexValue<'a>)> {
    let mut parts: Vec<_> = values
        .iter()
        .filter_map(|value| match value {
            IndexValue::Composite { group, part, value } => Some((*group, usize::from(*part), value.as_ref())),
            _ => None,
        })
        .collect();
    parts.sort_by_key(|(group, ..)| *group);
    parts
}

fn matches_one(operand: &Operand, modifier: Option<Modifier>, value: &IndexValue<'_>) -> bool {
    match (operand, value) {
        (Operand::Text { normalized, .. }, IndexValue::Token { text, .. }) => {
            modifier == Some(Modifier::Text)
                && text.as_ref().is_some_and(|text| fold(text).starts_with(normalized.as_str()))
        }
        (Operand::Text { exact, normalized }, IndexValue::Text { exact: own, normalized: own_normalized }) => {
            match modifier {
                Some(Modifier::Exact) => own == exact,
                Some(Modifier::Contains) => own_normalized.contains(normalized.as_str()),
                _ => own_normalized.starts_with(normalized.as_str()),
            }
        }
        (Operand::Token { system, code }, IndexValue::Token { system: own_system, code: own_code, .. }) => {
            modifier.is_none() && same_token((system, code), (own_system.as_deref(), own_code.as_deref()))
        }
        (Operand::Token { system, code }, IndexValue::Reference(ReferenceValue { identifier: Some(own), .. })) => {
            modifier == Some(Modifier::Identifier)
                && same_token((system, code), (own.0.as_deref(), Some(own.1.as_ref())))
        }
        (
            Operand::TypedIdentifier { system, code, value },
            IndexValue::TypedIdentifier { system: own_system, code: own_code, value: own_value },
        ) => system == own_system && code == own_code && value == own_value,
        (Operand::Date { prefix, low, high }, IndexValue::Date { low: own_low, high: own_high }) => {
            same_date(*prefix, (*low, *high), (*own_low, *own_high))
        }
        (Operand::Number { prefix, value, low, high }, IndexValue::Number { low: own_low, high: own_high }) => {
            same_number(*prefix, *value, (*low, *high), (*own_low, *own_high))
        }
        (
            Operand::Quantity { canonical: Some((value, Canonical { base, low, high })), prefix, .. },
            IndexValue::Quantity { canonical: own, .. },
        ) => own
            .as_ref()
            .is_some_and(|own| own.base == *base && same_number(*prefix, *value, (*low, *high), (own.low, own.high))),
        (
            Operand::Quantity { prefix, value, low, high, system, code, canonical: None },
            IndexValue::Quantity { low: own_low, high: own_high, system: own_system, code: own_code, unit, .. },
        ) => {
            let own = (own_system.as_deref(), own_code.as_deref(), unit.as_deref());
            same_unit(system.as_deref(), code.as_deref(), own)
                && same_number(*prefix, *value, (*low, *high), (*own_low, *own_high))
        }
        (operand, IndexValue::Reference(own)) => reference(operand, modifier, own),
        (Operand::Uri(uri), IndexValue::Uri(own)) => same_uri(uri, modifier, own),
        _ => false,
    }
}

type Wanted<'o> = (&'o Option<Option<String>>, &'o Option<String>);

fn same_token((system, code): Wanted<'_>, (own_system, own_code): (Option<&str>, Option<&str>)) -> bool {
    let system_fits = system.as_ref().is_none_or(|system| system.as_deref() == own_system);
    system_fits && code.as_deref().map_or(own_system.is_some(), |code| own_code == Some(code))
}

/// search.html#prefix on ranges: both half-open, the parameter's and the resource's own.
fn same_date(prefix: Prefix, (low, high): (i64, i64), (own_low, own_high): (i64, i64)) -> bool {
    let within = low <= own_low && own_high <= high;
    match prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => own_high > high,
        Prefix::Lt => own_low < low,
        Prefix::Ge => own_high > high || within,
        Prefix::Le => own_low < low || within,
        Prefix::Sa => own_low >= high,
        Prefix::Eb => own_high <= low,
        Prefix::Ap => own_low < high && low < own_high,
    }
}

/// search.html#number: the implicit precision counts for `eq` and `ne` only.
fn same_number(prefix: Prefix, value: f64, (low, high): (f64, f64), (own_low, own_high): (f64, f64)) -> bool {
    let within = low <= own_low && own_high < high;
    match prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => own_high > value,
        Prefix::Lt => own_low < value,
        Prefix::Ge => own_high >= value,
        Prefix::Le => own_low <= value,
        Prefix::Sa => own_low > value,
        Prefix::Eb => own_high < value,
        Prefix::Ap => {
            let tenth = value.abs() / 10.0;
            own_low <= value + tenth && own_high >= value - tenth
        }
    }
}

type Unit<'o> = (Option<&'o str>, Option<&'o str>, Option<&'o str>);

/// With a system the code is compared exactly, without one the code or the unit may be meant.
fn same_unit(system: Option<&str>, code: Option<&str>, (own_system, own_code, unit): Unit<'_>) -> bool {
    match (system, code) {
        (None, None) => true,
        (None, code) => own_code == code || unit == code,
        (system, None) => own_system == system,
        (system, code) => own_system == system && own_code == code,
    }
}

fn reference(operand: &Operand, modifier: Option<Modifier>, own: &ReferenceValue<'_>) -> bool {
    if matches!(modifier, Some(Modifier::Above | Modifier::Below | Modifier::Identifier)) {
        return false;
    }
    let version_fits = |version: &Option<String>| version.is_none() || version.as_deref() == own.version.as_deref();
    match operand {
        Operand::Reference { resource_type, id, version } => {
            own.id.as_deref() == Some(id.as_str())
                && resource_type.is_none_or(|wanted| own.resource_type == Some(wanted))
                && version_fits(version)
        }
        Operand::Url { url, version } => {
            let type_fits = match modifier {
                Some(Modifier::Type(wanted)) => own.resource_type == Some(wanted),
                _ => true,
            };
            type_fits && own.url.as_deref() == Some(url.as_str()) && version_fits(version)
        }
        _ => false,
    }
}

/// search.html#uri: `:below` is everything under the value, `:above` everything that it is under; by whole segments, and
/// not for a `urn:`, which has none.
fn same_uri(uri: &str, modifier: Option<Modifier>, own: &str) -> bool {
    match modifier {
        Some(Modifier::Below) => is_under(uri, own),
        Some(Modifier::Above) => is_under(own, uri),
        _ => uri == own,
    }
}

fn is_under(root: &str, uri: &str) -> bool {
    if root.starts_with("urn:") {
        return false;
    }
    let root = root.strip_suffix('/').unwrap_or(root);
    uri.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
