//! `lowBoundary`, `highBoundary`, `precision` (FHIRPath 5.10).

use super::Call;
use crate::Decimal;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::{Collection, Item, Quantity};
use crate::temporal::{Precision, Temporal, TemporalKind, days_in_month};
use smallvec::smallvec;

/// Digits behind the point of a decimal boundary unless told otherwise, and the most that there are.
const DEFAULT_DIGITS: i64 = 8;
const MOST_DIGITS: i64 = 28;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn boundary(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let name = match function {
            F::LowBoundary => "lowBoundary",
            F::HighBoundary => "highBoundary",
            _ => "precision",
        };
        let Some(item) = self.single(call.input, name)? else { return Ok(Collection::new()) };
        if function == F::Precision {
            return precision(&item).map(|digits| smallvec![Item::Integer(digits)]).ok_or(wrong(name));
        }
        let digits = self.whole_number(call.argument(0), name)?;
        let low = function == F::LowBoundary;
        let result = match item {
            Item::Integer(value) | Item::Long(value) => decimal(value.into(), low, digits).map(Item::Decimal),
            Item::Decimal(value) => decimal(value, low, digits).map(Item::Decimal),
            Item::Quantity(quantity) => decimal(quantity.value, low, digits)
                .map(|value| Item::Quantity(Box::new(Quantity { value, ..*quantity }))),
            Item::Temporal(value) => temporal(value, low, digits).map(Item::Temporal),
            _ => return Err(wrong(name)),
        };
        Ok(result.into_iter().collect())
    }
}

const fn wrong(operation: &'static str) -> EvaluationError {
    EvaluationError::WrongType { operation, expected: "a decimal, a quantity, or a date or time" }
}

/// Digits that are written: behind the point, or of the date or time.
fn precision(item: &Item<'_>) -> Option<i64> {
    Some(match item {
        Item::Integer(_) | Item::Long(_) => 0,
        Item::Decimal(value) => value.scale().into(),
        Item::Quantity(quantity) => quantity.value.scale().into(),
        Item::Temporal(value) => {
            let dated = value.kind != TemporalKind::Time;
            let before = if dated { 0 } else { 8 };
            let written = match value.precision {
                Precision::Year => 4,
                Precision::Month => 6,
                Precision::Day => 8,
                Precision::Hour => 10,
                Precision::Minute => 12,
                Precision::Second => 14,
                Precision::Fraction => 17,
            };
            written - before
        }
        _ => return None,
    })
}

/// Half a unit of the last digit down or up, given with so many digits.
fn decimal(value: Decimal, low: bool, digits: Option<i64>) -> Option<Decimal> {
    let digits = digits.unwrap_or(DEFAULT_DIGITS);
    if !(0..=MOST_DIGITS).contains(&digits) {
        return None;
    }
    let half = Decimal::new(5, value.scale() + 1);
    let edge = if low { value.checked_sub(half)? } else { value.checked_add(half)? };
    let scale = digits as u32;
    if edge.scale() <= scale {
        let zeros = Decimal::new(0, scale);
        return edge.checked_add(zeros);
    }
    // Fewer digits than the edge has: an edge nearer to zero is cut off, one farther from it is rounded.
    let is_nearer = if low { value > Decimal::ZERO } else { value < Decimal::ZERO };
    if !is_nearer {
        return Some(edge.rounded(scale));
    }
    let shifted = edge.checked_mul(Decimal::new(10i128.checked_pow(scale)?, 0))?;
    Some(Decimal::new(shifted.truncated(), scale))
}

/// The first or last moment, to the digits that are asked for (4, 6, 8, 10, 12, 14, 17, or less 8 for a time).
fn temporal(value: Temporal, low: bool, digits: Option<i64>) -> Option<Temporal> {
    let before = if value.kind == TemporalKind::Time { 8 } else { 0 };
    let most = if value.kind == TemporalKind::Date { 8 } else { 17 };
    let precision = match digits.map_or(most, |digits| digits + before) {
        4 if before == 0 => Precision::Year,
        6 if before == 0 => Precision::Month,
        8 if before == 0 => Precision::Day,
        10 => Precision::Hour,
        12 => Precision::Minute,
        14 => Precision::Second,
        17 => Precision::Fraction,
        _ => return None,
    };
    let mut edge = fill(value, low);
    edge.precision = precision;
    edge.digits = if precision == Precision::Fraction { 3 } else { 0 };
    // The boundary of a date is a moment, whatever is shown of it.
    if value.kind == TemporalKind::Date {
        edge.kind = TemporalKind::DateTime;
    }
    // Where no zone is written the first moment is the eastmost one, +14:00, the last the westmost, -12:00.
    if edge.kind == TemporalKind::DateTime && precision > Precision::Day {
        edge.offset = Some(value.offset.unwrap_or(if low { 14 * 60 } else { -12 * 60 }));
    } else {
        edge.offset = None;
    }
    Some(edge)
}

fn fill(value: Temporal, low: bool) -> Temporal {
    let mut edge = value;
    let pick = |first: u8, last: u8| if low { first } else { last };
    if value.precision < Precision::Month {
        edge.month = pick(1, 12);
    }
    if value.precision < Precision::Day && value.kind != TemporalKind::Time {
        edge.day = pick(1, days_in_month(edge.year, edge.month));
    }
    if value.precision < Precision::Hour {
        edge.hour = pick(0, 23);
    }
    // An hour alone is the full hour: FHIR writes hours with minutes (datatypes.html#dateTime).
    if value.precision < Precision::Hour {
        edge.minute = pick(0, 59);
    }
    if value.precision < Precision::Second {
        edge.second = pick(0, 59);
    }
    if value.precision < Precision::Fraction {
        edge.micros = if low { 0 } else { 999_000 };
    }
    edge
}
