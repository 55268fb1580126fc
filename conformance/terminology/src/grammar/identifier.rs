//! URIs, OIDs, UUIDs, and identifiers with check digits.

/// Whether a text is an absolute URI (RFC 3986 4.3), a UUID or an OID where it says so.
#[must_use]
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || rest.is_empty() || text.contains(|symbol: char| symbol.is_whitespace() || symbol.is_control()) {
        return false;
    }
    if let Some(oid) = text.strip_prefix("urn:oid:") {
        return is_oid(oid);
    }
    text.strip_prefix("urn:uuid:").is_none_or(is_uuid)
}

/// Whether a text is an OID: `2.16.840.1.113883`.
#[must_use]
pub fn is_oid(text: &str) -> bool {
    let is_arc =
        |arc: &str| arc == "0" || !arc.starts_with('0') && !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit());
    text.starts_with(['0', '1', '2']) && text.contains('.') && text.split('.').all(is_arc)
}

/// Whether a text is a UUID, in whatever case.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    let is_part = |length: usize, part: &str| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    LENGTHS.into_iter().all(|length| parts.next().is_some_and(|part| is_part(length, part))) && parts.next().is_none()
}

/// Whether a text is a US National Provider Identifier: ten digits of which the last is the check digit of ISO/IEC 7812 over
/// the number with 80840 before it (45 CFR 162.406).
#[must_use]
pub fn is_npi(text: &str) -> bool {
    // 24 is what the prefix 80840 adds.
    text.len() == 10 && text.starts_with(['1', '2']) && luhn(text).is_some_and(|sum| (sum + 24) % 10 == 0)
}

/// Whether a text has the form of a LOINC code: digits, a hyphen and their check digit. Of parts, answers and groups (LP, LA,
/// LL, LG) only the form counts.
#[must_use]
pub fn is_loinc_form(text: &str) -> bool {
    let part = ["LP", "LA", "LG", "LL"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let Some((digits, check)) = part.unwrap_or(text).split_once('-') else { return false };
    let sum = luhn(&format!("{digits}{check}"));
    (1..=8).contains(&digits.len()) && check.len() == 1 && sum.is_some_and(|sum| part.is_some() || sum % 10 == 0)
}

/// Whether a text has the form of a SNOMED CT identifier: 6 to 18 digits, the last a check digit of Verhoeff's scheme.
#[must_use]
pub fn is_snomed_form(text: &str) -> bool {
    (6..=18).contains(&text.len()) && !text.starts_with('0') && verhoeff(text) == Some(0)
}

/// The sum of the digits from the right, every second one doubled.
fn luhn(text: &str) -> Option<u32> {
    text.chars().rev().enumerate().try_fold(0, |sum, (place, digit)| {
        let digit = digit.to_digit(10)?;
        let doubled = if place % 2 == 1 { digit * 2 } else { digit };
        Some(sum + doubled / 10 + doubled % 10)
    })
}

/// The product in the dihedral group of order 10 of the permuted digits from the right; 0 when the check digit holds.
fn verhoeff(text: &str) -> Option<u32> {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    text.chars().rev().enumerate().try_fold(0, |product, (place, digit)| {
        let mut digit = digit.to_digit(10)?;
        for _ in 0..place % 8 {
            digit = *PERMUTATION.get(digit as usize)?;
        }
        Some(dihedral(product, digit))
    })
}

/// Rotations are 0 to 4, reflections 5 to 9.
const fn dihedral(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => 5 + (left + right - 5) % 5,
        (false, true) => 5 + (left - 5 + 5 - right) % 5,
        (false, false) => (left - 5 + 5 - (right - 5)) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_hold_or_not() {
        assert!(is_npi("1234567893") && !is_npi("1234567890") && !is_npi("123456789") && !is_npi("3234567893"));
        assert!(
            is_loinc_form("8480-6") && is_loinc_form("LA28397-0") && !is_loinc_form("8480-7") && !is_loinc_form("x")
        );
        assert!(is_snomed_form("386661006") && is_snomed_form("138875005") && is_snomed_form("73211009"));
        assert!(!is_snomed_form("386661007") && !is_snomed_form("38666100x"));
    }

    #[test]
    fn uris_name_a_scheme_and_keep_their_promise() {
        for text in ["http://x", "urn:oid:1.2.840", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "mailto:a@b"] {
            assert!(is_uri(text), "{text}");
        }
        for text in ["", "x", "urn:oid:1.02", "urn:oid:5.1", "urn:uuid:1", "http://a b", ":x", "1a:x"] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
