//! A value set that the Questionnaire contains, `#id`, as far as it can be told here which codes it has.

use fhir::json::Value;
use terminology::{Coding, Lookup, Membership};

use super::super::read;
use crate::validator::Subject;

/// Whether it has the code of a system; none where that cannot be told.
pub(super) fn has(value_set: Value<'_>, system: &str, code: &str, subject: &Subject<'_>) -> Option<bool> {
    let compose = value_set.member("compose").filter(|compose| compose.member("exclude").is_none())?;
    let mut is_unknown = false;
    for include in read::items(compose, "include") {
        match included(include, system, code, subject) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => is_unknown = true,
        }
    }
    (!is_unknown).then_some(false)
}

/// An include has what is of its code system and of all its value sets.
fn included(include: Value<'_>, system: &str, code: &str, subject: &Subject<'_>) -> Option<bool> {
    let imports = read::items(include, "valueSet").filter_map(Value::text);
    let of_imports = imports.map(|url| match subject.terminology().member(&url, Coding::of(system, code)) {
        Membership::In => Some(true),
        Membership::NotIn => Some(false),
        Membership::Unknown(_) => None,
    });
    let answers: Vec<_> = of_imports.chain([of_system(include, system, code, subject)]).collect();
    match () {
        () if answers.contains(&Some(false)) => Some(false),
        () if answers.contains(&None) => None,
        () => Some(true),
    }
}

/// What an include says of a code system: all of it, some codes, or nothing.
fn of_system(include: Value<'_>, system: &str, code: &str, subject: &Subject<'_>) -> Option<bool> {
    let Some(own) = read::text(include, "system") else { return Some(true) };
    if own != system {
        return Some(false);
    }
    if include.member("concept").is_some() {
        return Some(read::items(include, "concept").any(|concept| read::has_text(concept, "code", code)));
    }
    let version = read::text(include, "version");
    match subject.terminology().code(system, version.as_deref(), code) {
        Lookup::Known(_) => include.member("filter").is_none().then_some(true),
        Lookup::NotThere => Some(false),
        Lookup::UnknownSystem | Lookup::NoContent => None,
    }
}
