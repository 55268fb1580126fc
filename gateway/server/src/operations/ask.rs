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
use crate::route;

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
    /// The query of the next page.
    pub next: Option<Query>,
}

impl<'r> Ask<'r> {
    pub(super) const fn of(pipeline: &'r Arc<Pipeline>, permitted: &'r Permitted) -> Self {
        Self { pipeline, permitted }
    }

    /// Performs an interaction: a write is validated by the rules of its route, and is not written down by itself.
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
        let permitted = authorize::permit_entry(Box::new(self.request(interaction)), self.permitted)?;
        route::plan(&permitted, &self.pipeline.routes).map(|_| ())
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
        let Search { resource_type, compartment, query } = search;
        let interaction = Interaction::SearchType { resource_type, compartment, query };
        let place = format!("{}{}?", self.permitted.request().base, page::place(&interaction));
        let reply = self.perform(interaction).await?;
        let bytes = self.bytes(reply.body).await?;
        Page::read(&bytes, &place).ok_or_else(|| unreadable("a Bundle"))
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
    /// Reads a searchset whose links stand behind `place`.
    fn read(bytes: &Bytes, place: &str) -> Option<Self> {
        let mut nodes = Vec::new();
        scan(bytes, &mut nodes, Limits::default()).ok()?;
        let root = Document::new(bytes, &nodes).root()?;
        if root.member("resourceType").and_then(Value::text).as_deref() != Some("Bundle") {
            return None;
        }
        let mut page = Self { next: next(root, place), ..Self::default() };
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

fn next(root: Value<'_>, place: &str) -> Option<Query> {
    let is_next = |link: &Value<'_>| link.member("relation").and_then(Value::text).as_deref() == Some("next");
    let url = root.member("link")?.children().find(is_next)?.member("url")?.text()?;
    url.strip_prefix(place).map(Query::parse)
}

fn unreadable(what: &str) -> Failure {
    let text = format!("expected {what} from the back end");
    Failure::new(StatusCode::BAD_GATEWAY, IssueType::Exception, text)
}
