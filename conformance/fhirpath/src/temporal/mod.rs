//! Dates, dateTimes and times with their precision, as FHIR and FHIRPath write them.

mod civil;
mod text;

use std::cmp::Ordering;
use std::fmt;

use civil::{civil_from_days, days_from_civil};

pub use civil::days_in_month;

const DAY: i64 = 86_400_000_000;
const HOUR: i64 = 3_600_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// Which of the three it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemporalKind {
    /// `@2015-02-04`
    Date,
    /// `@2015-02-04T14:34:28Z`
    DateTime,
    /// `@T14:34`
    Time,
}

/// The last field that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `2015`
    Year,
    /// `2015-02`
    Month,
    /// `2015-02-04`, and `2015-02-04T`
    Day,
    /// `T14`
    Hour,
    /// `T14:34`
    Minute,
    /// `T14:34:28`
    Second,
    /// `T14:34:28.123`
    Fraction,
}

/// A date, dateTime or time. Fields behind the precision are at their smallest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    /// Which of the three.
    pub kind: TemporalKind,
    /// The last field that is written.
    pub precision: Precision,
    /// 1 to 9999; 1 in a time.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60: FHIR allows a leap second.
    pub second: u8,
    /// Microseconds; finer digits are dropped.
    pub micros: u32,
    /// Digits of the fraction as written.
    pub digits: u8,
    /// Minutes east of UTC, where a zone is written.
    pub offset: Option<i16>,
}

/// What a calendar quantity counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Calendar months.
    Months(i64),
    /// Microseconds.
    Micros(i64),
}

impl Temporal {
    /// The moment of a clock, UTC, with milliseconds.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        let (year, month, day) = civil_from_days(micros.div_euclid(DAY));
        let time = micros.rem_euclid(DAY);
        Self {
            year,
            month,
            day,
            precision: Precision::Fraction,
            digits: 3,
            offset: Some(0),
            ..Self::start(TemporalKind::DateTime).with_time_of_day(time)
        }
    }

    fn start(kind: TemporalKind) -> Self {
        Self {
            kind,
            precision: Precision::Year,
            year: 1,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            micros: 0,
            digits: 0,
            offset: None,
        }
    }

    fn is_real(&self) -> bool {
        (1..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60
    }

    /// The span that it means, half-open, in microseconds since 1970 UTC; a dateTime without a zone is taken as UTC. Of a
    /// time: since midnight.
    #[must_use]
    pub fn span(&self) -> (i64, i64) {
        let low = self.micros_utc();
        let high = match self.precision {
            Precision::Year => days_from_civil(self.year + 1, 1, 1) * DAY - self.offset_micros(),
            Precision::Month => {
                let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
                days_from_civil(year, month, 1) * DAY - self.offset_micros()
            }
            Precision::Day => low + DAY,
            Precision::Hour => low + HOUR,
            Precision::Minute => low + MINUTE,
            Precision::Second => low + SECOND,
            Precision::Fraction => low + 10i64.pow(6u32.saturating_sub(u32::from(self.digits))).max(1),
        };
        (low, high)
    }

    /// Its first microsecond, UTC.
    #[must_use]
    pub fn micros_utc(&self) -> i64 {
        let days =
            if self.kind == TemporalKind::Time { 0 } else { days_from_civil(self.year, self.month, self.day) * DAY };
        days + self.time_of_day() - self.offset_micros()
    }

    fn offset_micros(&self) -> i64 {
        i64::from(self.offset.unwrap_or(0)) * MINUTE
    }

    fn time_of_day(&self) -> i64 {
        i64::from(self.hour) * HOUR
            + i64::from(self.minute) * MINUTE
            + i64::from(self.second) * SECOND
            + i64::from(self.micros)
    }

    fn with_time_of_day(mut self, micros: i64) -> Self {
        self.hour = (micros / HOUR) as u8;
        self.minute = (micros % HOUR / MINUTE) as u8;
        self.second = (micros % MINUTE / SECOND) as u8;
        self.micros = (micros % SECOND) as u32;
        self
    }

    /// Order by the rules of FHIRPath: `None` where the coarser of the two leaves it open, or when only one has a zone.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if (self.kind == TemporalKind::Time) != (other.kind == TemporalKind::Time) {
            return None;
        }
        let (left, right) = self.aligned(other)?;
        let (left_fields, right_fields) = (left.fields(), right.fields());
        let shared = left.field_count().min(right.field_count());
        let first = if self.kind == TemporalKind::Time { 3 } else { 0 };
        for index in first..shared {
            match left_fields[index].cmp(&right_fields[index]) {
                Ordering::Equal => {}
                different => return Some(different),
            }
        }
        (left.field_count() == right.field_count()).then_some(Ordering::Equal)
    }

    /// Both in UTC when both have a zone; `None` when only one has and the time matters.
    fn aligned(&self, other: &Self) -> Option<(Self, Self)> {
        match (self.offset, other.offset) {
            (Some(left), Some(right)) if left != right => Some((self.in_utc(), other.in_utc())),
            (Some(_), None) if other.precision > Precision::Day => None,
            (None, Some(_)) if self.precision > Precision::Day => None,
            _ => Some((*self, *other)),
        }
    }

    fn in_utc(self) -> Self {
        let moment = Self::from_micros(self.micros_utc());
        Self { precision: self.precision, digits: self.digits, kind: self.kind, ..moment }
    }

    /// Seconds and fraction are one field (FHIRPath 6.2: seconds and milliseconds are a single precision).
    fn fields(&self) -> [i64; 6] {
        [
            self.year.into(),
            self.month.into(),
            self.day.into(),
            self.hour.into(),
            self.minute.into(),
            i64::from(self.second) * SECOND + i64::from(self.micros),
        ]
    }

    fn field_count(&self) -> usize {
        (self.precision as usize + 1).min(6)
    }

    /// Later by a step, keeping the precision; `None` beyond year 1 to 9999. The last day of a shorter month is used
    /// where a month lacks the day.
    #[must_use]
    pub fn plus(&self, step: Step) -> Option<Self> {
        match step {
            Step::Months(months) => {
                let total = i64::from(self.year) * 12 + i64::from(self.month) - 1;
                let total = total.checked_add(months)?;
                let year = i32::try_from(total.div_euclid(12)).ok().filter(|year| (1..=9999).contains(year))?;
                let month = (total.rem_euclid(12) + 1) as u8;
                Some(Self { year, month, day: self.day.min(days_in_month(year, month)), ..*self })
            }
            Step::Micros(micros) if self.kind == TemporalKind::Time => {
                Some(self.with_time_of_day(self.time_of_day().checked_add(micros)?.rem_euclid(DAY)))
            }
            Step::Micros(micros) => {
                let local = days_from_civil(self.year, self.month, self.day) * DAY + self.time_of_day();
                let local = local.checked_add(micros)?;
                let (year, month, day) = civil_from_days(local.div_euclid(DAY));
                let moved = self.with_time_of_day(local.rem_euclid(DAY));
                (1..=9999).contains(&year).then_some(Self { year, month, day, ..moved })
            }
        }
    }
}

impl fmt::Debug for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Temporal({:?} {:?})", self.kind, self.precision)
    }
}
