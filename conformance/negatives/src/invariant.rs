//! Mutants that break an invariant: changes are tried until its own FHIRPath says that it is broken.

use fhir::Version;
use fhir::json::{Document, Kind as Json, Value};
use fhirpath::{Environment, Item, Program};
use profile::{Bounds, Scratch, scan};

use crate::instance::Maker;
use crate::member::{first_item, path, replaced};
use crate::mutation::{Mutant, Site, neighbours};
use crate::rule::Rule;

/// Changes that are tried at one place.
const MOST: usize = 3000;

/// An invariant that can be run.
pub(crate) struct Judge {
    version: Version,
    program: Program,
    scratch: Scratch,
}

impl Judge {
    pub(crate) fn new(version: Version, rule: &Rule) -> Option<Self> {
        let program = Program::compile(rule.invariant?.expression(), version).ok()?;
        Some(Self { version, program, scratch: Scratch::default() })
    }

    /// A change of a place that breaks the invariant, if one is found.
    pub(crate) fn broken(&mut self, rule: &Rule, site: &Site<'_>) -> Option<Mutant> {
        let contexts: Vec<Value<'_>> = match rule.element {
            None => vec![site.object],
            Some(element) => site
                .members
                .iter()
                .filter(|member| member.belongs_to(element) && !member.is_companion())
                .map(|member| first_item(member.value))
                .collect(),
        };
        contexts.into_iter().find_map(|context| self.broken_at(site, context))
    }

    fn broken_at(&mut self, site: &Site<'_>, context: Value<'_>) -> Option<Mutant> {
        let expression = path(site.definitions, site.root, context.index());
        let mut changed = Vec::new();
        if context.index() != site.object.index() && context.kind() == Json::Object {
            neighbours(&Site::new(site.definitions, site.root, context), 1, &mut changed);
        }
        neighbours(site, 2, &mut changed);
        // ele-1: nothing but an id. Others: too much at once.
        if context.kind() == Json::Object && context.member("resourceType").is_none() {
            changed.push(replaced(context, r#"{"id":"a"}"#));
            let element = site.definitions.element_of(context.node()).filter(|element| !element.is_root());
            let full = element.map(|element| Maker::new(site.definitions).full(element));
            changed.extend(full.map(|full| replaced(context, &full)));
        }
        changed.truncate(MOST);
        // What is valid but for the invariant goes before what breaks another rule too.
        let is_right = |judge: &mut Self, bytes: &[u8], only: bool| {
            let is_valid = scan(bytes, judge.version, None, Bounds::default(), &mut judge.scratch);
            (is_valid || !only) && judge.says_no(bytes, &expression)
        };
        let found = changed.iter().position(|bytes| is_right(self, bytes, true));
        let found = found.or_else(|| changed.iter().position(|bytes| is_right(self, bytes, false)))?;
        Some(Mutant { bytes: changed.swap_remove(found), expression })
    }

    /// Whether the invariant is broken at that place of the document that was scanned last.
    fn says_no(&self, bytes: &[u8], expression: &str) -> bool {
        let document = Document::new(bytes, self.scratch.nodes());
        let Ok(place) = Program::compile(&quoted(expression), self.version) else { return false };
        let environment = Environment::new(document);
        let Ok(items) = place.evaluate(&environment) else { return false };
        let [context] = items.as_slice() else { return false };
        // Nothing at all says nothing: `reference.startsWith('#')` where there is no reference.
        matches!(self.program.evaluate_on(&environment, context.clone()).as_deref(), Ok([Item::Boolean(false)]))
    }
}

/// The path with its names quoted: `div` is an operator.
fn quoted(path: &str) -> String {
    let mut steps = path.split('.');
    let root = steps.next().unwrap_or_default().to_owned();
    steps.fold(root, |path, step| {
        let (name, index) = step.split_at(step.find('[').unwrap_or(step.len()));
        format!("{path}.`{name}`{index}")
    })
}
