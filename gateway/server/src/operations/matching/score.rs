//! How sure it is that two records are of one person: points for each element, and what they come to.

use super::compare::{self, Addresses, Dates, Identifiers, Words};
use super::person::{Name, Person};

/// Points from which a match is certain, when nothing contradicts it and nobody else comes near.
pub const CERTAIN: i32 = 85;
/// Points from which it is probable.
pub const PROBABLE: i32 = 60;
/// Points from which it is possible. What has fewer is no match.
pub const POSSIBLE: i32 = 40;
/// Points by which all others must lie behind one that is certain.
pub const LEAD: i32 = 15;

macro_rules! weights {
    ($($name:ident = ($element:literal, $agreement:literal, $points:literal);)*) => {
        $(const $name: i32 = $points;)*

        /// Element, agreement and points of every rule: the table of `MATCH.md`.
        pub const WEIGHTS: &[(&str, &str, i32)] = &[$(($element, $agreement, $points),)*];
    };
}

weights! {
    IDENTIFIER_SAME = ("identifier", "same system and value", 60);
    IDENTIFIER_TYPE = ("identifier", "same type and value, one without a system", 35);
    IDENTIFIER_OTHER = ("identifier", "same system, no value in common", -25);
    FAMILY_SAME = ("family", "same", 20);
    FAMILY_SIMILAR = ("family", "spelled alike", 14);
    FAMILY_PART = ("family", "a part in common", 12);
    FAMILY_SOUND = ("family", "sounds alike", 10);
    FAMILY_OTHER = ("family", "different", -15);
    GIVEN_SAME = ("given", "first name the same", 15);
    GIVEN_SIMILAR = ("given", "first name spelled alike", 10);
    GIVEN_PART = ("given", "first name of one among the others of the other", 10);
    GIVEN_BEGINS = ("given", "one begins with the other", 8);
    GIVEN_SOUND = ("given", "first name sounds alike", 7);
    GIVEN_INITIAL = ("given", "one is the initial of the other", 5);
    GIVEN_OTHER = ("given", "different", -15);
    BIRTH_SAME = ("birthDate", "same day", 25);
    BIRTH_TRANSPOSED = ("birthDate", "day and month transposed", 18);
    BIRTH_SLIP = ("birthDate", "one digit different or two neighbours transposed", 15);
    BIRTH_MONTH = ("birthDate", "same month, no day in one of them", 12);
    BIRTH_YEAR = ("birthDate", "same year, no month in one of them", 8);
    BIRTH_OTHER = ("birthDate", "different", -30);
    GENDER_SAME = ("gender", "same", 3);
    GENDER_OTHER = ("gender", "male and female", -10);
    PHONE_SAME = ("telecom", "a phone number in common", 10);
    EMAIL_SAME = ("telecom", "a mail address in common", 10);
    ADDRESS_SAME = ("address", "same line in the same place", 12);
    ADDRESS_AREA = ("address", "same postal code", 4);
}

/// What two records come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// 0 to 100.
    pub points: i32,
    /// Whether an element of one speaks against the other.
    pub is_contradicted: bool,
}

/// match-grade (http://hl7.org/fhir/ValueSet/match-grade).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The one.
    Certain,
    /// To be looked at first.
    Probable,
    /// To be looked at.
    Possible,
    /// No match.
    CertainlyNot,
}

impl Grade {
    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Probable => "probable",
            Self::Possible => "possible",
            Self::CertainlyNot => "certainly-not",
        }
    }
}

impl Score {
    /// Scores two records. Which is asked for and which was found makes no difference.
    #[must_use]
    pub fn of(one: &Person, other: &Person) -> Self {
        let parts = [
            identifiers(one, other),
            names(one, other),
            birth(one, other),
            gender(one, other),
            (telecom(one, other), false),
            (address(one, other), false),
        ];
        let points: i32 = parts.iter().map(|(points, _)| points).sum();
        Self { points: points.clamp(0, 100), is_contradicted: parts.iter().any(|(_, contradicts)| *contradicts) }
    }

    /// As `Bundle.entry.search.score` has it: 0 to 1.
    #[must_use]
    pub fn fraction(self) -> String {
        format!("{}.{:02}", self.points / 100, self.points % 100)
    }

    /// The grade of a match when the best of the others has so many points.
    #[must_use]
    pub const fn grade(self, best_other: i32) -> Grade {
        match self.points {
            CERTAIN.. if !self.is_contradicted && self.points - best_other >= LEAD => Grade::Certain,
            PROBABLE.. => Grade::Probable,
            POSSIBLE.. => Grade::Possible,
            _ => Grade::CertainlyNot,
        }
    }
}

/// The best agreement of any two, and what speaks against: a system in which both have values and none in common.
fn identifiers(one: &Person, other: &Person) -> (i32, bool) {
    let mut best = 0;
    for ours in &one.identifiers {
        for theirs in &other.identifiers {
            best = best.max(match compare::identifiers(ours, theirs) {
                Identifiers::Same => IDENTIFIER_SAME,
                Identifiers::SameType => IDENTIFIER_TYPE,
                Identifiers::Other | Identifiers::Unrelated => 0,
            });
        }
    }
    let is_contradicted = one.identifiers.iter().any(|ours| {
        let of_system = || one.identifiers.iter().filter(|known| known.system == ours.system);
        let against = |theirs| compare::identifiers(ours, theirs) == Identifiers::Other;
        let agrees = |ours, theirs| compare::identifiers(ours, theirs) == Identifiers::Same;
        let in_common = || of_system().any(|ours| other.identifiers.iter().any(|theirs| agrees(ours, theirs)));
        other.identifiers.iter().any(against) && !in_common()
    });
    (if is_contradicted { best + IDENTIFIER_OTHER } else { best }, is_contradicted)
}

/// The best of any two names: family and given of one name belong together.
fn names(one: &Person, other: &Person) -> (i32, bool) {
    let pairs = one.names.iter().flat_map(|ours| other.names.iter().map(move |theirs| name(ours, theirs)));
    // Among equals the one that is not contradicted.
    pairs.max_by_key(|(points, contradicts)| (*points, !contradicts)).unwrap_or((0, false))
}

fn name(one: &Name, other: &Name) -> (i32, bool) {
    let (family, given) = (family(&one.family_words, &other.family_words), given(&one.given_words, &other.given_words));
    (family + given, family < 0 || given < 0)
}

fn family(one: &[String], other: &[String]) -> i32 {
    if one.is_empty() || other.is_empty() {
        return 0;
    }
    let best = match compare::words(&one.join(" "), &other.join(" ")) {
        Words::Same => return FAMILY_SAME,
        Words::Similar => return FAMILY_SIMILAR,
        Words::Sound => FAMILY_SOUND,
        Words::Different => FAMILY_OTHER,
    };
    // `van`, `de`, `al` are in too many names to tell anything.
    let tells = |word: &&String| word.chars().count() > 3;
    let is_part = one.iter().filter(tells).any(|word| other.contains(word));
    if is_part { best.max(FAMILY_PART) } else { best }
}

fn given(one: &[String], other: &[String]) -> i32 {
    let (Some(first), Some(theirs)) = (one.first(), other.first()) else { return 0 };
    let by_words = match compare::words(first, theirs) {
        Words::Same => return GIVEN_SAME,
        Words::Similar => GIVEN_SIMILAR,
        Words::Sound => GIVEN_SOUND,
        Words::Different => GIVEN_OTHER,
    };
    let is_part = one.contains(theirs) || other.contains(first);
    let by_part = if is_part { GIVEN_PART } else { GIVEN_OTHER };
    by_words.max(by_part).max(beginning(first, theirs))
}

fn beginning(one: &str, other: &str) -> i32 {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    match short.chars().count() {
        _ if !long.starts_with(short) => GIVEN_OTHER,
        1 => GIVEN_INITIAL,
        2 => GIVEN_OTHER,
        _ => GIVEN_BEGINS,
    }
}

fn birth(one: &Person, other: &Person) -> (i32, bool) {
    let (Some(ours), Some(theirs)) = (&one.birth_date, &other.birth_date) else { return (0, false) };
    match compare::dates(ours, theirs) {
        Some(Dates::Same) => (BIRTH_SAME, false),
        Some(Dates::Transposed) => (BIRTH_TRANSPOSED, false),
        Some(Dates::Slip) => (BIRTH_SLIP, false),
        Some(Dates::SameMonth) => (BIRTH_MONTH, false),
        Some(Dates::SameYear) => (BIRTH_YEAR, false),
        Some(Dates::Different) => (BIRTH_OTHER, true),
        None => (0, false),
    }
}

fn gender(one: &Person, other: &Person) -> (i32, bool) {
    match (&one.gender, &other.gender) {
        (Some(ours), Some(theirs)) if ours == theirs => (GENDER_SAME, false),
        (Some(_), Some(_)) => (GENDER_OTHER, true),
        _ => (0, false),
    }
}

fn telecom(one: &Person, other: &Person) -> i32 {
    let shared = |ours: &[String], theirs: &[String], same: fn(&str, &str) -> bool| {
        ours.iter().any(|mine| theirs.iter().any(|yours| same(mine, yours)))
    };
    let phone = if shared(&one.phones, &other.phones, compare::phones) { PHONE_SAME } else { 0 };
    let email = if shared(&one.emails, &other.emails, |mine, yours| mine == yours) { EMAIL_SAME } else { 0 };
    phone + email
}

fn address(one: &Person, other: &Person) -> i32 {
    let pairs = one.addresses.iter().flat_map(|ours| other.addresses.iter().map(move |theirs| (ours, theirs)));
    let points = pairs.map(|(ours, theirs)| match compare::addresses(ours, theirs) {
        Addresses::Same => ADDRESS_SAME,
        Addresses::Area => ADDRESS_AREA,
        Addresses::Other => 0,
    });
    points.max().unwrap_or(0)
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
