//! Links within narrative (narrative.html): `href="#x"` leads to something in the resource.

use fhir::IssueType;
use fhir::json::{Kind, Value};

use super::read;
use crate::report::Report;
use crate::validator::Subject;

/// A link to a fragment leads to an id or a named anchor of narrative, or to an id of the document. The narrative of a definition
/// is a piece of a page that is published around it: there the target may be elsewhere.
pub(super) fn check(div: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    if !links_within(div.raw()) {
        return;
    }
    let Some(text) = div.text() else { return };
    for target in fragments(&text) {
        if !subject.document.root().is_some_and(|root| has_target(root, target)) {
            let expected = format!("expected something with the id `{target}`, to which the narrative links");
            if read::container(div).is_some_and(|resource| resource.member("url").is_some()) {
                report.warning(div.index(), IssueType::Invalid, expected);
            } else {
                report.error(div.index(), IssueType::Invalid, expected);
            }
        }
    }
}

/// Whether a link of the JSON of a div leads to a fragment: decided on its bytes, where quotes have a backslash before them.
fn links_within(raw: &[u8]) -> bool {
    memchr::memmem::find_iter(raw, b"href=").any(|at| {
        let value = raw.get(at + b"href=".len()..).unwrap_or_default();
        matches!(value, [b'\\', b'"', b'#', ..] | [b'\'' | b'"', b'#', ..])
    })
}

/// The fragments that `href`s of a text lead to.
fn fragments(text: &str) -> impl Iterator<Item = &str> {
    text.split("href=").skip(1).filter_map(|after| {
        let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let target = after.get(1..)?.split(quote).next()?.strip_prefix('#')?;
        (!target.is_empty()).then_some(target)
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
