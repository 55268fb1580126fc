//! Dates, dateTimes and times with their precision, as FHIR and FHIRPath write them.

use std::cmp::Ordering;
use std::fmt;

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
    /// Reads a FHIR date or dateTime (`2015`, `2015-02-04`, `2015-02-04T14:34:28+01:00`), or a partial dateTime of
    /// FHIRPath (`2015T`, `2015-02-04T14`). `None` when it is neither or no such day exists.
    #[must_use]
    pub fn parse_date(text: &str) -> Option<Self> {
        let mut cursor = Cursor(text.as_bytes());
        let mut value = Self::start(TemporalKind::Date);
        value.year = cursor.digits(4)?.try_into().ok()?;
        if cursor.skip(b'-') {
            value.month = cursor.digits(2)?.try_into().ok()?;
            value.precision = Precision::Month;
            if cursor.skip(b'-') {
                value.day = cursor.digits(2)?.try_into().ok()?;
                value.precision = Precision::Day;
            }
        }
        if cursor.skip(b'T') {
            value.kind = TemporalKind::DateTime;
            if !cursor.0.is_empty() && value.precision == Precision::Day {
                value.read_time(&mut cursor)?;
                value.offset = cursor.offset()?;
            }
        }
        (cursor.0.is_empty() && value.is_real()).then_some(value)
    }

    /// Reads a time: `14:34:28.123`, or with less precision as FHIRPath allows.
    #[must_use]
    pub fn parse_time(text: &str) -> Option<Self> {
        let mut cursor = Cursor(text.as_bytes());
        let mut value = Self::start(TemporalKind::Time);
        value.read_time(&mut cursor)?;
        (cursor.0.is_empty() && value.is_real()).then_some(value)
    }

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

    fn read_time(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        self.hour = cursor.digits(2)?.try_into().ok()?;
        self.precision = Precision::Hour;
        if !cursor.skip(b':') {
            return Some(());
        }
        self.minute = cursor.digits(2)?.try_into().ok()?;
        self.precision = Precision::Minute;
        if !cursor.skip(b':') {
            return Some(());
        }
        self.second = cursor.digits(2)?.try_into().ok()?;
        self.precision = Precision::Second;
        if cursor.skip(b'.') {
            (self.micros, self.digits) = cursor.fraction()?;
            self.precision = Precision::Fraction;
        }
        Some(())
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

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (head, tail) = self.0.split_at_checked(count)?;
        if !head.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = tail;
        Some(head.iter().fold(0, |value, byte| value * 10 + u32::from(byte - b'0')))
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// Microseconds and the number of digits.
    fn fraction(&mut self) -> Option<(u32, u8)> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=64).contains(&length) {
            return None;
        }
        let (digits, tail) = self.0.split_at(length);
        let micros =
            (0..6).fold(0, |value, index| value * 10 + digits.get(index).map_or(0, |byte| u32::from(byte - b'0')));
        self.0 = tail;
        Some((micros, length as u8))
    }

    /// `Z`, `+01:00` or nothing.
    fn offset(&mut self) -> Option<Option<i16>> {
        if self.skip(b'Z') {
            return Some(Some(0));
        }
        let sign = match self.0.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(None),
        };
        self.0 = &self.0[1..];
        let hours = self.digits(2)?;
        if !self.skip(b':') {
            return None;
        }
        let minutes = self.digits(2)?;
        (hours <= 14 && minutes < 60).then(|| Some(sign * (hours * 60 + minutes) as i16))
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
#[must_use]
pub fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = i64::from(month);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i32, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u8;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u8;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month, day)
}

/// How many days a month has.
#[must_use]
pub const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind != TemporalKind::Time {
            write!(f, "{:04}", self.year)?;
            if self.precision >= Precision::Month {
                write!(f, "-{:02}", self.month)?;
            }
            if self.precision >= Precision::Day {
                write!(f, "-{:02}", self.day)?;
            }
            if self.kind == TemporalKind::DateTime {
                f.write_str("T")?;
            }
        }
        if self.precision >= Precision::Hour {
            write!(f, "{:02}", self.hour)?;
        }
        if self.precision >= Precision::Minute {
            write!(f, ":{:02}", self.minute)?;
        }
        if self.precision >= Precision::Second {
            write!(f, ":{:02}", self.second)?;
        }
        if self.precision == Precision::Fraction {
            let width = usize::from(self.digits.clamp(1, 6));
            write!(f, ".{:0width$}", self.micros / 10u32.pow(6 - width as u32))?;
        }
        match self.offset {
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Temporal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Temporal({:?} {:?})", self.kind, self.precision)
    }
}
