//! Shape, method, query and body to [`Interaction`].

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use fhir::interaction::{Level, Parameters, Patch};
use fhir::json::{Document, Limits as ScanLimits, scan};
use fhir::{Id, Interaction, IssueType, Query, Resource, ResourceType, Shape, Version};
use http::request::Parts;
use http::{Method, StatusCode, Uri};

use super::linger::Lingering;
use super::markup::Markup;
use super::payload::{self, Lease};
use super::site::Site;
use super::{Limits, Preferences, bad, conditions, negotiate};
use crate::failure::Failure;

/// A search by form may be long, because lists of ids are; not as long as a resource.
const MOST_FORM: usize = 256 * 1024;
const MOST_PARAMETERS: usize = 1000;

/// The query of a URL, decoded.
pub(super) fn query_of(uri: &Uri) -> Result<Query, Failure> {
    bounded(Query::parse(uri.query().unwrap_or_default()))
}

fn bounded(query: Query) -> Result<Query, Failure> {
    if query.len() > MOST_PARAMETERS {
        let text = format!("expected at most {MOST_PARAMETERS} parameters");
        return Err(Failure::new(StatusCode::BAD_REQUEST, IssueType::TooCostly, text));
    }
    Ok(query)
}

/// Takes `_pretty` out of the query.
pub(super) fn take_pretty(query: &mut Query) -> bool {
    let pretty = query.first("_pretty") == Some("true");
    query.remove("_pretty");
    pretty
}

/// What is read from the wire, for the functions below.
struct Reader<'a> {
    head: &'a Parts,
    body: Option<Lingering>,
    site: &'a Site,
    limits: &'a Limits,
    deadline: Instant,
    lease: &'a mut Lease,
    preferences: &'a mut Preferences,
    markup: Option<Arc<Markup>>,
}

/// Builds the interaction; reads the body when it has one. With what the body was in XML.
#[allow(clippy::too_many_arguments, reason = "everything of a request is looked at once, here")]
pub(super) async fn build(
    head: &Parts,
    body: Lingering,
    shape: Shape,
    query: Query,
    site: &Site,
    preferences: &mut Preferences,
    limits: &Limits,
    deadline: Instant,
    lease: &mut Lease,
) -> Result<(Interaction, Option<Arc<Markup>>), Failure> {
    let mut reader = Reader { head, body: Some(body), site, limits, deadline, lease, preferences, markup: None };
    let interaction = reader.interaction(shape, query).await?;
    Ok((interaction, reader.markup))
}

impl Reader<'_> {
    async fn interaction(&mut self, shape: Shape, query: Query) -> Result<Interaction, Failure> {
        match shape {
            Shape::Metadata | Shape::Discovery => Ok(Interaction::Capabilities),
            Shape::SystemHistory => Ok(Interaction::HistorySystem { query }),
            Shape::TypeHistory(resource_type) => Ok(Interaction::HistoryType { resource_type, query }),
            Shape::InstanceHistory(resource_type, id) => Ok(Interaction::HistoryInstance { resource_type, id, query }),
            Shape::Version(resource_type, id, version_id) => Ok(Interaction::Vread { resource_type, id, version_id }),
            Shape::System if self.head.method == Method::POST => self.batch().await,
            Shape::System => Ok(Interaction::SearchSystem { compartment: None, query }),
            Shape::SystemSearch => Ok(Interaction::SearchSystem { compartment: None, query: self.form(query).await? }),
            Shape::TypeSearch(resource_type) => {
                Ok(Interaction::SearchType { resource_type, compartment: None, query: self.form(query).await? })
            }
            Shape::Compartment { owner, of, by_post } => {
                let query = if by_post { self.form(query).await? } else { query };
                Ok(match of {
                    Some(resource_type) => Interaction::SearchType { resource_type, compartment: Some(owner), query },
                    None => Interaction::SearchSystem { compartment: Some(owner), query },
                })
            }
            Shape::Type(resource_type) => self.of_type(resource_type, query).await,
            Shape::Instance(resource_type, id) => self.of_instance(resource_type, id).await,
            Shape::Operation(level, name) => self.operation(level, name, query).await,
        }
    }

    async fn of_type(&mut self, resource_type: ResourceType, query: Query) -> Result<Interaction, Failure> {
        match self.head.method {
            Method::POST => {
                let if_none_exist = conditions::of_create(&self.head.headers, resource_type, query)?;
                Ok(Interaction::Create { resource: self.resource(resource_type).await?, if_none_exist })
            }
            Method::PUT => {
                let (criteria, if_match) = (criteria(query)?, conditions::if_match(&self.head.headers)?);
                let resource = self.resource(resource_type).await?;
                Ok(Interaction::ConditionalUpdate { criteria, resource, if_match })
            }
            Method::PATCH => {
                let (criteria, if_match) = (criteria(query)?, conditions::if_match(&self.head.headers)?);
                let patch = self.patch().await?;
                Ok(Interaction::ConditionalPatch { resource_type, criteria, patch, if_match })
            }
            Method::DELETE => Ok(Interaction::ConditionalDelete { resource_type, criteria: criteria(query)? }),
            _ => Ok(Interaction::SearchType { resource_type, compartment: None, query }),
        }
    }

    async fn of_instance(&mut self, resource_type: ResourceType, id: Id) -> Result<Interaction, Failure> {
        match self.head.method {
            Method::PUT => {
                let if_match = conditions::of_update(&self.head.headers)?;
                Ok(Interaction::Update { id, resource: self.resource(resource_type).await?, if_match })
            }
            Method::PATCH => {
                let if_match = conditions::if_match(&self.head.headers)?;
                Ok(Interaction::Patch { resource_type, id, patch: self.patch().await?, if_match })
            }
            Method::DELETE => {
                let if_match = conditions::if_match(&self.head.headers)?;
                Ok(Interaction::Delete { resource_type, id, if_match })
            }
            _ => Ok(Interaction::Read { resource_type, id }),
        }
    }

    async fn operation(&mut self, level: Level, name: String, query: Query) -> Result<Interaction, Failure> {
        if self.head.method != Method::POST {
            return Ok(Interaction::Operation { name, level, parameters: Parameters::Query(query) });
        }
        let (version, bytes) = self.fhir().await?;
        let resource_type = self
            .root_text(&bytes, "resourceType")
            .await?
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| bad("expected a Parameters resource, or the one resource that the operation takes"))
            .map_err(|failure| failure.in_markup(self.markup.as_deref()))?;
        let parameters = Parameters::Body(Resource::new(resource_type, version, bytes));
        Ok(Interaction::Operation { name, level, parameters })
    }

    async fn batch(&mut self) -> Result<Interaction, Failure> {
        let bundle = self.resource(ResourceType::BUNDLE).await?;
        let transaction = match self.root_text(&bundle.bytes, "type").await?.as_deref() {
            Some("transaction") => true,
            Some("batch") => false,
            _ => {
                let failure = bad("expected a Bundle of type batch or transaction");
                return Err(failure.in_markup(self.markup.as_deref()));
            }
        };
        Ok(Interaction::Batch { bundle, transaction })
    }

    async fn resource(&mut self, resource_type: ResourceType) -> Result<Resource, Failure> {
        let (version, bytes) = self.fhir().await?;
        if bytes.is_empty() {
            return Err(bad(format!("expected a {resource_type} resource in the body, found nothing")));
        }
        Ok(Resource::new(resource_type, version, bytes))
    }

    async fn patch(&mut self) -> Result<Patch, Failure> {
        let (format, written) = negotiate::patch(&self.head.headers, self.site.version)?;
        let bytes = self.bytes(self.limits.body).await?;
        let version = written.version.unwrap_or(self.site.version);
        Ok(Patch { format, bytes: if written.is_xml { self.json_of(bytes, version).await? } else { bytes } })
    }

    /// A body that is a resource, in JSON whatever it was written in, and its release: what its media type says
    /// (http.html#version-parameter), or the base's. The answer then names it too.
    async fn fhir(&mut self) -> Result<(Version, Bytes), Failure> {
        let written = negotiate::resource(&self.head.headers, self.site.version)?;
        self.preferences.format.version = self.preferences.format.version.or(written.version);
        let version = written.version.unwrap_or(self.site.version);
        let bytes = self.bytes(self.limits.body).await?;
        let is_xml = written.is_xml && !bytes.is_empty();
        Ok((version, if is_xml { self.json_of(bytes, version).await? } else { bytes }))
    }

    async fn json_of(&mut self, bytes: Bytes, version: Version) -> Result<Bytes, Failure> {
        let read = self.limits.aside.work(bytes.len(), self.deadline, move || Markup::read(bytes, version));
        let (json, markup) = Box::pin(read).await??;
        self.lease.grow(json.len() + markup.extra())?;
        self.markup = Some(Arc::new(markup));
        Ok(json)
    }

    async fn root_text(&self, bytes: &Bytes, name: &'static str) -> Result<Option<String>, Failure> {
        let json = bytes.clone();
        Box::pin(self.limits.aside.work(bytes.len(), self.deadline, move || root_text(&json, name))).await?
    }

    /// Parameters of the form stand behind those of the URL (search.html#Introduction).
    async fn form(&mut self, mut query: Query) -> Result<Query, Failure> {
        negotiate::form(&self.head.headers)?;
        let bytes = self.bytes(MOST_FORM.min(self.limits.body)).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad("expected a form in UTF-8"))?;
        if text.bytes().filter(|byte| *byte == b'&').count() > MOST_PARAMETERS {
            return bounded(Query::parse(text));
        }
        for (name, value) in Query::parse(text).iter() {
            query.push(name, value);
        }
        if query.first("_format").is_some() {
            let mut asked = Query::default();
            asked.push("_format", query.first("_format").unwrap_or_default());
            self.preferences.format = negotiate::accept(&self.head.headers, &mut asked, self.site.version)?;
            query.remove("_format");
        }
        self.preferences.pretty |= take_pretty(&mut query);
        bounded(query)
    }

    async fn bytes(&mut self, most: usize) -> Result<Bytes, Failure> {
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        // Boxed: most requests have none, and each stage above would have room for it.
        Box::pin(payload::read(body, most, self.limits, self.deadline, self.lease)).await
    }
}

/// Criteria of a conditional write. Without any it would speak of everything.
fn criteria(query: Query) -> Result<Query, Failure> {
    if query.is_empty() {
        return Err(bad("expected an id in the URL, or search criteria behind `?`"));
    }
    Ok(query)
}

/// The text of one member of the root object.
fn root_text(bytes: &[u8], name: &str) -> Result<Option<String>, Failure> {
    let mut nodes = Vec::new();
    if let Err(error) = scan(bytes, &mut nodes, ScanLimits::default()) {
        return Err(Failure::from_issues(StatusCode::BAD_REQUEST, vec![error.issue(bytes)]));
    }
    let member = Document::new(bytes, &nodes).root().and_then(|root| root.member(name));
    Ok(member.and_then(|member| member.text()).map(std::borrow::Cow::into_owned))
}
