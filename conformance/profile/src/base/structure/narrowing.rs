//! A differential against the profile that it derives from, where that is known (profiling.html#limitations).

use fhir::IssueType;
use fhir::json::Value;
use package::{ElementDefinition, Structure};

use super::super::read;
use crate::report::Report;
use crate::validator::Subject;

/// Of each element that the base has under the same id: neither looser bounds nor another fixed value.
pub(super) fn check(structure: Value<'_>, differential: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(base) = read::text(structure, "baseDefinition").filter(|base| !is_type(base, subject)) else { return };
    let Some(base) = subject.validator.registry().structure(&base) else { return };
    for element in read::items(differential, "element") {
        if let Some(known) = known(element, &base) {
            check_bounds(element, known, report);
            check_fixed(element, known, report);
        }
    }
}

/// What derives from a type itself is held against the type's own definition.
fn is_type(base: &str, subject: &Subject<'_>) -> bool {
    base.strip_prefix(super::CORE).is_some_and(|name| subject.definitions.type_named(name).is_some())
}

fn known<'s>(element: Value<'_>, base: &'s Structure) -> Option<&'s ElementDefinition> {
    let id = read::text(element, "id")?;
    id.contains('.').then(|| base.element(&id)).flatten()
}

fn check_bounds(element: Value<'_>, known: &ElementDefinition, report: &mut Report) {
    let min = element.member("min").and_then(Value::number).and_then(|min| min.parse::<u32>().ok());
    if min.is_some_and(|min| min < known.min) {
        let expected = format!("expected a min of {} or more, as the base profile demands", known.min);
        report.error(element.index(), IssueType::BusinessRule, expected);
    }
    let (Some(most), Some(max)) = (known.max, read::text(element, "max")) else { return };
    if max.parse::<u32>().map_or(max == "*", |max| max > most) {
        let expected = format!("expected a max of {most} at most, as the base profile says, found {max}");
        report.error(element.index(), IssueType::BusinessRule, expected);
    }
}

fn check_fixed(element: Value<'_>, known: &ElementDefinition, report: &mut Report) {
    let (Some(fixed), Some((_, value))) = (&known.fixed, read::choice(element, "fixed")) else { return };
    let is_literal = value.text().is_some() || value.number().is_some() || value.boolean().is_some();
    if is_literal && value.raw() != &*fixed.json {
        let fixed = String::from_utf8_lossy(&fixed.json);
        report.error(value.index(), IssueType::Value, format!("expected {fixed}, to which the base profile fixes it"));
    }
}
