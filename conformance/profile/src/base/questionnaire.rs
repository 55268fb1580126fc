//! Questionnaires (questionnaire.html): conditions refer to other questions that can be answered.

use std::collections::HashMap;

use fhir::IssueType;
use fhir::json::Value;

use super::response::types;
use super::{question, read};
use crate::report::Report;

/// The items of a Questionnaire in order, by link id.
type Items<'a> = HashMap<String, Value<'a>>;

pub(super) fn check(questionnaire: Value<'_>, report: &mut Report) {
    let mut items = Items::new();
    gather(questionnaire, &mut items);
    for item in items.values() {
        question::check(*item, report);
        for condition in read::items(*item, "enableWhen") {
            check_condition(condition, *item, &items, report);
        }
    }
}

fn gather<'a>(holder: Value<'a>, items: &mut Items<'a>) {
    for item in read::items(holder, "item") {
        if let Some(link_id) = read::text(item, "linkId") {
            items.insert(link_id.into_owned(), item);
        }
        gather(item, items);
    }
}

fn check_condition(condition: Value<'_>, item: Value<'_>, items: &Items<'_>, report: &mut Report) {
    let Some(question) = read::text(condition, "question") else { return };
    let Some(target) = items.get(&*question) else {
        let expected = format!("expected the linkId of an item, found `{question}`");
        return report.error(condition.index(), IssueType::BusinessRule, expected);
    };
    check_answer(condition, *target, report);
    let is_own = target.index() == item.index();
    let is_inner = target.index() > item.index() && target.index() < item.node().after;
    if is_own || is_inner {
        let expected = "expected a question outside the item that it enables";
        report.error(condition.index(), IssueType::BusinessRule, expected);
    } else if target.index() > item.index() {
        let expected = format!("expected a question before the item that it enables, found `{question}` behind it");
        report.warning(condition.index(), IssueType::BusinessRule, expected);
    }
}

/// A condition that no answer can meet is doubtful: the type of the question has no such values.
fn check_answer(condition: Value<'_>, target: Value<'_>, report: &mut Report) {
    let kind = read::text(target, "type").unwrap_or_default();
    let is_exists = read::has_text(condition, "operator", "exists");
    if matches!(&*kind, "group" | "display") {
        let expected = format!("expected a question that can be answered, found an item of type {kind}");
        return report.warning(condition.index(), IssueType::BusinessRule, expected);
    }
    let Some((found, value)) = read::choice(condition, "answer").filter(|_| !is_exists) else { return };
    let types = types(&kind, target);
    if !types.is_empty() && !types.iter().any(|known| known.eq_ignore_ascii_case(found)) {
        let expected = format!("expected an answer of type {}, as the question has, found {found}", types.join(" or "));
        report.warning(value.index(), IssueType::BusinessRule, expected);
    }
}
