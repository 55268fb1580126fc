//! One walk over a document along a plan.

use definitions::{Definitions, ElementId};
use fhir::json::{Document, Kind as Json, Value};
use fhirpath::{Environment, Item, Program};

use super::plan::{Filter, Place, Plan, Target};
use super::value::{Source, Values};
use super::{Extraction, reference};
use crate::parameter::Compiled;
use crate::{IndexValue, Parameter};

/// Steps that the program of one parameter may take on one document.
const STEP_LIMIT: u64 = 200_000;

type Sink<'s, 'a> = &'s mut dyn FnMut(&'static Parameter, IndexValue<'a>);

pub(super) fn walk<'a>(document: Document<'a>, compiled: &'static Compiled, sink: Sink<'_, 'a>) {
    let definitions = definitions::of(compiled.version);
    let Some(root) = document.root() else { return };
    let kind = definitions.type_of(compiled.resource_type).and_then(|known| known.root());
    let mut walk = Walk { document, definitions, compiled, groups: Vec::new(), sink };
    walk.plan(&compiled.extraction.plan, root, kind, None);
}

/// Where the values go: to the parameter itself, or to a part of an occurrence of a composite.
#[derive(Clone, Copy)]
struct Occurrence {
    parameter: &'static Parameter,
    group: u32,
}

struct Walk<'s, 'a> {
    document: Document<'a>,
    definitions: &'static Definitions,
    compiled: &'static Compiled,
    /// Occurrences of composites so far, by parameter.
    groups: Vec<(u16, u32)>,
    sink: Sink<'s, 'a>,
}

impl<'a> Walk<'_, 'a> {
    fn plan(&mut self, plan: &'static Plan, value: Value<'a>, kind: Option<ElementId>, within: Option<Occurrence>) {
        self.visit(plan, Plan::ROOT, value, kind, within);
        for (target, program) in &plan.programs {
            self.run(*target, program, value, kind, within);
        }
    }

    /// A value at a place of the plan. Recursion follows the plan, whose depth is that of the longest expression.
    fn visit(
        &mut self,
        plan: &'static Plan,
        place: u32,
        value: Value<'a>,
        kind: Option<ElementId>,
        within: Option<Occurrence>,
    ) {
        let Some(place) = plan.place(place) else { return };
        for target in &place.targets {
            self.reach(*target, Source::Node(value, kind), within);
        }
        for (filter, next) in &place.filters {
            if self.passes(filter, value) {
                self.visit(plan, *next, value, kind, within);
            }
        }
        if !place.is_leaf() {
            self.children(plan, place, value, kind, within);
        }
    }

    fn children(
        &mut self,
        plan: &'static Plan,
        place: &'static Place,
        value: Value<'a>,
        kind: Option<ElementId>,
        within: Option<Occurrence>,
    ) {
        if value.kind() != Json::Object {
            return;
        }
        let shape = kind.and_then(|kind| self.definitions.element(kind)?.shape());
        for child in value.children() {
            // A companion `_x` has the id of `x` and is not its value.
            if child.name().starts_with('_') {
                continue;
            }
            let element = match child.node().element {
                0 => shape
                    .and_then(|shape| shape.member(child.name().as_bytes()))
                    .map_or(0, |element| element.id().raw()),
                known => known,
            };
            let Some(next) = place.child(element) else { continue };
            let kind = ElementId::from_raw(element);
            for item in child.items().filter(|item| item.kind() != Json::Null) {
                self.visit(plan, next, item, kind, within);
            }
        }
    }

    fn passes(&self, filter: &Filter, value: Value<'a>) -> bool {
        match filter {
            Filter::Member(name, text) => {
                value.member(name).and_then(Value::text).is_some_and(|own| own == text.as_ref())
            }
            Filter::PointsTo(wanted) => reference::target_type(self.document, value) == Some(*wanted),
        }
    }

    fn run(
        &mut self,
        target: Target,
        program: &'a Program,
        value: Value<'a>,
        kind: Option<ElementId>,
        within: Option<Occurrence>,
    ) {
        let environment = Environment { step_limit: STEP_LIMIT, ..Environment::new(self.document) };
        let kind = kind.map(fhirpath::Kind::from).unwrap_or_default();
        let context = Item::Element(fhirpath::Element::new(value.index(), kind));
        // Data that the expression does not fit has no value; so has data that costs too much.
        let Ok(items) = program.evaluate_on(&environment, context) else { return };
        for item in items {
            let source = match item {
                Item::Element(element) => match self.document.at(element.node) {
                    Some(value) => Source::Node(value, element.kind.element()),
                    None => continue,
                },
                item => Source::Item(item),
            };
            self.reach(target, source, within);
        }
    }

    fn reach(&mut self, target: Target, source: Source<'a>, within: Option<Occurrence>) {
        match (target, within) {
            (Target::Composite(number), None) => self.composite(number, source),
            (Target::Value(part), Some(occurrence)) => self.part(part, source, occurrence),
            (Target::Value(number), None) => {
                let Some(parameter) = self.compiled.parameter(number) else { return };
                let values = Values { document: self.document, definitions: self.definitions };
                values.of(parameter.kind, &source, &mut |value| (self.sink)(parameter, value));
            }
            // A composite has no composite parts.
            (Target::Composite(_), Some(_)) => {}
        }
    }

    fn composite(&mut self, number: u16, source: Source<'a>) {
        let extraction: &'static Extraction = &self.compiled.extraction;
        let (Some(parameter), Some(parts)) = (self.compiled.parameter(number), extraction.parts(number)) else {
            return;
        };
        let Source::Node(value, kind) = source else { return };
        let group = match self.groups.iter_mut().find(|(known, _)| *known == number) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.groups.push((number, 0));
                0
            }
        };
        self.plan(parts, value, kind, Some(Occurrence { parameter, group }));
    }

    fn part(&mut self, part: u16, source: Source<'a>, occurrence: Occurrence) {
        let Occurrence { parameter, group } = occurrence;
        let Some(component) = parameter.components.get(usize::from(part)) else { return };
        let values = Values { document: self.document, definitions: self.definitions };
        values.of(component.kind, &source, &mut |value| {
            (self.sink)(parameter, IndexValue::Composite { group, part: part as u8, value: Box::new(value) });
        });
    }
}
