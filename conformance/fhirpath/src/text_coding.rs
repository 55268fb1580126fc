//! `encode`, `decode`, `escape`, `unescape`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// The text in that encoding; `None` for an unknown one.
pub(crate) fn encode(text: &str, format: &str) -> Option<String> {
    match format {
        "hex" => Some(text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })),
        "base64" => Some(STANDARD.encode(text)),
        "urlbase64" => Some(URL_SAFE.encode(text)),
        _ => None,
    }
}

/// The text of an encoding; `None` where it is not one, or not of UTF-8.
pub(crate) fn decode(text: &str, format: &str) -> Option<String> {
    let bytes = match format {
        "hex" => hexadecimal(text)?,
        "base64" => STANDARD.decode(text).ok()?,
        "urlbase64" => URL_SAFE.decode(text).ok()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let (pairs, rest) = (digits.as_ref()?.chunks_exact(2), text.len() % 2);
    (rest == 0).then(|| pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}

const HTML: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
const JSON: [(char, &str); 7] =
    [('\\', "\\\\"), ('"', "\\\""), ('\n', "\\n"), ('\r', "\\r"), ('\t', "\\t"), ('\u{c}', "\\f"), ('\u{8}', "\\b")];

fn table(format: &str) -> Option<&'static [(char, &'static str)]> {
    match format {
        "html" => Some(&HTML),
        "json" => Some(&JSON),
        _ => None,
    }
}

/// The text with what the format cannot hold escaped.
pub(crate) fn escape(text: &str, format: &str) -> Option<String> {
    let table = table(format)?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match table.iter().find(|(plain, _)| *plain == character) {
            Some((_, escape)) => escaped.push_str(escape),
            None => escaped.push(character),
        }
    }
    Some(escaped)
}

/// The text with the format's escapes resolved.
pub(crate) fn unescape(text: &str, format: &str) -> Option<String> {
    let table = table(format)?;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (character, length) = table
            .iter()
            .find(|(_, escape)| rest.starts_with(escape))
            .map_or((first, first.len_utf8()), |(character, escape)| (*character, escape.len()));
        plain.push(character);
        rest = rest.get(length..).unwrap_or_default();
    }
    Some(plain)
}
