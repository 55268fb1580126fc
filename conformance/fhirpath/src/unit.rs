//! Units of quantities: words of the calendar and UCUM, as far as comparing and converting need them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::Decimal;
use crate::item::Quantity;
use ucum::Measure;

/// Longest code that arithmetic makes.
const MAX_CODE: usize = 256;

/// The code of UCUM for a word of the calendar that has a fixed length: a second is a second, and by FHIRPath 6.1 so are
/// the others up to the week. A year and a month have none.
fn code<'q>(quantity: &'q Quantity<'_>) -> Option<&'q str> {
    if !quantity.calendar {
        return Some(&quantity.unit);
    }
    Some(match &*quantity.unit {
        "week" => "wk",
        "day" => "d",
        "hour" => "h",
        "minute" => "min",
        "second" => "s",
        "millisecond" => "ms",
        _ => return None,
    })
}

/// Both values in one unit, where there is one.
fn aligned(left: &Quantity<'_>, right: &Quantity<'_>) -> Option<(Decimal, Decimal)> {
    if left.unit == right.unit && left.calendar == right.calendar {
        return Some((left.value, right.value));
    }
    if let (Some(left_months), Some(right_months)) = (months(left), months(right)) {
        return Some((left_months, right_months));
    }
    let (left_measure, right_measure) = (Measure::of(code(left)?)?, Measure::of(code(right)?)?);
    left_measure.is_comparable(&right_measure).then_some(())?;
    Some((left_measure.canonical(left.value)?, right_measure.canonical(right.value)?))
}

/// A calendar year is twelve calendar months.
fn months(quantity: &Quantity<'_>) -> Option<Decimal> {
    match (&*quantity.unit, quantity.calendar) {
        ("year", true) => quantity.value.checked_mul(12.into()),
        ("month", true) => Some(quantity.value),
        _ => None,
    }
}

/// Order of two quantities; `None` where their units cannot be compared.
pub(crate) fn compare(left: &Quantity<'_>, right: &Quantity<'_>) -> Option<Ordering> {
    aligned(left, right).map(|(left, right)| left.cmp(&right))
}

/// Equivalence: a calendar year is then like `a`, a month like `mo`; values to the precision of the coarser.
pub(crate) fn equivalent(left: &Quantity<'_>, right: &Quantity<'_>) -> bool {
    let (left, right) = (loose(left), loose(right));
    aligned(&left, &right).is_some_and(|(left, right)| {
        let scale = left.normalized().scale().min(right.normalized().scale());
        left.rounded(scale) == right.rounded(scale)
    })
}

fn loose<'q>(quantity: &'q Quantity<'_>) -> Quantity<'q> {
    let unit: &'q str = match (&*quantity.unit, quantity.calendar) {
        ("year", true) => "a",
        ("month", true) => "mo",
        _ => code(quantity).unwrap_or(&quantity.unit),
    };
    Quantity { value: quantity.value, unit: Cow::Borrowed(unit), calendar: false }
}

/// Whether the two have the same dimension.
pub(crate) fn are_comparable(left: &Quantity<'_>, right: &Quantity<'_>) -> bool {
    compare(&loose(left), &loose(right)).is_some()
}

/// The sum in the finer of both units, as the left one wherever they are the same.
pub(crate) fn add<'a>(left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Quantity<'a>> {
    if left.unit == right.unit && left.calendar == right.calendar {
        return Some(Quantity { value: left.value.checked_add(right.value)?, ..left.clone() });
    }
    let target = if Measure::of(code(left)?)?.factor() <= Measure::of(code(right)?)?.factor() { left } else { right };
    let (left_in, right_in) = (convert(left, code(target)?)?, convert(right, code(target)?)?);
    Some(Quantity { value: left_in.value.checked_add(right_in.value)?, ..target.clone() })
}

/// The product, its unit `left.right`.
pub(crate) fn multiply<'a>(left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Quantity<'a>> {
    let value = left.value.checked_mul(right.value)?;
    let unit = match (code(left)?, code(right)?) {
        ("1", unit) | (unit, "1") => unit.to_owned(),
        (left, right) if left == right && is_simple(left) => format!("{left}2"),
        (left, right) => format!("{left}.{right}"),
    };
    of_unit(value, unit)
}

/// Whether an exponent can stand behind it: `m`, but not `m2`, `m.s` or `mm[Hg]{mean}`.
fn is_simple(code: &str) -> bool {
    code.bytes().last().is_some_and(|last| last.is_ascii_alphabetic() || last == b']')
        && !code.contains(['.', '/', '{', '('])
}

/// None where the code is longer than one may be.
fn of_unit<'a>(value: Decimal, unit: String) -> Option<Quantity<'a>> {
    (unit.len() <= MAX_CODE).then(|| Quantity { value, unit: unit.into(), calendar: false })
}

/// The quotient, its unit `left/right`, `1` for the same unit.
pub(crate) fn divide<'a>(left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Quantity<'a>> {
    let (left_code, right_code) = (code(left)?, code(right)?);
    if let Some((left, right)) = aligned(left, right) {
        return Some(Quantity { value: left.checked_div(right)?, unit: "1".into(), calendar: false });
    }
    let value = left.value.checked_div(right.value)?;
    let unit = match (left_code, right_code) {
        (unit, "1") => unit.to_owned(),
        ("1", unit) => format!("/{unit}"),
        (left, right) if right.contains(['.', '/']) => format!("{left}/({right})"),
        (left, right) => format!("{left}/{right}"),
    };
    of_unit(value, unit)
}

/// The same amount in another unit of the same dimension.
pub(crate) fn convert<'a>(quantity: &Quantity<'_>, target: &str) -> Option<Quantity<'a>> {
    let word = crate::syntax::calendar_unit(target);
    let wanted = Quantity { value: Decimal::ONE, unit: word.unwrap_or(target).into(), calendar: word.is_some() };
    let (value, one) = aligned(quantity, &wanted)?;
    let unit = word.map_or_else(|| Cow::Owned(target.to_owned()), Cow::Borrowed);
    Some(Quantity { value: value.checked_div(one)?, unit, calendar: word.is_some() })
}
