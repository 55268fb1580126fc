//! Dates and times. What the calendar does not have is refused, too: 2023-02-29.

/// Reads fixed-width fields off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        (*first == byte).then_some(())
    }

    fn number(&mut self, width: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(width)?;
        self.0 = rest;
        digits.iter().try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))
    }

    fn within(&mut self, width: usize, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        self.number(width).filter(|value| range.contains(value))
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Year, month and day; fewer when the text ends earlier.
    fn date(&mut self) -> Option<Precision> {
        let year = self.within(4, 1..=9999)?;
        if self.is_empty() {
            return Some(Precision::Year);
        }
        self.literal(b'-')?;
        let month = self.within(2, 1..=12)?;
        if self.is_empty() {
            return Some(Precision::Month);
        }
        self.literal(b'-')?;
        self.within(2, 1..=days_in(year, month))?;
        Some(Precision::Day)
    }

    /// Hours to seconds; 60 is a leap second.
    fn time(&mut self) -> Option<()> {
        self.within(2, 0..=23)?;
        self.literal(b':')?;
        self.within(2, 0..=59)?;
        self.literal(b':')?;
        self.within(2, 0..=60)?;
        if self.0.first() == Some(&b'.') {
            let digits = self.0.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
            self.0 = self.0.get(1 + digits..).filter(|_| digits > 0)?;
        }
        Some(())
    }

    /// `Z` or an offset up to 14:00.
    fn zone(&mut self) -> Option<()> {
        let (sign, rest) = self.0.split_first()?;
        self.0 = rest;
        match sign {
            b'Z' => Some(()),
            b'+' | b'-' => {
                let hours = self.within(2, 0..=14)?;
                self.literal(b':')?;
                self.within(2, 0..=if hours == 14 { 0 } else { 59 }).map(|_| ())
            }
            _ => None,
        }
    }

    fn time_and_zone(&mut self) -> Option<()> {
        self.literal(b'T')?;
        self.time()?;
        self.zone()
    }

    fn end(&self) -> Option<()> {
        self.is_empty().then_some(())
    }
}

#[derive(PartialEq)]
enum Precision {
    Year,
    Month,
    Day,
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// datatypes.html#date
pub(super) fn is_date(value: &[u8]) -> bool {
    let mut fields = Fields(value);
    fields.date().and_then(|_| fields.end()).is_some()
}

/// datatypes.html#dateTime: a time has seconds and a zone.
pub(super) fn is_date_time(value: &[u8]) -> bool {
    let mut fields = Fields(value);
    match fields.date() {
        Some(Precision::Day) if !fields.is_empty() => fields.time_and_zone().and_then(|()| fields.end()).is_some(),
        Some(_) => fields.is_empty(),
        None => false,
    }
}

/// datatypes.html#instant
pub(super) fn is_instant(value: &[u8]) -> bool {
    let mut fields = Fields(value);
    fields.date() == Some(Precision::Day) && fields.time_and_zone().and_then(|()| fields.end()).is_some()
}

/// datatypes.html#time
pub(super) fn is_time(value: &[u8]) -> bool {
    let mut fields = Fields(value);
    fields.time().and_then(|()| fields.end()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_a_precision_and_exists() {
        for date in ["1974", "1974-12", "1974-12-25", "2024-02-29", "2000-02-29", "0001"] {
            assert!(is_date(date.as_bytes()), "{date}");
        }
        for date in [
            "",
            "74",
            "1974-13",
            "1974-00",
            "1974-1",
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-12-25T",
            "2024-12-25T10:00:00Z",
            "0000",
            "2024-",
            "2024-12-2x",
            " 2024",
            "２０２４",
        ] {
            assert!(!is_date(date.as_bytes()), "{date}");
        }
    }

    #[test]
    fn a_date_time_with_a_time_has_seconds_and_a_zone() {
        for time in ["2024", "2024-05-06", "2024-05-06T07:08:09Z", "2024-05-06T23:59:60.123456789-14:00"] {
            assert!(is_date_time(time.as_bytes()), "{time}");
        }
        for time in [
            "2024-05T07:08:09Z",
            "2024-05-06T07:08Z",
            "2024-05-06T07:08:09",
            "2024-05-06T24:00:00Z",
            "2024-05-06T07:60:00Z",
            "2024-05-06T07:08:09.Z",
            "2024-05-06T07:08:09+15:00",
            "2024-05-06 07:08:09Z",
            "2024-05-06T07:08:09+14:30",
            "2024-05-06T07:08:09ZZ",
            "2024-05-06T07:08:09z",
        ] {
            assert!(!is_date_time(time.as_bytes()), "{time}");
        }
    }

    #[test]
    fn an_instant_is_complete_and_a_time_has_no_zone() {
        assert!(is_instant(b"2024-05-06T07:08:09.1+02:00"));
        assert!(!is_instant(b"2024-05-06") && !is_instant(b"2024-05-06T07:08:09"));
        assert!(is_time(b"07:08:09") && is_time(b"07:08:09.5"));
        assert!(!is_time(b"07:08") && !is_time(b"07:08:09Z") && !is_time(b"24:00:00"));
    }
}
