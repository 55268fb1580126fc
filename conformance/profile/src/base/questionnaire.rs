//! Questionnaires (questionnaire.html): conditions refer to other questions that can be answered.

use std::collections::HashMap;

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;

/// The items of a Questionnaire in order, by link id.
type Items<'a> = HashMap<String, Value<'a>>;

pub(super) fn check(questionnaire: Value<'_>, report: &mut Report) {
    let mut items = Items::new();
    gather(questionnaire, &mut items);
    for item in items.values() {
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
