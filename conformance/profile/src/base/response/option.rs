//! Options of a question: `answerOption`, and `answerValueSet` as far as it is known.

use std::borrow::Cow;

use fhir::IssueType;
use fhir::json::Value;
use terminology::{Coding, Membership};

use super::super::read;
use super::answer::Answer;
use super::{Inquiry, value_set};
use crate::report::Report;

const EXCLUSIVE: &str = "http://hl7.org/fhir/StructureDefinition/questionnaire-optionExclusive";

/// An answer is one of the options, unless the question is open.
pub(super) fn check(inquiry: &Inquiry<'_>, definition: Value<'_>, kind: &str, answer: Answer<'_>, report: &mut Report) {
    let (type_name, value, _) = answer;
    let is_open = kind == "open-choice" || definition.member("answerConstraint").is_some();
    let mut options =
        read::items(definition, "answerOption").filter_map(|option| read::choice(option, "value")).peekable();
    if options.peek().is_some() {
        let mut of_type = options.filter(|(option_type, _)| *option_type == type_name).peekable();
        let has_of_type = of_type.peek().is_some();
        let is_option = of_type.any(|(_, option)| is_same(option, value));
        if !is_option && !is_open && (has_of_type || type_name == "Coding") {
            report.error(value.index(), IssueType::Invariant, "expected one of the options of the question");
        }
        return;
    }
    // R5: with `optionsOrType` another coding is an answer, too.
    if type_name == "Coding" && !read::has_text(definition, "answerConstraint", "optionsOrType") {
        check_value_set(inquiry, definition, answer, report);
    }
}

/// Codings are the same when system and code are; the words may differ.
fn is_same(option: Value<'_>, value: Value<'_>) -> bool {
    if option.member("code").is_some() || option.member("system").is_some() {
        let part = |coding: Value<'_>, name| read::text(coding, name).map(Cow::into_owned);
        let is_part_same = |name| part(option, name) == part(value, name);
        return is_part_same("code") && (option.member("system").is_none() || is_part_same("system"));
    }
    if option.member("reference").is_some() {
        return read::text(option, "reference") == read::text(value, "reference");
    }
    match (option.text(), value.text()) {
        (Some(option), Some(value)) => option == value,
        (None, None) => option.raw() == value.raw(),
        _ => false,
    }
}

fn check_value_set(inquiry: &Inquiry<'_>, definition: Value<'_>, (_, value, answer): Answer<'_>, report: &mut Report) {
    let Some(url) = read::text(definition, "answerValueSet") else { return };
    let (Some(system), Some(code)) = (read::text(value, "system"), read::text(value, "code")) else { return };
    let is_outside = match url.strip_prefix('#') {
        Some(id) => {
            let contained = read::contained(inquiry.questionnaire, id);
            contained.and_then(|it| value_set::has(it, &system, &code, inquiry.subject)) == Some(false)
        }
        None => inquiry.subject.terminology().member(&url, Coding::of(&system, &code)) == Membership::NotIn,
    };
    if is_outside {
        let expected = format!("expected a code of {url}, found `{code}` of {system}");
        report.error(answer.index(), IssueType::CodeInvalid, expected);
    }
}

/// An exclusive option stands alone.
pub(super) fn check_exclusive(definition: Value<'_>, answers: &[Value<'_>], report: &mut Report) {
    if answers.len() < 2 {
        return;
    }
    let exclusive: Vec<_> = read::items(definition, "answerOption")
        .filter(|option| read::extension_value(*option, EXCLUSIVE).and_then(Value::boolean) == Some(true))
        .filter_map(|option| read::choice(option, "value"))
        .collect();
    for answer in answers {
        let Some((type_name, value)) = read::choice(*answer, "value") else { continue };
        if exclusive.iter().any(|(option_type, option)| *option_type == type_name && is_same(*option, value)) {
            let expected = "expected no other answer beside an exclusive option";
            report.error(answer.index(), IssueType::Invariant, expected);
        }
    }
}
