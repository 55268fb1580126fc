//! The clock, and parts of dates and times (FHIRPath 5.9, 3.0 ballot).

use super::Call;
use crate::Decimal;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::{Collection, Item};
use crate::temporal::{Precision, Temporal, TemporalKind};
use smallvec::smallvec;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn temporal(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let now = Temporal::from_micros(self.environment.now);
        match function {
            F::Now => return Ok(smallvec![Item::Temporal(now)]),
            F::Today => return Ok(smallvec![Item::Temporal(date_of(now))]),
            F::TimeOfDay => return Ok(smallvec![Item::Temporal(time_of(now))]),
            _ => {}
        }
        let name = "a part of a date or time";
        let value = match self.single(call.input, name)? {
            None => return Ok(Collection::new()),
            Some(Item::Temporal(value)) => value,
            Some(_) => return Err(EvaluationError::WrongType { operation: name, expected: "a date or time" }),
        };
        Ok(part(function, value).into_iter().collect())
    }
}

/// A part, where it is written and the kind has it.
fn part<'a>(function: F, value: Temporal) -> Option<Item<'a>> {
    let field = |needed: Precision, field: i64| (value.precision >= needed).then_some(Item::Integer(field));
    let dated = value.kind != TemporalKind::Time;
    match function {
        F::YearOf if dated => field(Precision::Year, value.year.into()),
        F::MonthOf if dated => field(Precision::Month, value.month.into()),
        F::DayOf if dated => field(Precision::Day, value.day.into()),
        F::HourOf => field(Precision::Hour, value.hour.into()),
        F::MinuteOf => field(Precision::Minute, value.minute.into()),
        F::SecondOf => field(Precision::Second, value.second.into()),
        F::MillisecondOf => field(Precision::Fraction, i64::from(value.micros / 1000)),
        F::TimezoneOffsetOf => {
            let minutes = Decimal::from(i64::from(value.offset?));
            minutes.checked_div(60.into()).map(Item::Decimal)
        }
        F::DateOf if dated => Some(Item::Temporal(date_of(value))),
        F::TimeOf => (value.precision >= Precision::Hour).then(|| Item::Temporal(time_of(value))),
        _ => None,
    }
}

fn date_of(value: Temporal) -> Temporal {
    Temporal {
        kind: TemporalKind::Date,
        precision: value.precision.min(Precision::Day),
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
        digits: 0,
        offset: None,
        ..value
    }
}

fn time_of(value: Temporal) -> Temporal {
    Temporal { kind: TemporalKind::Time, year: 1, month: 1, day: 1, offset: None, ..value }
}
