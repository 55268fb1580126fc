//! The parameters of an operation, from wherever they came: the query of a GET, a Parameters resource, or the one resource alone.

use std::borrow::Cow;

use bytes::Bytes;
use fhir::interaction::Parameters;
use fhir::json::{Document, Limits, Node, Value, position, scan};
use fhir::outcome::Position;
use fhir::{Issue, Query, ResourceType};
use http::StatusCode;

use crate::failure::Failure;

/// Parameters that can be asked for by name.
pub enum Given<'a> {
    /// Of a GET.
    Query(&'a Query),
    /// Of a Parameters resource.
    Body(&'a Bytes, Vec<Node>),
    /// A resource of another type: the one resource that the operation takes.
    Alone(&'a Bytes),
}

/// A resource within a body, and where in it. Its `Debug` shows none of it.
#[derive(Clone)]
pub struct Part {
    body: Bytes,
    start: usize,
    end: usize,
    /// Its FHIRPath in the body; none when it is the body.
    pub path: Option<String>,
}

impl<'a> Given<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// 400 for a body that is no JSON.
    pub fn read(parameters: &'a Parameters) -> Result<Self, Failure> {
        let body = match parameters {
            Parameters::Query(query) => return Ok(Self::Query(query)),
            Parameters::Body(body) => body,
        };
        if body.resource_type != ResourceType::PARAMETERS {
            return Ok(Self::Alone(&body.bytes));
        }
        let mut nodes = Vec::new();
        match scan(&body.bytes, &mut nodes, Limits::default()) {
            Ok(()) => Ok(Self::Body(&body.bytes, nodes)),
            Err(error) => Err(Failure::from_issues(StatusCode::BAD_REQUEST, vec![error.issue(&body.bytes)])),
        }
    }

    /// The first value of a parameter, of whatever type it is.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<Cow<'_, str>> {
        self.all(name).into_iter().next()
    }

    /// Every value of a parameter.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<Cow<'_, str>> {
        match self {
            Self::Query(query) => {
                query.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.into()).collect()
            }
            Self::Body(bytes, nodes) => named(bytes, nodes, name).filter_map(|(_, item)| value(item)).collect(),
            Self::Alone(_) => Vec::new(),
        }
    }

    /// The names of all that was given, for an operation that refuses what it does not know.
    #[must_use]
    pub fn names(&self) -> Vec<Cow<'_, str>> {
        match self {
            Self::Query(query) => query.iter().map(|(name, _)| name.into()).collect(),
            Self::Body(bytes, nodes) => {
                items(bytes, nodes).filter_map(|(_, item)| item.member("name").and_then(Value::text)).collect()
            }
            Self::Alone(_) => Vec::new(),
        }
    }

    /// The resource of a parameter; the body, when it is a resource alone.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<Part> {
        match self {
            Self::Query(_) => None,
            Self::Alone(bytes) => Some(Part { body: (*bytes).clone(), start: 0, end: bytes.len(), path: None }),
            Self::Body(bytes, nodes) => {
                let (index, resource) =
                    named(bytes, nodes, name).find_map(|(index, item)| Some((index, item.member("resource")?)))?;
                let (start, end) = (resource.node().start as usize, resource.node().end as usize);
                let path = Some(format!("Parameters.parameter[{index}].resource"));
                Some(Part { body: (*bytes).clone(), start, end, path })
            }
        }
    }
}

impl Part {
    /// It.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.body.get(self.start..self.end).unwrap_or_default()
    }

    /// The body that it stands in.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Makes lines and columns in the resource those in the body.
    pub fn relocate(&self, issues: &mut [Issue]) {
        let first = position(&self.body, self.start);
        for place in issues.iter_mut().filter_map(|issue| issue.position.as_mut()) {
            let column = if place.line == 1 { first.column + place.column - 1 } else { place.column };
            *place = Position { line: first.line + place.line - 1, column };
        }
    }

    /// The FHIRPath of something in the body, as that of something in the resource where it lies in it.
    #[must_use]
    pub fn own_path(&self, path: String, resource_type: ResourceType) -> String {
        match self.path.as_deref().and_then(|wrapped| path.strip_prefix(wrapped)) {
            Some(rest) => format!("{resource_type}{rest}"),
            None => path,
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({} bytes)", self.bytes().len())
    }
}

fn items<'a>(bytes: &'a Bytes, nodes: &'a [Node]) -> impl Iterator<Item = (usize, Value<'a>)> {
    let root = Document::new(bytes, nodes).root();
    root.and_then(|root| root.member("parameter")).into_iter().flat_map(Value::items).enumerate()
}

fn named<'a>(bytes: &'a Bytes, nodes: &'a [Node], name: &str) -> impl Iterator<Item = (usize, Value<'a>)> {
    items(bytes, nodes)
        .filter(move |(_, item)| item.member("name").and_then(Value::text).is_some_and(|text| text == name))
}

/// `valueString`, `valueCode`, `valueDate`, `valueInteger`, `valueBoolean`…
fn value(item: Value<'_>) -> Option<Cow<'_, str>> {
    let value = item.children().find(|member| member.name().starts_with("value"))?;
    let plain = || value.number().map(Cow::Borrowed);
    let truth = || value.boolean().map(|truth| Cow::Borrowed(if truth { "true" } else { "false" }));
    value.text().or_else(plain).or_else(truth)
}

#[cfg(test)]
mod tests {
    use fhir::{Resource, Version};

    use super::*;

    fn body(json: &str, of: ResourceType) -> Parameters {
        Parameters::Body(Resource::new(of, Version::R4, json.to_owned()))
    }

    #[test]
    fn values_are_the_same_whichever_way_they_came() {
        let query = Parameters::Query(Query::parse("count=3&onlyCertainMatches=true&_type=A&_type=B"));
        let resource = body(
            r#"{"resourceType":"Parameters","parameter":[{"name":"count","valueInteger":3},
                {"name":"onlyCertainMatches","valueBoolean":true},{"name":"_type","valueCode":"A"},
                {"name":"_type","valueString":"B"}]}"#,
            ResourceType::PARAMETERS,
        );
        for parameters in [&query, &resource] {
            let given = Given::read(parameters).unwrap();
            assert_eq!(given.first("count").as_deref(), Some("3"));
            assert_eq!(given.first("onlyCertainMatches").as_deref(), Some("true"));
            assert_eq!(given.all("_type"), ["A", "B"]);
            assert_eq!(given.first("other"), None);
            assert_eq!(given.names().len(), 4);
        }
    }

    #[test]
    fn a_resource_is_a_parameter_or_the_body() {
        let wrapped = body(
            r#"{"resourceType":"Parameters","parameter":[{"name":"count","valueInteger":3},
                {"name":"resource","resource":{"resourceType":"Patient"}}]}"#,
            ResourceType::PARAMETERS,
        );
        let part = Given::read(&wrapped).unwrap().resource("resource").unwrap();
        assert_eq!(part.bytes(), br#"{"resourceType":"Patient"}"#);
        assert_eq!(part.path.as_deref(), Some("Parameters.parameter[1].resource"));
        let alone = body(r#"{"resourceType":"Patient","active":true}"#, ResourceType::PATIENT);
        let part = Given::read(&alone).unwrap().resource("resource").unwrap();
        assert_eq!((part.path.as_deref(), part.bytes().len()), (None, 40));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let broken = body(r#"{"resourceType":"Parameters","parameter":"#, ResourceType::PARAMETERS);
        assert_eq!(Given::read(&broken).err().unwrap().status, StatusCode::BAD_REQUEST);
    }
}
