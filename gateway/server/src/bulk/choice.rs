//! Which types an export takes, and which of their resources: those that are offered, asked for and within the client's scopes.

use fhir::{Handling, Interaction, InteractionCode, Issue, IssueType, Query, ResourceType};
use http::StatusCode;

use super::job::{Extent, OfType};
use super::kick_off::PATIENT;
use super::wanted::Wanted;
use crate::failure::Failure;
use crate::operations::Running;
use crate::translate::convertible;

/// Parameters of a search that say how to answer: a filter finds, and nothing else.
const NO_FILTERS: [&str; 11] = [
    "_include",
    "_revinclude",
    "_sort",
    "_count",
    "_elements",
    "_summary",
    "_total",
    "_contained",
    "_page",
    "_type",
    "_format",
];

/// Which types, and which of their resources.
pub(super) struct Choice<'r> {
    pub(super) running: &'r Running<'r>,
    pub(super) extent: Extent,
    pub(super) is_lenient: bool,
    pub(super) issues: Vec<(StatusCode, Issue)>,
}

impl Choice<'_> {
    /// The types that are exported, each with its filters.
    pub(super) fn types(mut self, wanted: &Wanted) -> Result<Vec<OfType>, Failure> {
        let offered = self.offered();
        let mut chosen: Vec<ResourceType> = Vec::new();
        for of in if wanted.types.is_empty() { &offered } else { &wanted.types } {
            if !offered.contains(of) {
                self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, format!("{of} is not exported here"));
            } else if self.may_take(*of, &Query::default()) {
                chosen.push(*of);
            } else if !wanted.types.is_empty() {
                self.refuse(
                    StatusCode::FORBIDDEN,
                    IssueType::Forbidden,
                    format!("expected scopes to read and search {of}"),
                );
            }
        }
        let mut types: Vec<OfType> = chosen.into_iter().map(|of| self.of_type(of)).collect();
        for (of, filter) in &wanted.filters {
            match types.iter_mut().find(|known| known.resource_type == *of) {
                Some(known) => known.filters.extend(self.filter(*of, filter)),
                None => {
                    let text = format!("expected a _typeFilter of a type that is exported, found {of}");
                    self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, text);
                }
            }
        }
        self.conclude(types)
    }

    fn conclude(self, types: Vec<OfType>) -> Result<Vec<OfType>, Failure> {
        if let Some(status) = self.issues.iter().map(|(status, _)| *status).max() {
            let issues = self.issues.into_iter().map(|(_, issue)| issue).collect();
            return Err(Failure::from_issues(status, issues));
        }
        if types.is_empty() {
            let text = "expected scopes to read and search what is to be exported";
            return Err(Failure::new(StatusCode::FORBIDDEN, IssueType::Forbidden, text));
        }
        Ok(types)
    }

    /// The types that can be listed in the release of the base; of patients, those of their compartment.
    fn offered(&self) -> Vec<ResourceType> {
        let (pipeline, request) = (self.running.pipeline, self.running.request());
        let in_compartment = |of: ResourceType| search::compartment::parameters(PATIENT, of, request.version).is_some();
        let is_told = |of: ResourceType| {
            let plan = pipeline.routes.searched(&request.practice, of, InteractionCode::SearchType);
            let from = plan.and_then(|plan| Some(plan.adapters.first()?.adapter.capability().version));
            from.is_some_and(|from| convertible(Some(of), from, request.version).is_ok())
        };
        let all = pipeline.routes.capability(&request.practice).resources.into_keys();
        all.filter(|of| (self.extent == Extent::System || in_compartment(*of)) && is_told(*of)).collect()
    }

    fn of_type(&self, resource_type: ResourceType) -> OfType {
        let (routes, practice) = (&self.running.pipeline.routes, &self.running.request().practice);
        let code = InteractionCode::SearchType;
        let by_time = routes.searched(practice, resource_type, code).is_some_and(|plan| {
            let capability = plan.adapters.first().map(|destination| destination.adapter.capability());
            let of = capability.as_ref().and_then(|capability| capability.resources.get(&resource_type));
            of.is_some_and(|of| of.search.contains_key("_lastUpdated"))
        });
        OfType { resource_type, filters: Vec::new(), by_time, joined: routes.is_joined(practice, resource_type, code) }
    }

    fn may_take(&self, resource_type: ResourceType, query: &Query) -> bool {
        let (authority, permitted) = (&self.running.pipeline.authority, self.running.permitted);
        let search = Interaction::SearchType { resource_type, compartment: None, query: query.clone() };
        authority.may_take(permitted.grant(), &search, permitted.request().version).is_ok()
    }

    /// A filter that can be searched for, and finds out about nothing that the client may not search.
    fn filter(&mut self, of: ResourceType, filter: &str) -> Option<String> {
        let (pipeline, request) = (self.running.pipeline, self.running.request());
        let query = Query::parse(filter);
        if let Some((name, _)) = query.iter().find(|(name, _)| is_no_filter(name)) {
            let text = format!("expected search criteria only in _typeFilter, found `{name}`");
            self.refuse(StatusCode::BAD_REQUEST, IssueType::NotSupported, text);
            return None;
        }
        let search = Interaction::SearchType { resource_type: of, compartment: None, query };
        let plan = match pipeline.routes.plan(&request.practice, &search) {
            Ok(plan) => plan,
            Err(failure) => return self.unserved(failure.issues),
        };
        let Interaction::SearchType { query, .. } = &search else { return None };
        let vocabulary = plan.additions.on(request.version);
        if let Err(issues) = search::parse(query, vocabulary, Some(of), Handling::Strict) {
            return self.unserved(issues);
        }
        if !self.may_take(of, query) {
            let text = format!("expected scopes for a _typeFilter of {of}");
            self.refuse(StatusCode::FORBIDDEN, IssueType::Forbidden, text);
            return None;
        }
        Some(filter.to_owned())
    }

    /// A filter that cannot be searched for.
    fn unserved(&mut self, issues: Vec<Issue>) -> Option<String> {
        issues.into_iter().for_each(|issue| self.refuse(StatusCode::BAD_REQUEST, issue.code, issue.text));
        None
    }

    /// Bulk Data, 2.6.2: whoever prefers lenient handling gets what can be had.
    fn refuse(&mut self, status: StatusCode, code: IssueType, text: String) {
        if !self.is_lenient {
            self.issues.push((status, Issue::error(code, text)));
        }
    }
}

fn is_no_filter(name: &str) -> bool {
    NO_FILTERS.contains(&name.split(':').next().unwrap_or_default())
}
