//! From a search interaction to a page, and from what was found to a Bundle with links.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use adapter::reply::{Reply, Status};
use adapter::seal::Seal;
use adapter::{Call, Error, ErrorKind, Host};
use fhir::{Compartment, Handling, Issue, IssueType, Outcome, Query, ResourceType};
use search::query::{Summary, Total};
use serde::{Deserialize, Serialize};

use super::alternative::not_supported;
use super::bundle::{Bundle, json_text};
use super::filter::Filter;
use super::order::Order;
use super::page::{Found, Page, Position};
use crate::scopes::Scope;
use crate::settings::Settings;
use crate::sql::Connection;

/// The parameter of a page link.
const PAGE: &str = "_page";

/// How long a page link opens.
const LINK_LIFE: Duration = Duration::from_secs(60 * 60);

/// Longest query that a page link carries, in bytes: links stay usable by clients that limit URLs.
const LONGEST: usize = 4_096;

/// A search as it came.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    resource_type: ResourceType,
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
    page: Option<Page>,
    issues: Vec<Issue>,
    is_first: bool,
}

/// A page that was found.
pub(crate) struct Answered {
    search: Search,
    found: Found,
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
    /// A search of a type.
    pub(crate) fn new(resource_type: ResourceType, compartment: Option<&Compartment>, query: &Query) -> Self {
        Self { resource_type, compartment: compartment.cloned(), query: query.clone() }
    }

    /// The type.
    pub(crate) const fn resource_type(&self) -> ResourceType {
        self.resource_type
    }

    /// `Patient/1/Appointment?date=…`
    fn url(&self, base: &str) -> String {
        let kind = self.resource_type;
        let path = match &self.compartment {
            Some(compartment) => format!("{base}/{}/{}/{kind}", compartment.resource_type, compartment.id),
            None => format!("{base}/{kind}"),
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

    /// What must be found. `scope` is `None` when nothing of the type was ever stored.
    ///
    /// # Errors
    /// `Invalid`, with what is known.
    pub(crate) fn plan(
        &self,
        call: &Call,
        search: &Search,
        scope: Option<Arc<Scope>>,
        now: SystemTime,
    ) -> Result<Planned, Error> {
        let (mut search, position) = match search.query.first(PAGE) {
            Some(token) => {
                let link: Link = self.open(call, token, now)?;
                let compartment = link.c.map(|(resource_type, id)| Compartment { resource_type, id });
                let query = Query::parse(&link.q);
                (Search { compartment, query, ..search.clone() }, Some(link.p))
            }
            None => (search.clone(), None),
        };
        let is_first = position.is_none();
        let parsed = parse(&search, call)?;
        // search.html#conformance: the self link tells what was searched for; later pages go on with that.
        search.query = search.query.filtered(|name| parsed.ignored.iter().all(|(ignored, _)| ignored != name));
        let issues = parsed.ignored.iter().map(|(_, why)| ignored(why)).collect();
        let page = scope.map(|scope| self.page(call, &search, parsed, scope, position)).transpose()?;
        Ok(Planned { search, page, issues, is_first })
    }

    fn page(
        &self,
        call: &Call,
        search: &Search,
        parsed: search::Search,
        scope: Arc<Scope>,
        position: Option<Position>,
    ) -> Result<Page, Error> {
        let is_count = parsed.summary == Some(Summary::Count) || parsed.count == Some(0);
        let compartments = search.compartment.iter().chain(&call.confined_to).cloned().collect();
        Ok(Page {
            order: Order::new(&parsed.sort, &scope)?,
            size: if is_count { 0 } else { self.size(parsed.count) as usize },
            with_total: is_count || parsed.total != Some(Total::None),
            filter: Filter::new(&scope, parsed.criteria, compartments, call.version, &call.base)?,
            scope,
            position,
        })
    }

    /// The Bundle of what was found.
    pub(crate) fn reply(&self, call: &Call, answered: Answered, now: SystemTime) -> Result<Reply, Error> {
        let Answered { search, found, issues, is_first } = answered;
        let own = search.url(&call.base);
        let mut links = vec![("self", own.clone())];
        if !is_first {
            links.push(("first", own));
        }
        if let Some(position) = found.next {
            links.push(("next", self.next(call, &search, position, now)?));
        }
        let capacity = found.entries.iter().map(|(_, body)| body.len() + 200).sum();
        let mut bundle = Bundle::new("searchset", found.total, &links, capacity);
        for (id, body) in &found.entries {
            let full_url = format!("{}/{}/{id}", call.base, search.resource_type);
            bundle.entry(
                &format!(r#""fullUrl":{}"#, json_text(&full_url)),
                Some(body),
                r#","search":{"mode":"match"}"#,
            );
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
        Ok(format!("{}/{}?{PAGE}={token}", call.base, search.resource_type))
    }
}

impl Planned {
    /// Finds the page.
    pub(crate) fn run(self, connection: &Connection) -> Result<Answered, Error> {
        let found = match &self.page {
            Some(page) => page.run(connection)?,
            None => Found { total: Some(0), ..Found::default() },
        };
        Ok(Answered { search: self.search, found, issues: self.issues, is_first: self.is_first })
    }
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
    let mut parsed = search::parse(&search.query, call.version, Some(search.resource_type), call.handling)
        .map_err(|issues| Error::from_issues(ErrorKind::Invalid, issues))?;
    for (names, why) in not_offered(&parsed) {
        if call.handling == Handling::Strict {
            return Err(not_supported(why));
        }
        let asked = search.query.iter().map(|(name, _)| name);
        let asked = asked.filter(|name| names.contains(&name.split(':').next().unwrap_or_default()));
        parsed.ignored.extend(asked.map(|name| (name.to_owned(), why.to_owned())));
    }
    Ok(parsed)
}

/// Result parameters that are understood and not offered yet: their names, and what is said of them.
fn not_offered(parsed: &search::Search) -> Vec<(&'static [&'static str], &'static str)> {
    let mut found: Vec<(&'static [&'static str], &'static str)> = Vec::new();
    if !parsed.includes.is_empty() || !parsed.revincludes.is_empty() {
        let names: &[&str] = &["_include", "_revinclude"];
        found.push((names, "the store does not offer `_include` and `_revinclude` yet"));
    }
    let whole = "the store answers whole resources (known: `_summary=count`, `_summary=false`)";
    if matches!(parsed.summary, Some(Summary::True | Summary::Text | Summary::Data)) {
        found.push((&["_summary"], whole));
    }
    if !parsed.elements.is_empty() {
        found.push((&["_elements"], whole));
    }
    found
}

fn ignored(why: &str) -> Issue {
    Issue::warning(IssueType::NotSupported, format!("ignored: {why}"))
}
