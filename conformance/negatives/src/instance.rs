//! Instances made from the definitions: as small as can be, with a way to one element.

use definitions::{Definitions, Element, Shape};

use crate::reach::concrete;
use crate::sample::{code, literal};

/// Makes objects.
pub(crate) struct Maker {
    pub(crate) definitions: &'static Definitions,
    /// Which code of a value set is taken: some go with one status only.
    pub(crate) code: usize,
    /// How many elements a backbone element has beside what it must have, because its invariants want something of the kind.
    pub(crate) usual: usize,
}

/// What an object must have beside what it always must: the next element of a way, and what is beside its end.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'w> {
    pub(crate) way: &'w [Element<'static>],
    pub(crate) beside: &'w [Element<'static>],
}

impl Wanted<'_> {
    const NOTHING: Self = Self { way: &[], beside: &[] };
}

impl Maker {
    /// One that makes what is valid most often.
    pub(crate) const fn new(definitions: &'static Definitions) -> Self {
        Self { definitions, code: 0, usual: 2 }
    }
}

/// How deep required elements may stand within each other.
const DEEPEST: u32 = 8;

impl Maker {
    /// A resource with all that it must have and what is wanted.
    pub(crate) fn resource(&self, type_name: &str, wanted: Wanted<'_>) -> Option<String> {
        let root = self.definitions.element(self.definitions.type_named(type_name)?.root()?)?;
        let mut members = vec![format!("\"resourceType\":\"{type_name}\"")];
        members.extend(self.members(root.shape()?, wanted, 0));
        if wanted.way.is_empty() && wanted.beside.iter().any(|element| element.name() == "contained") {
            // dom-3: what is contained is referred to.
            members.push(
                r##""extension":[{"url":"http://example.org/x","valueReference":{"reference":"#c"}}]"##.to_owned(),
            );
        }
        Some(format!("{{{}}}", members.join(",")))
    }

    /// The value of an element, one of them.
    pub(crate) fn value(&self, element: Element<'static>, depth: u32) -> String {
        self.wanted_value(element, Wanted::NOTHING, depth)
    }

    /// Values of an element: the smallest, and of an object one with each of its elements.
    pub(crate) fn values(&self, element: Element<'static>) -> Vec<String> {
        let inner = element.shape().filter(|_| element.primitive().is_none());
        let each = inner.into_iter().flat_map(concrete);
        let each = each.map(|inner| self.wanted_value(element, Wanted { way: &[], beside: &[inner] }, 0));
        std::iter::once(self.value(element, 0)).chain(each).collect()
    }

    /// A value with everything that it may have.
    pub(crate) fn full(&self, element: Element<'static>) -> String {
        let all: Vec<_> = element.shape().into_iter().flat_map(Shape::elements).collect();
        self.wanted_value(element, Wanted { way: &[], beside: &all }, 0)
    }

    /// `"name":value`
    pub(crate) fn member(&self, element: Element<'static>) -> String {
        member(element, &self.value(element, 0))
    }

    fn members(&self, shape: Shape<'static>, wanted: Wanted<'_>, depth: u32) -> Vec<String> {
        let mut members = Vec::new();
        let is_at_end = wanted.way.is_empty();
        let usual = self.usual(shape);
        for element in shape.elements() {
            let is_same =
                |wanted: &&Element<'static>| wanted.id() == element.id() || wanted.choice() == Some(element.id());
            let next = wanted.way.first().filter(is_same);
            let beside = wanted.beside.iter().filter(|_| is_at_end).find(is_same);
            let is_usual = depth > 0 && usual.iter().any(|usual| usual.id() == element.id());
            if element.min() == 0 && next.is_none() && beside.is_none() && !is_usual {
                continue;
            }
            let chosen = next.or(beside).copied().unwrap_or(element);
            let Some(chosen) = (if chosen.is_choice() { chosen.variants().next() } else { Some(chosen) }) else {
                continue;
            };
            let inner = match next {
                Some(_) => Wanted { way: wanted.way.get(1..).unwrap_or_default(), beside: wanted.beside },
                None => Wanted::NOTHING,
            };
            members.push(member(chosen, &self.wanted_value(chosen, inner, depth)));
        }
        members
    }

    fn usual(&self, shape: Shape<'static>) -> Vec<Element<'static>> {
        let is_backbone = self.definitions.type_named(shape.path()).is_none();
        let is_plain = |element: &Element<'static>| {
            element.min() == 0 && !matches!(element.name(), "id" | "extension" | "modifierExtension")
        };
        shape.elements().filter(is_plain).take(if is_backbone { self.usual } else { 0 }).collect()
    }

    fn wanted_value(&self, element: Element<'static>, wanted: Wanted<'_>, depth: u32) -> String {
        if let Some(primitive) = element.primitive() {
            return literal(element, primitive, self.code);
        }
        let Some(shape) = element.shape() else {
            return r#"{"resourceType":"Basic","id":"c","code":{"text":"a"}}"#.to_owned();
        };
        if shape.path() == "CodeableReference"
            && wanted.way.is_empty()
            && wanted.beside.iter().any(|beside| beside.name() == "reference")
        {
            return format!(r#"{{"reference":{}}}"#, reference(element));
        }
        let is_plain = wanted.way.is_empty() && wanted.beside.is_empty();
        if let Some(special) = self.special(element, shape).filter(|_| is_plain) {
            return special;
        }
        let mut members = if depth < DEEPEST { self.members(shape, wanted, depth + 1) } else { Vec::new() };
        if members.iter().all(|member| member.starts_with("\"id\":")) {
            members.extend(self.filler(shape, depth));
        }
        format!("{{{}}}", members.join(","))
    }

    /// Types that an object of required elements alone would not do for.
    fn special(&self, element: Element<'static>, shape: Shape<'static>) -> Option<String> {
        let coding = || {
            let codes = element.binding().and_then(|binding| binding.value_set);
            let open = codes.and_then(|codes| codes.systems().next()).unwrap_or("http://example.org/s");
            let (system, code) =
                codes.and_then(|codes| codes.codes().next()).unwrap_or((open, code(element, self.code)));
            format!(r#"{{"system":"{system}","code":"{code}"}}"#)
        };
        Some(match shape.path() {
            "Reference" => reference(element),
            "CodeableReference" => r#"{"concept":{"text":"a"}}"#.to_owned(),
            "Extension" => r#"{"url":"http://example.org/x","valueString":"a"}"#.to_owned(),
            "Coding" => coding(),
            "CodeableConcept" => format!(r#"{{"coding":[{}]}}"#, coding()),
            "Quantity" => r#"{"value":1.5}"#.to_owned(),
            _ => return None,
        })
    }

    /// Something for an object that must have nothing in particular.
    fn filler(&self, shape: Shape<'static>, depth: u32) -> Option<String> {
        let first = |is_right: &dyn Fn(&Element<'static>) -> bool| {
            shape
                .elements()
                .filter(|element| !element.is_element_id() && !element.is_choice())
                .find(|element| is_right(element))
        };
        let element = first(&|element| element.primitive().is_some())
            .or_else(|| first(&|element| !matches!(element.name(), "extension" | "modifierExtension")))?;
        (depth < DEEPEST).then(|| member(element, &self.value(element, depth + 1)))
    }
}

/// A reference that the element allows.
fn reference(element: Element<'static>) -> String {
    let target = element.targets().find(|target| !target.is_abstract()).map_or("Patient", |target| target.name());
    format!(r#"{{"reference":"{target}/1"}}"#)
}

pub(crate) fn member(element: Element<'static>, value: &str) -> String {
    if element.is_list() {
        format!("\"{}\":[{value}]", element.name())
    } else {
        format!("\"{}\":{value}", element.name())
    }
}
