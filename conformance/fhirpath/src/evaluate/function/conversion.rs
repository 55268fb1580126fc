//! Conversions (FHIRPath 5.5) and the functions on types.

use super::Call;
use crate::Decimal;
use crate::evaluate::convert::as_decimal;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::{Collection, Item, Quantity};
use crate::syntax::calendar_unit;
use crate::temporal::{Temporal, TemporalKind};
use crate::unit;
use smallvec::smallvec;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn conversion(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let (convert, test): (Conversion, bool) = match function {
            F::ToBoolean => (to_boolean, false),
            F::ConvertsToBoolean => (to_boolean, true),
            F::ToInteger => (to_integer, false),
            F::ConvertsToInteger => (to_integer, true),
            F::ToLong => (to_long, false),
            F::ConvertsToLong => (to_long, true),
            F::ToDecimal => (to_decimal, false),
            F::ConvertsToDecimal => (to_decimal, true),
            F::ToDate => (to_date, false),
            F::ConvertsToDate => (to_date, true),
            F::ToDateTime => (to_date_time, false),
            F::ConvertsToDateTime => (to_date_time, true),
            F::ToTime => (to_time, false),
            F::ConvertsToTime => (to_time, true),
            F::ToText => (to_text, false),
            F::ConvertsToText => (to_text, true),
            F::ToQuantity => (to_quantity, false),
            F::ConvertsToQuantity => (to_quantity, true),
            _ => return Err(Self::undecidable("this function")),
        };
        let operation = "a conversion";
        if function == F::ToText
            && let Some(text) = self.number_as_written(call.input)
        {
            return Ok(smallvec![Item::text(text)]);
        }
        let Some(item) = self.single(call.input, operation)? else { return Ok(Collection::new()) };
        let mut converted = convert(&item);
        if matches!(function, F::ToQuantity | F::ConvertsToQuantity)
            && let Some(target) = self.text(call.argument(0), operation)?
        {
            converted = converted.and_then(|item| in_unit(&item, &target));
        }
        Ok(if test { smallvec![Item::Boolean(converted.is_some())] } else { converted.into_iter().collect() })
    }

    /// The text of a number of the document, where that is what `toString()` gives: nothing is copied then.
    fn number_as_written(&self, input: &[Item<'a>]) -> Option<&'a str> {
        let [Item::Element(element)] = input else { return None };
        let text = self.environment.document.at(element.node)?.number()?;
        (!text.contains(['e', 'E', '-']) && text.len() < 20).then_some(text)
    }

    /// `is`, `as`, `ofType`: whose argument is a type.
    pub(in crate::evaluate) fn type_function(
        &mut self,
        function: F,
        input: Collection<'a>,
        specifier: &crate::model::TypeSpecifier,
    ) -> Evaluated<'a> {
        match function {
            F::Is => self.is(&input, specifier),
            _ => self.cast(input, specifier),
        }
    }

    pub(in crate::evaluate) fn is(&self, input: &[Item<'a>], specifier: &crate::model::TypeSpecifier) -> Evaluated<'a> {
        match input {
            [] => Ok(Collection::new()),
            [item] => Ok(smallvec![Item::Boolean(self.has_type(item, specifier))]),
            _ => Err(EvaluationError::NotSingle("is")),
        }
    }

    /// The items of that type. `as` is specified for one item; the expressions of FHIR's own search parameters apply it to
    /// several, so it filters as `ofType` does.
    pub(in crate::evaluate) fn cast(
        &self,
        mut input: Collection<'a>,
        specifier: &crate::model::TypeSpecifier,
    ) -> Evaluated<'a> {
        input.retain(|item| self.has_type(item, specifier));
        Ok(input)
    }

    pub(in crate::evaluate) fn has_type(&self, item: &Item<'a>, specifier: &crate::model::TypeSpecifier) -> bool {
        match item {
            Item::Element(element) => self.model.is_a(element.kind, specifier),
            Item::Foreign(foreign) => self.model.is_a(foreign.element.kind, specifier),
            Item::Remote(resource_type) => self.model.is_named(resource_type.as_str(), specifier),
            other => specifier.system.is_some_and(|name| name == "Any" || other.system_type() == Some(name)),
        }
    }
}

type Conversion = for<'x, 'y> fn(&'x Item<'y>) -> Option<Item<'y>>;

fn to_boolean<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let value = match item {
        Item::Boolean(value) => *value,
        Item::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => true,
            "false" | "f" | "no" | "n" | "0" | "0.0" => false,
            _ => return None,
        },
        other => match as_decimal(other)? {
            value if value == Decimal::ONE => true,
            value if value.is_zero() => false,
            _ => return None,
        },
    };
    Some(Item::Boolean(value))
}

fn to_integer<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    to_whole(item).filter(|value| i32::try_from(*value).is_ok()).map(Item::Integer)
}

fn to_long<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    to_whole(item).map(Item::Long)
}

fn to_whole(item: &Item<'_>) -> Option<i64> {
    match item {
        Item::Integer(value) | Item::Long(value) => Some(*value),
        Item::Boolean(value) => Some(i64::from(*value)),
        Item::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn to_decimal<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Boolean(value) => Some(Decimal::new(i128::from(*value) * 10, 1)),
        Item::Text(text) => written_decimal(text),
        other => as_decimal(other),
    }
    .map(Item::Decimal)
}

/// FHIRPath 5.5.4: digits on both sides of a point.
fn written_decimal(text: &str) -> Option<Decimal> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_one = match unsigned.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(unsigned),
    };
    if is_one { text.strip_prefix('+').unwrap_or(text).parse().ok() } else { None }
}

fn to_date<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let value = match item {
        Item::Temporal(value) if value.kind != TemporalKind::Time => *value,
        Item::Text(text) => Temporal::parse_date(text)?,
        _ => return None,
    };
    let precision = value.precision.min(crate::temporal::Precision::Day);
    let kind = TemporalKind::Date;
    let time = Temporal { hour: 0, minute: 0, second: 0, micros: 0, digits: 0, offset: None, ..value };
    Some(Item::Temporal(Temporal { kind, precision, ..time }))
}

fn to_date_time<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    let value = match item {
        Item::Temporal(value) if value.kind != TemporalKind::Time => *value,
        Item::Text(text) => Temporal::parse_date(text)?,
        _ => return None,
    };
    Some(Item::Temporal(Temporal { kind: TemporalKind::DateTime, ..value }))
}

fn to_time<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Temporal(value) if value.kind == TemporalKind::Time => Some(Item::Temporal(*value)),
        Item::Text(text) => Temporal::parse_time(text.strip_prefix('T').unwrap_or(text)).map(Item::Temporal),
        _ => None,
    }
}

fn to_text<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    Some(match item {
        Item::Text(_) => item.clone(),
        Item::Boolean(value) => Item::text(if *value { "true" } else { "false" }),
        Item::Integer(value) | Item::Long(value) => Item::text(value.to_string()),
        Item::Decimal(value) => Item::text(value.to_string()),
        Item::Temporal(value) => {
            let text = value.to_string();
            // A dateTime without a time is written as a date.
            Item::text(text.strip_suffix('T').map(str::to_owned).unwrap_or(text))
        }
        Item::Quantity(quantity) if quantity.calendar => {
            let plural = if quantity.value == Decimal::ONE { "" } else { "s" };
            Item::text(format!("{} {}{plural}", quantity.value, quantity.unit))
        }
        Item::Quantity(quantity) => Item::text(format!("{} '{}'", quantity.value, quantity.unit)),
        Item::Element(_) | Item::Type(..) | Item::Remote(_) | Item::Foreign(_) | Item::Terminologies => return None,
    })
}

fn to_quantity<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    match item {
        Item::Quantity(_) => Some(item.clone()),
        Item::Boolean(value) => Some(Item::quantity(Decimal::new(i128::from(*value) * 10, 1), "1")),
        Item::Text(text) => parse_quantity(text).map(|quantity| Item::Quantity(Box::new(quantity))),
        other => Some(Item::quantity(as_decimal(other)?, "1")),
    }
}

/// `4 'mg'`, `2 years`, `5.5`.
fn parse_quantity<'a>(text: &str) -> Option<Quantity<'a>> {
    let (number, unit) = match text.split_once(char::is_whitespace) {
        Some((number, unit)) => (number, unit.trim()),
        None => (text, "'1'"),
    };
    let value = written_decimal(number)?;
    if let Some(word) = calendar_unit(unit) {
        return Some(Quantity { value, unit: word.into(), calendar: true });
    }
    let code = unit.strip_prefix('\'')?.strip_suffix('\'')?;
    (!code.is_empty() && !code.contains('\'')).then(|| Quantity {
        value,
        unit: code.to_owned().into(),
        calendar: false,
    })
}

fn in_unit<'a>(item: &Item<'a>, target: &str) -> Option<Item<'a>> {
    let Item::Quantity(quantity) = item else { return None };
    unit::convert(quantity, target).map(|quantity| Item::Quantity(Box::new(quantity)))
}
