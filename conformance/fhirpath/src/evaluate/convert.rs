//! From elements to the System values that operators take, and single items.

use std::borrow::Cow;

use fhir::json::{Document, Kind as Json, Value};

use super::{EvaluationError, Evaluator};
use crate::Decimal;
use crate::item::{Element, Item, Quantity};
use crate::model::{Model, System};
use crate::temporal::Temporal;

type Single<T> = Result<Option<T>, EvaluationError>;

/// The System value of a primitive or Quantity; other items as they are; `None` for a complex element and for what is
/// no value of its type.
pub(crate) fn to_system<'a>(document: Document<'a>, model: Model, item: &Item<'a>) -> Option<Item<'a>> {
    let element = match item {
        Item::Element(element) => element,
        Item::Foreign(foreign) => return super::foreign::value(foreign, model),
        other => return Some(other.clone()),
    };
    if element.node == Element::ABSENT {
        return None;
    }
    let value = document.at(element.node)?;
    match model.system(element.kind) {
        Some(System::Quantity) => quantity(value),
        Some(system) => primitive(value, system),
        None => match value.kind() {
            Json::String | Json::EscapedString => value.text().map(Item::Text),
            Json::Number => number(value),
            Json::True | Json::False => value.boolean().map(Item::Boolean),
            _ => None,
        },
    }
}

fn primitive<'a>(value: Value<'a>, system: System) -> Option<Item<'a>> {
    match system {
        System::Boolean => value.boolean().map(Item::Boolean),
        System::Integer => value.number()?.parse().ok().map(Item::Integer),
        System::Long => {
            let text = value.number().map(Cow::Borrowed).or_else(|| value.text())?;
            text.parse().ok().map(Item::Long)
        }
        System::Decimal => value.number()?.parse().ok().map(Item::Decimal),
        System::Text => value.text().map(Item::Text),
        System::Date => {
            let text = value.text()?;
            Temporal::parse_date(&text).map(Item::Temporal).or(Some(Item::Text(text)))
        }
        System::Time => {
            let text = value.text()?;
            Temporal::parse_time(&text).map(Item::Temporal).or(Some(Item::Text(text)))
        }
        System::Quantity => None,
    }
}

fn number(value: Value<'_>) -> Option<Item<'static>> {
    let text = value.number()?;
    match text.parse() {
        Ok(whole) => Some(Item::Integer(whole)),
        Err(_) => text.parse().ok().map(Item::Decimal),
    }
}

/// FHIR fhirpath.html#quantity: the code of UCUM, else the unit; a comparator makes it no exact value.
fn quantity(value: Value<'_>) -> Option<Item<'_>> {
    if value.member("comparator").is_some() {
        return None;
    }
    let amount = value.member("value")?.number()?.parse().ok()?;
    let text = |name: &str| value.member(name).and_then(Value::text);
    let unit = text("code").or_else(|| text("unit")).unwrap_or(Cow::Borrowed("1"));
    let ucum = text("system").is_some_and(|system| system == "http://unitsofmeasure.org");
    let calendar = if ucum { calendar_word(&unit) } else { None };
    Some(Item::Quantity(Box::new(match calendar {
        Some(word) => Quantity { value: amount, unit: Cow::Borrowed(word), calendar: true },
        None => Quantity { value: amount, unit, calendar: false },
    })))
}

/// FHIR fhirpath.html#quantity: these codes of UCUM are the words of the calendar.
fn calendar_word(code: &str) -> Option<&'static str> {
    Some(match code {
        "a" => "year",
        "mo" => "month",
        "d" => "day",
        "h" => "hour",
        "min" => "minute",
        "s" => "second",
        _ => return None,
    })
}

/// One boolean of a collection: empty gives none, one item that is no boolean is true (FHIRPath 4.5).
pub(crate) fn truth<'a>(
    document: Document<'a>,
    model: Model,
    items: &[Item<'a>],
    operation: &'static str,
) -> Single<bool> {
    match items {
        [] => Ok(None),
        [item] => Ok(Some(match to_system(document, model, item) {
            Some(Item::Boolean(value)) => value,
            _ => true,
        })),
        _ => Err(EvaluationError::NotSingle(operation)),
    }
}

impl<'a> Evaluator<'_, 'a> {
    pub(crate) fn to_system(&self, item: &Item<'a>) -> Option<Item<'a>> {
        to_system(self.environment.document, self.model, item)
    }

    pub(crate) fn truth(&self, items: &[Item<'a>], operation: &'static str) -> Single<bool> {
        truth(self.environment.document, self.model, items, operation)
    }

    /// The one item, as a System value where it has one.
    pub(crate) fn single(&self, items: &[Item<'a>], operation: &'static str) -> Single<Item<'a>> {
        match items {
            [] => Ok(None),
            [item] => Ok(Some(self.to_system(item).unwrap_or_else(|| item.clone()))),
            _ => Err(EvaluationError::NotSingle(operation)),
        }
    }

    pub(crate) fn text(&self, items: &[Item<'a>], operation: &'static str) -> Single<Cow<'a, str>> {
        // A date element is a string too: its own text, not the value's.
        if let [Item::Element(element)] = items
            && let Some(text) = self.environment.document.at(element.node).and_then(Value::text)
        {
            return Ok(Some(text));
        }
        match self.single(items, operation)? {
            None => Ok(None),
            Some(Item::Text(text)) => Ok(Some(text)),
            Some(_) => Err(EvaluationError::WrongType { operation, expected: "a string" }),
        }
    }

    pub(crate) fn whole_number(&self, items: &[Item<'a>], operation: &'static str) -> Single<i64> {
        match self.single(items, operation)? {
            None => Ok(None),
            Some(Item::Integer(value) | Item::Long(value)) => Ok(Some(value)),
            Some(_) => Err(EvaluationError::WrongType { operation, expected: "an integer" }),
        }
    }

    pub(crate) fn number(&self, items: &[Item<'a>], operation: &'static str) -> Single<Decimal> {
        match self.single(items, operation)? {
            None => Ok(None),
            Some(item) => match as_decimal(&item) {
                Some(value) => Ok(Some(value)),
                None => Err(EvaluationError::WrongType { operation, expected: "a number" }),
            },
        }
    }
}

/// A number as a decimal.
pub(crate) fn as_decimal(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) | Item::Long(value) => Some(Decimal::from(*value)),
        Item::Decimal(value) => Some(*value),
        _ => None,
    }
}
