//! Items of a response: those of the Questionnaire, in its order, as often as they may, and none missing.

use fhir::IssueType;
use fhir::json::Value;

use super::super::read;
use super::{Inquiry, answer, condition, occurrence};
use crate::report::Report;

pub(super) fn check(inquiry: &Inquiry<'_>, report: &mut Report) {
    check_level(inquiry, inquiry.questionnaire, inquiry.response, report);
}

/// The items below one item, or at the top: `defined` has the items of the Questionnaire, `given` those of the response.
pub(super) fn check_level(inquiry: &Inquiry<'_>, defined: Value<'_>, given: Value<'_>, report: &mut Report) {
    let known: Vec<_> =
        read::items(defined, "item").filter_map(|item| Some((read::text(item, "linkId")?, item))).collect();
    let mut last = 0;
    for item in read::items(given, "item") {
        let Some(link_id) = read::text(item, "linkId") else { continue };
        match known.iter().position(|(known, _)| *known == link_id) {
            Some(position) if position < last => {
                let expected =
                    format!("expected the items in the order of the questionnaire, found `{link_id}` too late");
                report.error(item.index(), IssueType::Structure, expected);
            }
            Some(position) => last = position,
            None => unknown(inquiry, item, &link_id, report),
        }
    }
    for (link_id, definition) in &known {
        let items: Vec<_> =
            read::items(given, "item").filter(|item| read::has_text(*item, "linkId", link_id)).collect();
        check_items(inquiry, link_id, *definition, &items, given, report);
    }
}

fn unknown(inquiry: &Inquiry<'_>, item: Value<'_>, link_id: &str, report: &mut Report) {
    let (code, expected) = if has_item(inquiry.questionnaire, link_id) {
        (IssueType::Structure, format!("expected the item `{link_id}` where the questionnaire has it"))
    } else {
        (IssueType::NotFound, format!("expected an item of the questionnaire, found `{link_id}`"))
    };
    report.error(item.index(), code, expected);
}

fn has_item(holder: Value<'_>, link_id: &str) -> bool {
    read::items(holder, "item").any(|item| read::has_text(item, "linkId", link_id) || has_item(item, link_id))
}

/// The items of one link id at one place.
fn check_items(
    inquiry: &Inquiry<'_>,
    link_id: &str,
    definition: Value<'_>,
    items: &[Value<'_>],
    holder: Value<'_>,
    report: &mut Report,
) {
    let is_enabled = condition::is_enabled(definition, inquiry.response);
    let is_required = read::is_true(definition, "required") && is_enabled == Some(true) && !inquiry.is_unfinished;
    if is_required && !items.iter().any(|item| is_answered(*item, definition)) {
        let expected = format!("expected an answer to the required item `{link_id}`");
        report.error(holder.index(), IssueType::Required, expected);
    }
    if let Some(second) = items.get(1).filter(|_| !read::is_true(definition, "repeats")) {
        let expected = format!("expected one item `{link_id}`: it does not repeat");
        report.error(second.index(), IssueType::Structure, expected);
    }
    occurrence::check(definition, items, is_enabled == Some(true) && !inquiry.is_unfinished, report);
    for item in items {
        if is_enabled == Some(false) && has_answers(*item) {
            let expected = format!("expected no answer to `{link_id}`: the answers that would enable it are not given");
            report.error(item.index(), IssueType::Structure, expected);
        }
        check_item(inquiry, definition, *item, report);
    }
}

fn is_answered(item: Value<'_>, definition: Value<'_>) -> bool {
    let is_group = read::has_text(definition, "type", "group");
    has_answers(item) || is_group && item.member("item").is_some() || item.member("extension").is_some()
}

fn has_answers(item: Value<'_>) -> bool {
    item.member("answer").is_some()
}

fn check_item(inquiry: &Inquiry<'_>, definition: Value<'_>, item: Value<'_>, report: &mut Report) {
    let kind = read::text(definition, "type").unwrap_or_default();
    let (text, expected_text) = (read::text(item, "text"), read::text(definition, "text"));
    if let (Some(text), Some(expected_text)) = (text, expected_text)
        && text.trim() != expected_text.trim()
    {
        report.warning(item.index(), IssueType::Invalid, "expected the text of the questionnaire");
    }
    if matches!(&*kind, "group" | "display" | "question") {
        if has_answers(item) {
            report.error(item.index(), IssueType::Structure, format!("expected no answers to an item of type {kind}"));
        }
    } else {
        answer::check(inquiry, definition, item, &kind, report);
    }
    match (&*kind, item.member("item")) {
        ("group", _) => check_level(inquiry, definition, item, report),
        (_, Some(inner)) => {
            let expected = format!("expected items below the answers to an item of type {kind}, and none beside them");
            report.error(inner.index(), IssueType::Structure, expected);
        }
        _ => {}
    }
}
