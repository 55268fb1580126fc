//! Bounds of answers: `maxLength`, and the extensions for the least and the most, decimal places, media types, sizes.

use fhir::IssueType;
use fhir::json::{Document, Value};
use fhirpath::{Environment, Item, Program};

use super::super::read;
use super::answer::Answer;
use crate::report::Report;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
const SDC: &str = "http://hl7.org/fhir/uv/sdc/StructureDefinition/";

pub(super) fn check(definition: Value<'_>, kind: &str, (_, value, answer): Answer<'_>, report: &mut Report) {
    match kind {
        "string" | "text" | "url" => check_length(definition, value, report),
        "integer" | "decimal" | "date" | "dateTime" | "time" => check_range(definition, value, report),
        "quantity" => check_quantity(definition, value, report),
        "attachment" => check_attachment(definition, value, answer, report),
        _ => {}
    }
    if kind == "decimal" {
        check_places(definition, value, report);
    }
}

fn extension<'a>(definition: Value<'a>, base: &str, name: &str) -> Option<Value<'a>> {
    read::extension_value(definition, &format!("{base}{name}"))
}

fn number(value: Option<Value<'_>>) -> Option<f64> {
    value?.number()?.parse().ok()
}

fn check_length(definition: Value<'_>, value: Value<'_>, report: &mut Report) {
    let Some(length) = value.text().map(|text| text.chars().count() as f64) else { return };
    let (least, most) = (number(extension(definition, CORE, "minLength")), number(definition.member("maxLength")));
    if least.is_some_and(|least| length < least) {
        report.error(
            value.index(),
            IssueType::Invariant,
            format!("expected {} characters or more", least.unwrap_or_default()),
        );
    }
    if most.is_some_and(|most| length > most) {
        report.error(
            value.index(),
            IssueType::Invariant,
            format!("expected at most {} characters", most.unwrap_or_default()),
        );
    }
}

/// Numbers are compared as such; dates and times as text, as far as both say something.
fn check_range(definition: Value<'_>, value: Value<'_>, report: &mut Report) {
    let (least, most) = (extension(definition, CORE, "minValue"), extension(definition, CORE, "maxValue"));
    if let Some(least) = least.filter(|least| is_less(value, *least)) {
        report.error(value.index(), IssueType::Invariant, format!("expected {} or more", written(least)));
    }
    if let Some(most) = most.filter(|most| is_less(*most, value)) {
        report.error(value.index(), IssueType::Invariant, format!("expected {} at most", written(most)));
    }
}

fn is_less(left: Value<'_>, right: Value<'_>) -> bool {
    if let (Some(left), Some(right)) = (number(Some(left)), number(Some(right))) {
        return left < right;
    }
    let (Some(left), Some(right)) = (left.text(), right.text()) else { return false };
    let shared = left.len().min(right.len());
    // A zone makes two moments incomparable as text.
    let is_plain = |text: &str| !text.contains('T');
    is_plain(&left) && is_plain(&right) && left.get(..shared) < right.get(..shared)
}

fn written(value: Value<'_>) -> String {
    String::from_utf8_lossy(value.raw()).chars().filter(|c| *c != '"' && !c.is_control()).take(40).collect()
}

fn check_places(definition: Value<'_>, value: Value<'_>, report: &mut Report) {
    let Some(most) = number(extension(definition, CORE, "maxDecimalPlaces")) else { return };
    let places = value.number().and_then(|number| number.split_once('.')).map_or(0, |(_, places)| places.len());
    if places as f64 > most {
        report.error(value.index(), IssueType::Invariant, format!("expected at most {most} decimal places"));
    }
}

/// sdc-questionnaire-minQuantity and -maxQuantity. Without units of a system there is nothing to compare by.
fn check_quantity(definition: Value<'_>, value: Value<'_>, report: &mut Report) {
    for (name, is_least) in [("minQuantity", true), ("maxQuantity", false)] {
        let bound = extension(definition, SDC, &format!("sdc-questionnaire-{name}"))
            .or_else(|| extension(definition, CORE, if is_least { "minValue" } else { "maxValue" }));
        let Some(bound) = bound.filter(|bound| bound.member("value").is_some()) else { continue };
        let side = if is_least { "or more" } else { "at most" };
        let limit = bound.member("value").map(written).unwrap_or_default();
        let is_right = if is_least { is_at_most(bound, value) } else { is_at_most(value, bound) };
        match is_right {
            Some(true) => {}
            Some(false) => report.error(value.index(), IssueType::Invariant, format!("expected {limit} {side}")),
            None => {
                let expected = format!("expected units of one system, so that {limit} {side} can be told");
                report.error(value.index(), IssueType::Invariant, expected);
            }
        }
    }
}

/// None where the quantities cannot be compared.
fn is_at_most(left: Value<'_>, right: Value<'_>) -> Option<bool> {
    let unit = |quantity| Some((read::text(quantity, "system")?, read::text(quantity, "code")?));
    let (left_value, right_value) = (left.member("value")?.number()?, right.member("value")?.number()?);
    let ((left_system, left_code), (right_system, right_code)) = (unit(left)?, unit(right)?);
    if left_system != right_system {
        return None;
    }
    if left_code == right_code {
        return Some(left_value.parse::<f64>().ok()? <= right_value.parse::<f64>().ok()?);
    }
    let is_quotable = |code: &str| !code.contains(['\'', '\\', '`']) && code.len() < 64;
    if left_system != "http://unitsofmeasure.org" || !is_quotable(&left_code) || !is_quotable(&right_code) {
        return None;
    }
    let expression = format!("{left_value} '{left_code}' <= {right_value} '{right_code}'");
    let program = Program::compile(&expression, fhir::Version::R4).ok()?;
    let environment = Environment::new(Document::new(b"", &[]));
    match program.evaluate(&environment).ok()?.iter().next()? {
        Item::Boolean(is_at_most) => Some(*is_at_most),
        _ => None,
    }
}

fn check_attachment(definition: Value<'_>, value: Value<'_>, answer: Value<'_>, report: &mut Report) {
    let content_type = read::text(value, "contentType");
    let allowed: Vec<_> = read::items(definition, "extension")
        .filter(|extension| read::has_text(*extension, "url", &format!("{CORE}mimeType")))
        .filter_map(|extension| read::text(extension, "valueCode"))
        .collect();
    if let Some(found) = content_type.filter(|found| !allowed.is_empty() && !allowed.contains(found)) {
        let expected = format!("expected an attachment of {}, found {found}", allowed.join(", "));
        report.error(answer.index(), IssueType::Required, expected);
    }
    let Some(most) = number(extension(definition, CORE, "maxSize")) else { return };
    let size =
        value.member("size").and_then(|size| size.number().map(str::to_owned).or_else(|| size.text().map(Into::into)));
    if let Some(size) = size.and_then(|size: String| size.parse::<f64>().ok()).filter(|size| *size > most) {
        report.error(answer.index(), IssueType::Required, format!("expected a size of at most {most}, found {size}"));
    }
}
