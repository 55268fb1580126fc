//! Literals: numbers, dates and times.

use super::SyntaxError;
use super::lexer::Lexer;
use super::token::TokenKind;
use crate::temporal::{Temporal, TemporalKind};

/// `42`, `42L`, `4.20`. A point that no digit follows is a path.
pub(super) fn number(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let (offset, rest) = (lexer.at, lexer.rest());
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    let fraction = rest.get(whole..).and_then(|tail| tail.strip_prefix('.')).map_or(0, digits);
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    let text = rest.get(..length).unwrap_or_default();
    lexer.at += length;
    let too_long = |_| SyntaxError::new(offset, "expected a number that fits");
    if fraction > 0 {
        return text.parse().map(TokenKind::Decimal).map_err(|_| too_long(()));
    }
    let value: i64 = text.parse().map_err(|_| too_long(()))?;
    if lexer.rest().starts_with('L') {
        lexer.at += 1;
        return Ok(TokenKind::Long(value));
    }
    if value > i64::from(i32::MAX) + 1 {
        return Err(too_long(()));
    }
    Ok(TokenKind::Integer(value))
}

/// `@2015-02-04T14:34:28+01:00`, `@T14:34`
pub(super) fn temporal(lexer: &mut Lexer<'_>) -> Result<TokenKind, SyntaxError> {
    let offset = lexer.at;
    lexer.at += 1;
    let rest = lexer.rest();
    let length = length(rest);
    let text = rest.get(..length).unwrap_or_default();
    lexer.at += length;
    let value = match text.strip_prefix('T') {
        Some(time) => Temporal::parse_time(time),
        None => Temporal::parse_date(text).filter(|value| value.offset.is_none() || value.kind != TemporalKind::Date),
    };
    value
        .map(TokenKind::Temporal)
        .ok_or_else(|| SyntaxError::new(offset, "expected a date, dateTime or time behind `@`"))
}

/// How far the literal reaches: a `-` or `+` belongs to it only where a field or a zone can stand, and `.` only before
/// a digit, so that `@2015.is(Date)` and `@2012-01-01-1 day` are read as meant.
fn length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut cursor = 0;
    let digits =
        |at: usize, count: usize| bytes.get(at..at + count).is_some_and(|field| field.iter().all(u8::is_ascii_digit));
    if digits(0, 4) {
        cursor = 4;
        for _ in 0..2 {
            if bytes.get(cursor) == Some(&b'-') && digits(cursor + 1, 2) {
                cursor += 3;
            }
        }
    }
    if bytes.get(cursor) != Some(&b'T') {
        return cursor;
    }
    cursor += 1;
    if !digits(cursor, 2) {
        return cursor;
    }
    cursor += 2;
    while bytes.get(cursor) == Some(&b':') && digits(cursor + 1, 2) {
        cursor += 3;
    }
    if bytes.get(cursor) == Some(&b'.') && digits(cursor + 1, 1) {
        cursor +=
            1 + bytes.get(cursor + 1..).map_or(0, |tail| tail.iter().take_while(|byte| byte.is_ascii_digit()).count());
    }
    match bytes.get(cursor) {
        Some(b'Z') => cursor + 1,
        Some(b'+' | b'-') if digits(cursor + 1, 2) && bytes.get(cursor + 3) == Some(&b':') && digits(cursor + 4, 2) => {
            cursor + 6
        }
        _ => cursor,
    }
}
