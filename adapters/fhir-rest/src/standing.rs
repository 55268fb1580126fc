//! Whether the back end's own CapabilityStatement can be believed: told to operators, and never a reason not to serve.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fhir::{Interaction, ResourceType};
use http::StatusCode;
use parking_lot::Mutex;

/// Names that are listed in one text, at most.
const MOST_NAMED: usize = 5;

/// What is wrong with a statement.
pub(crate) struct Standing {
    adapter: Arc<str>,
    found: Mutex<Found>,
    /// Whether some type is not there, so that most answers need not look.
    is_any_absent: AtomicBool,
}

#[derive(Default)]
struct Found {
    /// Why it cannot be read.
    fault: Option<String>,
    /// What it names as types and FHIR does not have.
    foreign: Vec<String>,
    /// Types that the capability has and the back end answers 404 for.
    absent: BTreeSet<ResourceType>,
}

impl Standing {
    pub(crate) fn new(adapter: Arc<str>) -> Self {
        Self { adapter, found: Mutex::default(), is_any_absent: AtomicBool::new(false) }
    }

    /// A statement was read and holds now. `foreign` are the names in it that are no types.
    pub(crate) fn read(&self, foreign: Vec<String>) {
        let mut found = self.found.lock();
        if !foreign.is_empty() && found.foreign != foreign {
            tracing::warn!(adapter = %self.adapter, names = list(foreign.iter().map(String::as_str)), "the back end's CapabilityStatement names types that its release does not have");
        }
        found.fault = None;
        found.foreign = foreign;
    }

    /// It cannot be read.
    pub(crate) fn failed(&self, why: String) {
        self.found.lock().fault = Some(why);
    }

    /// An answer says whether the back end has a type at all: one resource may be missing, what is searched or made may not.
    pub(crate) fn answered(&self, interaction: &Interaction, status: StatusCode) {
        let is_of_type =
            matches!(interaction, Interaction::SearchType { compartment: None, .. } | Interaction::Create { .. });
        let Some(of) = interaction.resource_type().filter(|_| is_of_type) else { return };
        let is_absent = status == StatusCode::NOT_FOUND;
        let is_back = status.is_success() && self.is_any_absent.load(Ordering::Relaxed);
        if !is_absent && !is_back {
            return;
        }
        let mut found = self.found.lock();
        let is_news = if is_absent { found.absent.insert(of) } else { found.absent.remove(&of) };
        self.is_any_absent.store(!found.absent.is_empty(), Ordering::Relaxed);
        if is_news && is_absent {
            tracing::warn!(adapter = %self.adapter, resource_type = of.as_str(), "the back end answers 404 for a type that it is said to serve");
        }
    }

    /// What an operator should know; nothing when all is well.
    pub(crate) fn text(&self) -> Option<String> {
        let found = self.found.lock();
        let mut texts = Vec::new();
        if let Some(fault) = &found.fault {
            texts.push(format!(
                "its CapabilityStatement cannot be read ({fault}): what is configured, or was read before, is served"
            ));
        }
        if !found.foreign.is_empty() {
            let names = list(found.foreign.iter().map(String::as_str));
            texts.push(format!(
                "its CapabilityStatement names types that its release does not have ({names}): they are not served"
            ));
        }
        if !found.absent.is_empty() {
            let names = list(found.absent.iter().map(|of| of.as_str()));
            texts.push(format!("it answers 404 for types that it is said to serve ({names}): `resources` of the adapter can take them out"));
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

/// Names from a statement, as far as they look like names: whoever wrote it is not to write our logs.
fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let shown = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>();
    let mut names: Vec<String> = names.map(shown).collect();
    let more = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use adapter::contract::alone;
    use fhir::Query;

    use super::*;

    fn search() -> Interaction {
        let (resource_type, query) = (ResourceType::SLOT, Query::default());
        alone::call(Interaction::SearchType { resource_type, compartment: None, query }).interaction
    }

    #[test]
    fn a_type_that_is_not_found_is_told_until_it_is_there() {
        let standing = Standing::new("ehr".into());
        let read = Interaction::Read { resource_type: ResourceType::SLOT, id: "1".parse().unwrap() };
        standing.answered(&read, StatusCode::NOT_FOUND);
        assert_eq!(standing.text(), None, "one resource may be missing");
        standing.answered(&search(), StatusCode::NOT_FOUND);
        standing.answered(&search(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(standing.text().unwrap().contains("(Slot)"));
        standing.answered(&search(), StatusCode::OK);
        assert_eq!(standing.text(), None);
    }

    #[test]
    fn what_a_statement_names_is_cut_before_it_is_told() {
        let standing = Standing::new("ehr".into());
        let names = (0..9).map(|number| format!("Foo{number}\n\u{1b}[31m{}", "x".repeat(500)));
        standing.read(names.collect());
        let text = standing.text().unwrap();
        assert!(text.contains("Foo0") && text.contains("and 4 more") && !text.contains('\n'), "{text}");
        assert!(text.len() < 700);
        standing.read(Vec::new());
        assert_eq!(standing.text(), None);
    }
}
