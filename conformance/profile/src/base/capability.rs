//! CapabilityStatements (capabilitystatement.html): search parameters have the types of their definitions.

use fhir::json::Value;
use fhir::{IssueType, Severity};

use super::read;
use super::search_parameter::kind_name;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(statement: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    for rest in read::items(statement, "rest") {
        let of_types = read::items(rest, "resource").flat_map(|resource| read::items(resource, "searchParam"));
        for parameter in of_types.chain(read::items(rest, "searchParam")) {
            check_parameter(parameter, subject, report);
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
