//! `enableWhen` (questionnaire-definitions.html#Questionnaire.item.enableWhen), as far as it can be told from the response.

use fhir::json::Value;

use super::super::read;

const EXPRESSION: &str = "enableWhenExpression";

/// Whether an item is enabled; none where that cannot be told.
pub(super) fn is_enabled(definition: Value<'_>, response: Value<'_>) -> Option<bool> {
    let has_expression = read::items(definition, "extension")
        .any(|extension| read::text(extension, "url").is_some_and(|url| url.ends_with(EXPRESSION)));
    if has_expression {
        return None;
    }
    let outcomes: Vec<_> = read::items(definition, "enableWhen").map(|condition| is_met(condition, response)).collect();
    if outcomes.is_empty() {
        return Some(true);
    }
    match read::text(definition, "enableBehavior").as_deref() {
        Some("any") if outcomes.contains(&Some(true)) => Some(true),
        Some("any") if outcomes.iter().all(|outcome| *outcome == Some(false)) => Some(false),
        Some("any") => None,
        _ if outcomes.len() > 1 && definition.member("enableBehavior").is_none() => None,
        _ if outcomes.contains(&Some(false)) => Some(false),
        _ if outcomes.iter().all(|outcome| *outcome == Some(true)) => Some(true),
        _ => None,
    }
}

fn is_met(condition: Value<'_>, response: Value<'_>) -> Option<bool> {
    let question = read::text(condition, "question")?;
    let operator = read::text(condition, "operator")?;
    let (type_name, expected) = read::choice(condition, "answer")?;
    let mut items = Vec::new();
    gather(response, &question, &mut items);
    // Within repeats it is not told here which of the items is meant.
    if items.len() > 1 {
        return None;
    }
    let answers: Vec<_> = items.iter().flat_map(|item| read::items(*item, "answer")).collect();
    if operator == "exists" {
        return Some(answers.is_empty() != expected.boolean()?);
    }
    if answers.is_empty() {
        return (operator != "!=").then_some(false);
    }
    let mut is_any = false;
    for answer in answers {
        let (answer_type, value) = read::choice(answer, "value")?;
        if answer_type != type_name {
            return None;
        }
        is_any = is_any || compare(&operator, value, expected)?;
    }
    Some(is_any)
}

fn gather<'a>(holder: Value<'a>, question: &str, items: &mut Vec<Value<'a>>) {
    for item in read::items(holder, "item") {
        if read::has_text(item, "linkId", question) {
            items.push(item);
        }
        gather(item, question, items);
        read::items(item, "answer").for_each(|answer| gather(answer, question, items));
    }
}

fn compare(operator: &str, value: Value<'_>, expected: Value<'_>) -> Option<bool> {
    if matches!(operator, "=" | "!=") {
        return is_equal(value, expected).map(|is_equal| is_equal == (operator == "="));
    }
    let (left, right) = (value.number()?.parse::<f64>().ok()?, expected.number()?.parse::<f64>().ok()?);
    Some(match operator {
        ">" => left > right,
        "<" => left < right,
        ">=" => left >= right,
        "<=" => left <= right,
        _ => return None,
    })
}

fn is_equal(value: Value<'_>, expected: Value<'_>) -> Option<bool> {
    if let (Some(left), Some(right)) = (value.number(), expected.number()) {
        return Some(left.parse::<f64>().ok()? == right.parse::<f64>().ok()?);
    }
    if let (Some(left), Some(right)) = (value.text(), expected.text()) {
        return Some(left == right);
    }
    if let (Some(left), Some(right)) = (value.boolean(), expected.boolean()) {
        return Some(left == right);
    }
    let (code, expected_code) = (read::text(value, "code")?, read::text(expected, "code")?);
    let (system, expected_system) = (read::text(value, "system"), read::text(expected, "system"));
    Some(code == expected_code && (system == expected_system || expected_system.is_none()))
}
