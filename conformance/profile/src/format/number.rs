//! Numbers, which have passed the grammar of JSON.

use definitions::Primitive;

/// What is wrong with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numeric {
    /// Nothing.
    Fits,
    /// A fraction or an exponent where a whole number is expected, or `-0`.
    NotWhole,
    /// Too small or too large for its type.
    OutOfRange,
}

/// datatypes.html#integer and its kin: 32 bits, no fraction, no exponent.
pub(crate) fn integer(primitive: Primitive, value: &[u8]) -> Numeric {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let is_negative = digits.len() < value.len();
    if !digits.iter().all(u8::is_ascii_digit) || (is_negative && digits == b"0") {
        return Numeric::NotWhole;
    }
    if digits.len() > 10 {
        return Numeric::OutOfRange;
    }
    let size = digits.iter().fold(0_i64, |size, digit| size * 10 + i64::from(digit - b'0'));
    let number = if is_negative { -size } else { size };
    let range = match primitive {
        Primitive::PositiveInt => 1..=i64::from(i32::MAX),
        Primitive::UnsignedInt => 0..=i64::from(i32::MAX),
        _ => i64::from(i32::MIN)..=i64::from(i32::MAX),
    };
    if range.contains(&number) { Numeric::Fits } else { Numeric::OutOfRange }
}

/// datatypes.html#decimal: any JSON number that readers with 64-bit floats can hold.
pub(crate) fn decimal(value: &[u8]) -> Numeric {
    // Short and without an exponent: cannot overflow.
    if value.len() < 300 && !value.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return Numeric::Fits;
    }
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<f64>().ok());
    if number.is_some_and(f64::is_finite) { Numeric::Fits } else { Numeric::OutOfRange }
}

/// R5 datatypes.html#integer64: a string in JSON.
pub(super) fn is_integer64(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let is_canonical = value == b"0" || matches!(digits.first(), Some(b'1'..=b'9'));
    is_canonical && std::str::from_utf8(value).is_ok_and(|text| text.parse::<i64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_whole_and_of_32_bits() {
        let of = |text: &str| integer(Primitive::Integer, text.as_bytes());
        assert_eq!((of("0"), of("-2147483648"), of("2147483647")), (Numeric::Fits, Numeric::Fits, Numeric::Fits));
        assert_eq!((of("2147483648"), of("-99999999999999")), (Numeric::OutOfRange, Numeric::OutOfRange));
        assert_eq!((of("1.0"), of("1e2"), of("-0")), (Numeric::NotWhole, Numeric::NotWhole, Numeric::NotWhole));
        assert_eq!(integer(Primitive::PositiveInt, b"0"), Numeric::OutOfRange);
        assert_eq!(integer(Primitive::UnsignedInt, b"-1"), Numeric::OutOfRange);
    }

    #[test]
    fn decimals_keep_their_form_but_must_fit() {
        assert_eq!(
            (decimal(b"1.50"), decimal(b"-0.0"), decimal(b"1e300")),
            (Numeric::Fits, Numeric::Fits, Numeric::Fits)
        );
        assert_eq!(decimal(b"1e400"), Numeric::OutOfRange);
    }

    #[test]
    fn a_64_bit_integer_is_a_string() {
        assert!(is_integer64(b"-9223372036854775808") && is_integer64(b"0"));
        assert!(!is_integer64(b"9223372036854775808") && !is_integer64(b"01") && !is_integer64(b"+1"));
    }
}
