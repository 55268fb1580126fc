//! The links of a Bundle that is one page of several.

use adapter::{Call, Error, ErrorKind};
use bytes::Bytes;
use fhir::{Issue, IssueType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Server;
use crate::mapping::page;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'a str,
    #[serde(borrow, default)]
    link: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Found {
    relation: String,
    url: String,
}

#[derive(Serialize)]
struct Link<'a> {
    relation: &'a str,
    url: String,
}

/// Turns the links of a page into links of the gateway. The bytes have the gateway's base already. A link that leads
/// elsewhere is left out, and said so.
///
/// # Errors
/// [`ErrorKind::BadReply`] when it is no Bundle.
pub(crate) fn relink(server: &Server, call: &Call, bytes: Bytes) -> Result<(Bytes, Vec<Issue>), Error> {
    let bad = || Error::new(ErrorKind::BadReply, "expected a Bundle from the back end");
    let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    if page.resource_type != "Bundle" {
        return Err(bad());
    }
    let Some(raw) = page.link else { return Ok((with_self(&bytes, call).unwrap_or(bytes), Vec::new())) };
    let found: Vec<Found> = serde_json::from_str(raw.get()).map_err(|_| bad())?;
    let mut issues = Vec::new();
    let mut links: Vec<Link<'_>> = found
        .iter()
        .filter_map(|link| {
            let url = url(server, call, link);
            if url.is_none() {
                issues.push(foreign(&link.relation));
            }
            url.map(|url| Link { relation: &link.relation, url })
        })
        .collect();
    // FHIR json.html: an array is never empty.
    if links.is_empty() {
        links.push(Link { relation: "self", url: page::own(call) });
    }
    let written = splice(&bytes, raw.get(), &links).ok_or_else(bad)?;
    Ok((written, issues))
}

/// The link that every page has (FHIR http.html#search: the server says which criteria it used), for a server that leaves it out.
fn with_self(bytes: &Bytes, call: &Call) -> Option<Bytes> {
    let start = bytes.iter().position(|byte| *byte == b'{')? + 1;
    let links = serde_json::to_vec(&[Link { relation: "self", url: page::own(call) }]).ok()?;
    let (before, after) = bytes.split_at_checked(start)?;
    Some([before, br#""link":"#, &links, b",", after].concat().into())
}

fn url(server: &Server, call: &Call, link: &Found) -> Option<String> {
    let below = link.url.strip_prefix(&*call.base).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    if link.relation == "self" && page::asked(call).is_none() {
        // What the back end made of the search stays readable: it says which criteria were used.
        return Some(if below.is_some() { link.url.clone() } else { page::own(call) });
    }
    let target = match below {
        Some(target) => target.to_owned(),
        // Relative to the base, as some servers write it.
        None if !link.url.contains(':') && !link.url.starts_with("//") => {
            format!("/{}", link.url.trim_start_matches('/'))
        }
        None => return None,
    };
    page::link(server, call, &target)
}

fn foreign(relation: &str) -> Issue {
    let known = ["self", "first", "previous", "prev", "next", "last"].contains(&relation);
    let relation = if known { relation } else { "other" };
    Issue::warning(IssueType::Incomplete, format!("the back end's link `{relation}` leads elsewhere and was left out"))
}

/// Puts links in the place of the old ones, which are a part of `bytes`.
fn splice(bytes: &Bytes, old: &str, links: &[Link<'_>]) -> Option<Bytes> {
    let start = (old.as_ptr() as usize).checked_sub(bytes.as_ptr() as usize)?;
    let (before, after) = (bytes.get(..start)?, bytes.get(start + old.len()..)?);
    let links = serde_json::to_vec(links).ok()?;
    Some([before, &links, after].concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_links_gets_the_one_to_itself_and_keeps_every_other_byte() {
        let interaction = fhir::Interaction::SearchType {
            resource_type: fhir::ResourceType::PATIENT,
            compartment: None,
            query: fhir::Query::parse("family=a"),
        };
        let call = adapter::contract::alone::call(interaction);
        let page = Bytes::from_static(br#" {"resourceType": "Bundle", "total": 1.0}"#);
        let written = with_self(&page, &call).unwrap();
        let expected = r#" {"link":[{"relation":"self","url":"https://gateway.example/fhir/r4/Patient?family=a"}],"resourceType": "Bundle", "total": 1.0}"#;
        assert_eq!(String::from_utf8(written.to_vec()).unwrap(), expected);
        assert_eq!(with_self(&Bytes::from_static(b"no page"), &call), None);
    }
}
