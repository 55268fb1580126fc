//! A coding by itself: its code is one of its code system, whatever it is bound to.

use fhir::IssueType;
use fhir::json::Value;
use terminology::{Known, Lookup, grammar};

use super::display;
use crate::explain::shortened;
use crate::report::Report;
use crate::validator::Subject;

/// Checks a Coding. `is_reported` says whether the scan has refused the code already.
pub(super) fn check(subject: &Subject<'_>, coding: Value<'_>, is_reported: &dyn Fn() -> bool, report: &mut Report) {
    let code = coding.member("code");
    let Some(system) = coding.member("system") else {
        if code.is_some() && !is_reported() {
            report.warning(
                coding.index(),
                IssueType::Invalid,
                "expected a system beside the code: alone it means nothing",
            );
        }
        return;
    };
    let Some(url) = system.text() else { return };
    if memchr::memchr(b':', url.as_bytes()).is_none() {
        return;
    }
    let Some(text) = code.and_then(Value::text) else { return };
    let version = coding.member("version").and_then(Value::text);
    match subject.terminology().code(&url, version.as_deref(), &text) {
        Lookup::Known(known) => check_known(subject, coding, (&*url, &*text), &known, report),
        Lookup::NotThere if !is_reported() => {
            let node = code.map_or(coding.index(), Value::index);
            let text = format!("unknown code `{}`: expected a code of {}", shortened(&text), shortened(&url));
            // A unit that is bound to no value set is advice: systems of units are used loosely, in official examples too.
            match coding.member("value") {
                Some(_) => report.warning(node, IssueType::CodeInvalid, text),
                None => report.error(node, IssueType::CodeInvalid, text),
            }
        }
        Lookup::UnknownSystem => check_unknown(system, &url, report),
        Lookup::NoContent => check_form(coding, (&url, &text), report),
        Lookup::NotThere => {}
    }
}

/// Words that are not those of the code, codes that only group others, and codes that are not to be used any more.
fn check_known(subject: &Subject<'_>, coding: Value<'_>, code: (&str, &str), known: &Known<'_>, report: &mut Report) {
    display::check(subject, coding, code, known, report);
    if known.is_abstract {
        let text = format!("`{}` only groups others: expected a code below it", shortened(code.1));
        report.warning(coding.index(), IssueType::BusinessRule, text);
    }
    if known.is_inactive {
        let text = format!("`{}` is no longer in use: expected an active code", shortened(code.1));
        report.warning(coding.index(), IssueType::BusinessRule, text);
    }
}

/// A code whose check digit is wrong is none of its system, whoever has the list: a slip of the pen. Only a warning, because
/// the list may hold codes that are older than the rule.
fn check_form(coding: Value<'_>, code: (&str, &str), report: &mut Report) {
    if grammar::is_well_formed(code.0, code.1) == Some(false) {
        let node = coding.member("code").map_or(coding.index(), Value::index);
        let text = format!("`{}` has a wrong check digit: expected a code of {}", shortened(code.1), shortened(code.0));
        report.warning(node, IssueType::CodeInvalid, text);
    }
}

fn check_unknown(system: Value<'_>, url: &str, report: &mut Report) {
    if !grammar::is_named(url) {
        let text = format!("unknown code system {}: its codes are not checked", shortened(url));
        report.warning(system.index(), IssueType::NotFound, text);
    }
}
