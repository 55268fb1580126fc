//! Exact decimals: FHIR forbids to read `0.10` as a binary fraction, and 0.1 + 0.2 is 0.3.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// Most digits behind the point that are kept; more are rounded away (FHIRPath asks for 8, FHIR for 18).
const MAX_SCALE: u32 = 28;
/// Digits behind the point of a quotient that does not end earlier.
const QUOTIENT_SCALE: u32 = 20;
/// Longest literal that is read: no real number is longer, and the work is bounded.
const MAX_DIGITS: usize = 60;

/// `mantissa / 10^scale`. Keeps its trailing zeros, because they are its precision.
#[derive(Clone, Copy)]
pub struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// A text that is no decimal or one that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal of at most {MAX_DIGITS} digits")]
pub struct InvalidDecimal;

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };
    /// One.
    pub const ONE: Self = Self { mantissa: 1, scale: 0 };

    /// `mantissa / 10^scale`, with at most 28 digits behind the point.
    #[must_use]
    pub fn new(mantissa: i128, scale: u32) -> Self {
        if scale <= MAX_SCALE { Self { mantissa, scale } } else { Self { mantissa, scale }.rounded(MAX_SCALE) }
    }

    /// The nearest decimal with 15 significant digits; `None` for what is not finite or too large.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() || value.abs() > 1e30 {
            return None;
        }
        format!("{value:.14e}").parse().ok().map(Self::normalized)
    }

    /// The nearest binary fraction.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Digits behind the point.
    #[must_use]
    pub const fn scale(self) -> u32 {
        self.scale
    }

    /// Significant digits as written; zero has one.
    #[must_use]
    pub fn precision(self) -> u32 {
        self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |digits| digits + 1)
    }

    /// The integer part, towards zero.
    #[must_use]
    pub fn truncated(self) -> i128 {
        power_of_ten(self.scale).map_or(0, |unit| self.mantissa / unit)
    }

    /// Whether there is nothing behind the point but zeros.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.normalized().scale == 0
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Without trailing zeros behind the point.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// Rounded half away from zero to so many digits behind the point.
    #[must_use]
    pub fn rounded(self, scale: u32) -> Self {
        if self.scale <= scale {
            return self;
        }
        let Some(unit) = power_of_ten(self.scale - scale) else { return Self { mantissa: 0, scale } };
        let (quotient, rest) = (self.mantissa / unit, self.mantissa % unit);
        let up = i128::from(rest.abs() >= unit - rest.abs());
        Self { mantissa: quotient + up * rest.signum(), scale }
    }

    /// The largest whole number that is not larger.
    #[must_use]
    pub fn floor(self) -> i128 {
        power_of_ten(self.scale).map_or(0, |unit| self.mantissa.div_euclid(unit))
    }

    /// The smallest whole number that is not smaller.
    #[must_use]
    pub fn ceiling(self) -> i128 {
        let rest = power_of_ten(self.scale).map_or(0, |unit| self.mantissa.rem_euclid(unit));
        self.floor() + i128::from(rest != 0)
    }

    /// The sum, unless it is too large.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { mantissa: left.checked_add(right)?, scale })
    }

    /// The difference, unless it is too large.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.negated()?)
    }

    /// The product, unless it is too large.
    #[must_use]
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let (left, right) = match self.mantissa.checked_mul(other.mantissa) {
            Some(_) => (self, other),
            None => (self.normalized(), other.normalized()),
        };
        Some(Self::new(left.mantissa.checked_mul(right.mantissa)?, left.scale + right.scale))
    }

    /// The quotient, to 20 digits behind the point; `None` for a division by zero.
    #[must_use]
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if other.mantissa == 0 {
            return None;
        }
        let (left, right, _) = self.normalized().aligned(other.normalized())?;
        (1..=QUOTIENT_SCALE).rev().find_map(|scale| {
            let scaled = left.checked_mul(power_of_ten(scale)?)?;
            Some(Self { mantissa: scaled / right, scale }.normalized())
        })
    }

    /// The whole quotient, towards zero.
    #[must_use]
    pub fn checked_whole_div(self, other: Self) -> Option<i128> {
        let (left, right, _) = self.aligned(other)?;
        left.checked_div(right)
    }

    /// What a whole division leaves; it has the sign of the dividend.
    #[must_use]
    pub fn checked_rem(self, other: Self) -> Option<Self> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { mantissa: left.checked_rem(right)?, scale })
    }

    /// With the other sign.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_neg()?, ..self })
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Some((self.scaled(scale)?, other.scaled(scale)?, scale))
    }

    fn scaled(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(power_of_ten(scale - self.scale)?)
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { mantissa: value.into(), scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((left, right, _)) = self.normalized().aligned(other.normalized()) {
            return left.cmp(&right);
        }
        // Too far apart to align: the whole parts differ.
        self.floor().cmp(&other.floor())
    }
}

impl FromStr for Decimal {
    type Err = InvalidDecimal;

    /// Reads `-12.50` and, as JSON allows it, `1.2e-3`.
    fn from_str(text: &str) -> Result<Self, InvalidDecimal> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| InvalidDecimal)?),
            None => (text, 0),
        };
        let (negative, digits) = match number.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, number.strip_prefix('+').unwrap_or(number)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() + fraction.len() > MAX_DIGITS {
            return Err(InvalidDecimal);
        }
        let mut value = Self { mantissa: 0, scale: 0 };
        for (index, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
            value = value.push_digit(byte, index >= whole.len())?;
        }
        let value = value.shifted(exponent).ok_or(InvalidDecimal)?;
        Ok(if negative { Self { mantissa: -value.mantissa, ..value } } else { value })
    }
}

impl Decimal {
    /// Appends a digit; what lies behind the 28th place is dropped.
    fn push_digit(self, byte: u8, fraction: bool) -> Result<Self, InvalidDecimal> {
        if !byte.is_ascii_digit() {
            return Err(InvalidDecimal);
        }
        if fraction && self.scale == MAX_SCALE {
            return Ok(self);
        }
        match self.mantissa.checked_mul(10).and_then(|shifted| shifted.checked_add(i128::from(byte - b'0'))) {
            Some(mantissa) => Ok(Self { mantissa, scale: self.scale + u32::from(fraction) }),
            None if fraction => Ok(self),
            None => Err(InvalidDecimal),
        }
    }

    fn shifted(self, exponent: i32) -> Option<Self> {
        if exponent <= 0 {
            let scale = self.scale.checked_add(exponent.unsigned_abs())?;
            return Some(Self::new(self.mantissa, scale));
        }
        let exponent = exponent.unsigned_abs();
        if exponent <= self.scale {
            return Some(Self { scale: self.scale - exponent, ..self });
        }
        let mantissa = self.mantissa.checked_mul(power_of_ten(exponent - self.scale)?)?;
        Some(Self { mantissa, scale: 0 })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs();
        let Some(unit) = 10u128.checked_pow(self.scale).filter(|_| self.scale > 0) else {
            return write!(f, "{sign}{digits}");
        };
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit, width = self.scale as usize)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decimal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_read_is_written_with_its_zeros() {
        for text in ["0", "1.50", "-0.001", "123456789012345678.90", "100"] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("1.2e-3").to_string(), "0.0012");
        assert_eq!(decimal("1.5E3").to_string(), "1500");
    }

    #[test]
    fn a_tenth_and_two_tenths_are_three_tenths() {
        assert_eq!(decimal("0.1").checked_add(decimal("0.2")), Some(decimal("0.3")));
        assert_eq!(decimal("1.5").checked_mul(decimal("-2")), Some(decimal("-3")));
        assert_eq!(decimal("1").checked_div(decimal("8")), Some(decimal("0.125")));
        assert_eq!(decimal("1").checked_div(decimal("0.0")), None);
        assert_eq!(decimal("-5.5").checked_rem(decimal("2")), Some(decimal("-1.5")));
    }

    #[test]
    fn rounding_goes_away_from_zero_and_floors_go_down() {
        assert_eq!(decimal("2.5").rounded(0), decimal("3"));
        assert_eq!(decimal("-2.5").rounded(0), decimal("-3"));
        assert_eq!(decimal("2.449").rounded(1), decimal("2.4"));
        assert_eq!(decimal("-1.1").floor(), -2);
        assert_eq!(decimal("-1.1").ceiling(), -1);
        assert_eq!(decimal("-1.9").truncated(), -1);
    }

    #[test]
    fn order_holds_where_the_scales_cannot_be_aligned() {
        let large = decimal("100000000000000000000000000000000000");
        assert!(large > decimal("0.0000000000000000000000000001"));
        assert!(decimal("1.0") == decimal("1"));
    }

    #[test]
    fn hostile_texts_are_refused_and_never_panic() {
        for text in ["", ".", "-", "1.2.3", "1e", "1e999999999", "٣", "1e-99999999999", &"9".repeat(61)] {
            assert!(text.parse::<Decimal>().is_err() || text.contains('e'), "{text}");
        }
        let tiny = "1e-2000000000".parse::<Decimal>();
        assert!(tiny.is_ok_and(Decimal::is_zero));
    }
}
