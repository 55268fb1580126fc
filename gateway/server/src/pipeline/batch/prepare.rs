//! The entries of a transaction before anything is sent: each is authorized, routed and validated like a request of its own, and all
//! of them must lead to one back end that performs transactions.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::Call;
use fhir::bundle::{Entry, conditional, conditionals, duplicates};
use fhir::{Compartment, Interaction, InteractionCode, Issue, IssueType, ResourceType};
use http::StatusCode;

use super::each::no_such_condition;
use super::{Entries, Pipeline, request, unread};
use crate::authorize::access::Reach;
use crate::authorize::{self, Permitted, confine};
use crate::failure::Failure;
use crate::federate::Entrance;
use crate::receive::Request;
use crate::respond::account;
use crate::route::{self, Plan};
use crate::translate;
use crate::validate::Validated;

/// Entries that a text lists.
const MOST_LISTED: usize = 20;

/// Entries after which others on this thread have their turn.
const TURN: usize = 16;

/// An entry that may be sent.
pub(super) struct Prepared {
    /// As it came.
    pub(super) entry: Entry,
    /// Its request.
    pub(super) validated: Validated,
    /// Where it goes.
    pub(super) plan: Arc<Plan>,
    /// What it would be alone: with the version that it is tied to.
    pub(super) call: Call,
}

impl Pipeline {
    /// Prepares every entry.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, each with its place in the Bundle.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        batch: &Permitted,
        entries: Entries,
    ) -> Result<Vec<Prepared>, Failure> {
        let entries = readable(entries)?;
        let permitted = self.permitted(batch, entries)?;
        let planned = self.planned(permitted)?;
        one_back_end(&planned)?;
        let validated = self.validated(planned).await?;
        let mut prepared = Vec::with_capacity(validated.len());
        for (entry, plan, validated) in validated {
            let index = entry.index;
            let call = self.call(&validated, &plan).await.map_err(|failure| located(failure, index))?;
            prepared.push(Prepared { entry, validated, plan, call });
        }
        Ok(prepared)
    }

    fn permitted(&self, batch: &Permitted, entries: Vec<Entry>) -> Result<Vec<(Entry, Permitted)>, Failure> {
        let permit = |entry: Entry| {
            let request = request(batch.request(), &entry);
            let record = account::draft(&request);
            let permitted = authorize::permit_entry(request, batch).and_then(|permitted| {
                authorize::permit_references(&permitted)?;
                Ok(permitted)
            });
            match permitted {
                Ok(permitted) => Ok((entry, permitted)),
                Err(failure) => Err(located(self.refuse(record, failure), entry.index)),
            }
        };
        let permitted: Vec<_> = entries.into_iter().map(permit).collect::<Result<_, _>>()?;
        confinement(permitted.iter().map(|(entry, permitted)| (entry.index, permitted)))?;
        Ok(permitted)
    }

    fn planned(&self, permitted: Vec<(Entry, Permitted)>) -> Result<Vec<(Entry, Arc<Plan>, Permitted)>, Failure> {
        let mut failures = Vec::new();
        let mut planned = Vec::with_capacity(permitted.len());
        for (entry, permitted) in permitted {
            match route::plan(&permitted, &self.routes).and_then(|plan| self.led(&permitted, plan)) {
                Ok(plan) => planned.push((entry, plan, permitted)),
                Err(failure) => failures.push(located(failure, entry.index)),
            }
        }
        merged(failures)?;
        Ok(planned)
    }

    async fn validated(
        self: &Arc<Self>,
        planned: Vec<(Entry, Arc<Plan>, Permitted)>,
    ) -> Result<Vec<(Entry, Arc<Plan>, Validated)>, Failure> {
        let mut failures = Vec::new();
        let mut sound = Vec::with_capacity(planned.len());
        for (turn, (entry, plan, permitted)) in planned.into_iter().enumerate() {
            // A patch is the update that it comes to: of what is there before the transaction, and tied to it.
            match self.validated_one(permitted, plan).await {
                Ok((plan, validated)) => sound.push((entry, plan, validated)),
                Err(failure) => failures.push(located(failure, entry.index)),
            }
            if turn % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        merged(failures)?;
        Ok(sound)
    }

    async fn validated_one(
        self: &Arc<Self>,
        permitted: Permitted,
        plan: Arc<Plan>,
    ) -> Result<(Arc<Plan>, Validated), Failure> {
        let patched = Box::pin(self.patched(&permitted, &plan)).await?;
        let plan = if plan.is_by_content {
            self.led(&patched.permitted, self.planned_again(&patched.permitted, &plan)?)?
        } else {
            plan
        };
        Ok((Arc::clone(&plan), self.validate(patched.permitted, &plan).await?))
    }

    /// The plan with the one back end of a federation that the entry leads to.
    fn led(&self, permitted: &Permitted, plan: Arc<Plan>) -> Result<Arc<Plan>, Failure> {
        let Some(entrance) = &plan.federation else { return Ok(plan) };
        let request = permitted.request();
        let interaction = &request.interaction;
        let needs_all = needs_all(&self.routes, request, entrance);
        if let Some(what) = needs_all {
            let text = format!("{what} is decided over several back ends, which no transaction can: send it alone");
            return Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, IssueType::NotSupported, text));
        }
        let call = translate::own_call(permitted, &plan, interaction.clone(), self.deadline(request))?;
        let (name, adapter) = entrance.led(&call).map_err(|error| confine::error(permitted, error))?;
        Ok(Arc::new(Plan { adapters: vec![route::Destination { name, adapter }], federation: None, ..(*plan).clone() }))
    }

    /// The call that the entry would be alone. A confined token's write is tied to what was shown to be the patient's.
    async fn call(&self, validated: &Validated, plan: &Plan) -> Result<Call, Failure> {
        let permitted = validated.permitted();
        confine::payload(permitted)?;
        for destination in &plan.adapters {
            let capability = destination.adapter.capability();
            confine::search(permitted, &capability)?;
            confine::within_transaction(permitted, &capability)?;
        }
        let call = translate::to_adapter(validated, plan, self.deadline(permitted.request()))?;
        if !confine::needs_current(permitted) {
            return Ok(call);
        }
        let held = Box::pin(self.hold(permitted, plan, call)).await?;
        // By the time that the transaction runs the criteria might match something that nobody has looked at.
        held.ok_or_else(|| {
            let text = "the criteria match nothing that the token reaches: leave this entry out";
            Failure::new(StatusCode::PRECONDITION_FAILED, IssueType::NotFound, text)
        })
    }
}

/// Entries that can all be read, each resource and full URL once.
fn readable(entries: Entries) -> Result<Vec<Entry>, Failure> {
    let mut failures = Vec::new();
    let mut readable = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry {
            Ok(entry) if entry.must_create => failures.push(located(no_such_condition(), entry.index)),
            Ok(entry) => readable.push(entry),
            Err(fault) => failures.push(unread(fault)),
        }
    }
    let twice = duplicates(&readable);
    if !twice.is_empty() {
        failures.push(Failure::from_issues(StatusCode::BAD_REQUEST, twice));
    }
    merged(failures)?;
    Ok(readable)
}

/// What all entries are confined to. One call has one confinement: what a practice's scopes reach would be cut short by it, and what
/// a patient's scopes reach must not be without it.
pub(super) fn confinement<'a>(
    entries: impl Iterator<Item = (usize, &'a Permitted)>,
) -> Result<Option<Compartment>, Failure> {
    let mut common: Option<Option<Compartment>> = None;
    for (index, permitted) in entries {
        let refused = |text| Err(located(Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text), index));
        let reach = permitted.reach().patient().cloned();
        let is_search =
            !matches!(permitted.request().interaction, Interaction::Read { .. } | Interaction::Vread { .. });
        if is_search && matches!(permitted.reach(), Reach::Directory(..)) {
            return refused("a transaction of a patient's token reads a directory by id only: send the search alone");
        }
        match &common {
            Some(known) if *known != reach => {
                return refused(
                    "expected scopes of one context for all entries: this one needs others than those before",
                );
            }
            _ => common = Some(reach),
        }
    }
    Ok(common.flatten())
}

/// What of an entry needs more than the one back end that performs the transaction.
fn needs_all(routes: &route::Routes, request: &Request, entrance: &Entrance) -> Option<&'static str> {
    let interaction = &request.interaction;
    if adapter::page::query(interaction).is_some() {
        return Some("a search or a history");
    }
    let is_several = |of: ResourceType| {
        let searched = routes.searched(&request.practice, of, InteractionCode::SearchType);
        searched.and_then(|plan| plan.federation.as_ref().map(|known| known.is_several(of))).unwrap_or(false)
    };
    let is_conditional = matches!(
        interaction,
        Interaction::Create { if_none_exist: Some(_), .. }
            | Interaction::ConditionalUpdate { .. }
            | Interaction::ConditionalPatch { .. }
            | Interaction::ConditionalDelete { .. }
    );
    if is_conditional && interaction.resource_type().is_some_and(|of| entrance.is_several(of)) {
        return Some("a condition");
    }
    let references = interaction.resource().map(|resource| conditionals(&resource.bytes));
    let mut targets = references.iter().flatten().filter_map(|text| conditional(text));
    targets.any(|(of, _)| is_several(of)).then_some("a conditional reference")
}

/// All entries must lead to one back end, and that must perform transactions.
fn one_back_end(planned: &[(Entry, Arc<Plan>, Permitted)]) -> Result<(), Failure> {
    let mut back_ends: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (entry, plan, _) in planned {
        for destination in &plan.adapters {
            back_ends.entry(&destination.name).or_default().push(entry.index);
        }
    }
    let refused = |issues| Err(Failure::from_issues(StatusCode::UNPROCESSABLE_ENTITY, issues));
    if back_ends.len() > 1 {
        let issue = |(name, entries): (&&str, &Vec<usize>)| {
            let text = format!(
                "a transaction goes to one back end; {} lead to `{name}`: send one transaction for each back end, or a batch",
                listed(entries)
            );
            let first = entries.first().copied().unwrap_or_default();
            Issue::error(IssueType::NotSupported, text).at(format!("Bundle.entry[{first}]"))
        };
        return refused(back_ends.iter().map(issue).collect());
    }
    let Some((_, plan, _)) = planned.first() else { return Ok(()) };
    let offers =
        |destination: &route::Destination| destination.adapter.capability().offers(None, InteractionCode::Transaction);
    match plan.adapters.first() {
        Some(destination) if !offers(destination) => {
            let text = format!(
                "the back end `{}` performs no transactions: send a batch, or one request for each entry",
                destination.name
            );
            refused(vec![Issue::error(IssueType::NotSupported, text)])
        }
        _ => Ok(()),
    }
}

fn listed(entries: &[usize]) -> String {
    let shown: Vec<String> = entries.iter().take(MOST_LISTED).map(|index| format!("entry[{index}]")).collect();
    let more = entries.len().saturating_sub(MOST_LISTED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// The failure by its place in the Bundle.
pub(super) fn located(mut failure: Failure, index: usize) -> Failure {
    for issue in &mut failure.issues {
        let own = issue.expression.take();
        issue.expression = Some(match own {
            Some(path) if path.starts_with("Bundle.") => path,
            Some(path) => match path.split_once('.') {
                Some((_, rest)) => format!("Bundle.entry[{index}].resource.{rest}"),
                None => format!("Bundle.entry[{index}].resource"),
            },
            None => format!("Bundle.entry[{index}]"),
        });
        // A line of the entry is none of the Bundle.
        issue.position = None;
    }
    failure
}

/// Every issue at once: 400 when anything is not FHIR, else the status of the first.
fn merged(failures: Vec<Failure>) -> Result<(), Failure> {
    let mut failures = failures.into_iter();
    let Some(mut first) = failures.next() else { return Ok(()) };
    for other in failures {
        if other.status != first.status && other.status == StatusCode::BAD_REQUEST {
            first.status = other.status;
        }
        first.issues.extend(other.issues);
    }
    Err(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_of_an_entry_is_told_by_its_place_in_the_bundle() {
        let issue = |path: &str| Issue::error(IssueType::Value, "x").at(path);
        let issues = vec![
            issue("Patient.name[0]"),
            issue("Patient"),
            Issue::error(IssueType::Value, "x"),
            issue("Bundle.entry[1].request"),
        ];
        let failure = located(Failure::from_issues(StatusCode::BAD_REQUEST, issues), 3);
        let places: Vec<String> = failure.issues.into_iter().filter_map(|issue| issue.expression).collect();
        let expected = [
            "Bundle.entry[3].resource.name[0]",
            "Bundle.entry[3].resource",
            "Bundle.entry[3]",
            "Bundle.entry[1].request",
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn many_entries_are_listed_in_a_few_words() {
        let entries: Vec<usize> = (0..30).collect();
        assert!(listed(&entries).ends_with("entry[19] and 10 more"));
        assert_eq!(listed(&[1, 4]), "entry[1], entry[4]");
    }
}
