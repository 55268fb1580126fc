//! Literal references.

/// What a literal reference says about its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal<'a> {
    /// `Patient/1`: a resource of that type.
    Relative(&'a str),
    /// `http://example.org/fhir/Patient/1/_history/2`: a resource of that type, if it is the address of a FHIR server.
    Absolute(&'a str),
    /// A URN, a query, an address of another form: nothing about the type.
    Other,
}

/// Takes a literal reference apart (references.html#literal). Of an absolute URL only the form of the RESTful API is typed, and
/// only when it names a type with a capital; a relative one is `Type/id`.
pub(crate) fn literal(reference: &str) -> Literal<'_> {
    plain(reference).map_or_else(|| any(reference), Literal::Relative)
}

/// The type of `Type/id`, which most are.
#[inline]
fn plain(reference: &str) -> Option<&str> {
    let bytes = reference.as_bytes();
    let end = bytes.iter().position(|byte| !byte.is_ascii_alphabetic()).filter(|end| bytes.get(*end) == Some(&b'/'))?;
    let is_typed = bytes.first().is_some_and(u8::is_ascii_uppercase);
    (is_typed && fhir::id::is_id(bytes.get(end + 1..)?)).then(|| reference.get(..end)).flatten()
}

fn any(reference: &str) -> Literal<'_> {
    let scheme = reference.bytes().position(|byte| byte == b':');
    let is_absolute = scheme.is_some_and(|colon| reference.as_bytes().get(colon + 1..colon + 3) == Some(b"//"));
    if (scheme.is_some() && !is_absolute) || reference.bytes().any(|byte| matches!(byte, b'?' | b'|' | b'#')) {
        return Literal::Other;
    }
    let Some((before, id)) = without_version(reference).rsplit_once('/') else { return Literal::Other };
    let name = before.rsplit_once('/').map_or(before, |(_, name)| name);
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !is_name || !fhir::id::is_id(id.as_bytes()) {
        return Literal::Other;
    }
    match (is_absolute, before.len() == name.len()) {
        (true, _) => Literal::Absolute(name),
        (false, true) => Literal::Relative(name),
        (false, false) => Literal::Other,
    }
}

/// The reference without `/_history/2` at its end.
fn without_version(reference: &str) -> &str {
    let versioned = reference.rsplit_once('/').and_then(|(before, _)| before.strip_suffix("/_history"));
    versioned.unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_reference_says_its_type_when_it_has_the_form_of_the_restful_api() {
        assert_eq!(literal("Patient/1"), Literal::Relative("Patient"));
        assert_eq!(literal("Patient/1/_history/2"), Literal::Relative("Patient"));
        assert_eq!(literal("https://example.org/fhir/Patient/a-1"), Literal::Absolute("Patient"));
        for other in ["urn:uuid:1", "Patient?identifier=x|1", "#p", "#", "", "patient/1", "a/Patient/1", "Patient/"] {
            assert_eq!(literal(other), Literal::Other, "{other}");
        }
    }
}
