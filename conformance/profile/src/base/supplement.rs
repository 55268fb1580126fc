//! CodeSystems beside others (codesystem.html#supplements, codesystem-definitions.html#CodeSystem.valueSet): what a supplement adds
//! to is there, and the value set of all codes has all codes.

use fhir::json::{Document, Limits, Value, scan};
use fhir::{IssueType, ResourceType};
use terminology::Lookup;

use super::read;
use crate::report::Report;
use crate::validator::Subject;

pub(super) fn check(system: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    if read::has_text(system, "content", "supplement") {
        if let Some(base) = read::text(system, "supplements") {
            let (url, version) = base.split_once('|').map_or((&*base, None), |(url, version)| (url, Some(version)));
            check_concepts(system, (url, version), subject, report);
        } else {
            // An invariant in R5 (csd-4), and no less true before.
            let expected = "expected the code system that this one is a supplement of";
            report.missing(system.index(), "supplements", IssueType::BusinessRule, expected);
        }
    } else {
        check_value_set(system, subject, report);
    }
}

/// A supplement defines no codes of its own. Concepts within concepts are as deep as the scan allows.
fn check_concepts(holder: Value<'_>, base: (&str, Option<&str>), subject: &Subject<'_>, report: &mut Report) {
    for concept in read::items(holder, "concept") {
        if let Some((node, code)) = concept.member("code").and_then(|node| Some((node, node.text()?)))
            && subject.terminology().code(base.0, base.1, &code) == Lookup::NotThere
        {
            let expected = format!("expected a code of {}, which is supplemented, found `{code}`", base.0);
            report.error(node.index(), IssueType::CodeInvalid, expected);
        }
        check_concepts(concept, base, subject, report);
    }
}

/// The value set of all codes, where it is known, includes this code system as a whole and nothing else.
fn check_value_set(system: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let (Some(own), Some(node)) = (read::text(system, "url"), system.member("valueSet")) else { return };
    let Some(canonical) = node.text() else { return };
    let Ok(kind) = "ValueSet".parse::<ResourceType>() else { return };
    let Some(json) = subject.validator.registry().json(kind, &canonical) else { return };
    let mut nodes = Vec::new();
    if scan(json, &mut nodes, Limits::default()).is_err() {
        return;
    }
    let compose = Document::new(json, &nodes).root().and_then(|root| root.member("compose"));
    let Some(compose) = compose else { return };
    let includes: Vec<_> = read::items(compose, "include").collect();
    let is_whole = |include: &Value<'_>| {
        read::has_text(*include, "system", &own) && ["concept", "filter"].iter().all(|it| include.member(it).is_none())
    };
    if !matches!(includes.as_slice(), [one] if is_whole(one)) || compose.member("exclude").is_some() {
        let expected = format!("expected {canonical} to include this code system as a whole and nothing else");
        report.error(node.index(), IssueType::BusinessRule, expected);
    }
}
