//! Dates and times as text.

use std::fmt;

use super::{Precision, Temporal, TemporalKind};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_as_it_was() {
        for text in ["2015", "2015-02", "2015-02-04", "2015-02-04T14:34:28Z", "2015-02-04T14:34:28.123+05:30", "2015T"]
        {
            assert_eq!(Temporal::parse_date(text).unwrap().to_string(), text);
        }
        for text in ["14", "14:34", "14:34:28", "14:34:28.5"] {
            assert_eq!(Temporal::parse_time(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2015-",
            "2015-13",
            "2015-02-29",
            "2015-2-4",
            "0000",
            "2015-02-04T25:00",
            "2015-02-04T14:60",
            "2015-02-04T14:34:28+15:00",
            "2015-02-04T14:34:28.",
            "2015-02-04 14:34",
            "2015-02-04Z",
            "٢٠١٥",
        ] {
            assert!(Temporal::parse_date(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_span_is_as_wide_as_its_precision() {
        let width = |text: &str| {
            let (low, high) = Temporal::parse_date(text).unwrap().span();
            high - low
        };
        let day = 86_400_000_000;
        assert_eq!(width("2024"), 366 * day);
        assert_eq!(width("2024-02"), 29 * day);
        assert_eq!(width("2024-12"), 31 * day);
        assert_eq!(width("2024-02-29"), day);
        assert_eq!(width("2024-02-29T10:00:00Z"), 1_000_000);
        assert_eq!(width("2024-02-29T10:00:00.1234567Z"), 1);
        assert_eq!(Temporal::parse_date("1970-01-01T01:00:00+01:00").unwrap().span().0, 0);
    }
}
