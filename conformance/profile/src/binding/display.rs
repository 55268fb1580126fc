//! The words beside a code (datatypes.html#Coding: they follow the rules of the code system).

use std::borrow::Cow;

use fhir::IssueType;
use fhir::json::{Kind, Value};
use terminology::Known;

use crate::explain::shortened;
use crate::report::Report;
use crate::validator::Subject;

/// Checks the display of a code that is known. Wrong words are an error where HL7 itself says what they are, and the resource
/// is not in another language; elsewhere editions and translations differ.
pub(super) fn check(
    subject: &Subject<'_>,
    coding: Value<'_>,
    code: (&str, &str),
    known: &Known<'_>,
    report: &mut Report,
) {
    let Some(display) = coding.member("display") else { return };
    let (Some(words), Some(found)) = (known.display, display.text()) else { return };
    if words == found || subject.terminology().has_display(code.0, code.1, &found) != Some(false) {
        return;
    }
    let text = format!("expected `{}` as the words for `{}`", shortened(words), shortened(code.1));
    if is_of_hl7(code.0) && found.is_ascii() && is_english(subject, coding) {
        report.error(display.index(), IssueType::Invalid, text);
    } else {
        report.warning(display.index(), IssueType::Invalid, text);
    }
}

fn is_of_hl7(system: &str) -> bool {
    ["http://hl7.org/", "http://terminology.hl7.org/"].iter().any(|host| system.starts_with(host))
        && !system.starts_with("http://hl7.org/fhir/sid/")
}

/// Whether the innermost resource around a node that says its language says English, or none says one.
fn is_english(subject: &Subject<'_>, node: Value<'_>) -> bool {
    let mut language: Option<Cow<'_, str>> = None;
    let mut next = subject.document.root();
    while let Some(around) = next.filter(|around| around.index() < node.index()) {
        if around.kind() == Kind::Object && around.member("resourceType").is_some() {
            language = around.member("language").and_then(Value::text).or(language);
        }
        next = around.children().find(|child| child.node().after > node.index());
    }
    language.is_none_or(|language| language.split('-').next().is_some_and(|first| first.eq_ignore_ascii_case("en")))
}
