//! Answers: as many as there may be, of the type of the question, within its bounds, among its options.

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use super::{Inquiry, bound, item, option};
use crate::report::Report;

pub(super) fn check(inquiry: &Inquiry<'_>, definition: Value<'_>, given: Value<'_>, kind: &str, report: &mut Report) {
    let answers: Vec<_> = read::items(given, "answer").collect();
    if let Some(second) = answers.get(1).filter(|_| !read::is_true(definition, "repeats")) {
        report.error(second.index(), IssueType::Structure, "expected one answer: the item does not repeat");
    }
    option::check_exclusive(definition, &answers, report);
    for answer in answers {
        if let Some((type_name, value)) = read::choice(answer, "value") {
            check_value(inquiry, definition, kind, (type_name, value, answer), report);
        }
        item::check_level(inquiry, definition, answer, report);
    }
}

/// The name of the type of an answer, its value, and the answer itself.
pub(super) type Answer<'a> = (&'a str, Value<'a>, Value<'a>);

fn check_value(inquiry: &Inquiry<'_>, definition: Value<'_>, kind: &str, answer: Answer<'_>, report: &mut Report) {
    let (type_name, value, _) = answer;
    let types = types(kind, definition);
    if types.is_empty() || types.iter().any(|known| known.eq_ignore_ascii_case(type_name)) {
        bound::check(definition, kind, answer, report);
        return option::check(inquiry, definition, kind, answer, report);
    }
    let expected = format!("expected an answer of type {}, found {type_name}", types.join(" or "));
    report.error(value.index(), IssueType::Invariant, expected);
}

/// The types of `value[x]` that answer a type of item; none when any may. Options may have a type beside Coding.
pub(in super::super) fn types(kind: &str, definition: Value<'_>) -> &'static [&'static str] {
    match kind {
        "boolean" => &["boolean"],
        "decimal" => &["decimal"],
        "integer" => &["integer"],
        "date" => &["date"],
        "dateTime" => &["dateTime"],
        "time" => &["time"],
        "text" => &["string"],
        "string" if allows_other_types(definition) => &["string", "Coding"],
        "string" => &["string"],
        "url" => &["uri"],
        "attachment" => &["Attachment"],
        "reference" => &["Reference"],
        "quantity" => &["Quantity"],
        "choice" | "open-choice" | "coding" => &["Coding", "date", "time", "integer", "string", "Reference"],
        _ => &[],
    }
}

/// R5: `optionsOrString` and `optionsOrType`.
fn allows_other_types(definition: Value<'_>) -> bool {
    definition.member("answerConstraint").is_some()
}
