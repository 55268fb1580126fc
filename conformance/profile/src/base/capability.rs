//! CapabilityStatements (capabilitystatement.html): search parameters have the types of their definitions.

use fhir::json::Value;
use fhir::{IssueType, Severity};

use super::read;
use super::search_parameter::kind_name;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(statement: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for rest in read::items(statement, "rest") {
        read::items(rest, "resource").for_each(|resource| check_profiles(resource, subject, report));
        let of_types = read::items(rest, "resource").flat_map(|resource| read::items(resource, "searchParam"));
        for parameter in of_types.chain(read::items(rest, "searchParam")) {
            check_parameter(parameter, subject, report);
        }
    }
}

/// A profile of a type is one of that type. A warning: that is no rule of the resource, and still nothing can follow both.
fn check_profiles(resource: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(name) = read::text(resource, "type") else { return };
    for profile in read::items(resource, "profile").chain(read::items(resource, "supportedProfile")) {
        let Some(known) = profile.text().and_then(|url| subject.validator.registry().structure(&url)) else { continue };
        let is_of_type = subject.definitions.type_named(&name).is_none_or(|it| it.is_a(&known.type_));
        if !is_of_type {
            let expected = format!("expected a profile of {name}, found one of {}", known.type_);
            report.warning(profile.index(), IssueType::BusinessRule, expected);
        }
    }
}

fn check_parameter(parameter: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(definition) = read::text(parameter, "definition") else { return };
    let url = definition.split('|').next().unwrap_or_default();
    let Some(known) = subject.definitions.search_parameter_by_url(url) else { return };
    if parameter.member("type").is_some() && !read::has_text(parameter, "type", kind_name(known.kind)) {
        let expected = format!("expected the type `{}`, which is that of {url}", kind_name(known.kind));
        let severity = if is_of_every_type(&known.bases) { Severity::Warning } else { Severity::Error };
        report.say(severity, parameter.index(), IssueType::Invalid, expected);
    }
}

/// Of the parameters of all resources (`_list`, `_type`, …) the releases tell several types: R4B's and R5's own CapabilityStatement
/// `base` has others than their SearchParameters.
fn is_of_every_type(bases: &[&str]) -> bool {
    matches!(bases, ["Resource"])
}
