//! Dates and times plus and minus calendar quantities (FHIRPath 6.6.7).

use super::EvaluationError;
use crate::Decimal;
use crate::item::Quantity;
use crate::syntax::ast::Operator;
use crate::temporal::{Precision, Step, Temporal, TemporalKind};

const OPERATION: &str = "date and time arithmetic";

/// The moment moved; `None` beyond the calendar.
pub(super) fn shift(
    moment: Temporal,
    span: &Quantity<'_>,
    operator: Operator,
) -> Result<Option<Temporal>, EvaluationError> {
    let sign = match operator {
        Operator::Add => 1,
        Operator::Subtract => -1,
        _ => return Err(EvaluationError::WrongType { operation: OPERATION, expected: "`+` or `-`" }),
    };
    let (unit, definite) = unit_of(span)?;
    // FHIRPath 6.6.7: a year or month of UCUM has a fixed length and no calendar has it.
    if matches!(unit, Unit::Year | Unit::Month) && definite {
        return Err(EvaluationError::WrongType { operation: OPERATION, expected: "a calendar unit, such as `years`" });
    }
    Ok(steps(moment, unit, span.value).and_then(|step| moment.plus(signed(step, sign))))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
    Millisecond,
}

/// The unit, and whether it is written as a code of UCUM.
fn unit_of(span: &Quantity<'_>) -> Result<(Unit, bool), EvaluationError> {
    let unit = match &*span.unit {
        "year" | "a" => Unit::Year,
        "month" | "mo" => Unit::Month,
        "week" | "wk" => Unit::Week,
        "day" | "d" => Unit::Day,
        "hour" | "h" => Unit::Hour,
        "minute" | "min" => Unit::Minute,
        "second" | "s" => Unit::Second,
        "millisecond" | "ms" => Unit::Millisecond,
        _ => return Err(EvaluationError::WrongType { operation: OPERATION, expected: "a quantity of time" }),
    };
    Ok((unit, !span.calendar))
}

/// How far to move. Units finer than the moment's precision are first made whole ones of it; decimals count only below
/// the second.
fn steps(moment: Temporal, unit: Unit, value: Decimal) -> Option<Step> {
    let whole = i64::try_from(value.truncated()).ok()?;
    let micros = |unit: Unit| -> i64 {
        match unit {
            Unit::Week => 7 * 86_400_000_000,
            Unit::Day => 86_400_000_000,
            Unit::Hour => 3_600_000_000,
            Unit::Minute => 60_000_000,
            Unit::Second => 1_000_000,
            _ => 1_000,
        }
    };
    match (unit, moment.precision) {
        (Unit::Year, _) => return whole.checked_mul(12).map(Step::Months),
        (Unit::Month, Precision::Year) => return Some(Step::Months(whole / 12 * 12)),
        (Unit::Month, _) => return Some(Step::Months(whole)),
        _ => {}
    }
    let total = match unit {
        Unit::Second | Unit::Millisecond => i64::try_from(value.checked_mul(micros(unit).into())?.truncated()).ok()?,
        _ => whole.checked_mul(micros(unit))?,
    };
    const DAY: i64 = 86_400_000_000;
    match moment.precision {
        _ if moment.kind == TemporalKind::Time => Some(Step::Micros(total)),
        Precision::Year => (total / (365 * DAY)).checked_mul(12).map(Step::Months),
        Precision::Month => Some(Step::Months(total / (30 * DAY))),
        Precision::Day => Some(Step::Micros(total / DAY * DAY)),
        Precision::Hour => Some(Step::Micros(total / micros(Unit::Hour) * micros(Unit::Hour))),
        Precision::Minute => Some(Step::Micros(total / micros(Unit::Minute) * micros(Unit::Minute))),
        _ => Some(Step::Micros(total)),
    }
}

const fn signed(step: Step, sign: i64) -> Step {
    match step {
        Step::Months(months) => Step::Months(months.saturating_mul(sign)),
        Step::Micros(micros) => Step::Micros(micros.saturating_mul(sign)),
    }
}
