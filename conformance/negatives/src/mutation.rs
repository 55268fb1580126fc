//! One mutation that breaks a rule.

use definitions::{Definitions, Element};
use fhir::json::{Kind as Json, Value};

use crate::instance::{Maker, member};
use crate::member::{Member, first_item, members, path, replaced, with_members};
use crate::rule::{Kind, Rule, wrong_target};
use crate::sample::{broken, other_type};

/// A resource that breaks a rule, and where an error must be.
pub(crate) struct Mutant {
    pub(crate) bytes: Vec<u8>,
    pub(crate) expression: String,
}

/// An object in a resource.
pub(crate) struct Site<'a> {
    pub(crate) definitions: &'static Definitions,
    pub(crate) root: Value<'a>,
    pub(crate) object: Value<'a>,
    pub(crate) members: Vec<Member<'a>>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(definitions: &'static Definitions, root: Value<'a>, object: Value<'a>) -> Self {
        Self { definitions, root, object, members: members(definitions, object) }
    }

    /// Breaks the rule with an element that this object does not have.
    pub(crate) fn broken_anew(&self, rule: &Rule) -> Option<Mutant> {
        let element = rule.element.filter(|element| !element.is_choice())?;
        if self.members.iter().any(|member| member.belongs_to(element)) {
            return None;
        }
        let wrong = other_type(element.primitive());
        let (value, index) = match (rule.kind, element.is_list()) {
            (Kind::Type, true) => (format!("[{wrong}]"), "[0]"),
            (Kind::Type, false) => (wrong.to_owned(), ""),
            (Kind::Null, true) => ("[null]".to_owned(), "[0]"),
            (Kind::Null, false) => ("null".to_owned(), ""),
            (Kind::EmptyArray, _) => ("[]".to_owned(), ""),
            (Kind::Array, _) => ("{}".to_owned(), ""),
            _ => return None,
        };
        let text = format!("\"{}\":{value}", element.name());
        Some(self.mutant(&[&text], &format!(".{}{index}", element.path_name())))
    }

    /// Breaks the rule here; none where this object has nothing that could.
    pub(crate) fn broken(&self, rule: &Rule) -> Option<Mutant> {
        match (rule.kind, rule.element) {
            (Kind::Unknown, _) => Some(self.mutant(&["\"nonsense\":true"], ".nonsense")),
            (Kind::Duplicate, _) => self.duplicate(),
            (Kind::EmptyObject, _) => {
                Some(Mutant { bytes: replaced(self.object, "{}"), expression: self.path(self.object) })
            }
            (Kind::Min, Some(element)) => self.without(element),
            (Kind::Choice, Some(element)) => self.two_variants(element),
            (Kind::Companion, Some(element)) => {
                let companion = format!("\"_{}\":{{\"id\":\"a\"}}", element.name());
                Some(self.mutant(&[&companion], &format!("._{}", element.name())))
            }
            (_, Some(element)) => self.other_value(rule.kind, element),
            (_, None) => None,
        }
    }

    fn duplicate(&self) -> Option<Mutant> {
        let last = self.members.iter().rev().find(|member| member.element.is_some() && !member.is_companion())?;
        let below = format!(".{}", last.element?.path_name());
        Some(self.mutant(&[last.text], &below))
    }

    fn without(&self, element: Element<'static>) -> Option<Mutant> {
        let rest: Vec<_> =
            self.members.iter().filter(|member| !member.belongs_to(element)).map(|member| member.text).collect();
        (rest.len() < self.members.len()).then(|| Mutant {
            bytes: with_members(self.object, &rest),
            expression: format!("{}.{}", self.path(self.object), element.path_name()),
        })
    }

    fn two_variants(&self, choice: Element<'static>) -> Option<Mutant> {
        let present = self.members.iter().find(|member| member.belongs_to(choice) && !member.is_companion())?;
        let other = choice.variants().find(|variant| Some(variant.id()) != present.element.map(Element::id))?;
        let text = Maker::new(self.definitions).member(other);
        Some(self.mutant(&[&text], &format!(".{}", choice.path_name())))
    }

    /// Another value for an element that is here.
    fn other_value(&self, kind: Kind, element: Element<'static>) -> Option<Mutant> {
        let has_companion = self.members.iter().any(|member| member.belongs_to(element) && member.is_companion());
        let found = self.members.iter().find(|member| member.element.is_some_and(|own| own.id() == element.id()))?;
        if has_companion || found.is_companion() {
            return None;
        }
        let (whole, item) = (found.value, first_item(found.value));
        let raw = |value: Value<'_>| String::from_utf8_lossy(value.raw()).into_owned();
        let (place, text, below) = match kind {
            Kind::Max => (whole, format!("[{}]", vec![raw(item); usize::from(element.max()?) + 1].join(",")), ""),
            Kind::Single => (whole, format!("[{0},{0}]", raw(whole)), ""),
            Kind::Array => (whole, raw(item), ""),
            Kind::EmptyArray => (whole, "[]".to_owned(), ""),
            Kind::Type => (item, other_type(element.primitive()).to_owned(), ""),
            Kind::Format => (item, broken(element.primitive()?)?.to_owned(), ""),
            Kind::Null => (item, "null".to_owned(), ""),
            Kind::Binding => (item, no_such_code(element), ""),
            Kind::Target => wrong_reference(element, item)?,
            _ => return None,
        };
        let expression = format!("{}{below}", self.path(place));
        Some(Mutant { bytes: replaced(place, &text), expression })
    }

    /// The object with more members.
    fn mutant(&self, more: &[&str], below: &str) -> Mutant {
        let all: Vec<_> = self.members.iter().map(|member| member.text).chain(more.iter().copied()).collect();
        Mutant { bytes: with_members(self.object, &all), expression: format!("{}{below}", self.path(self.object)) }
    }

    pub(crate) fn path(&self, value: Value<'_>) -> String {
        path(self.definitions, self.root, value.index())
    }
}

fn no_such_code(element: Element<'static>) -> String {
    let system = element.binding().and_then(|binding| binding.value_set).and_then(|codes| codes.systems().next());
    let coding = format!(r#"{{"system":"{}","code":"no-such-code"}}"#, system.unwrap_or("http://example.org/s"));
    match element.type_name() {
        "Coding" => coding,
        "CodeableConcept" => format!(r#"{{"coding":[{coding}]}}"#),
        _ => "\"no-such-code\"".to_owned(),
    }
}

fn wrong_reference<'a>(element: Element<'static>, item: Value<'a>) -> Option<(Value<'a>, String, &'static str)> {
    let reference = member_of_reference(wrong_target(element)?);
    if item.kind() != Json::Object {
        return None;
    }
    Some(match element.type_name() {
        "Reference" => (item, reference, ".reference"),
        _ => (item, format!(r#"{{"reference":{reference}}}"#), ".reference.reference"),
    })
}

fn member_of_reference(target: &str) -> String {
    format!(r#"{{"reference":"{target}/1"}}"#)
}

/// Objects that an invariant may be broken by: one change each, in the object or in what is in it.
pub(crate) fn neighbours(site: &Site<'_>, depth: u32, out: &mut Vec<Vec<u8>>) {
    let texts: Vec<_> = site.members.iter().map(|member| member.text).collect();
    for (index, found) in site.members.iter().enumerate().filter(|(_, member)| member.element.is_some()) {
        let rest: Vec<_> =
            texts.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, text)| *text).collect();
        out.push(with_members(site.object, &rest));
        let Some(element) = found.element else { continue };
        other_values(site, element, first_item(found.value), depth, out);
    }
    let maker = Maker::new(site.definitions);
    let shape = site.definitions.element_of(site.object.node()).and_then(Element::shape);
    for element in shape.into_iter().flat_map(definitions::Shape::elements) {
        if site.members.iter().any(|member| member.belongs_to(element)) {
            continue;
        }
        let variants: Vec<_> = element.variants().filter(|_| element.is_choice()).take(3).collect();
        for element in if element.is_choice() { variants } else { vec![element] } {
            for value in maker.values(element) {
                let text = member(element, &value);
                let all: Vec<_> = texts.iter().copied().chain([text.as_str()]).collect();
                out.push(with_members(site.object, &all));
            }
        }
    }
}

fn other_values(site: &Site<'_>, element: Element<'static>, item: Value<'_>, depth: u32, out: &mut Vec<Vec<u8>>) {
    match element.primitive() {
        Some(primitive) => {
            out.extend(crate::sample::others(element, primitive).iter().map(|other| replaced(item, other)));
        }
        None if depth > 0 && item.kind() == Json::Object => {
            neighbours(&Site::new(site.definitions, site.root, item), depth - 1, out);
        }
        None => {}
    }
}
