//! Strings as searches compare them.

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A string as searches compare it: case and accents folded, runs of white space one space (search.html#string). What is
/// folded already is borrowed.
#[must_use]
pub fn fold(text: &str) -> Cow<'_, str> {
    if is_folded(text) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            folded.push(' ');
        }
        if word.is_ascii() {
            folded.extend(word.bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
        } else {
            fold_word(word, &mut folded);
        }
    }
    Cow::Owned(folded)
}

fn is_folded(text: &str) -> bool {
    let mut last = b' ';
    let plain = text.bytes().all(|byte| {
        let fits = byte.is_ascii_graphic() && !byte.is_ascii_uppercase() || (byte == b' ' && last != b' ');
        last = byte;
        fits
    });
    plain && (last != b' ' || text.is_empty())
}

fn fold_word(word: &str, folded: &mut String) {
    // Lower case first and last: some capitals decompose only then, some decompositions have capitals.
    let lower = word.chars().flat_map(char::to_lowercase);
    for character in DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(lower) {
        if is_combining(character) {
            continue;
        }
        match spelled_out(character) {
            Some(plain) => folded.push_str(plain),
            None => folded.extend(character.to_lowercase()),
        }
    }
}

const fn is_combining(character: char) -> bool {
    matches!(character as u32, 0x300..=0x36F | 0x483..=0x487 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// Letters whose accent is part of them, so that no decomposition takes it off.
const fn spelled_out(character: char) -> Option<&'static str> {
    Some(match character {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_white_space_do_not_count() {
        assert_eq!(fold("Ève"), "eve");
        assert_eq!(fold("E\u{300}VE"), "eve");
        assert_eq!(fold("  van   der\tBerg "), "van der berg");
        assert_eq!(fold("GROẞMÜLLER"), "grossmuller");
        assert_eq!(fold("Łukasz Søren"), "lukasz soren");
        assert_eq!(fold("李明"), "李明");
        assert_eq!(fold(""), "");
    }

    #[test]
    fn what_is_folded_is_borrowed_and_folding_again_changes_nothing() {
        assert!(matches!(fold("van der berg"), Cow::Borrowed(_)));
        for text in ["Ève", " a  b ", "ǅ", "İstanbul", "ﬁ", "Ǆ"] {
            let once = fold(text).into_owned();
            assert_eq!(fold(&once), once, "{text}");
        }
    }
}
