//! `_include` and `_revinclude` over routes.

use std::collections::{BTreeMap, BTreeSet};

use adapter::Call;
use bytes::Bytes;
use fhir::{Handling, Issue, IssueType, Query, ResourceType};
use futures_util::future::join_all;
use search::{Parameter, ParameterType};

use super::Across;
use super::found::{Found, id, type_of};
use crate::route::Plan;

/// Resources that come along with a page, at most.
const MOST: usize = 500;
/// Ids of one search.
const AT_A_TIME: usize = 50;
/// Rounds of `:iterate`.
const ROUNDS: usize = 4;

/// One `_include` or `_revinclude` that is done here.
pub(super) struct Include {
    /// As it was asked for.
    pub(super) name: String,
    pub(super) value: String,
    source: ResourceType,
    /// None stands for `*`.
    parameter: Option<&'static Parameter>,
    target: Option<ResourceType>,
    is_reverse: bool,
    iterates: bool,
}

pub(super) fn is_include(name: &str) -> bool {
    name.starts_with("_include") || name.starts_with("_revinclude")
}

/// The includes that lead to another route, and the rest of the query.
pub(super) fn foreign(
    across: &Across<'_>,
    plan: &Plan,
    call: &Call,
    of: ResourceType,
    query: &Query,
) -> (Vec<Include>, Query) {
    let mut includes: Vec<Include> = Vec::new();
    let mut rest = Query::default();
    for (name, value) in query.iter() {
        match Include::parse(name, value, call) {
            // What begins at something that another route brings is done where that is.
            Some(include)
                if include.leads_away(across, plan, call, of)
                    || includes.iter().any(|known| known.brings(include.source)) =>
            {
                includes.push(include);
            }
            _ => rest.push(name, value),
        }
    }
    (includes, rest)
}

impl Include {
    /// None for what is not understood: the adapter says so.
    fn parse(name: &str, value: &str, call: &Call) -> Option<Self> {
        let (plain, modifier) = name.split_once(':').unwrap_or((name, ""));
        let is_reverse = match plain {
            "_include" => false,
            "_revinclude" => true,
            _ => return None,
        };
        let mut parts = value.split(':');
        let source: ResourceType = parts.next()?.parse().ok()?;
        let code = parts.next()?;
        let parameter = match code {
            "*" => None,
            code => Some(
                search::parameter(call.vocabulary(), source, code).filter(|of| of.kind == ParameterType::Reference)?,
            ),
        };
        let target = match parts.next() {
            Some(target) => Some(target.parse().ok()?),
            None => None,
        };
        let iterates = matches!(modifier, "iterate" | "recurse");
        Some(Self { name: name.to_owned(), value: value.to_owned(), source, parameter, target, is_reverse, iterates })
    }

    fn leads_away(&self, across: &Across<'_>, plan: &Plan, call: &Call, of: ResourceType) -> bool {
        let is_foreign = |of: ResourceType| across.is_foreign(plan, call, of);
        if is_foreign(self.source) {
            return true;
        }
        if self.is_reverse {
            return false;
        }
        match (self.target, self.parameter) {
            (Some(target), _) => is_foreign(target),
            (None, Some(parameter)) if !parameter.targets.is_empty() => {
                parameter.targets.iter().any(|target| *target != of && is_foreign(*target))
            }
            _ => ResourceType::all().any(is_foreign),
        }
    }

    fn brings(&self, of: ResourceType) -> bool {
        if self.is_reverse {
            return self.source == of;
        }
        match (self.target, self.parameter) {
            (Some(target), _) => target == of,
            (None, Some(parameter)) => parameter.targets.is_empty() || parameter.targets.contains(&of),
            (None, None) => true,
        }
    }
}

/// Brings what the includes lead to from the matches, and `:iterate` from what came along.
pub(super) async fn follow(across: &Across<'_>, call: &Call, includes: &[Include], found: &mut Found) {
    let mut from = found.matches.clone();
    let mut left = MOST;
    for round in 0..ROUNDS {
        let wanted: Vec<&Include> = includes.iter().filter(|include| round == 0 || include.iterates).collect();
        let came = bring(across, call, &wanted, &from, found).await;
        from.clear();
        for resource in came {
            if left > 0 && found.add(&resource) {
                left -= 1;
                from.push(resource);
            }
        }
        if from.is_empty() || left == 0 {
            break;
        }
    }
    if left == 0 {
        let text = format!("more than {MOST} resources would come along: the others are left out");
        found.issues.push(Issue::warning(IssueType::TooCostly, text));
    }
}

/// Every search of one round at the same time.
async fn bring(
    across: &Across<'_>,
    call: &Call,
    includes: &[&Include],
    from: &[Bytes],
    found: &mut Found,
) -> Vec<Bytes> {
    let mut searches = forward(across, call, includes, from, found);
    searches.extend(backward(across, call, includes, from));
    searches.truncate(MOST / AT_A_TIME * 2);
    let asked = searches.into_iter().map(|(of, query)| {
        let own = Call { handling: Handling::Strict, ..call.clone() };
        async move { (of, across.ask(&own, of, query).await) }
    });
    let mut came = Vec::new();
    for (of, answer) in join_all(asked).await {
        match answer {
            Ok(answer) => {
                if answer.has_next {
                    let text = format!("more of {of} would come along than one search brings");
                    found.issues.push(Issue::warning(IssueType::Incomplete, text));
                }
                // A back end that is one of several did not answer.
                found.note(answer.outcomes);
                came.extend(answer.matches);
            }
            // A confined token is not told what lies behind: its patient's own may just not be of that type.
            Err(_) if call.confined_to.is_some() => {}
            Err(error) => {
                let text = match across.back_end(call, of) {
                    Some(name) => {
                        format!("the back end `{name}` gave no {of}: what was to come along of it is missing")
                    }
                    None => format!("what was to come along of {of} could not be read"),
                };
                found.issues.push(Issue::warning(error.kind.issue_type(), text));
            }
        }
    }
    came
}

/// What the resources refer to, by id.
fn forward(
    across: &Across<'_>,
    call: &Call,
    includes: &[&Include],
    from: &[Bytes],
    found: &Found,
) -> Vec<(ResourceType, Query)> {
    let mut wanted: BTreeMap<ResourceType, BTreeSet<String>> = BTreeMap::new();
    for include in includes.iter().filter(|include| !include.is_reverse) {
        for resource in from.iter().filter(|resource| type_of(resource) == Some(include.source)) {
            for (of, id) in found.references(resource, include.parameter) {
                let is_wanted = include.target.is_none_or(|target| target == of) && !found.holds(of, &id);
                if is_wanted && call.may_bring(of) && across.plan_of(call, of).is_some() {
                    wanted.entry(of).or_default().insert(id);
                }
            }
        }
    }
    let mut searches = Vec::new();
    for (of, ids) in wanted {
        let ids: Vec<String> = ids.into_iter().take(MOST).collect();
        for some in ids.chunks(AT_A_TIME) {
            searches.push((of, counted("_id", &some.join(","))));
        }
    }
    searches
}

/// What refers to the resources.
fn backward(across: &Across<'_>, call: &Call, includes: &[&Include], from: &[Bytes]) -> Vec<(ResourceType, Query)> {
    let mut searches = Vec::new();
    let is_served = |of: ResourceType| call.may_bring(of) && across.plan_of(call, of).is_some();
    for include in includes.iter().filter(|include| include.is_reverse && is_served(include.source)) {
        let Some(parameter) = include.parameter else { continue };
        let targets = |of: ResourceType| {
            include
                .target
                .map_or_else(|| parameter.targets.is_empty() || parameter.targets.contains(&of), |target| target == of)
        };
        let named = from.iter().filter_map(|resource| {
            let of = type_of(resource).filter(|of| targets(*of))?;
            Some(format!("{of}/{}", id(resource)?))
        });
        let named: Vec<String> = named.take(MOST).collect();
        for some in named.chunks(AT_A_TIME) {
            searches.push((include.source, counted(parameter.code, &some.join(","))));
        }
    }
    searches
}

fn counted(name: &str, value: &str) -> Query {
    let mut query = Query::default();
    query.push(name, value);
    query.push("_count", (AT_A_TIME * 4).to_string());
    query
}
