//! What a page says about what is not on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use fhir::{Issue, IssueType, Outcome, ResourceType};

use crate::operations::bundle;

/// What is missing, and why.
#[derive(Default)]
pub(super) struct Notes {
    failed: BTreeMap<Arc<str>, BTreeSet<ResourceType>>,
    unscoped: BTreeSet<ResourceType>,
    unsearched: BTreeSet<ResourceType>,
    in_part: BTreeSet<ResourceType>,
    too_many: bool,
    /// What back ends said of their own answers.
    outcomes: BTreeSet<Bytes>,
}

impl Notes {
    /// A back end did not answer.
    pub(super) fn failed(&mut self, back_end: &Arc<str>, of: ResourceType) {
        self.failed.entry(Arc::clone(back_end)).or_default().insert(of);
    }

    /// Whether a back end has failed on this page: it is left alone then.
    pub(super) fn has_failed(&self, back_end: &str) -> bool {
        self.failed.contains_key(back_end)
    }

    /// The token has no scope for the type, or does not reach it.
    pub(super) fn unscoped(&mut self, of: ResourceType) {
        self.unscoped.insert(of);
    }

    /// The back end is not searched for it by whose it is.
    pub(super) fn unsearched(&mut self, of: ResourceType) {
        self.unsearched.insert(of);
    }

    /// The back end is searched for it by some of the references that say whose it is.
    pub(super) fn in_part(&mut self, of: ResourceType) {
        self.in_part.insert(of);
    }

    /// More came along than a link can remember.
    pub(super) const fn too_many(&mut self) {
        self.too_many = true;
    }

    pub(super) fn said(&mut self, outcomes: Vec<Bytes>) {
        self.outcomes.extend(outcomes);
    }

    /// As entries of the answer.
    pub(super) fn entries(self) -> Vec<Bytes> {
        let mut issues = Vec::new();
        for (back_end, types) in &self.failed {
            let text =
                format!("the back end `{back_end}` did not answer, so that these may be missing: {}", list(types));
            issues.push(Issue::warning(IssueType::Incomplete, text));
        }
        if !self.unscoped.is_empty() {
            let text = format!("left out, because the token does not reach them: {}", list(&self.unscoped));
            issues.push(Issue::warning(IssueType::Suppressed, text));
        }
        if !self.unsearched.is_empty() {
            let text =
                format!("left out, because their back end cannot be searched for them: {}", list(&self.unsearched));
            issues.push(Issue::warning(IssueType::NotSupported, text));
        }
        if !self.in_part.is_empty() {
            let text = format!("their back end can be searched for a part of them only: {}", list(&self.in_part));
            issues.push(Issue::warning(IssueType::NotSupported, text));
        }
        if self.too_many {
            let text = "more is referred to than comes along: the rest is to be read by its references";
            issues.push(Issue::warning(IssueType::TooCostly, text));
        }
        let own = (!issues.is_empty()).then(|| bundle::outcome(&Outcome(issues).to_json()));
        self.outcomes.iter().map(|outcome| bundle::outcome(outcome)).chain(own).collect()
    }
}

fn list(types: &BTreeSet<ResourceType>) -> String {
    types.iter().map(|of| of.as_str()).collect::<Vec<_>>().join(", ")
}
