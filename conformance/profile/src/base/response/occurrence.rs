//! How often an item is answered: the extensions questionnaire-minOccurs and questionnaire-maxOccurs.

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use crate::report::Report;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-";

/// The items of one link id at one place. A group occurs as an item, a question by its answers. Too few is wrong where something is
/// there and `is_complete`: whether the item must be there at all is a matter of `required`.
pub(super) fn check(definition: Value<'_>, items: &[Value<'_>], is_complete: bool, report: &mut Report) {
    let bound = |name: &str| {
        let value = read::extension_value(definition, &format!("{CORE}{name}"));
        value.and_then(Value::number).and_then(|number| number.parse::<usize>().ok())
    };
    let (Some(first), least, most) = (items.first(), bound("minOccurs"), bound("maxOccurs")) else { return };
    let is_group = read::has_text(definition, "type", "group");
    let count = match is_group {
        true => items.len(),
        false => items.iter().map(|item| read::items(*item, "answer").count()).sum(),
    };
    let what = if is_group { "groups" } else { "answers" };
    if let Some(most) = most.filter(|most| count > *most) {
        report.error(first.index(), IssueType::Structure, format!("expected at most {most} {what}, found {count}"));
    }
    if let Some(least) = least.filter(|least| is_complete && count > 0 && count < *least) {
        report.error(first.index(), IssueType::Structure, format!("expected at least {least} {what}, found {count}"));
    }
}
