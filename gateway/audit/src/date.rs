//! The values of a date search parameter (FHIR search.html#date) as ranges of microseconds.

use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset};

/// A half-open range of microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: i64,
    pub(crate) until: i64,
}

impl Range {
    pub(crate) const ALL: Self = Self { from: i64::MIN, until: i64::MAX };

    pub(crate) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    pub(crate) const fn holds(self, micros: i64) -> bool {
        self.from <= micros && micros < self.until
    }

    pub(crate) const fn meets(self, first: i64, last: i64) -> bool {
        first < self.until && self.from <= last
    }
}

/// What a prefixed date asks of an instant: `ge2024-01`, `lt2024-02-03T10:00:00Z`, `2024`. A time without a zone is UTC.
/// `ne` and `ap` are no ranges, and are not taken.
pub(crate) fn parse(value: &str) -> Option<Range> {
    let (prefix, date) = match value.split_at_checked(2) {
        Some((prefix, date)) if prefix.bytes().all(|byte| byte.is_ascii_lowercase()) => (prefix, date),
        _ => ("eq", value),
    };
    let span = span(date)?;
    match prefix {
        "eq" => Some(span),
        "ge" => Some(Range { from: span.from, ..Range::ALL }),
        "gt" | "sa" => Some(Range { from: span.until, ..Range::ALL }),
        "le" => Some(Range { until: span.until, ..Range::ALL }),
        "lt" | "eb" => Some(Range { until: span.from, ..Range::ALL }),
        _ => None,
    }
}

/// The time that a date or time of any precision covers.
fn span(text: &str) -> Option<Range> {
    if !text.is_ascii() {
        return None;
    }
    let (date, clock) = text.split_once('T').map_or((text, None), |(date, clock)| (date, Some(clock)));
    match clock {
        Some(clock) => instant(whole_date(date)?, clock),
        None => days(date),
    }
}

fn days(text: &str) -> Option<Range> {
    let mut parts = text.split('-');
    let year: i32 = digits(parts.next()?, 4)?;
    let month = parts.next().map(|text| digits::<u8>(text, 2));
    let day = parts.next().map(|text| digits::<u8>(text, 2));
    let first = |year, month: u8| Date::from_calendar_date(year, Month::try_from(month).ok()?, 1).ok();
    let (from, until) = match (month, day, parts.next()) {
        (None, None, None) => (first(year, 1)?, first(year + 1, 1)?),
        (Some(month), None, None) => {
            let month = month?;
            (first(year, month)?, if month == 12 { first(year + 1, 1)? } else { first(year, month + 1)? })
        }
        (Some(_), Some(_), None) => (whole_date(text)?, whole_date(text)?.next_day()?),
        _ => return None,
    };
    Some(Range { from: micros(from.midnight().assume_utc()), until: micros(until.midnight().assume_utc()) })
}

fn whole_date(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let month = Month::try_from(digits::<u8>(month, 2)?).ok()?;
    let date = Date::from_calendar_date(digits(year, 4)?, month, digits(day, 2)?).ok()?;
    parts.next().is_none().then_some(date)
}

fn instant(date: Date, text: &str) -> Option<Range> {
    let (clock, offset) = zone(text)?;
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        Some(second) => second.split_once('.').map_or((second, None), |(second, rest)| (second, Some(rest))),
        None => ("00", None),
    };
    let has_seconds = clock.len() > 5;
    let nanos = fraction.map_or(Some(0), nanos)?;
    let time = Time::from_hms_nano(hour, minute, digits(second, 2)?, nanos).ok()?;
    if parts.next().is_some() {
        return None;
    }
    let length = match (has_seconds, fraction.map(str::len)) {
        (false, _) => Duration::minutes(1),
        (true, None) => Duration::seconds(1),
        (true, Some(places)) => Duration::microseconds(10_i64.pow(6_u32.saturating_sub(places as u32))),
    };
    let from = date.with_time(time).assume_offset(offset);
    Some(Range { from: micros(from), until: micros(from.checked_add(length)?) })
}

fn nanos(fraction: &str) -> Option<u32> {
    let places = u32::try_from(fraction.len()).ok().filter(|places| (1..=9).contains(places))?;
    Some(digits::<u32>(fraction, fraction.len())? * 10_u32.pow(9 - places))
}

/// Splits the zone off. A plus sign in a URL that was not escaped has become a space.
fn zone(text: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, UtcOffset::UTC));
    }
    let Some(at) = text.rfind(['+', '-', ' ']) else { return Some((text, UtcOffset::UTC)) };
    let (clock, zone) = text.split_at(at);
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let offset = UtcOffset::from_hms(sign * digits::<i8>(hours, 2)?, sign * digits::<i8>(minutes, 2)?, 0).ok()?;
    Some((clock, offset))
}

fn digits<T: std::str::FromStr>(text: &str, length: usize) -> Option<T> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn micros(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn a_date_covers_its_precision() {
        assert_eq!(parse("1970-01-02"), Some(Range { from: DAY, until: 2 * DAY }));
        assert_eq!(parse("1970-01"), Some(Range { from: 0, until: 31 * DAY }));
        assert_eq!(parse("1970-12").unwrap().until, 365 * DAY);
        assert_eq!(parse("1970"), Some(Range { from: 0, until: 365 * DAY }));
        assert_eq!(parse("1970-01-01T00:01Z"), Some(Range { from: 60_000_000, until: 120_000_000 }));
        assert_eq!(parse("1970-01-01T01:00:01+01:00"), Some(Range { from: 1_000_000, until: 2_000_000 }));
        assert_eq!(parse("1970-01-01T01:00:01 01:00"), parse("1970-01-01T01:00:01+01:00"));
        assert_eq!(parse("1970-01-01T00:00:00.5Z"), Some(Range { from: 500_000, until: 600_000 }));
    }

    #[test]
    fn a_prefix_opens_one_side() {
        assert_eq!(parse("ge1970-01-02").unwrap(), Range { from: DAY, until: i64::MAX });
        assert_eq!(parse("gt1970-01-02").unwrap(), Range { from: 2 * DAY, until: i64::MAX });
        assert_eq!(parse("le1970-01-02").unwrap(), Range { from: i64::MIN, until: 2 * DAY });
        assert_eq!(parse("lt1970-01-02").unwrap(), Range { from: i64::MIN, until: DAY });
    }

    #[test]
    fn what_is_no_date_is_not_taken() {
        for text in [
            "",
            "ge",
            "ne1970",
            "ap1970",
            "70",
            "1970-13",
            "1970-02-30",
            "1970-1-1",
            "1970-01-01T",
            "1970-01-01T1",
            "é970",
            "1970-01-01T00:00:00.Z",
            "1970-01-01-01",
            "9999-12-31T23:59:60Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
