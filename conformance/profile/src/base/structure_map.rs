//! StructureMaps (structuremap.html): names lead to groups and variables of the map.

use std::borrow::Cow;
use std::collections::HashSet;

use fhir::json::Value;
use fhir::{IssueType, Severity, Version};

use super::read;
use crate::report::Report;
use crate::validator::Subject;

/// Names of what is known at a place.
type Names<'a> = Vec<Cow<'a, str>>;

pub(super) fn check(map: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let version = subject.definitions.version();
    // What is imported may define any group.
    let groups = map.member("import").is_none().then(|| names(map, "group", "name").collect::<HashSet<_>>());
    for group in read::items(map, "group") {
        if let Some(extended) = group.member("extends") {
            check_group(extended, groups.as_ref(), report);
        }
        let known: Names<'_> = names(group, "input", "name").collect();
        let mut around = Around { known, groups: groups.as_ref(), unknown: severity(version) };
        check_rules(group, &mut around, report);
    }
}

fn names<'a>(holder: Value<'a>, list: &'a str, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    read::items(holder, list).filter_map(move |item| read::text(item, name))
}

/// What a rule can refer to.
struct Around<'a, 'g> {
    /// Inputs and variables.
    known: Names<'a>,
    /// Groups, where all are known.
    groups: Option<&'g HashSet<Cow<'a, str>>>,
    /// How bad an unknown name is.
    unknown: Severity,
}

/// The map that R4 and R4B publish as their example refers to names that nothing defines; that of R5 does not.
fn severity(version: Version) -> Severity {
    if version == Version::R5 { Severity::Error } else { Severity::Warning }
}

/// Rules within rules are as deep as the scan allows. A rule knows what is around it, not what its neighbours name.
fn check_rules<'a>(holder: Value<'a>, around: &mut Around<'a, '_>, report: &mut Report) {
    for rule in read::items(holder, "rule") {
        let outside = around.known.len();
        for part in read::items(rule, "source").chain(read::items(rule, "target")) {
            check_context(part, around, report);
            around.known.extend(read::text(part, "variable"));
        }
        for called in read::items(rule, "dependent").filter_map(|dependent| dependent.member("name")) {
            check_group(called, around.groups, report);
        }
        check_rules(rule, around, report);
        around.known.truncate(outside);
    }
}

fn check_context(part: Value<'_>, around: &Around<'_, '_>, report: &mut Report) {
    let Some(context) = part.member("context").filter(|_| !read::has_text(part, "contextType", "type")) else { return };
    let Some(name) = context.text() else { return };
    if !around.known.contains(&name) {
        let expected = format!("expected an input of the group or a variable of a rule around, found `{name}`");
        report.say(around.unknown, context.index(), IssueType::Invalid, expected);
    }
}

fn check_group(name: Value<'_>, groups: Option<&HashSet<Cow<'_, str>>>, report: &mut Report) {
    let Some(text) = name.text() else { return };
    if groups.is_some_and(|groups| !groups.contains(&text)) {
        let expected = format!("expected a group of this map, which imports no other one, found `{text}`");
        report.error(name.index(), IssueType::NotFound, expected);
    }
}
