//! Equality of JSON values as `test` has it (RFC 6902 4.6): numbers by their value, objects whatever the order of their members.

use std::borrow::Cow;

use fhir::json::{Kind, Value, lexer};

/// Whether two values are equal. Recursion ends at the depth that a scan takes.
pub(crate) fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::Object, Kind::Object) => {
            let (left, right) = (members(left), members(right));
            left.len() == right.len()
                && left.iter().zip(&right).all(|((name, left), (other, right))| name == other && equal(*left, *right))
        }
        (Kind::Array, Kind::Array) => {
            left.children().count() == right.children().count()
                && left.children().zip(right.children()).all(|(left, right)| equal(left, right))
        }
        (Kind::Number, Kind::Number) => number(left).is_some_and(|left| number(right) == Some(left)),
        (Kind::String | Kind::EscapedString, Kind::String | Kind::EscapedString) => left.text() == right.text(),
        (left, right) => left == right && matches!(left, Kind::Null | Kind::True | Kind::False),
    }
}

fn members(object: Value<'_>) -> Vec<(Cow<'_, [u8]>, Value<'_>)> {
    let mut members: Vec<_> = object.children().map(|member| (spelled(member.name_bytes()), member)).collect();
    members.sort_by(|(left, _), (right, _)| left.cmp(right));
    members
}

fn spelled(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'\\') {
        return Cow::Borrowed(name);
    }
    let mut spelled = Vec::with_capacity(name.len());
    lexer::unescape(name, &mut spelled);
    Cow::Owned(spelled)
}

/// A number as its sign, its digits without zeros at either end, and the power of ten of the last of them.
fn number(value: Value<'_>) -> Option<(bool, String, i64)> {
    let text = value.number()?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let kept = digits.trim_end_matches('0');
    if kept.is_empty() {
        return Some((false, String::new(), 0));
    }
    // An exponent beyond 64 bits is that of no number that a system has.
    let exponent = exponent.trim_start_matches('+').parse::<i64>().ok()?;
    let shift = (digits.len() - kept.len()) as i64 - fraction.len() as i64;
    Some((negative, kept.to_owned(), exponent.checked_add(shift)?))
}
