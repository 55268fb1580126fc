//! The lexical rules of JSON (RFC 8259) over bytes that are known to be UTF-8. Shared by every scanner of ours, so that all
//! of them take and refuse the same tokens.

use super::{Fault, SyntaxError};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The first offset at or behind `at` that is not white space.
#[inline]
#[must_use]
pub fn skip_space(bytes: &[u8], at: usize) -> usize {
    // Most JSON on the wire has none.
    match bytes.get(at) {
        Some(byte) if *byte > b' ' => at,
        _ => skip_some_space(bytes, at),
    }
}

fn skip_some_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// A string that has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Offset of the closing quote.
    pub close: usize,
    /// Whether it has escapes: then its bytes are not its text.
    pub escaped: bool,
}

/// Reads a string whose opening quote stands just before `start`.
///
/// # Errors
/// When it does not end, has a raw control character, an unknown escape or a lone surrogate.
#[inline]
pub fn string(bytes: &[u8], start: usize) -> Result<Quoted, SyntaxError> {
    let close = next_special(bytes, start);
    if bytes.get(close) == Some(&b'"') { Ok(Quoted { close, escaped: false }) } else { escaped_string(bytes, close) }
}

/// The same behind the first backslash, control character or the end.
#[inline(never)]
fn escaped_string(bytes: &[u8], mut at: usize) -> Result<Quoted, SyntaxError> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(Quoted { close: at, escaped: true }),
            Some(b'\\') => at = escape(bytes, at)?,
            Some(_) => return Err(SyntaxError::new(at, Fault::ControlCharacter)),
            None => return Err(SyntaxError::new(at, Fault::OpenString)),
        }
        at = next_special(bytes, at);
    }
}

/// The length of a member name of up to sixteen bytes that starts at `start`, has no escape, and is followed by `":` and at most one
/// space, which is what nearly all are; and where, from `start`, its value stands. None says nothing.
#[inline]
#[must_use]
pub fn short_name(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let window = bytes.get(start..)?.first_chunk::<20>()?;
    let [head, tail] = [window.first_chunk::<8>()?, window.get(8..)?.first_chunk::<8>()?];
    let found = specials(u64::from_le_bytes(*head));
    let length = match found {
        0 => 8 + (specials(u64::from_le_bytes(*tail)).trailing_zeros() / 8) as usize,
        _ => (found.trailing_zeros() / 8) as usize,
    };
    match window.get(length..)? {
        [b'"', b':', next, ..] if *next > b' ' => Some((length, length + 2)),
        [b'"', b':', b' ', next, ..] if *next > b' ' => Some((length, length + 3)),
        _ => None,
    }
}

/// The first quote, backslash or control character at or behind `at`, eight bytes a step.
#[inline]
fn next_special(bytes: &[u8], at: usize) -> usize {
    let (chunks, rest) = bytes.get(at..).unwrap_or_default().as_chunks::<8>();
    let mut place = at;
    for chunk in chunks {
        let found = specials(u64::from_le_bytes(*chunk));
        if found != 0 {
            return place + (found.trailing_zeros() / 8) as usize;
        }
        place += 8;
    }
    place + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// High bits at the special bytes of a chunk. A borrow can mark a byte too many, but only above a true one.
#[inline]
const fn specials(chunk: u64) -> u64 {
    let quote = chunk ^ (ONES * b'"' as u64);
    let slash = chunk ^ (ONES * b'\\' as u64);
    let control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
    ((quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash) | control) & HIGH
}

/// Checks the escape whose backslash stands at `at`; returns the offset behind it.
#[cold]
fn escape(bytes: &[u8], at: usize) -> Result<usize, SyntaxError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex(bytes, at + 2)? {
            0xD800..=0xDBFF => low_surrogate(bytes, at),
            0xDC00..=0xDFFF => Err(SyntaxError::new(at, Fault::LoneSurrogate)),
            _ => Ok(at + 6),
        },
        _ => Err(SyntaxError::new(at, Fault::Escape)),
    }
}

fn low_surrogate(bytes: &[u8], high: usize) -> Result<usize, SyntaxError> {
    let low = high + 6;
    if bytes.get(low..low + 2) != Some(b"\\u".as_slice()) || !matches!(hex(bytes, low + 2)?, 0xDC00..=0xDFFF) {
        return Err(SyntaxError::new(high, Fault::LoneSurrogate));
    }
    Ok(low + 6)
}

fn hex(bytes: &[u8], at: usize) -> Result<u32, SyntaxError> {
    let digits = bytes.get(at..at + 4).ok_or(SyntaxError::new(bytes.len(), Fault::OpenString))?;
    digits.iter().try_fold(0, |value, digit| {
        let digit = (*digit as char).to_digit(16).ok_or(SyntaxError::new(at, Fault::Escape))?;
        Ok(value << 4 | digit)
    })
}

/// Reads a number that starts at `start`; returns the offset behind it.
///
/// # Errors
/// When it breaks the grammar: a leading zero or plus, no digit around the point or in the exponent.
#[inline]
pub fn number(bytes: &[u8], start: usize) -> Result<usize, SyntaxError> {
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        Some(b'1'..=b'9') => digits(bytes, at),
        _ => return Err(SyntaxError::new(start, Fault::Number)),
    };
    if bytes.get(at).is_some_and(u8::is_ascii_digit) {
        return Err(SyntaxError::new(start, Fault::Number));
    }
    if bytes.get(at) == Some(&b'.') {
        at = some_digits(bytes, at + 1, start)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = some_digits(bytes, at + 1 + sign, start)?;
    }
    Ok(at)
}

fn digits(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

fn some_digits(bytes: &[u8], at: usize, start: usize) -> Result<usize, SyntaxError> {
    let end = digits(bytes, at);
    if end == at { Err(SyntaxError::new(start, Fault::Number)) } else { Ok(end) }
}

/// Reads `word`, of which the first letter stands at `at`; returns the offset behind it.
///
/// # Errors
/// When something else stands there.
#[inline]
pub fn literal(bytes: &[u8], at: usize, word: &'static str) -> Result<usize, SyntaxError> {
    let end = at + word.len();
    if bytes.get(at..end) == Some(word.as_bytes()) { Ok(end) } else { Err(SyntaxError::new(at, Fault::Value)) }
}

/// Writes the text of a string into `out`, behind what is there: `raw` is what stands between its quotes and has passed
/// [`string`].
pub fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(slash) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at(slash);
        out.extend_from_slice(plain);
        rest = unescape_one(escape, out);
    }
    out.extend_from_slice(rest);
}

/// Writes what the escape at the front says; returns what is behind it.
fn unescape_one<'a>(escape: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut length = 2;
    match escape.get(1) {
        Some(b'b') => out.push(8),
        Some(b'f') => out.push(12),
        Some(b'n') => out.push(b'\n'),
        Some(b'r') => out.push(b'\r'),
        Some(b't') => out.push(b'\t'),
        Some(b'u') => {
            let mut code = hex(escape, 2).unwrap_or_default();
            length = 6;
            if (0xD800..0xDC00).contains(&code) {
                let low = hex(escape, 8).unwrap_or_default();
                code = 0x10000 + ((code - 0xD800) << 10) + (low & 0x3FF);
                length = 12;
            }
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(byte) => out.push(*byte),
        None => {}
    }
    escape.get(length..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescape_says_what_serde_json_says() {
        for raw in [r#"plain"#, r#"a\"b\\\/\b\f\n\r\t"#, r#"\u00e9\u0000\uD83D\uDE00x"#, r#"\u2028 \\u0041"#] {
            let mut out = Vec::new();
            unescape(raw.as_bytes(), &mut out);
            let expected: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
