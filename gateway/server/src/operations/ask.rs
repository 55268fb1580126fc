//! What an operation asks of back ends, in its client's name: each question is authorized, routed, confined, shed, timed and read back
//! like a request of that client, at that scope.

use std::sync::Arc;

use adapter::{Body, Reply, page};
use bytes::Bytes;
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Compartment, Id, Interaction, IssueType, Query, ResourceType};
use http::StatusCode;

use crate::authorize::{self, Permitted};
use crate::failure::Failure;
use crate::passage::Passage;
use crate::pipeline::Pipeline;
use crate::receive::{Format, Preferences, Request};
use crate::respond::{Manner, account};
use crate::route::{self, Plan};

/// Asks in the name of a request. Cheap to copy; questions may run beside each other.
#[derive(Clone, Copy)]
pub struct Ask<'r> {
    pipeline: &'r Arc<Pipeline>,
    permitted: &'r Permitted,
}

/// A search within an operation.
#[derive(Clone, Debug)]
pub struct Search {
    /// What is searched.
    pub resource_type: ResourceType,
    /// Whose compartment, if one's.
    pub compartment: Option<Compartment>,
    /// Criteria, or the page of a search before.
    pub query: Query,
}

/// One page of a search.
#[derive(Default)]
pub struct Page {
    /// The matches.
    pub matches: Vec<Bytes>,
    /// OperationOutcomes that came with them: what is missing, and why.
    pub outcomes: Vec<Bytes>,
    /// The search that brings the next page.
    pub next: Option<Search>,
}

impl<'r> Ask<'r> {
    pub(super) const fn of(pipeline: &'r Arc<Pipeline>, permitted: &'r Permitted) -> Self {
        Self { pipeline, permitted }
    }

    /// Performs an interaction: a write is validated by the rules of its route, and is not written down by itself. A patch goes to the
    /// back end as it is.
    ///
    /// # Errors
    /// As the request of a client: 403 without a scope for it, 404 and 405 where no route takes it, 5xx when its back end fails.
    pub async fn perform(&self, interaction: Interaction) -> Result<Reply, Failure> {
        let request = Box::new(self.request(interaction));
        let mut unused = account::draft(&request);
        let permitted = authorize::permit_entry(request, self.permitted)?;
        let plan = route::plan(&permitted, &self.pipeline.routes)?;
        let manner = Manner::of(permitted.request());
        // Its time is the operation's.
        let mut within = Passage::new(self.permitted.request().arrived);
        let carried = Box::pin(self.pipeline.carry(permitted, &plan, &manner, &mut within, &mut unused)).await;
        let (reply, _) = carried?;
        Ok(reply)
    }

    /// Whether the client's own scopes would let it do that, and a route takes it.
    ///
    /// # Errors
    /// What the client would be told.
    pub fn check(&self, interaction: Interaction) -> Result<(), Failure> {
        self.plan(interaction).map(|_| ())
    }

    /// Where it would go.
    ///
    /// # Errors
    /// As [`Ask::check`].
    pub fn plan(&self, interaction: Interaction) -> Result<Arc<Plan>, Failure> {
        let permitted = authorize::permit_entry(Box::new(self.request(interaction)), self.permitted)?;
        route::plan(&permitted, &self.pipeline.routes)
    }

    /// Reads a resource as it is now.
    ///
    /// # Errors
    /// As [`Ask::perform`].
    pub async fn read(&self, resource_type: ResourceType, id: Id) -> Result<Bytes, Failure> {
        let reply = self.perform(Interaction::Read { resource_type, id }).await?;
        self.bytes(reply.body).await
    }

    /// Searches: one page, of as many matches as the back end gives.
    ///
    /// # Errors
    /// As [`Ask::perform`]; 502 for what is no Bundle.
    pub async fn search(&self, search: Search) -> Result<Page, Failure> {
        let Search { resource_type, compartment, query } = search.clone();
        let reply = self.perform(Interaction::SearchType { resource_type, compartment, query }).await?;
        let bytes = self.bytes(reply.body).await?;
        Page::read(&bytes, &self.permitted.request().base, &search)
            .ok_or_else(|| unreadable("a Bundle with links to this base"))
    }

    async fn bytes(&self, body: Body) -> Result<Bytes, Failure> {
        match self.pipeline.gather(body).await? {
            Body::Bytes(bytes) => Ok(bytes),
            _ => Err(unreadable("a resource")),
        }
    }

    /// The same client, asking for something else.
    fn request(&self, interaction: Interaction) -> Request {
        let asked = self.permitted.request();
        Request {
            practice: asked.practice.clone(),
            base: Arc::clone(&asked.base),
            version: asked.version,
            interaction,
            markup: None,
            address: asked.address,
            preferences: Preferences {
                format: Format { version: asked.preferences.format.version, ..Format::default() },
                ..Preferences::default()
            },
            idempotency_key: None,
            target: asked.target.clone(),
            trace: asked.trace.clone(),
            arrived: asked.arrived,
        }
    }
}

impl Page {
    /// Reads a searchset. One whose next page cannot be asked for is none: its rest would be lost.
    fn read(bytes: &Bytes, base: &str, search: &Search) -> Option<Self> {
        let mut nodes = Vec::new();
        scan(bytes, &mut nodes, Limits::default()).ok()?;
        let root = Document::new(bytes, &nodes).root()?;
        if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
            return None;
        }
        let next = match next(root) {
            Some(url) => Some(search.behind(&url, base)?),
            None => None,
        };
        let mut page = Self { next, ..Self::default() };
        for entry in root.member("entry").into_iter().flat_map(Value::children) {
            let Some(resource) = entry.member("resource") else { continue };
            let bytes = bytes.slice(resource.node().start as usize..resource.node().end as usize);
            let mode = entry.member("search").and_then(|search| search.member("mode")).and_then(Value::text);
            match mode.as_deref() {
                Some("match") | None => page.matches.push(bytes),
                Some("outcome") => page.outcomes.push(bytes),
                Some(_) => {}
            }
        }
        Some(page)
    }
}

impl Search {
    /// The search that a link to its next page makes: in the compartment, or with all of it in the link.
    fn behind(&self, url: &str, base: &str) -> Option<Self> {
        let (path, query) = url.strip_prefix(base)?.split_once('?')?;
        let of = |compartment: Option<Compartment>| Self {
            resource_type: self.resource_type,
            compartment,
            query: Query::parse(query),
        };
        let place = |search: &Self| {
            let Self { resource_type, compartment, query } = search.clone();
            page::place(&Interaction::SearchType { resource_type, compartment, query })
        };
        [of(self.compartment.clone()), of(None)].into_iter().find(|search| place(search) == path)
    }
}

fn next(root: Value<'_>) -> Option<String> {
    let is_next = |link: &Value<'_>| link.member("relation").and_then(Value::text).as_deref() == Some("next");
    let url = root.member("link")?.children().find(is_next)?.member("url")?.text()?;
    Some(url.into_owned())
}

fn unreadable(what: &str) -> Failure {
    let text = format!("expected {what} from the back end");
    Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(link: &str) -> Option<Page> {
        let owner = Compartment { resource_type: ResourceType::PATIENT, id: "1".parse().unwrap() };
        let search =
            Search { resource_type: ResourceType::SLOT, compartment: Some(owner), query: Query::parse("_count=1") };
        let bundle = format!(
            r#"{{"resourceType":"Bundle","link":[{{"relation":"next","url":"{link}"}}],"entry":[
                {{"resource":{{"resourceType":"Slot","id":"a"}},"search":{{"mode":"match"}}}},
                {{"resource":{{"resourceType":"OperationOutcome"}},"search":{{"mode":"outcome"}}}}]}}"#
        );
        Page::read(&bundle.into(), "http://gw/fhir/r4", &search)
    }

    #[test]
    fn a_next_page_is_asked_for_where_its_link_leads() {
        let inside = read("http://gw/fhir/r4/Patient/1/Slot?_page=x").unwrap();
        assert_eq!((inside.matches.len(), inside.outcomes.len()), (1, 1));
        let next = inside.next.unwrap();
        assert_eq!((next.compartment.is_some(), next.query.encode().as_str()), (true, "_page=x"));
        let next = read("http://gw/fhir/r4/Slot?_page=y").unwrap().next.unwrap();
        assert_eq!((next.compartment, next.query.encode().as_str()), (None, "_page=y"));
    }

    #[test]
    fn a_page_whose_link_leads_elsewhere_is_not_taken_for_the_last() {
        for elsewhere in
            ["http://else/fhir/r4/Slot?_page=x", "http://gw/fhir/r4/Patient/2/Slot?_page=x", "Slot?_page=x"]
        {
            assert!(read(elsewhere).is_none(), "{elsewhere}");
        }
    }
}
