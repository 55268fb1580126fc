//! One pair as a criterion: chains, `_has`, modifiers.

use fhir::{Issue, IssueType, ResourceType};

use super::parse::{Refusal, Scope, short};
use super::{Condition, Criterion, Modifier, operand};
use crate::{Parameter, ParameterType};

/// Links of a chain and of nested `_has`.
const MAX_LINKS: usize = 5;

/// Reads `name=value`.
pub(super) fn read(scope: Scope<'_>, name: &str, value: &str, links: usize) -> Result<Criterion, Refusal> {
    if links > MAX_LINKS {
        return Err(Refusal::wrong(format!("expected a chain of at most {MAX_LINKS} links")));
    }
    if let Some(rest) = name.strip_prefix("_has:") {
        return has(scope, rest, value, links);
    }
    let (first, rest) = name.split_once('.').map_or((name, None), |(first, rest)| (first, Some(rest)));
    let (code, modifier) = first.split_once(':').map_or((first, None), |(code, modifier)| (code, Some(modifier)));
    let parameter = scope.parameter(code)?;
    match rest {
        Some(rest) => chain(scope, parameter, modifier, rest, value, links),
        None => plain(scope, parameter, modifier, value).map(Criterion::Plain),
    }
}

/// `_has:Observation:patient:code=1234` (search.html#has)
fn has(scope: Scope<'_>, rest: &str, value: &str, links: usize) -> Result<Criterion, Refusal> {
    let mut parts = rest.splitn(3, ':');
    let (name, code, rest) = (parts.next(), parts.next(), parts.next());
    let resource_type = name.and_then(|name| known_type(scope, name));
    let (Some(resource_type), Some(code), Some(rest)) = (resource_type, code, rest) else {
        return Err(Refusal::wrong("expected `_has:Type:reference:parameter`"));
    };
    let inner = Scope { resource_type: Some(resource_type), types: &[], ..scope };
    let reference = reference(inner.parameter(code)?)?;
    let criterion = Box::new(read(inner, rest, value, links + 1)?);
    Ok(Criterion::Has { resource_type, reference, criterion })
}

/// `subject.name=peter`, `subject:Patient.name=peter` (search.html#chaining)
fn chain(
    scope: Scope<'_>,
    parameter: &'static Parameter,
    modifier: Option<&str>,
    rest: &str,
    value: &str,
    links: usize,
) -> Result<Criterion, Refusal> {
    let reference = reference(parameter)?;
    let targets = match modifier {
        Some(name) => vec![known_type(scope, name).ok_or_else(|| unknown_modifier(parameter, name))?],
        None if reference.targets.is_empty() => {
            let text = format!("expected the type that `{}` points to, such as `{0}:Patient`", reference.code);
            return Err(Refusal::wrong(text));
        }
        None => reference.targets.clone(),
    };
    let mut alternatives = Vec::new();
    let mut refusal = None;
    for target in targets {
        let inner = Scope { resource_type: Some(target), types: &[], ..scope };
        match read(inner, rest, value, links + 1) {
            Ok(criterion) => alternatives.push((target, criterion)),
            // A type without the parameter is no alternative; a wrong value is wrong for all.
            Err(Refusal::Unknown(why)) => refusal = refusal.or(Some(Refusal::Unknown(why))),
            Err(wrong) => refusal = Some(wrong),
        }
    }
    match (alternatives.is_empty(), refusal) {
        (_, Some(Refusal::Wrong(issue))) => Err(Refusal::Wrong(issue)),
        (true, refusal) => Err(refusal.unwrap_or_else(|| Refusal::wrong("expected a parameter behind the chain"))),
        (false, _) => Ok(Criterion::Chain { reference, alternatives }),
    }
}

fn reference(parameter: &'static Parameter) -> Result<&'static Parameter, Refusal> {
    if parameter.kind == ParameterType::Reference {
        return Ok(parameter);
    }
    Err(Refusal::wrong(format!("`{}` is of type {} and no reference to follow", parameter.code, parameter.kind.code())))
}

fn known_type(scope: Scope<'_>, name: &str) -> Option<ResourceType> {
    name.parse::<ResourceType>().ok().filter(|known| known.is_in(scope.vocabulary.version))
}

fn plain(
    scope: Scope<'_>,
    parameter: &'static Parameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<Condition, Refusal> {
    if modifier == Some("missing") {
        let missing = match value {
            "true" => true,
            "false" => false,
            _ => return Err(Refusal::wrong(format!("expected `true` or `false` for `{}:missing`", parameter.code))),
        };
        return Ok(Condition { parameter, modifier: Some(Modifier::Missing(missing)), values: Vec::new() });
    }
    let modifier = match modifier {
        Some(name) => Some(modifier_of(scope, parameter, name).ok_or_else(|| unknown_modifier(parameter, name))?),
        None => None,
    };
    let values = operand::read_all(parameter, modifier, value)?;
    Ok(Condition { parameter, modifier, values })
}

/// search.html#modifiers: which modifier fits which type.
fn modifier_of(scope: Scope<'_>, parameter: &Parameter, name: &str) -> Option<Modifier> {
    match (parameter.kind, name) {
        (ParameterType::Text, "exact") => Some(Modifier::Exact),
        (ParameterType::Text, "contains") => Some(Modifier::Contains),
        (ParameterType::Token, "not") => Some(Modifier::Not),
        (ParameterType::Token, "text") => Some(Modifier::Text),
        (ParameterType::Token, "in") => Some(Modifier::In),
        (ParameterType::Token, "not-in") => Some(Modifier::NotIn),
        (ParameterType::Token, "of-type") => Some(Modifier::OfType),
        (ParameterType::Token | ParameterType::Uri | ParameterType::Reference, "above") => Some(Modifier::Above),
        (ParameterType::Token | ParameterType::Uri | ParameterType::Reference, "below") => Some(Modifier::Below),
        (ParameterType::Reference, "identifier") => Some(Modifier::Identifier),
        (ParameterType::Reference, name) => known_type(scope, name).map(Modifier::Type),
        _ => None,
    }
}

fn unknown_modifier(parameter: &Parameter, name: &str) -> Refusal {
    let expected = match parameter.kind {
        ParameterType::Text => "missing, exact, contains",
        ParameterType::Token => "missing, text, not, above, below, in, not-in, of-type",
        ParameterType::Reference => "missing, identifier, above, below, or a resource type",
        ParameterType::Uri => "missing, above, below",
        _ => "missing",
    };
    let text = format!(
        "modifier `:{}` does not fit `{}`, which is of type {} (known: {expected})",
        short(name),
        parameter.code,
        parameter.kind.code()
    );
    Refusal::Wrong(Issue::error(IssueType::Invalid, text))
}
