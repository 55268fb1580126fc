//! What was expected, in words: lowercase, no full stop.

use std::borrow::Cow;

use definitions::{Element, ElementId, Shape, ValueSet};
use fhir::json::{Kind, Value};

use super::Explanation;
use crate::finding::Problem;
use crate::format::expectation;
use crate::invariants::Invariant;

impl Explanation<'_> {
    pub(super) fn text(&self, node: u32, problem: Problem) -> String {
        let value = self.document.at(node);
        match problem {
            Problem::UnknownMember => self.unknown_member(node),
            Problem::ExpectedPrimitive(primitive) => {
                format!("expected {}, found {}", expectation(primitive), found(value))
            }
            Problem::Format(primitive) | Problem::Range(primitive) => {
                format!("expected {}, found {}", expectation(primitive), found(value))
            }
            Problem::Code(element) => self.code_text(element, value, "a code"),
            Problem::Coding(element) => self.code_text(element, value, "a coding"),
            Problem::Concept(element) => self.code_text(element, value, "at least one coding"),
            Problem::Missing(element) => self.missing(element),
            Problem::ChoiceConflict(other) => {
                format!("expected one value of the choice, found `{}` too", self.name(other))
            }
            Problem::Target(element) => self.target(element, value),
            Problem::TooMany(max) => format!("expected at most {max} items"),
            Problem::NothingContained => format!("expected a contained resource with the id of {}", found(value)),
            Problem::Narrative(fault) => format!("{fault} in narrative"),
            Problem::Invariant(rule) => self.rule(rule).map_or_else(String::new, Invariant::text),
            Problem::Unchecked(rule) => {
                let text = self.rule(rule).map_or_else(String::new, Invariant::text);
                format!("could not check {text}")
            }
            Problem::UnexpectedResourceType => {
                let expected = self.expected.map_or("", |expected| expected.as_str());
                format!("expected `resourceType` to be `{expected}`, as the URL says")
            }
            Problem::UnknownResourceType => {
                format!("expected `resourceType` to be a resource type of FHIR {}", self.definitions.version())
            }
            _ => fixed(problem).to_owned(),
        }
    }

    fn rule(&self, number: u16) -> Option<&'static Invariant> {
        self.rules.invariants.rule(number)
    }

    fn unknown_member(&self, node: u32) -> String {
        let name = self.document.at(node).map_or("", Value::name);
        let parent = self.parent_shape(node);
        let of = parent.map_or("this object", |shape| shape.path());
        let hint = parent.and_then(|shape| nearest(shape, name));
        let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        format!("unknown element `{}`: expected an element of {of}{hint}", shortened(name))
    }

    fn parent_shape(&self, node: u32) -> Option<Shape<'static>> {
        let mut value = self.document.root()?;
        loop {
            let child = value.children().find(|child| child.node().after > node)?;
            if child.index() >= node {
                return self.definitions.element_of(value.node())?.shape();
            }
            value = child;
        }
    }

    fn missing(&self, element: ElementId) -> String {
        let Some(element) = self.definitions.element(element) else { return "expected a required element".to_owned() };
        let of = element.owner().map_or("", |owner| owner.path());
        if element.is_choice() {
            let names: Vec<_> = element.variants().take(8).map(|variant| format!("`{}`", variant.name())).collect();
            return format!("expected one of {} in {of}", names.join(", "));
        }
        format!("expected `{}` in {of}, at least {}", element.name(), element.min())
    }

    fn code_text(&self, element: ElementId, value: Option<Value<'_>>, what: &str) -> String {
        let binding = self.definitions.element(element).and_then(Element::binding);
        let url = binding.map_or("", |binding| binding.url);
        let codes = binding.and_then(|binding| binding.value_set).map(listed).unwrap_or_default();
        let found = value.filter(|value| value.kind() != Kind::Object).map(|value| found(Some(value)));
        let found = found.map(|found| format!(", found {found}")).unwrap_or_default();
        format!("expected {what} of {url}{codes}{found}")
    }

    fn target(&self, element: ElementId, value: Option<Value<'_>>) -> String {
        let element = self.definitions.element(element);
        let targets: Vec<_> = element.into_iter().flat_map(Element::targets).map(|target| target.name()).collect();
        format!("expected a reference to {}, found {}", targets.join(", "), found(value))
    }

    fn name(&self, element: ElementId) -> &'static str {
        self.definitions.element(element).map_or("", Element::name)
    }
}

fn fixed(problem: Problem) -> &'static str {
    match problem {
        Problem::NoCompanion => "expected `_` before the name of a primitive element only",
        Problem::EscapedName => "expected a member name written without escapes",
        Problem::DuplicateMember => "expected each element once in an object",
        Problem::ExpectedSingle => "expected one value, found an array: the element does not repeat",
        Problem::ExpectedArray => "expected an array: the element may repeat",
        Problem::ExpectedObject => "expected an object",
        Problem::Null => "expected a value, found null",
        Problem::EmptyObject => "expected at least one member, found an empty object",
        Problem::EmptyArray => "expected at least one item, found an empty array",
        Problem::EmptyString => "expected some text, found an empty string",
        Problem::NoContent => "expected a value or extensions beside the id (ele-1)",
        Problem::EmptyItem => "expected a value, or null only beside a companion object",
        Problem::ElementId => "expected an id without spaces",
        Problem::UnknownTarget => "expected a relative reference to start with a resource type",
        Problem::TargetType => "expected `type` to be the type of the resource that is referred to",
        Problem::Extension => "expected either a value or extensions in an extension (ext-1)",
        Problem::ExtensionUrl => "expected the absolute url of an extension's definition",
        Problem::NoResourceType => "expected `resourceType`",
        Problem::ResourceTypeKind => "expected `resourceType` to be a string",
        Problem::ContainedWithoutId => "expected an id in a contained resource",
        Problem::ContainedSameId => "expected each id once among contained resources",
        Problem::ContainedNested => "expected no contained resources in a contained resource (dom-2)",
        Problem::ContainedUnused => {
            "expected a contained resource to be referred to, or to refer to its container (dom-3)"
        }
        Problem::ContainedMeta => "expected neither versionId nor lastUpdated in a contained resource (dom-4)",
        Problem::ContainedSecurity => "expected no security label in a contained resource (dom-5)",
        _ => "expected valid FHIR",
    }
}

/// What stands there, shortened.
fn found(value: Option<Value<'_>>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    match value.kind() {
        Kind::Object => "an object".to_owned(),
        Kind::Array => "an array".to_owned(),
        Kind::String | Kind::EscapedString => format!("`{}`", shortened(&value.text().unwrap_or_default())),
        _ => format!("`{}`", shortened(&String::from_utf8_lossy(value.raw()))),
    }
}

/// The first 64 characters, without control characters.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= 64 && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(64).filter(|c| !c.is_control()).collect();
    if text.chars().nth(64).is_some() {
        short.push('…');
    }
    Cow::Owned(short)
}

/// The codes of a small value set.
fn listed(codes: ValueSet<'static>) -> String {
    let mut names: Vec<_> = codes.codes().map(|(_, code)| code).take(13).collect();
    let more = if names.len() > 12 { ", …" } else { "" };
    names.truncate(12);
    format!(" ({}{more})", names.join(", "))
}

/// The element whose name differs by letter case or one letter.
fn nearest(shape: Shape<'static>, name: &str) -> Option<&'static str> {
    let names = shape.elements().flat_map(|element| {
        let variants: Vec<_> = element.variants().collect();
        if element.is_choice() { variants } else { vec![element] }
    });
    names.map(Element::name).find(|known| known.eq_ignore_ascii_case(name) || is_one_letter_off(known, name))
}

fn is_one_letter_off(left: &str, right: &str) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let same_start = short.bytes().zip(long.bytes()).take_while(|(a, b)| a == b).count();
    let same_end = short.bytes().rev().zip(long.bytes().rev()).take_while(|(a, b)| a == b).count();
    long.len() > 3 && long.len() - short.len() <= 1 && same_start + same_end + 1 >= long.len()
}
