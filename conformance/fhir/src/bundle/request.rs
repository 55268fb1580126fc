//! `Bundle.entry.request`: method, URL and conditions to an interaction.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::entry::{Method, text};
use super::{Context, unknown_members};
use crate::interaction::{Parameters, Patch, PatchFormat};
use crate::json::{Document, Limits, Value, scan};
use crate::{Interaction, Issue, IssueType, Query, Resource, ResourceType, Shape, VersionId};

const OF_REQUEST: [&str; 9] = [
    "id",
    "extension",
    "modifierExtension",
    "method",
    "url",
    "ifNoneMatch",
    "ifModifiedSince",
    "ifMatch",
    "ifNoneExist",
];

/// What a request of an entry says.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) interaction: Interaction,
    pub(super) must_create: bool,
    pub(super) if_none_match: Option<VersionId>,
    pub(super) if_modified_since: Option<String>,
}

/// Reads it; what is wrong goes to `issues`, and then nothing comes of it.
pub(super) fn read(
    value: Value<'_>,
    resource: Option<Resource>,
    context: &Context<'_>,
    path: &str,
    issues: &mut Vec<Issue>,
) -> Option<Asked> {
    issues.extend(unknown_members(value, &OF_REQUEST, path));
    let before = issues.len();
    let method = method(value, path, issues);
    let url = required(value, "url", path, issues);
    let if_match = etag(value, "ifMatch", path, issues);
    let none_match = text(value, "ifNoneMatch", path, issues);
    let if_none_exist = text(value, "ifNoneExist", path, issues);
    let if_modified_since = text(value, "ifModifiedSince", path, issues);
    let target = url.as_deref().and_then(|url| located(url, context, path, issues));
    if issues.len() > before {
        return None;
    }
    let (method, url, (shape, query)) = (method?, url?, target?);
    let is_read = matches!(method, Method::Get | Method::Head);
    let must_create = !is_read && none_match.as_deref() == Some("*");
    if let (false, false, Some(_)) = (is_read, must_create, &none_match) {
        let text = "expected `*`, or ifMatch: a write has no other condition on versions";
        issues.push(Issue::error(IssueType::NotSupported, text).at(format!("{path}.ifNoneMatch")));
    }
    let body = Body { resource, if_match, if_none_exist, path };
    match body.interaction(method, shape, query) {
        Ok(interaction) => Some(Asked {
            method,
            url,
            interaction,
            must_create,
            // RFC 9110 13.1.2: what cannot be read is passed over; the answer is then whole.
            if_none_match: none_match.filter(|_| is_read).and_then(|etag| VersionId::of_etag(&etag)),
            if_modified_since: if_modified_since.filter(|_| is_read),
        }),
        Err(issue) => {
            issues.push(issue);
            None
        }
    }
}

fn method(value: Value<'_>, path: &str, issues: &mut Vec<Issue>) -> Option<Method> {
    let written = required(value, "method", path, issues)?;
    let method = Method::ALL.into_iter().find(|method| method.as_str() == written);
    if method.is_none() {
        let text = "expected GET, HEAD, POST, PUT, PATCH or DELETE";
        issues.push(Issue::error(IssueType::CodeInvalid, text).at(format!("{path}.method")));
    }
    method
}

fn required(value: Value<'_>, name: &str, path: &str, issues: &mut Vec<Issue>) -> Option<String> {
    if value.member(name).is_none() {
        issues.push(Issue::error(IssueType::Required, format!("expected `{name}`")).at(format!("{path}.{name}")));
    }
    text(value, name, path, issues)
}

fn etag(value: Value<'_>, name: &str, path: &str, issues: &mut Vec<Issue>) -> Option<VersionId> {
    let written = text(value, name, path, issues)?;
    let version = VersionId::of_etag(&written);
    if version.is_none() {
        let text = "expected one version, as in W/\"1\"";
        issues.push(Issue::error(IssueType::Value, text).at(format!("{path}.{name}")));
    }
    version
}

/// The shape and query of a URL, which is relative to the base or begins with it.
fn located(url: &str, context: &Context<'_>, path: &str, issues: &mut Vec<Issue>) -> Option<(Shape, Query)> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let relative = place.strip_prefix(context.base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let relative = relative.unwrap_or(place);
    let relative = relative.strip_prefix('/').unwrap_or(relative);
    let relative = relative.strip_suffix('/').unwrap_or(relative);
    let segments: Vec<&str> = if relative.is_empty() { Vec::new() } else { relative.split('/').collect() };
    match Shape::read(&segments, context.version) {
        Ok(shape) => {
            let mut query = Query::parse(query);
            // The answer is part of a Bundle that has its own format.
            query.remove("_format");
            query.remove("_pretty");
            Some((shape, query))
        }
        Err(unknown) => {
            let code = match unknown {
                crate::shape::UnknownShape::Id(_) => IssueType::Value,
                _ => IssueType::NotFound,
            };
            issues.push(Issue::error(code, unknown.to_string()).at(format!("{path}.url")));
            None
        }
    }
}

/// What stands beside method and URL.
struct Body<'a> {
    resource: Option<Resource>,
    if_match: Option<VersionId>,
    if_none_exist: Option<String>,
    path: &'a str,
}

impl Body<'_> {
    fn interaction(self, method: Method, shape: Shape, query: Query) -> Result<Interaction, Issue> {
        match method {
            Method::Get | Method::Head => self.read(shape, query),
            Method::Post => self.post(shape, query),
            Method::Put => self.put(shape, query),
            Method::Patch => self.patch(shape, query),
            Method::Delete => match shape {
                Shape::Instance(resource_type, id) => {
                    Ok(Interaction::Delete { resource_type, id, if_match: self.if_match })
                }
                Shape::Type(resource_type) => {
                    Ok(Interaction::ConditionalDelete { resource_type, criteria: self.criteria(query)? })
                }
                other => Err(self.misplaced(&other)),
            },
        }
    }

    fn read(self, shape: Shape, query: Query) -> Result<Interaction, Issue> {
        Ok(match shape {
            Shape::System => Interaction::SearchSystem { compartment: None, query },
            Shape::Metadata => Interaction::Capabilities,
            Shape::SystemHistory => Interaction::HistorySystem { query },
            Shape::Type(resource_type) => Interaction::SearchType { resource_type, compartment: None, query },
            Shape::TypeHistory(resource_type) => Interaction::HistoryType { resource_type, query },
            Shape::Instance(resource_type, id) => Interaction::Read { resource_type, id },
            Shape::InstanceHistory(resource_type, id) => Interaction::HistoryInstance { resource_type, id, query },
            Shape::Version(resource_type, id, version_id) => Interaction::Vread { resource_type, id, version_id },
            Shape::Compartment { owner, of: Some(resource_type), by_post: false } => {
                Interaction::SearchType { resource_type, compartment: Some(owner), query }
            }
            Shape::Compartment { owner, of: None, by_post: false } => {
                Interaction::SearchSystem { compartment: Some(owner), query }
            }
            Shape::Operation(level, name) => {
                Interaction::Operation { name, level, parameters: Parameters::Query(query) }
            }
            other => return Err(self.misplaced(&other)),
        })
    }

    fn post(mut self, shape: Shape, query: Query) -> Result<Interaction, Issue> {
        Ok(match shape {
            Shape::Type(resource_type) => {
                let if_none_exist = self.condition(resource_type, query)?;
                Interaction::Create { resource: self.resource(resource_type)?, if_none_exist }
            }
            Shape::TypeSearch(resource_type) => Interaction::SearchType { resource_type, compartment: None, query },
            Shape::SystemSearch => Interaction::SearchSystem { compartment: None, query },
            Shape::Compartment { owner, of: Some(resource_type), by_post: true } => {
                Interaction::SearchType { resource_type, compartment: Some(owner), query }
            }
            Shape::Compartment { owner, of: None, by_post: true } => {
                Interaction::SearchSystem { compartment: Some(owner), query }
            }
            Shape::Operation(level, name) => {
                let parameters = self.resource.take().map_or(Parameters::Query(query), Parameters::Body);
                Interaction::Operation { name, level, parameters }
            }
            other => return Err(self.misplaced(&other)),
        })
    }

    fn put(mut self, shape: Shape, query: Query) -> Result<Interaction, Issue> {
        match shape {
            Shape::Instance(resource_type, id) => {
                let resource = self.resource(resource_type)?;
                Ok(Interaction::Update { id, resource, if_match: self.if_match })
            }
            Shape::Type(resource_type) => {
                let criteria = self.criteria(query)?;
                let resource = self.resource(resource_type)?;
                Ok(Interaction::ConditionalUpdate { criteria, resource, if_match: self.if_match })
            }
            other => Err(self.misplaced(&other)),
        }
    }

    fn patch(mut self, shape: Shape, query: Query) -> Result<Interaction, Issue> {
        match shape {
            Shape::Instance(resource_type, id) => {
                let patch = self.document()?;
                Ok(Interaction::Patch { resource_type, id, patch, if_match: self.if_match })
            }
            Shape::Type(resource_type) => {
                let criteria = self.criteria(query)?;
                let patch = self.document()?;
                Ok(Interaction::ConditionalPatch { resource_type, criteria, patch, if_match: self.if_match })
            }
            other => Err(self.misplaced(&other)),
        }
    }

    /// The resource, which must be there and of the URL's type.
    fn resource(&mut self, resource_type: ResourceType) -> Result<Resource, Issue> {
        let place = self.path.strip_suffix(".request").unwrap_or(self.path);
        match self.resource.take() {
            Some(resource) if resource.resource_type == resource_type => Ok(resource),
            Some(_) => Err(Issue::error(
                IssueType::Invalid,
                format!("expected resourceType `{resource_type}`, as the URL says"),
            )
            .at(format!("{place}.resource"))),
            None => {
                let text = format!("expected a {resource_type} resource");
                Err(Issue::error(IssueType::Required, text).at(format!("{place}.resource")))
            }
        }
    }

    /// A patch in a Bundle (http.html#patch): a Parameters resource, or a Binary with a JSON Patch in it.
    fn document(&mut self) -> Result<Patch, Issue> {
        let place = self.path.strip_suffix(".request").unwrap_or(self.path);
        let refused = |text: &str| Issue::error(IssueType::Invalid, text).at(format!("{place}.resource"));
        let expected = "expected a Parameters resource, or a Binary with a JSON Patch";
        let resource = self.resource.take().ok_or_else(|| refused(expected))?;
        if resource.resource_type == ResourceType::PARAMETERS {
            return Ok(Patch { format: PatchFormat::FhirPath, bytes: resource.bytes });
        }
        let mut nodes = Vec::new();
        scan(&resource.bytes, &mut nodes, Limits::default()).map_err(|_| refused(expected))?;
        let root = Document::new(&resource.bytes, &nodes).root();
        let member = |name| root.and_then(|root| root.member(name)).and_then(Value::text);
        let is_patch = member("contentType").is_some_and(|of| of.starts_with("application/json-patch+json"));
        if resource.resource_type.as_str() != "Binary" || !is_patch {
            return Err(refused(expected));
        }
        let data = member("data").unwrap_or_default();
        let bytes = STANDARD.decode(data.as_bytes()).map_err(|_| refused("expected `data` in base64"))?;
        Ok(Patch { format: PatchFormat::Json, bytes: bytes.into() })
    }

    /// The condition of a create: `ifNoneExist`, or criteria in the URL, which clients send that mean one.
    fn condition(&self, of: ResourceType, query: Query) -> Result<Option<Query>, Issue> {
        match self.if_none_exist(of)? {
            Some(_) if !query.is_empty() => {
                let text = "expected criteria in `ifNoneExist` or in the URL, not in both";
                Err(Issue::error(IssueType::Invalid, text).at(format!("{}.url", self.path)))
            }
            None if !query.is_empty() => Ok(Some(query)),
            condition => Ok(condition),
        }
    }

    /// The criteria, with or without `?` or `[type]?` before them.
    fn if_none_exist(&self, resource_type: ResourceType) -> Result<Option<Query>, Issue> {
        let Some(written) = &self.if_none_exist else { return Ok(None) };
        let criteria = written.strip_prefix(resource_type.as_str()).unwrap_or(written);
        let query = Query::parse(criteria.strip_prefix('?').unwrap_or(criteria));
        if query.is_empty() {
            let text = "expected search criteria";
            return Err(Issue::error(IssueType::Required, text).at(format!("{}.ifNoneExist", self.path)));
        }
        Ok(Some(query))
    }

    /// Criteria of a conditional write. Without any it would speak of everything.
    fn criteria(&self, query: Query) -> Result<Query, Issue> {
        if query.is_empty() {
            let text = "expected an id, or search criteria behind `?`";
            return Err(Issue::error(IssueType::Required, text).at(format!("{}.url", self.path)));
        }
        Ok(query)
    }

    fn misplaced(&self, shape: &Shape) -> Issue {
        let allowed = match shape {
            Shape::System => "a GET with search parameters here: no Bundle within a Bundle is performed".to_owned(),
            other => format!("one of {} at this URL", other.allow().replace(", OPTIONS", "")),
        };
        Issue::error(IssueType::NotSupported, format!("expected {allowed}")).at(format!("{}.method", self.path))
    }
}
