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
    let is_absolute = reference.contains("://");
    if (!is_absolute && reference.contains(':')) || reference.contains(['?', '|', '#']) {
        return Literal::Other;
    }
    let path = reference.split_once("/_history/").map_or(reference, |(before, _)| before);
    let Some((before, id)) = path.rsplit_once('/') else { return Literal::Other };
    let name = before.rsplit('/').next().unwrap_or_default();
    let is_name =
        name.starts_with(|first: char| first.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphabetic());
    if !is_name || !fhir::id::is_id(id.as_bytes()) {
        return Literal::Other;
    }
    match (is_absolute, before == name) {
        (true, _) => Literal::Absolute(name),
        (false, true) => Literal::Relative(name),
        (false, false) => Literal::Other,
    }
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
