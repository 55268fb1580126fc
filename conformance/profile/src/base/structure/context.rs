//! Where an extension may stand (defining-extensions.html#context).

use fhir::json::Value;
use fhir::{IssueType, Version};

use super::super::read;
use super::path::{self, Place};
use crate::report::Report;

/// Groups of types that a context may name, and that no release lists as types of JSON.
const GROUPS: [&str; 4] = ["CanonicalResource", "MetadataResource", "Definition", "DataType"];

pub(super) fn check(structure: Value<'_>, report: &mut Report) {
    for context in read::items(structure, "context") {
        if read::has_text(context, "type", "element") {
            check_element(context, report);
        }
    }
}

/// The element exists, in one release at least: the extension may be for any of them.
fn check_element(context: Value<'_>, report: &mut Report) {
    let Some(expression) = read::text(context, "expression") else { return };
    let path = expression.rsplit('#').next().unwrap_or_default();
    let type_name = path.split('.').next().unwrap_or_default();
    if expression.contains('#') || GROUPS.contains(&type_name) || path.contains(['(', ':', '/']) {
        return;
    }
    let releases = [Version::R4, Version::R4B, Version::R5].map(definitions::of);
    let places = releases.map(|definitions| path::resolve(path, definitions));
    let is_type = releases.iter().any(|definitions| definitions.type_named(type_name).is_some());
    let leads = |place: &Place| match place {
        Place::Known(_) => true,
        Place::Open => is_type && type_name != path,
        Place::Unknown => false,
    };
    if is_type
        && !places
            .iter()
            .zip(releases)
            .any(|(place, definitions)| definitions.type_named(type_name).is_some() && leads(place))
    {
        report.error(context.index(), IssueType::Invalid, format!("expected an element, found `{expression}`"));
    }
}
