//! One item of a Questionnaire (questionnaire-definitions.html): values that it names are of its type, bounds leave room for an
//! answer.

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use super::response::types;
use crate::report::Report;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(super) fn check(item: Value<'_>, report: &mut Report) {
    let kind = read::text(item, "type").unwrap_or_default();
    for list in ["initial", "answerOption"] {
        read::items(item, list).for_each(|holder| check_type(holder, item, (&kind, list), report));
    }
    check_bounds(item, report);
}

/// The type of an initial value and of an option agrees with that of the item.
fn check_type(holder: Value<'_>, item: Value<'_>, (kind, list): (&str, &str), report: &mut Report) {
    let Some((found, value)) = read::choice(holder, "value") else { return };
    let types = types(kind, item);
    if !types.is_empty() && !types.iter().any(|known| known.eq_ignore_ascii_case(found)) {
        let expected = format!("expected `{list}` of type {}, as the item is, found {found}", types.join(" or "));
        report.error(value.index(), IssueType::BusinessRule, expected);
    }
}

/// The least and the most of something, by their extensions.
fn check_bounds(item: Value<'_>, report: &mut Report) {
    let bound = |name: &str| number(read::extension_value(item, &format!("{CORE}{name}")));
    let most = bound("questionnaire-maxOccurs");
    check_room(item, bound("questionnaire-minOccurs"), most, report);
    check_room(item, bound("minValue"), bound("maxValue"), report);
    check_room(item, bound("minLength"), number(item.member("maxLength")), report);
    if most.is_some_and(|most| most > 1.0) && item.member("repeats").and_then(Value::boolean) == Some(false) {
        report.warning(item.index(), IssueType::BusinessRule, "expected an item with a most above 1 to repeat");
    }
}

fn check_room(item: Value<'_>, least: Option<f64>, most: Option<f64>, report: &mut Report) {
    if let (Some(least), Some(most)) = (least, most)
        && least > most
    {
        let expected = format!("expected a least of {most} at most, which is the most, found {least}");
        report.warning(item.index(), IssueType::BusinessRule, expected);
    }
}

fn number(value: Option<Value<'_>>) -> Option<f64> {
    value?.number()?.parse().ok()
}
