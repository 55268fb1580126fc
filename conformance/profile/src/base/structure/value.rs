//! Values and profiles that an element definition names are of the right kind
//! (elementdefinition.html).

use definitions::Family;
use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(element: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    check_values(element, report);
    for of in read::items(element, "type") {
        check_profiles(of, subject, report);
        check_targets(of, subject, report);
    }
}

/// A fixed value or a pattern is of a type that the element may have.
fn check_values(element: Value<'_>, report: &mut Report) {
    let types: Vec<_> = read::items(element, "type").filter_map(|of| read::text(of, "code")).collect();
    let is_open = |code: &str| code.contains('/') || matches!(code, "*" | "Element" | "Resource" | "DataType");
    if types.is_empty() || types.iter().any(|code| is_open(code)) {
        return;
    }
    for name in ["fixed", "pattern"] {
        let Some((kind, value)) = read::choice(element, name) else { continue };
        if !types.iter().any(|code| code.eq_ignore_ascii_case(kind)) {
            let expected =
                format!("expected a value of one of the element's types ({}), found {kind}", types.join(", "));
            report.error(value.index(), IssueType::BusinessRule, expected);
        }
    }
}

/// The profile of a type is one of that type.
fn check_profiles(of: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    // The profile of a backbone element is that of a part of a resource (elementdefinition-profile-element).
    let code = read::text(of, "code").filter(|code| !matches!(&**code, "BackboneElement" | "Element"));
    let Some(code) = code else { return };
    for profile in read::items(of, "profile") {
        let Some(known) = profile.text().and_then(|url| structure_type(&url, subject)) else { continue };
        let is_near = |one: &str, other: &str| subject.definitions.type_named(one).is_none_or(|it| it.is_a(other));
        if subject.definitions.type_named(&code).is_some() && !is_near(&known, &code) && !is_near(&code, &known) {
            let expected = format!("expected a profile of {code}, found one of {known}");
            report.error(profile.index(), IssueType::BusinessRule, expected);
        }
    }
}

/// What a reference leads to is a resource.
fn check_targets(of: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for target in read::items(of, "targetProfile") {
        let Some(known) = target.text().and_then(|url| structure_type(&url, subject)) else { continue };
        let known = subject.definitions.type_named(&known);
        if let Some(known) = known.filter(|known| !known.is_abstract() && known.family() != Family::Resource) {
            let expected = format!("expected a profile of a resource as the target, found one of {}", known.name());
            report.error(target.index(), IssueType::BusinessRule, expected);
        }
    }
}

fn structure_type(url: &str, subject: &Subject<'_>) -> Option<String> {
    subject.validator.registry().structure(url).map(|structure| structure.type_.clone())
}
