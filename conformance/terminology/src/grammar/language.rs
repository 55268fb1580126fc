//! BCP 47: language tags.

use fhir::Version;

use crate::facts;

/// Whether a text is a language tag (RFC 5646 2.1), of a language that has its two-letter code from ISO 639-1. Longer codes of
/// languages, scripts and regions are told by their form.
#[must_use]
pub fn is_language(text: &str) -> bool {
    is_regular(text) || GRANDFATHERED.iter().any(|tag| tag.eq_ignore_ascii_case(text))
}

fn is_regular(text: &str) -> bool {
    let mut parts = text.split('-').peekable();
    let Some(language) = parts.next() else { return false };
    if language.eq_ignore_ascii_case("x") {
        return parts.peek().is_some() && parts.all(|part| is_alphanumeric(part, 1, 8));
    }
    is_primary(language) && follows(&mut parts)
}

/// What may follow the language: extended languages, script, region, variants, extensions, private use.
fn follows<'t>(parts: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>) -> bool {
    for _ in 0..3 {
        let _ = parts.next_if(|part| is_alphabetic(part, 3, 3));
    }
    let _ = parts.next_if(|part| is_alphabetic(part, 4, 4));
    let _ =
        parts.next_if(|part| is_alphabetic(part, 2, 2) || part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()));
    while parts.next_if(|part| is_variant(part)).is_some() {}
    while let Some(singleton) = parts.next() {
        let is_private = singleton.eq_ignore_ascii_case("x");
        if !is_alphanumeric(singleton, 1, 1) || parts.peek().is_none() {
            return false;
        }
        let least = if is_private { 1 } else { 2 };
        while parts.next_if(|part| is_alphanumeric(part, least, 8)).is_some() {}
    }
    true
}

fn is_primary(language: &str) -> bool {
    match language.len() {
        2 => is_two_letter(language),
        3..=8 => is_alphabetic(language, 3, 8),
        _ => false,
    }
}

/// ISO 639-1, and codes that were withdrawn and stay in the registry.
fn is_two_letter(language: &str) -> bool {
    const WITHDRAWN: [&str; 7] = ["in", "iw", "ji", "jw", "mo", "sh", "tl"];
    const LIST: &str = "http://terminology.hl7.org/ValueSet/Languages";
    let mut clauses = facts::value_sets(Version::R4, LIST).flat_map(|set| &set.includes);
    clauses.any(|clause| clause.codes.as_ref().is_some_and(|codes| codes.has(language, true)))
        || WITHDRAWN.iter().any(|code| code.eq_ignore_ascii_case(language))
}

fn is_variant(part: &str) -> bool {
    is_alphanumeric(part, 5, 8) || is_alphanumeric(part, 4, 4) && part.starts_with(|first: char| first.is_ascii_digit())
}

fn is_alphabetic(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_alphanumeric(part: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Tags of an older registry that do not follow the grammar (RFC 5646 2.1, irregular and regular).
const GRANDFATHERED: [&str; 26] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
    "art-lojban",
    "cel-gaulish",
    "no-bok",
    "no-nyn",
    "zh-guoyu",
    "zh-hakka",
    "zh-min",
    "zh-min-nan",
    "zh-xiang",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_by_their_form_and_their_language() {
        for tag in [
            "en",
            "en-US",
            "de-CH-1996",
            "zh-Hant-TW",
            "es-419",
            "sl-rozaj",
            "x-own",
            "i-klingon",
            "en-a-bbb-x-a",
            "EN",
        ] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "e", "xx", "english-", "en_US", "en-", "en-US-", "x", "en-a", "urn:x", "en US", "123"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
