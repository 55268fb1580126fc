//! StructureDefinitions (structuredefinition.html, profiling.html): what a differential may say of the type that it constrains.

mod binding;
mod constraint;
mod context;
mod element;
mod narrowing;
mod order;
pub(super) mod path;
mod snapshot;
mod value;

use fhir::IssueType;
use fhir::json::Value;

use super::read;
use crate::report::Report;
use crate::validator::Subject;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(super) fn check(structure: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let is_constraint = read::has_text(structure, "derivation", "constraint");
    let type_name = read::text(structure, "type").unwrap_or_default();
    if is_constraint {
        check_type(structure, &type_name, subject, report);
    }
    let is_extension = type_name == "Extension" && is_constraint;
    if is_extension {
        context::check(structure, report);
        check_extension_url(structure, report);
    }
    let Some(differential) = structure.member("differential") else { return };
    narrowing::check(structure, differential, subject, report);
    if let Some(snapshot) = structure.member("snapshot") {
        snapshot::check(snapshot, differential, report);
    }
    if is_constraint {
        order::check(differential, subject, report);
    }
    for element in read::items(differential, "element") {
        constraint::check(element, subject, report);
        value::check(element, subject, report);
        if is_constraint {
            element::check(element, &type_name, subject, report);
        }
    }
}

/// A profile of a type of the specification has that type.
fn check_type(structure: Value<'_>, type_name: &str, subject: &Subject<'_>, report: &mut Report) {
    let base = read::text(structure, "baseDefinition").unwrap_or_default();
    let base = base.split('|').next().unwrap_or_default();
    let known = base.strip_prefix(CORE).and_then(|name| subject.definitions.type_named(name));
    let Some(known) = known.filter(|known| !known.is_abstract()) else { return };
    if known.name() != type_name {
        let expected = format!("expected the type {}, which is that of the base, found `{type_name}`", known.name());
        report.error(structure.index(), IssueType::BusinessRule, expected);
    }
}

/// extensibility.html: instances name the extension by its own URL.
fn check_extension_url(structure: Value<'_>, report: &mut Report) {
    let Some(own) = read::text(structure, "url") else { return };
    let holders = ["differential", "snapshot"].into_iter().filter_map(|name| structure.member(name));
    let mut elements = holders.flat_map(|holder| read::items(holder, "element"));
    let fixed = elements.find_map(|element| {
        read::has_text(element, "path", "Extension.url").then(|| read::text(element, "fixedUri"))?
    });
    if let Some(fixed) = fixed.filter(|fixed| *fixed != own) {
        let expected = format!("expected the fixed url of the extension to be its own ({own}), found {fixed}");
        report.error(structure.index(), IssueType::Invalid, expected);
    }
}
