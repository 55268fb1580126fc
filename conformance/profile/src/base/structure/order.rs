//! A differential has the order of the elements that it speaks of (elementdefinition.html#path, profiling.html): otherwise it
//! cannot be told to which slice an element belongs.

use std::cmp::Ordering;

use definitions::Definitions;
use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use super::path::{self, Place};
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(differential: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let mut before: Option<Vec<u8>> = None;
    for element in read::items(differential, "element") {
        let Some(path) = element.member("path").and_then(Value::text) else { continue };
        // What cannot be placed says nothing of the order.
        let Some(place) = place(&path, subject.definitions) else { return };
        if before.as_deref().is_some_and(|before| is_too_late(before, &place)) {
            let expected = format!("expected the elements in the order of the type, found `{path}` too late");
            report.error(element.index(), IssueType::BusinessRule, expected);
        }
        before = Some(place);
    }
}

/// The ordinals of the elements on the way from the root.
fn place(path: &str, definitions: &'static Definitions) -> Option<Vec<u8>> {
    let ends = path.match_indices('.').map(|(at, _)| at).chain([path.len()]);
    let mut place = Vec::new();
    for end in ends.skip(1) {
        match path::resolve(path.get(..end)?, definitions) {
            Place::Known(element) => place.push(element.ordinal()),
            Place::Open | Place::Unknown => return None,
        }
    }
    Some(place)
}

/// Of two elements that follow each other. One that is around the other begins a further slice.
fn is_too_late(before: &[u8], place: &[u8]) -> bool {
    let difference = before.iter().zip(place).map(|(before, after)| before.cmp(after)).find(|it| it.is_ne());
    difference == Some(Ordering::Greater)
}

#[cfg(test)]
mod tests {
    use fhir::Version;

    use super::*;

    #[test]
    fn an_element_is_too_late_behind_one_that_the_type_has_later() {
        let place = |path| place(path, definitions::of(Version::R4)).unwrap_or_default();
        let is_late = |before, after| is_too_late(&place(before), &place(after));
        assert!(is_late("Patient.gender", "Patient.name"));
        assert!(is_late("Patient.contact.gender", "Patient.contact.name"));
        assert!(!is_late("Patient.contact.gender", "Patient.contact"));
        assert!(!is_late("Patient.name", "Patient.gender"));
        assert!(!is_late("Patient.deceasedBoolean", "Patient.deceased[x]"));
    }
}
