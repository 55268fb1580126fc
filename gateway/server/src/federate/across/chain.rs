//! Chains and `_has` over routes: a search for what the reference leads to, and then one by what was found.

use std::collections::BTreeSet;

use adapter::{Call, Error, ErrorKind};
use fhir::{Query, ResourceType};
use search::{Parameter, ParameterType};

use super::found::{Found, id};
use super::{Across, MOST_LINKS};
use crate::route::Plan;

pub(super) fn is_chain(name: &str) -> bool {
    name.starts_with("_has:") || (name.contains('.') && !name.starts_with('_'))
}

/// The query with chains and `_has` that lead to other routes replaced by what they lead to; none when they lead to nothing.
pub(super) async fn resolved(
    across: &Across<'_>,
    plan: &Plan,
    call: &Call,
    of: ResourceType,
    query: Query,
) -> Result<Option<Query>, Error> {
    let mut resolved = Query::default();
    for (name, value) in query.iter() {
        let step = Step::parse(name, of, call).filter(|step| step.leads_away(across, plan, call));
        let pair = match step {
            None => Some((name.to_owned(), value.to_owned())),
            Some(step) => step.follow(across, call, of, value).await?,
        };
        let Some((name, value)) = pair else { return Ok(None) };
        resolved.push(name, value);
    }
    Ok(Some(resolved))
}

/// The first step of a chain.
enum Step<'q> {
    /// `patient.name`
    Chain { reference: &'static Parameter, targets: Vec<ResourceType>, rest: &'q str },
    /// `_has:Observation:patient:code`
    Has { source: ResourceType, reference: &'static Parameter, rest: &'q str },
}

impl<'q> Step<'q> {
    fn parse(name: &'q str, of: ResourceType, call: &Call) -> Option<Self> {
        let reference = |of, code| {
            search::parameter(call.vocabulary(), of, code).filter(|known| known.kind == ParameterType::Reference)
        };
        if let Some(has) = name.strip_prefix("_has:") {
            let mut parts = has.splitn(3, ':');
            let source = parts.next()?.parse().ok()?;
            return Some(Self::Has { source, reference: reference(source, parts.next()?)?, rest: parts.next()? });
        }
        if !is_chain(name) {
            return None;
        }
        let (first, rest) = name.split_once('.')?;
        let (code, modifier) = first.split_once(':').unwrap_or((first, ""));
        let reference = reference(of, code)?;
        let next = rest.split(['.', ':']).next()?;
        let has_next = |of: &ResourceType| search::parameter(call.vocabulary(), *of, next).is_some();
        let targets = match modifier {
            "" if code == "patient" => vec![ResourceType::PATIENT],
            "" => reference.targets.iter().copied().filter(has_next).collect(),
            named => vec![named.parse().ok()?],
        };
        Some(Self::Chain { reference, targets, rest })
    }

    fn leads_away(&self, across: &Across<'_>, plan: &Plan, call: &Call) -> bool {
        match self {
            Self::Chain { targets, .. } => targets.iter().any(|of| across.is_foreign(plan, call, *of)),
            Self::Has { source, .. } => across.is_foreign(plan, call, *source),
        }
    }

    /// The parameter that stands for it; none when nothing is found.
    async fn follow(
        &self,
        across: &Across<'_>,
        call: &Call,
        of: ResourceType,
        value: &str,
    ) -> Result<Option<(String, String)>, Error> {
        let mut named = BTreeSet::new();
        let code = match self {
            Self::Chain { reference, targets, rest } => {
                for target in targets.iter().filter(|target| across.plan_of(call, **target).is_some()) {
                    let found = all(across, call, *target, rest, value).await?;
                    let ids = found.matches.iter().filter_map(|resource| id(resource));
                    named.extend(ids.map(|id| format!("{target}/{id}")));
                }
                reference.code
            }
            Self::Has { source, reference, rest } => {
                let found = all(across, call, *source, rest, value).await?;
                for resource in &found.matches {
                    let targets = found.references(resource, Some(reference)).into_iter();
                    named.extend(targets.filter(|(target, _)| *target == of).map(|(_, id)| id));
                }
                "_id"
            }
        };
        if named.len() > MOST_LINKS {
            return Err(too_many());
        }
        let values: Vec<String> = named.into_iter().collect();
        Ok((!values.is_empty()).then(|| (code.to_owned(), values.join(","))))
    }
}

/// All that a criterion finds, which must fit a page.
async fn all(across: &Across<'_>, call: &Call, of: ResourceType, name: &str, value: &str) -> Result<Found, Error> {
    let mut query = Query::default();
    query.push(name, value);
    query.push("_count", MOST_LINKS.to_string());
    let whole = Call { must_be_complete: true, ..call.clone() };
    let found = across.ask(&whole, of, query).await?;
    if found.has_next { Err(too_many()) } else { Ok(found) }
}

fn too_many() -> Error {
    let text =
        format!("a chain between back ends leads over more than {MOST_LINKS} resources: expected a narrower criterion");
    Error::new(ErrorKind::TooCostly, text)
}
