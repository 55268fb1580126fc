//! Which element types index as what (search.html: the tables of each parameter type).

use std::borrow::Cow;

use definitions::{Definitions, Element, ElementId};
use fhir::json::{Document, Kind as Json, Value};
use fhirpath::{Decimal, Item, Temporal};

use super::reference;
use crate::fold::fold;
use crate::unit::Unit;
use crate::{IndexValue, ParameterType, ReferenceValue};

/// Where a value comes from.
pub(super) enum Source<'a> {
    /// An element of the document.
    Node(Value<'a>, Option<ElementId>),
    /// What a program has computed.
    Item(Item<'a>),
}

pub(super) type Emit<'e, 'a> = &'e mut dyn FnMut(IndexValue<'a>);

/// Turns elements into index values.
pub(super) struct Values<'a> {
    pub(super) document: Document<'a>,
    pub(super) definitions: &'static Definitions,
}

impl<'a> Values<'a> {
    /// Every index value of an element for a parameter of that type.
    pub(super) fn of(&self, kind: ParameterType, source: &Source<'a>, emit: Emit<'_, 'a>) {
        let (value, element) = match source {
            Source::Node(value, element) => (*value, element.and_then(|id| self.definitions.element(id))),
            Source::Item(item) => return computed(kind, item, emit),
        };
        let type_name = element.map_or("", Element::type_name);
        match kind {
            ParameterType::Token => token(value, element, type_name, emit),
            ParameterType::Text => text(value, type_name, emit),
            ParameterType::Date => date(value, type_name, emit),
            ParameterType::Reference => self.reference(value, type_name, emit),
            ParameterType::Number => number(value, type_name, emit),
            ParameterType::Quantity => quantity(value, type_name, emit),
            ParameterType::Uri => uri(value, type_name, emit),
            ParameterType::Composite | ParameterType::Special => {}
        }
    }

    fn reference(&self, value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
        if value.kind() != Json::Object {
            if let Some(parsed) = value.text().and_then(owned_reference) {
                emit(IndexValue::Reference(parsed));
            }
            return;
        }
        if type_name == "CodeableReference" {
            if let Some(inner) = value.member("reference") {
                self.reference(inner, "Reference", emit);
            }
            return;
        }
        // Bundle.entry.resource: the resource itself is what is referred to.
        if let Some(resource_type) = reference::resource_type(value) {
            let id = value.member("id").and_then(Value::text);
            let reference = ReferenceValue { resource_type: Some(resource_type), id, ..ReferenceValue::default() };
            emit(IndexValue::Reference(reference));
            return;
        }
        let literal = value.member("reference").and_then(Value::text).and_then(owned_reference);
        let identifier = value.member("identifier").and_then(|identifier| {
            Some((identifier.member("system").and_then(Value::text), identifier.member("value")?.text()?))
        });
        if literal.is_none() && identifier.is_none() {
            return;
        }
        let parsed = literal.unwrap_or_default();
        let stated = reference::target_type(self.document, value);
        emit(IndexValue::Reference(ReferenceValue {
            resource_type: parsed.resource_type.or(stated),
            identifier,
            ..parsed
        }));
    }
}

/// [`reference::parse`] that keeps borrowing from the document where the text is borrowed.
fn owned_reference<'a>(text: Cow<'a, str>) -> Option<ReferenceValue<'a>> {
    match text {
        Cow::Borrowed(text) => reference::parse(text),
        Cow::Owned(text) => {
            let own = |part: Option<Cow<'_, str>>| part.map(|part| Cow::Owned(part.into_owned()));
            let parsed = reference::parse(&text)?;
            Some(ReferenceValue {
                resource_type: parsed.resource_type,
                id: own(parsed.id),
                version: own(parsed.version),
                url: own(parsed.url),
                identifier: None,
            })
        }
    }
}

/// search.html#token
fn token<'a>(value: Value<'a>, element: Option<Element<'static>>, type_name: &str, emit: Emit<'_, 'a>) {
    let member = |name: &str| value.member(name).and_then(Value::text);
    match type_name {
        "CodeableConcept" => concept(value, emit),
        "CodeableReference" => {
            if let Some(inner) = value.member("concept") {
                concept(inner, emit);
            }
        }
        "Coding" => coding(value, None, emit),
        "Identifier" => identifier(value, emit),
        "ContactPoint" => {
            if let Some(code) = member("value") {
                emit(IndexValue::Token { system: member("use"), code: Some(code), text: None });
            }
        }
        _ => {
            let code = match value.boolean() {
                Some(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
                None => value.text().or_else(|| value.number().map(Cow::Borrowed)),
            };
            if let Some(code) = code {
                let system = implicit_system(element, &code).map(Cow::Borrowed);
                emit(IndexValue::Token { system, code: Some(code), text: None });
            }
        }
    }
}

/// The system of a `code` is that of the value set that it is bound to.
fn implicit_system(element: Option<Element<'static>>, code: &str) -> Option<&'static str> {
    let value_set = element?.required_codes()?;
    let mut systems = value_set.systems();
    let first = systems.next()?;
    if systems.next().is_none() {
        return Some(first);
    }
    value_set.systems().find(|system| value_set.has(system, code.as_bytes()))
}

fn concept<'a>(value: Value<'a>, emit: Emit<'_, 'a>) {
    let text = value.member("text").and_then(Value::text);
    let mut codings = value.member("coding").into_iter().flat_map(Value::children).peekable();
    if codings.peek().is_none() && text.is_some() {
        emit(IndexValue::Token { system: None, code: None, text });
        return;
    }
    for each in codings {
        coding(each, text.clone(), emit);
    }
}

/// A Coding, with the text of the concept that it stands in; `:text` looks at the text and at the display.
fn coding<'a>(value: Value<'a>, text: Option<Cow<'a, str>>, emit: Emit<'_, 'a>) {
    let member = |name: &str| value.member(name).and_then(Value::text);
    let (system, code, display) = (member("system"), member("code"), member("display"));
    if code.is_none() && system.is_none() && display.is_none() {
        return;
    }
    let text = match (text, display) {
        (Some(text), Some(display)) if text != display => {
            emit(IndexValue::Token { system: None, code: None, text: Some(display) });
            Some(text)
        }
        (text, display) => text.or(display),
    };
    emit(IndexValue::Token { system, code, text });
}

fn identifier<'a>(value: Value<'a>, emit: Emit<'_, 'a>) {
    let member = |name: &str| value.member(name).and_then(Value::text);
    let kind = value.member("type");
    let text = kind.and_then(|kind| kind.member("text")).and_then(Value::text);
    let (system, code) = (member("system"), member("value"));
    if system.is_none() && code.is_none() {
        return;
    }
    if let Some(code) = &code {
        for coding in kind.and_then(|kind| kind.member("coding")).into_iter().flat_map(Value::children) {
            let part = |name: &str| coding.member(name).and_then(Value::text);
            if let (Some(system), Some(kind)) = (part("system"), part("code")) {
                emit(IndexValue::TypedIdentifier { system, code: kind, value: code.clone() });
            }
        }
    }
    emit(IndexValue::Token { system, code, text });
}

const NAME_PARTS: &[&str] = &["text", "family", "given", "prefix", "suffix"];
const ADDRESS_PARTS: &[&str] = &["text", "line", "city", "district", "state", "postalCode", "country"];

/// search.html#string
fn text<'a>(value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
    let parts = match type_name {
        "HumanName" => NAME_PARTS,
        "Address" => ADDRESS_PARTS,
        "CodeableConcept" => &["text"],
        "ContactPoint" => &["value"],
        "Annotation" => &["text"],
        _ => {
            one_text(value.text(), emit);
            return;
        }
    };
    if value.kind() != Json::Object {
        return;
    }
    for member in value.children().filter(|member| parts.contains(&member.name())) {
        for item in member.items() {
            one_text(item.text(), emit);
        }
    }
}

fn one_text<'a>(text: Option<Cow<'a, str>>, emit: Emit<'_, 'a>) {
    let Some(exact) = text else { return };
    let normalized = match &exact {
        Cow::Borrowed(text) => fold(text),
        Cow::Owned(text) => Cow::Owned(fold(text).into_owned()),
    };
    if !normalized.is_empty() {
        emit(IndexValue::Text { exact, normalized });
    }
}

/// search.html#date
fn date<'a>(value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
    let span = match type_name {
        "Period" => period(value),
        "Timing" => timing(value),
        _ => value.text().and_then(|text| span_of(&text)),
    };
    if let Some((low, high)) = span.filter(|(low, high)| low < high) {
        emit(IndexValue::Date { low, high });
    }
}

fn span_of(text: &str) -> Option<(i64, i64)> {
    Temporal::parse_date(text).map(|value| value.span())
}

/// From the first moment of the start to the last of the end; an open side reaches for ever.
fn period(value: Value<'_>) -> Option<(i64, i64)> {
    let end = |name: &str| value.member(name).and_then(Value::text).and_then(|text| span_of(&text));
    match (end("start"), end("end")) {
        (None, None) => None,
        (low, high) => Some((low.map_or(i64::MIN, |span| span.0), high.map_or(i64::MAX, |span| span.1))),
    }
}

/// Only the outer limits count: of the events and of the bounds.
fn timing(value: Value<'_>) -> Option<(i64, i64)> {
    let events = value.member("event").into_iter().flat_map(Value::children);
    let events = events.filter_map(|event| span_of(&event.text()?));
    let bounds = value.member("repeat").and_then(|repeat| repeat.member("boundsPeriod")).and_then(period);
    events.chain(bounds).reduce(|left, right| (left.0.min(right.0), left.1.max(right.1)))
}

/// search.html#uri. A canonical with a version is found without it too.
fn uri<'a>(value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
    let Some(text) = value.text() else { return };
    if type_name == "canonical"
        && let Some((plain, _)) = text.split_once('|')
    {
        emit(IndexValue::Uri(Cow::Owned(plain.to_owned())));
    }
    emit(IndexValue::Uri(text));
}

fn decimal(value: Option<Value<'_>>) -> Option<Decimal> {
    value?.number()?.parse().ok()
}

/// search.html#number: the number itself, or a Range.
fn number<'a>(value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
    if type_name == "Range" {
        if let Some((bounds, _)) = range(value) {
            let (low, high) = bounds.ends(Decimal::to_f64);
            emit(IndexValue::Number { low, high });
        }
        return;
    }
    if let Some(number) = decimal(Some(value)).map(Decimal::to_f64) {
        emit(IndexValue::Number { low: number, high: number });
    }
}

/// The ends of a range, open where there is none.
#[derive(Clone, Copy)]
struct Bounds {
    low: Option<Decimal>,
    high: Option<Decimal>,
}

impl Bounds {
    const fn of(number: Decimal) -> Self {
        Self { low: Some(number), high: Some(number) }
    }

    /// Both as numbers, after a conversion.
    fn ends(self, convert: impl Fn(Decimal) -> f64) -> (f64, f64) {
        (self.low.map_or(f64::NEG_INFINITY, &convert), self.high.map_or(f64::INFINITY, &convert))
    }
}

/// Both ends of a Range, and the one that has the unit.
fn range(value: Value<'_>) -> Option<(Bounds, Value<'_>)> {
    let end = |name: &str| {
        let quantity = value.member(name)?;
        Some((decimal(quantity.member("value"))?, quantity))
    };
    let (low, high) = (end("low"), end("high"));
    let bounds = Bounds { low: low.map(|end| end.0), high: high.map(|end| end.0) };
    low.or(high).map(|end| (bounds, end.1))
}

/// search.html#quantity
fn quantity<'a>(value: Value<'a>, type_name: &str, emit: Emit<'_, 'a>) {
    match type_name {
        "Range" => {
            if let Some((bounds, unit)) = range(value) {
                emit(amount(bounds, unit));
            }
        }
        "Money" => {
            let Some(number) = decimal(value.member("value")).map(Decimal::to_f64) else { return };
            let code = value.member("currency").and_then(Value::text);
            let system = code.is_some().then_some(Cow::Borrowed("urn:iso:std:iso:4217"));
            emit(IndexValue::Quantity { low: number, high: number, system, code, unit: None, canonical: None });
        }
        // A series of measurements is no quantity.
        "SampledData" => {}
        _ => {
            let Some(number) = decimal(value.member("value")) else { return };
            let bounds = match value.member("comparator").and_then(Value::text).as_deref() {
                Some("<" | "<=") => Bounds { low: None, high: Some(number) },
                Some(">" | ">=") => Bounds { low: Some(number), high: None },
                _ => Bounds::of(number),
            };
            emit(amount(bounds, value));
        }
    }
}

/// A range with the unit of a Quantity, also in base units.
fn amount<'a>(bounds: Bounds, quantity: Value<'a>) -> IndexValue<'a> {
    let part = |name: &str| quantity.member(name).and_then(Value::text);
    let (system, code, unit) = (part("system"), part("code"), part("unit"));
    let canonical = Unit::of(system.as_deref(), code.as_deref()).map(|measured| {
        let (low, high) = bounds.ends(|number| measured.convert(number));
        measured.range(low, high)
    });
    let (low, high) = bounds.ends(Decimal::to_f64);
    IndexValue::Quantity { low, high, system, code, unit, canonical }
}

/// What a program computes is a boolean as a rule: `Patient.deceased.exists() and …`.
fn computed<'a>(kind: ParameterType, item: &Item<'a>, emit: Emit<'_, 'a>) {
    match (kind, item) {
        (ParameterType::Token, Item::Boolean(value)) => {
            let code = Cow::Borrowed(if *value { "true" } else { "false" });
            emit(IndexValue::Token { system: None, code: Some(code), text: None });
        }
        (ParameterType::Token, Item::Text(text)) => {
            emit(IndexValue::Token { system: None, code: Some(text.clone()), text: None });
        }
        (ParameterType::Text, Item::Text(text)) => one_text(Some(text.clone()), emit),
        (ParameterType::Uri, Item::Text(text)) => emit(IndexValue::Uri(text.clone())),
        (ParameterType::Date, Item::Temporal(value)) => {
            let (low, high) = value.span();
            emit(IndexValue::Date { low, high });
        }
        (ParameterType::Number, item) => {
            let number = match item {
                Item::Integer(value) | Item::Long(value) => Decimal::from(*value).to_f64(),
                Item::Decimal(value) => value.to_f64(),
                _ => return,
            };
            emit(IndexValue::Number { low: number, high: number });
        }
        _ => {}
    }
}
