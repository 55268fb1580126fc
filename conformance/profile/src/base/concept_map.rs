//! ConceptMaps (conceptmap.html): what is mapped is in the value sets that the map is between.

use std::borrow::Cow;

use fhir::IssueType;
use fhir::json::Value;
use terminology::{Coding, Lookup, Membership};

use super::read;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(map: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let source = scope(map, ["sourceCanonical", "sourceUri", "sourceScopeCanonical", "sourceScopeUri"]);
    let target = scope(map, ["targetCanonical", "targetUri", "targetScopeCanonical", "targetScopeUri"]);
    for group in read::items(map, "group") {
        let source = Side { system: read::text(group, "source"), value_set: source.clone() };
        let target = Side { system: read::text(group, "target"), value_set: target.clone() };
        for element in read::items(group, "element") {
            check_code(element, &source, subject, report);
            for mapped in read::items(element, "target") {
                check_code(mapped, &target, subject, report);
            }
        }
    }
}

/// One side of a map.
struct Side<'a> {
    system: Option<Cow<'a, str>>,
    value_set: Option<Cow<'a, str>>,
}

fn scope<'a>(map: Value<'a>, names: [&str; 4]) -> Option<Cow<'a, str>> {
    names.into_iter().find_map(|name| read::text(map, name))
}

/// What nobody here knows is not judged.
fn check_code(holder: Value<'_>, side: &Side<'_>, subject: &Subject<'_>, report: &mut Report) {
    let Some(node) = holder.member("code") else { return };
    let (Some(code), Some(system)) = (node.text(), side.system.as_deref()) else { return };
    let (url, version) = system.split_once('|').map_or((system, None), |(url, version)| (url, Some(version)));
    if subject.terminology().code(url, version, &code) == Lookup::NotThere {
        // Published maps name codes of other releases: doubtful, and no reason to refuse.
        let expected = format!("expected a code of {system}, found `{code}`");
        return report.warning(node.index(), IssueType::CodeInvalid, expected);
    }
    let Some(value_set) = side.value_set.as_deref().filter(|url| !url.contains('?')) else { return };
    if subject.terminology().member(value_set, Coding::of(url, &code)) == Membership::NotIn {
        let expected = format!("expected a code of the value set {value_set}, found `{code}`");
        report.error(node.index(), IssueType::Required, expected);
    }
}
