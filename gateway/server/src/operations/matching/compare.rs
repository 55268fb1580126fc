//! How far two values agree. Everything here is symmetric.

use std::sync::LazyLock;

use rphonetic::DoubleMetaphone;

use super::person::{Address, Identifier};

/// Jaro-Winkler similarity from which two words are taken for spellings of one.
const SIMILAR: f64 = 0.9;
/// Characters below which a word is too short to be misspelled or heard.
const SHORT: usize = 4;
/// Digits that two phone numbers must share at least.
const SHORT_PHONE: usize = 7;
/// Digits that a country code and a trunk prefix come to.
const LONGEST_PREFIX: usize = 4;

/// How two words agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Words {
    /// Not at all.
    Different,
    /// They sound alike.
    Sound,
    /// They are spelled alike.
    Similar,
    /// They are the same.
    Same,
}

/// How two dates of birth agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dates {
    /// They are different days.
    Different,
    /// One is the year of the other.
    SameYear,
    /// One is the month of the other.
    SameMonth,
    /// One digit is another one, or two neighbours stand in each other's place.
    Slip,
    /// Day and month stand in each other's place.
    Transposed,
    /// The same.
    Same,
}

/// Compares two folded words.
#[must_use]
pub(super) fn words(one: &str, other: &str) -> Words {
    if one == other {
        return Words::Same;
    }
    if one.chars().count().min(other.chars().count()) < SHORT {
        return Words::Different;
    }
    // The matching of characters is greedy: which side goes first may tell.
    let similarity = strsim::jaro_winkler(one, other).max(strsim::jaro_winkler(other, one));
    if similarity >= SIMILAR {
        return Words::Similar;
    }
    if sounds(one, other) { Words::Sound } else { Words::Different }
}

fn sounds(one: &str, other: &str) -> bool {
    static SOUND: LazyLock<DoubleMetaphone> = LazyLock::new(DoubleMetaphone::default);
    let is_latin = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_latin(one) || !is_latin(other) {
        return false;
    }
    let (one, other) = (SOUND.double_metaphone(one), SOUND.double_metaphone(other));
    let codes = [one.primary(), one.alternate()];
    let others = [other.primary(), other.alternate()];
    codes.iter().any(|code| code.len() > 1 && others.contains(code))
}

/// Compares two dates of FHIR; none when one of them is no date.
#[must_use]
pub(super) fn dates(one: &str, other: &str) -> Option<Dates> {
    if !is_date(one) || !is_date(other) {
        return None;
    }
    if one == other {
        return Some(if one.len() == 10 { Dates::Same } else { of_length(one.len()) });
    }
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    if short.len() < long.len() {
        return Some(if long.starts_with(short) { of_length(short.len()) } else { Dates::Different });
    }
    if one.len() < 10 {
        return Some(Dates::Different);
    }
    let (year, month, day) = (one.get(..4), one.get(5..7), one.get(8..));
    if (year, month, day) == (other.get(..4), other.get(8..), other.get(5..7)) {
        return Some(Dates::Transposed);
    }
    Some(if is_slip(one, other) { Dates::Slip } else { Dates::Different })
}

const fn of_length(length: usize) -> Dates {
    if length == 4 { Dates::SameYear } else { Dates::SameMonth }
}

fn is_date(text: &str) -> bool {
    let digits =
        |from: usize, to: usize| text.get(from..to).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let dash = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    match text.len() {
        4 => digits(0, 4),
        7 => digits(0, 4) && dash(4) && digits(5, 7),
        10 => digits(0, 4) && dash(4) && digits(5, 7) && dash(7) && digits(8, 10),
        _ => false,
    }
}

/// Of two texts of one length.
fn is_slip(one: &str, other: &str) -> bool {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<u8>>();
    let (one, other) = (digits(one), digits(other));
    let differing: Vec<usize> = (0..one.len()).filter(|at| one.get(*at) != other.get(*at)).collect();
    match differing.as_slice() {
        [_] => true,
        [first, second] => {
            second - first == 1 && one.get(*first) == other.get(*second) && one.get(*second) == other.get(*first)
        }
        _ => false,
    }
}

/// Whether two phone numbers are one: by their digits, with or without the prefix of a country (`+49 30 …`, `0049 30 …`, `030 …`).
#[must_use]
pub(super) fn phones(one: &str, other: &str) -> bool {
    let (one, other) = (subscriber(one), subscriber(other));
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    short.len() >= SHORT_PHONE && long.ends_with(short.as_str()) && long.len() - short.len() <= LONGEST_PREFIX
}

/// Its digits, without the zeros that a call across the country or its border begins with.
fn subscriber(phone: &str) -> String {
    // `+49 (0)30`: the zero is for calls within the country.
    let digits: String = phone.replace("(0)", "").chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

/// How two identifiers agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identifiers {
    /// The same system, and another value.
    Other,
    /// They say nothing about each other.
    Unrelated,
    /// The same value and type, where one of them names no system.
    SameType,
    /// The same system and value.
    Same,
}

/// Compares two identifiers.
#[must_use]
pub(super) fn identifiers(one: &Identifier, other: &Identifier) -> Identifiers {
    let is_same = one.value == other.value;
    match (&one.system, &other.system) {
        (Some(system), Some(named)) if system == named => match is_same {
            true => Identifiers::Same,
            false if one.is_old || other.is_old => Identifiers::Unrelated,
            false => Identifiers::Other,
        },
        (Some(_), Some(_)) => Identifiers::Unrelated,
        _ if is_same && one.kind.is_some() && one.kind == other.kind => Identifiers::SameType,
        _ => Identifiers::Unrelated,
    }
}

/// How two addresses agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// They say nothing: people move.
    Other,
    /// The same postal code.
    Area,
    /// The same street and house, in the same place.
    Same,
}

/// Compares two addresses.
#[must_use]
pub(super) fn addresses(one: &Address, other: &Address) -> Addresses {
    let both = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    let is_area = both(&one.postal_code, &other.postal_code);
    let is_unknown = one.postal_code.is_none() || other.postal_code.is_none();
    let is_place = is_area || (is_unknown && both(&one.city, &other.city));
    let is_line = match (&one.line, &other.line) {
        (Some(one), Some(other)) => lines(one, other),
        _ => false,
    };
    match (is_place, is_line) {
        (true, true) => Addresses::Same,
        _ if is_area => Addresses::Area,
        _ => Addresses::Other,
    }
}

/// The same numbers, and words that are spelled alike: `Hauptstr. 5` and `Hauptstrasse 5`.
fn lines(one: &str, other: &str) -> bool {
    let digits = |line: &str| line.chars().filter(char::is_ascii_digit).collect::<String>();
    let similarity = strsim::jaro_winkler(one, other).max(strsim::jaro_winkler(other, one));
    digits(one) == digits(other) && similarity >= SIMILAR
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_same_spelled_alike_heard_alike_or_different() {
        assert_eq!(words("muller", "muller"), Words::Same);
        assert_eq!(words("muller", "mueller"), Words::Similar);
        assert_eq!(words("schmidt", "smith"), Words::Sound);
        assert_eq!(words("meyer", "schulz"), Words::Different);
        assert_eq!(words("li", "lo"), Words::Different, "too short to be a slip");
        assert_eq!(words("иванов", "петров"), Words::Different);
    }

    #[test]
    fn dates_of_birth_know_the_slips_of_clerks() {
        assert_eq!(dates("1980-02-11", "1980-02-11"), Some(Dates::Same));
        assert_eq!(dates("1980-02-11", "1980-11-02"), Some(Dates::Transposed));
        assert_eq!(dates("1980-02-11", "1980-02-17"), Some(Dates::Slip));
        assert_eq!(dates("1978-02-11", "1987-02-11"), Some(Dates::Slip));
        assert_eq!(dates("1980-02-11", "1980"), Some(Dates::SameYear));
        assert_eq!(dates("1980-02", "1980-02-11"), Some(Dates::SameMonth));
        assert_eq!(dates("1980", "1980"), Some(Dates::SameYear));
        assert_eq!(dates("1980-02-11", "1991-07-30"), Some(Dates::Different));
        assert_eq!(dates("1980-02", "1980-03-02"), Some(Dates::Different));
        for no_date in ["", "1980-2-1", "1980-02-11T00", "abcd", "19é0"] {
            assert_eq!(dates(no_date, "1980-02-11"), None, "{no_date}");
        }
    }

    #[test]
    fn a_phone_number_is_one_in_national_and_international_form() {
        assert!(phones("+49 30 123 45 67", "030/1234567"));
        assert!(phones("0049301234567", "+49 (0)30 1234567"));
        assert!(phones("(555) 123-4567", "+1 555 123 4567"));
        assert!(!phones("030 1234567", "030 1234568"));
        assert!(!phones("110", "110"), "too short to be anybody's");
    }

    #[test]
    fn addresses_agree_by_place_and_line() {
        let address = |code: &str, city: &str, line: &str| Address {
            postal_code: (!code.is_empty()).then(|| code.to_owned()),
            city: (!city.is_empty()).then(|| city.to_owned()),
            line: (!line.is_empty()).then(|| line.to_owned()),
        };
        let home = address("10115", "berlin", "hauptstrasse 5");
        assert_eq!(addresses(&home, &address("10115", "", "hauptstr 5")), Addresses::Same);
        assert_eq!(addresses(&home, &address("", "berlin", "hauptstrasse 5")), Addresses::Same);
        assert_eq!(addresses(&home, &address("10115", "berlin", "hauptstrasse 7")), Addresses::Area);
        assert_eq!(addresses(&home, &address("80331", "berlin", "hauptstrasse 5")), Addresses::Other);
        assert_eq!(addresses(&home, &Address::default()), Addresses::Other);
    }
}
