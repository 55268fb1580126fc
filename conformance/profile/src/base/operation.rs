//! OperationDefinitions (operationdefinition.html): parameters, and the profiles that describe them.

use std::collections::HashSet;

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(operation: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for name in ["inputProfile", "outputProfile"] {
        if let Some(profile) = operation.member(name) {
            check_profile(profile, subject, report);
        }
    }
    check_parameters(operation, "parameter", report);
}

/// A profile of the parameters of an operation is one of Parameters.
fn check_profile(profile: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(known) = profile.text().and_then(|url| subject.validator.registry().structure(&url)) else { return };
    if known.type_ != "Parameters" {
        let expected = format!("expected a profile of Parameters, found one of {}", known.type_);
        report.error(profile.index(), IssueType::BusinessRule, expected);
    }
}

/// Parts of parts are as deep as the scan allows.
fn check_parameters(holder: Value<'_>, list: &str, report: &mut Report) {
    let mut seen = HashSet::new();
    for parameter in read::items(holder, list) {
        let name = read::text(parameter, "name").unwrap_or_default();
        if !seen.insert((name.clone(), read::text(parameter, "use"))) {
            let expected = format!("expected one parameter `{name}` of each use");
            report.warning(parameter.index(), IssueType::BusinessRule, expected);
        }
        check_cardinality(parameter, report);
        check_parameters(parameter, "part", report);
    }
}

/// `max` is a number or `*`, and not below `min`.
fn check_cardinality(parameter: Value<'_>, report: &mut Report) {
    let Some(node) = parameter.member("max") else { return };
    let Some(max) = node.text().filter(|max| max != "*") else { return };
    let min = parameter.member("min").and_then(Value::number).and_then(|min| min.parse::<u32>().ok());
    match max.parse::<u32>() {
        Err(_) => report.error(node.index(), IssueType::Invalid, format!("expected a number or `*`, found `{max}`")),
        Ok(max) if min.is_some_and(|min| min > max) => {
            let expected = format!("expected a min of {max} at most, found {}", min.unwrap_or_default());
            report.error(parameter.index(), IssueType::BusinessRule, expected);
        }
        Ok(_) => {}
    }
}
