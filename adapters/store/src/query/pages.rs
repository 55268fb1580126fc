//! From a search interaction to a page, and from what was found to a Bundle with links.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::reply::{Reply, Status};
use adapter::seal::Seal;
use adapter::{Call, Error, ErrorKind, Host};
use fhir::json::Document;
use fhir::{Compartment, Issue, IssueType, Outcome, Query, ResourceType};
use search::query::{Summary, Total};
use search::subset;
use serde::{Deserialize, Serialize};

use super::bundle::{Bundle, json_text};
use super::filter::Filter;
use super::include::{Included, Includes};
use super::order::Order;
use super::page::{Entry, Found, Page, Part, Position};
use super::sight::Sight;
use crate::scopes::Scope;
use crate::settings::Settings;
use crate::sql::Connection;
use crate::write::scanned;

/// The parameter of a page link.
const PAGE: &str = "_page";

/// How long a page link opens.
const LINK_LIFE: Duration = Duration::from_secs(60 * 60);

/// Longest query that a page link carries, in bytes: links stay usable by clients that limit URLs.
const LONGEST: usize = 4_096;

/// A search as it came.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// `None`: of all types, or of those that `_type` names.
    resource_type: Option<ResourceType>,
    compartment: Option<Compartment>,
    query: Query,
}

/// What a page link carries, sealed: the whole search, and where the page begins.
#[derive(Serialize, Deserialize)]
struct Link {
    /// The query.
    q: String,
    /// The compartment of the URL: type and id.
    c: Option<(ResourceType, fhir::Id)>,
    /// Where the page begins.
    p: Position,
}

/// A page to be found, with what its Bundle needs.
pub(crate) struct Planned {
    search: Search,
    parsed: search::Search,
    sight: Arc<Sight>,
    size: usize,
    position: Option<Position>,
    issues: Vec<Issue>,
}

/// A page that was found.
pub(crate) struct Answered {
    search: Search,
    found: Found,
    included: Included,
    issues: Vec<Issue>,
    is_first: bool,
}

/// Page sizes, and the seal of page links.
pub(crate) struct Pages {
    seal: Arc<Seal>,
    usual: u32,
    largest: u32,
}

impl Search {
    /// A search of a type, or of all.
    pub(crate) fn new(resource_type: Option<ResourceType>, compartment: Option<&Compartment>, query: &Query) -> Self {
        Self { resource_type, compartment: compartment.cloned(), query: query.clone() }
    }

    /// `Patient/1/Appointment?date=…`
    fn url(&self, base: &str) -> String {
        let kind = self.resource_type.map(ResourceType::as_str);
        let path = match (&self.compartment, kind) {
            (Some(compartment), kind) => {
                format!("{base}/{}/{}/{}", compartment.resource_type, compartment.id, kind.unwrap_or("*"))
            }
            (None, Some(kind)) => format!("{base}/{kind}"),
            (None, None) => base.to_owned(),
        };
        if self.query.is_empty() { path } else { format!("{path}?{}", self.query.encode()) }
    }
}

impl Pages {
    /// With the settings' page sizes and the gateway's seal.
    pub(crate) fn new(settings: &Settings, host: &Host) -> Self {
        let largest = settings.largest_page.max(1);
        Self { seal: Arc::clone(&host.seal), usual: settings.page_size.clamp(1, largest), largest }
    }

    /// How many entries a page has when the client asks for so many.
    pub(crate) fn size(&self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(self.usual).min(self.largest)
    }

    /// Seals what a link carries for the search, type and confinement of the call.
    pub(crate) fn seal<T: Serialize>(&self, call: &Call, content: &T, now: SystemTime) -> String {
        let content = serde_json::to_vec(content).unwrap_or_default();
        self.seal.seal(&context(call), &content, now + LINK_LIFE)
    }

    /// Opens what [`Pages::seal`] sealed.
    ///
    /// # Errors
    /// `Invalid` when the link is not ours, not for this call, or too old.
    pub(crate) fn open<T: for<'a> Deserialize<'a>>(
        &self,
        call: &Call,
        token: &str,
        now: SystemTime,
    ) -> Result<T, Error> {
        let content = self
            .seal
            .open(&context(call), token, now)
            .map_err(|error| Error::new(ErrorKind::Invalid, error.to_string()))?;
        serde_json::from_slice(&content)
            .map_err(|_| Error::new(ErrorKind::Invalid, "the page link is of an earlier release; search again"))
    }

    /// What must be found.
    ///
    /// # Errors
    /// `Invalid`, with what is known.
    pub(crate) fn plan(&self, call: &Call, search: &Search, sight: Sight, now: SystemTime) -> Result<Planned, Error> {
        let (mut search, position) = match search.query.first(PAGE) {
            Some(token) => {
                let link: Link = self.open(call, token, now)?;
                let compartment = link.c.map(|(resource_type, id)| Compartment { resource_type, id });
                let query = Query::parse(&link.q);
                (Search { compartment, query, ..search.clone() }, Some(link.p))
            }
            None => (search.clone(), None),
        };
        let parsed = parse(&search, call)?;
        // search.html#conformance: the self link tells what was searched for; later pages go on with that.
        search.query = search.query.filtered(|name| parsed.ignored.iter().all(|(ignored, _)| ignored != name));
        let issues = parsed.ignored.iter().map(|(_, why)| ignored(why)).collect();
        let is_count = parsed.summary == Some(Summary::Count) || parsed.count == Some(0);
        let size = if is_count { 0 } else { self.size(parsed.count) as usize };
        Ok(Planned { search, parsed, sight: Arc::new(sight), size, position, issues })
    }

    /// The Bundle of what was found.
    pub(crate) fn reply(&self, call: &Call, answered: Answered, now: SystemTime) -> Result<Reply, Error> {
        let Answered { search, found, included, issues, is_first } = answered;
        let own = search.url(&call.base);
        let mut links = vec![("self", own.clone())];
        if !is_first {
            links.push(("first", own));
        }
        if let Some(position) = found.next {
            links.push(("next", self.next(call, &search, position, now)?));
        }
        let entries = || found.entries.iter().chain(&included.entries);
        let capacity = entries().map(|entry| entry.body.len() + 200).sum();
        let mut bundle = Bundle::new("searchset", found.total, &links, capacity);
        for (index, Entry { resource_type, id, body, .. }) in entries().enumerate() {
            let full_url = format!("{}/{resource_type}/{id}", call.base);
            let mode = if index < found.entries.len() { "match" } else { "include" };
            let before = format!(r#""fullUrl":{}"#, json_text(&full_url));
            bundle.entry(&before, Some(body), &format!(r#","search":{{"mode":"{mode}"}}"#));
        }
        if !issues.is_empty() {
            // search.html#outcome: what the client should know stands among the entries; it is no match.
            bundle.outcome(&Outcome(issues.clone()).to_json());
        }
        let mut reply = Reply::new(Status::Ok).with_body(bundle.into_bytes());
        reply.issues = issues;
        Ok(reply)
    }

    fn next(&self, call: &Call, search: &Search, position: Position, now: SystemTime) -> Result<String, Error> {
        let compartment = search.compartment.clone().map(|compartment| (compartment.resource_type, compartment.id));
        let link = Link { q: search.query.encode(), c: compartment, p: position };
        if link.q.len() > LONGEST {
            return Err(Error::new(ErrorKind::TooCostly, "the query is too long to be paged; expected fewer values"));
        }
        let token = self.seal(call, &link, now);
        let place = search.resource_type.map(|kind| format!("/{kind}")).unwrap_or_default();
        Ok(format!("{}{place}?{PAGE}={token}", call.base))
    }
}

impl Planned {
    /// How the database finds the page, in its own words.
    ///
    /// # Errors
    /// As [`Planned::run`].
    pub(crate) fn explain(self, connection: &Connection) -> Result<Vec<String>, Error> {
        self.page(connection)?.explain(connection)
    }

    fn page(&self, connection: &Connection) -> Result<Page, Error> {
        let Self { search, parsed, sight, size, position, .. } = self;
        let mut parts = Vec::new();
        for scope in scopes(connection, search, parsed, sight)? {
            let confinement = sight.confinement(scope.resource_type);
            let compartments = search.compartment.iter().chain(confinement).cloned().collect();
            let filter = Filter::new(connection, &scope, parsed.criteria.clone(), compartments, sight)?;
            parts.push(Part { order: Order::new(&parsed.sort, &scope)?, filter, scope });
        }
        let with_total = *size == 0 || parsed.total != Some(Total::None);
        Ok(Page { parts, size: *size, with_total, position: position.clone() })
    }

    /// Finds the page.
    ///
    /// # Errors
    /// `Invalid` for criteria and an order that the store does not offer, `TooCostly` for what it would take too long to decide.
    pub(crate) fn run(self, connection: &Connection) -> Result<Answered, Error> {
        let is_first = self.position.is_none();
        let mut found = self.page(connection)?.run(connection)?;
        let Self { search, parsed, sight, mut issues, .. } = self;
        let includes = Includes { includes: parsed.includes, revincludes: parsed.revincludes };
        let mut included = includes.gather(connection, &sight, &found.entries)?;
        if included.is_cut {
            let text =
                "not all that would be included is on this page: there is too much of it; expected a smaller `_count`";
            issues.push(Issue::warning(IssueType::Incomplete, text));
        }
        if let Some(part) = part(parsed.summary, &parsed.elements) {
            for entry in found.entries.iter_mut().chain(&mut included.entries) {
                cut(entry, sight.version, part);
            }
        }
        Ok(Answered { search, found, included, issues, is_first })
    }
}

/// What is searched in. In a compartment those of its types of which there can be something.
fn scopes(
    connection: &Connection,
    search: &Search,
    parsed: &search::Search,
    sight: &Sight,
) -> Result<Vec<Arc<Scope>>, Error> {
    if let Some(resource_type) = search.resource_type {
        return Ok(sight.scope(connection, resource_type)?.into_iter().collect());
    }
    let is_meant = |resource_type| {
        let is_inside = |compartment: &Compartment| {
            search::compartment::parameters(compartment.resource_type, resource_type, sight.version).is_some()
        };
        (parsed.types.is_empty() || parsed.types.contains(&resource_type))
            && search.compartment.iter().chain(sight.confinement(resource_type)).all(is_inside)
    };
    let mut scopes = sight.scopes(connection)?;
    scopes.retain(|scope| is_meant(scope.resource_type));
    Ok(scopes)
}

/// What a link is bound to beside its own content: whoever has another practice, type or confinement cannot open it.
fn context(call: &Call) -> String {
    let confined = call
        .confined_to
        .as_ref()
        .map(|compartment| format!("{}/{}", compartment.resource_type, compartment.id.as_str()));
    let kind = call.interaction.resource_type().map_or("", |kind| kind.as_str());
    // Separated by what no name holds.
    format!("store\n{}\n{}\n{kind}\n{}", call.practice, call.interaction.code().code(), confined.unwrap_or_default())
}

fn parse(search: &Search, call: &Call) -> Result<search::Search, Error> {
    search::parse(&search.query, call.vocabulary(), search.resource_type, call.handling)
        .map_err(|issues| Error::from_issues(ErrorKind::Invalid, issues))
}

/// The part of each resource that is wanted; `None`: all of it.
fn part(summary: Option<Summary>, elements: &[String]) -> Option<subset::Part<'_>> {
    match summary {
        Some(Summary::True) => Some(subset::Part::Summary),
        Some(Summary::Text) => Some(subset::Part::Text),
        Some(Summary::Data) => Some(subset::Part::Data),
        _ if elements.is_empty() => None,
        _ => Some(subset::Part::Elements(elements)),
    }
}

/// What does not scan is damaged, and stays as it is.
fn cut(entry: &mut Entry, version: fhir::Version, part: subset::Part<'_>) {
    let Ok(nodes) = scanned(&entry.body) else { return };
    let mut out = Vec::with_capacity(entry.body.len());
    if subset::subset(Document::new(&entry.body, &nodes), version, part, &mut out) {
        entry.body = out;
    }
}

fn ignored(why: &str) -> Issue {
    Issue::warning(IssueType::NotSupported, format!("ignored: {why}"))
}
