//! Links within narrative (narrative.html): `href="#x"` and `src="#x"` lead to something in the resource.

mod attribute;

use fhir::json::{Kind, Value};
use fhir::{IssueType, Severity};

use super::read;
use crate::report::Report;
use crate::validator::Subject;

/// A link to a fragment leads to an id or a named anchor of narrative, or to an id of the document. The narrative of a definition
/// is a piece of a page that is published around it: there the target may be elsewhere.
pub(super) fn check(div: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    attribute::check(div, subject, report);
    if !links_within(div.raw()) {
        return;
    }
    let Some(text) = div.text() else { return };
    let is_page = read::container(div).is_some_and(|resource| resource.member("url").is_some());
    for (attribute, target) in fragments(&text) {
        if !subject.document.root().is_some_and(|root| has_target(root, target)) {
            // An image that is missing hides less than a link that leads astray, and R4 publishes such.
            let severity = if is_page || attribute == "src=" { Severity::Warning } else { Severity::Error };
            let expected = format!("expected something with the id `{target}`, to which the narrative links");
            report.say(severity, div.index(), IssueType::Invalid, expected);
        }
    }
}

/// The extension narrativeLink says which element of the narrative an element is told by.
const LINK: &str = "http://hl7.org/fhir/StructureDefinition/narrativeLink";

/// `#x` as the value of that extension leads to something with the id `x`.
#[cold]
pub(super) fn check_link(value: Value<'_>, report: &mut Report) {
    let Some(holder) = read::holder(value).filter(|holder| read::has_text(*holder, "url", LINK)) else { return };
    let (Some(text), Some(resource)) = (value.text(), read::container(holder)) else { return };
    let Some(target) = text.strip_prefix('#') else { return };
    let div = resource.member("text").and_then(|narrative| read::text(narrative, "div"));
    if !div.is_some_and(|div| has_anchor(&div, target)) {
        let expected = format!("expected something with the id `{target}` in the narrative");
        report.warning(value.index(), IssueType::Invalid, expected);
    }
}

/// Whether a link of the JSON of a div leads to a fragment: decided on its bytes, where quotes have a backslash before them.
fn links_within(raw: &[u8]) -> bool {
    let leads_within = |attribute: &[u8]| {
        memchr::memmem::find_iter(raw, attribute).any(|at| {
            let value = raw.get(at + attribute.len()..).unwrap_or_default();
            matches!(value, [b'\\', b'"', b'#', ..] | [b'\'' | b'"', b'#', ..])
        })
    };
    // Most narrative has not even the sign.
    memchr::memchr(b'#', raw).is_some() && (leads_within(b"href=") || leads_within(b"src="))
}

/// The fragments that links and images of a text lead to, with the attributes that say so.
fn fragments(text: &str) -> impl Iterator<Item = (&'static str, &str)> {
    ["href=", "src="].into_iter().flat_map(move |attribute| {
        text.split(attribute).skip(1).filter_map(move |after| {
            let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''))?;
            let target = after.get(1..)?.split(quote).next()?.strip_prefix('#')?;
            (!target.is_empty()).then_some((attribute, target))
        })
    })
}

/// Whether any narrative of a document has that id or anchor, or any element that id.
fn has_target(root: Value<'_>, target: &str) -> bool {
    let document = root.document();
    (0..root.node().after).filter_map(|index| document.at(index)).any(|value| match value.kind() {
        Kind::String | Kind::EscapedString if value.name_bytes() == b"id" => {
            value.text().is_some_and(|id| id == target)
        }
        Kind::String | Kind::EscapedString if value.name_bytes() == b"div" => {
            value.text().is_some_and(|div| has_anchor(&div, target))
        }
        _ => false,
    })
}

fn has_anchor(div: &str, target: &str) -> bool {
    ["id=", "name="].into_iter().any(|attribute| {
        div.split(attribute).skip(1).any(|after| {
            let rest = after.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_prefix(target));
            rest.is_some_and(|rest| rest.starts_with(['"', '\'']))
        })
    })
}
