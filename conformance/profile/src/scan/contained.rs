//! Contained resources (references.html#contained) and the references to them, once their container has been read.

use std::collections::HashMap;

use definitions::{Element, ElementId};
use fhir::json::{Kind, Value};

use super::{Scanner, Step};
use crate::finding::Problem;

impl Scanner<'_> {
    /// Checks what is contained in a resource, and the local references in it: those behind the first `locals`.
    #[cold]
    pub(super) fn check_contained(&mut self, container: u32, locals: usize) -> Step {
        let mut problems = Vec::new();
        if let Some(container) = self.view().at(container) {
            let contained: Vec<_> =
                container.member("contained").into_iter().flat_map(Value::children).map(Contained::new).collect();
            let hashes = hashes(container);
            let mut ids = HashMap::new();
            for resource in &contained {
                let is_first = resource.id.as_ref().is_none_or(|id| ids.insert(id.as_str(), resource.value).is_none());
                problems.extend(resource.problems(is_first, &hashes));
            }
            for object in self.scratch.locals.iter().skip(locals) {
                problems.extend(self.local_problem(*object, container, &ids));
            }
        }
        self.scratch.locals.truncate(locals);
        problems.into_iter().try_for_each(|(node, problem)| self.report_at(node, problem))
    }

    /// What is wrong with a reference to something contained.
    fn local_problem(
        &self,
        object: u32,
        container: Value<'_>,
        contained: &HashMap<&str, Value<'_>>,
    ) -> Option<(u32, Problem)> {
        let definitions = self.rules.definitions;
        let object = self.view().at(object)?;
        let reference = object.member("reference")?;
        let text = reference.text()?;
        let target = match text.strip_prefix('#')? {
            "" => container,
            id => match contained.get(id) {
                Some(known) => *known,
                None => return Some((reference.index(), Problem::NothingContained)),
            },
        };
        let target = definitions.element_of(target.node()).and_then(Element::type_)?;
        let element = definitions.element(ElementId::from_raw(object.node().element)?)?;
        let is_allowed = element.may_target_any() || element.targets().any(|allowed| target.specializes(allowed));
        (!is_allowed).then_some((reference.index(), Problem::Target(element.id())))
    }
}

struct Contained<'a> {
    value: Value<'a>,
    id: Option<String>,
}

impl<'a> Contained<'a> {
    fn new(value: Value<'a>) -> Self {
        Self { value, id: value.member("id").and_then(Value::text).map(|id| id.into_owned()) }
    }

    fn problems(&self, has_own_id: bool, hashes: &[Value<'a>]) -> impl Iterator<Item = (u32, Problem)> {
        let meta = self.value.member("meta");
        let has = |name| meta.and_then(|meta| meta.member(name)).is_some();
        let found = [
            (self.id.is_none(), Problem::ContainedWithoutId),
            (!has_own_id, Problem::ContainedSameId),
            (self.value.member("contained").is_some(), Problem::ContainedNested),
            (has("versionId") || has("lastUpdated"), Problem::ContainedMeta),
            (has("security"), Problem::ContainedSecurity),
            (self.id.is_some() && !self.is_used(hashes), Problem::ContainedUnused),
        ];
        let node = self.value.index();
        found.into_iter().filter_map(move |(is_wrong, problem)| is_wrong.then_some((node, problem)))
    }

    /// dom-3: something refers to it, or it refers to its container.
    fn is_used(&self, hashes: &[Value<'a>]) -> bool {
        let own = self.value.index()..self.value.node().after;
        let by_id = hashes.partition_point(|hash| text_of(*hash) < self.id.as_deref().unwrap_or_default());
        let is_named = hashes.get(by_id).is_some_and(|hash| Some(text_of(*hash)) == self.id.as_deref());
        is_named || hashes.iter().take_while(|hash| text_of(**hash).is_empty()).any(|hash| own.contains(&hash.index()))
    }
}

/// Every string of a resource that starts with `#`, sorted by what follows.
fn hashes(container: Value<'_>) -> Vec<Value<'_>> {
    let nodes = container.index()..container.node().after;
    let mut found: Vec<_> = nodes
        .filter_map(|index| container.document().at(index))
        .filter(|value| value.kind() == Kind::String && value.raw().starts_with(b"\"#"))
        .collect();
    found.sort_unstable_by(|left, right| text_of(*left).cmp(text_of(*right)));
    found
}

fn text_of(hash: Value<'_>) -> &str {
    let raw = hash.raw();
    raw.get(2..raw.len() - 1).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}
