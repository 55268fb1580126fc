//! Times: microseconds since 1970 in the database, an instant in `meta`, `SystemTime` in replies.

use std::time::{Duration, SystemTime};

use time::OffsetDateTime;

/// Micros in the precision that `meta.lastUpdated` has: what is searched for is what is shown.
pub(crate) const PRECISION: i64 = 1_000;

/// Microseconds of a time, rounded down to [`PRECISION`].
pub(crate) fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    micros - micros % PRECISION
}

/// The time of microseconds.
pub(crate) fn system_time(micros: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// `2026-11-24T06:15:00.123Z`
pub(crate) fn instant(micros: i64) -> String {
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.millisecond()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_milliseconds_and_kept_in_them() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_500_900_123_456);
        let kept = micros(time);
        assert_eq!(instant(kept), "2026-11-24T06:15:00.123Z");
        assert_eq!(system_time(kept), SystemTime::UNIX_EPOCH + Duration::from_micros(1_795_500_900_123_000));
    }
}
