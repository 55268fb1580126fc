//! Attributes of narrative that say something of the whole: its language, and ids (narrative.html, languages.html).

use std::collections::HashSet;
use std::sync::LazyLock;

use fhir::IssueType;
use fhir::json::Value;
use memchr::memmem::Finder;

use super::super::read;
use crate::report::Report;
use crate::validator::Subject;

/// Made once: a search of so little text costs less than its preparation.
static IDS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" id="));
static LANGUAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("lang="));

pub(super) fn check(div: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    let raw = div.raw();
    let has_ids = IDS.find(raw).is_some();
    let start = raw.get(..memchr::memchr(b'>', raw).unwrap_or(raw.len())).unwrap_or_default();
    let has_language = LANGUAGE.find(start).is_some();
    if !has_ids && !has_language {
        return;
    }
    let Some(text) = div.text() else { return };
    if has_language {
        check_language(div, &text, subject, report);
    }
    if has_ids {
        check_ids(div, &text, report);
    }
}

/// The language of the narrative is that of the resource, where both say one.
fn check_language(div: Value<'_>, text: &str, subject: &Subject<'_>, report: &mut Report) {
    let tag = text.split('>').next().unwrap_or_default();
    let container = read::container(div).or_else(|| subject.document.root());
    let Some(language) = container.and_then(|resource| read::text(resource, "language")) else { return };
    for name in [" lang=", " xml:lang="] {
        let Some(stated) = tag.split(name).nth(1).and_then(quoted) else { continue };
        if !stated.eq_ignore_ascii_case(&language) {
            let expected = format!("expected the language of the resource (`{language}`) in the narrative, too");
            report.warning(div.index(), IssueType::BusinessRule, expected);
        }
    }
}

/// An id stands once in a div: what links to it must be able to tell which element is meant.
fn check_ids(div: Value<'_>, text: &str, report: &mut Report) {
    let mut seen = HashSet::new();
    for id in text.split(" id=").skip(1).filter_map(quoted) {
        if !seen.insert(id) {
            let id: String = id.chars().take(64).collect();
            report.warning(
                div.index(),
                IssueType::BusinessRule,
                format!("expected the id `{id}` once in the narrative"),
            );
        }
    }
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    text.get(1..)?.split(quote).next()
}
