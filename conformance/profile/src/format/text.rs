//! Strings, codes, URIs, ids and binary.

/// datatypes.html#string: at most 1,048,576 characters. Control characters should not, but may, be there; only NUL is refused,
/// which no back end and no XML can hold.
pub(super) fn is_string(value: &[u8]) -> bool {
    !value.contains(&0) && (value.len() <= MAX_LENGTH || characters(value) <= MAX_LENGTH)
}

const MAX_LENGTH: usize = 1024 * 1024;

fn characters(value: &[u8]) -> usize {
    value.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// datatypes.html#code: no space at the ends, single spaces within.
pub(super) fn is_code(value: &[u8]) -> bool {
    if is_solid(value) {
        return !value.is_empty();
    }
    let mut after_space = true;
    for byte in value {
        let is_space = is_space(*byte);
        if is_space && after_space {
            return false;
        }
        after_space = is_space;
    }
    !after_space
}

/// Whether there is certainly no space: decided many bytes at a time.
#[inline]
fn is_solid(value: &[u8]) -> bool {
    value.iter().fold(u8::MAX, |least, byte| least.min(*byte)) > b' '
}

#[inline]
const fn is_space(byte: u8) -> bool {
    byte <= b' ' && matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}

/// datatypes.html#uri, and element ids: no space.
pub(crate) fn has_no_space(value: &[u8]) -> bool {
    is_solid(value) || !value.iter().any(|byte| is_space(*byte))
}

/// datatypes.html#oid
pub(super) fn is_oid(value: &[u8]) -> bool {
    let Some(arcs) = value.strip_prefix(b"urn:oid:") else { return false };
    let mut arcs = arcs.split(|byte| *byte == b'.');
    let root = arcs.next();
    let is_arc =
        |arc: &[u8]| arc == b"0" || matches!(arc, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    let mut count = 0;
    matches!(root, Some(b"0" | b"1" | b"2"))
        && arcs.all(|arc| {
            count += 1;
            is_arc(arc)
        })
        && count > 0
}

/// datatypes.html#uuid
pub(super) fn is_uuid(value: &[u8]) -> bool {
    let Some(uuid) = value.strip_prefix(b"urn:uuid:") else { return false };
    uuid.len() == 36
        && uuid.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// datatypes.html#base64Binary: whole groups of four, padding at the end only; white space is tolerated.
pub(super) fn is_base64(value: &[u8]) -> bool {
    let (mut digits, mut padding) = (0_usize, 0_usize);
    for byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => digits += 1,
            b'=' => padding += 1,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => return false,
        }
    }
    padding <= 2 && digits > 0 && (digits + padding).is_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_no_space_at_their_ends_and_single_spaces_within() {
        for code in ["a", "a b", "a-b c"] {
            assert!(is_code(code.as_bytes()), "{code:?}");
        }
        for code in ["", " ", " a", "a ", "a  b", "a\n\nb"] {
            assert!(!is_code(code.as_bytes()), "{code:?}");
        }
    }

    #[test]
    fn oids_uuids_and_base64_follow_their_grammar() {
        for oid in ["urn:oid:1.2.3", "urn:oid:2.16.840.1.113883.0"] {
            assert!(is_oid(oid.as_bytes()), "{oid}");
        }
        for oid in ["1.2.3", "urn:oid:3.1", "urn:oid:1", "urn:oid:1.02", "urn:oid:1..2", "urn:oid:1.2."] {
            assert!(!is_oid(oid.as_bytes()), "{oid}");
        }
        assert!(is_uuid(b"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"));
        assert!(!is_uuid(b"urn:uuid:C757873D-EC9A-4326-A141-556F43239520"));
        assert!(!is_uuid(b"c757873d-ec9a-4326-a141-556f43239520"));
        for text in ["QQ==", "QUI=", "QUJD", "QU JD\n"] {
            assert!(is_base64(text.as_bytes()), "{text:?}");
        }
        for text in ["", "QQ=", "QQ", "Q===", "Q=Q=", "QU!D"] {
            assert!(!is_base64(text.as_bytes()), "{text:?}");
        }
    }
}
