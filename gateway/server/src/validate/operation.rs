//! `$validate` (resource-operation-validate.html): what is asked, and what is said about it.
//!
//! Type level: `POST [type]/$validate` with a resource, bare or as the parameter `resource`. Instance level: `POST
//! [type]/[id]/$validate` with one, or, without one, GET or POST about what is stored. `mode` says what the client is about to
//! do, `profile` what the resource must follow beside the profiles that it claims. For `create` and `update` the rules of the
//! route that would take the write count too.

use std::borrow::Cow;

use bytes::Bytes;
use fhir::interaction::{Level, Parameters};
use fhir::json::{Document, Limits, Value, position, scan};
use fhir::outcome::Position;
use fhir::{Id, Interaction, InteractionCode, Issue, IssueType, Outcome, Resource, ResourceType, Version};
use http::StatusCode;
use profile::{Request, Validator};

use crate::failure::Failure;
use crate::route::Plan;

/// The operation's definition.
pub const DEFINITION: &str = "http://hl7.org/fhir/OperationDefinition/Resource-validate";
/// Its name.
pub const NAME: &str = "validate";

/// What a client asks to be told.
#[derive(Debug)]
pub struct Question {
    /// The type in the URL.
    pub resource_type: ResourceType,
    /// The id in the URL.
    pub id: Option<Id>,
    /// What the client is about to do.
    pub mode: Option<Mode>,
    /// The release of the resource.
    pub version: Version,
    profile: Option<String>,
    /// The resource in the request; without one the stored one is meant.
    resource: Option<Payload>,
}

/// What a client is about to do (resource-validation-mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Create it.
    Create,
    /// Update what is stored.
    Update,
    /// Delete what is stored.
    Delete,
    /// Nothing: it wants to know whether the resource follows a profile.
    Profile,
}

/// A resource within a body, and where in it. Its `Debug` shows none of it.
struct Payload {
    body: Bytes,
    start: usize,
    end: usize,
    /// Its FHIRPath in the body; none when it is the body.
    path: Option<String>,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes().len())
    }
}

impl Payload {
    fn bytes(&self) -> &[u8] {
        self.body.get(self.start..self.end).unwrap_or_default()
    }

    /// Lines and columns of the resource as those of the body.
    fn relocate(&self, issues: &mut [Issue]) {
        let first = position(&self.body, self.start);
        for place in issues.iter_mut().filter_map(|issue| issue.position.as_mut()) {
            let column = if place.line == 1 { first.column + place.column - 1 } else { place.column };
            *place = Position { line: first.line + place.line - 1, column };
        }
    }
}

impl Question {
    /// The question of an interaction, when it is one.
    ///
    /// # Errors
    /// 400 for parameters that mean nothing, or no resource where one is needed.
    pub fn of(interaction: &Interaction, version: Version) -> Result<Option<Self>, Failure> {
        let Interaction::Operation { name, level, parameters } = interaction else { return Ok(None) };
        let (resource_type, id) = match level {
            Level::Type(of) => (*of, None),
            Level::Instance(of, id) => (*of, Some(id.clone())),
            Level::System => return Ok(None),
        };
        if name != NAME {
            return Ok(None);
        }
        let question = Self { resource_type, id, mode: None, version, profile: None, resource: None };
        let question = match parameters {
            Parameters::Query(query) => question.with(query.first("mode"), query.first("profile"))?,
            Parameters::Body(body) => question.with_body(body)?,
        };
        question.check()?;
        Ok(Some(question))
    }

    fn with(mut self, mode: Option<&str>, profile: Option<&str>) -> Result<Self, Failure> {
        self.mode = mode.map(Mode::parse).transpose()?;
        self.profile = profile.map(str::to_owned);
        Ok(self)
    }

    fn with_body(mut self, body: &Resource) -> Result<Self, Failure> {
        self.version = body.version;
        if body.resource_type != ResourceType::PARAMETERS {
            let end = body.bytes.len();
            self.resource = Some(Payload { body: body.bytes.clone(), start: 0, end, path: None });
            return Ok(self);
        }
        let mut nodes = Vec::new();
        if let Err(error) = scan(&body.bytes, &mut nodes, Limits::default()) {
            return Err(Failure::from_issues(StatusCode::BAD_REQUEST, vec![error.issue(&body.bytes)]));
        }
        let Some(root) = Document::new(&body.bytes, &nodes).root() else { return Ok(self) };
        let resource = parameter(root, "resource").and_then(|(index, found)| Some((index, found.member("resource")?)));
        self.resource = resource.map(|(index, resource)| Payload {
            body: body.bytes.clone(),
            start: resource.node().start as usize,
            end: resource.node().end as usize,
            path: Some(format!("Parameters.parameter[{index}].resource")),
        });
        let text = |name| parameter(root, name).and_then(|(_, found)| value(found));
        self.with(text("mode").as_deref(), text("profile").as_deref())
    }

    fn check(&self) -> Result<(), Failure> {
        if self.mode == Some(Mode::Profile) && self.profile.is_none() {
            return Err(bad(IssueType::Required, "expected the parameter `profile` with mode `profile`"));
        }
        if self.resource.is_none() && self.id.is_none() {
            let text = "expected a resource: alone in the body, or as the parameter `resource`";
            return Err(bad(IssueType::Required, text));
        }
        Ok(())
    }

    /// Bytes of the resource in the request.
    #[must_use]
    pub fn length(&self) -> usize {
        self.resource.as_ref().map_or(0, |payload| payload.bytes().len())
    }

    /// Whether the stored resource must be read.
    #[must_use]
    pub const fn is_about_stored(&self) -> bool {
        self.resource.is_none()
    }

    /// The FHIRPath of something in the body, as that of something in the resource where it lies in it.
    #[must_use]
    pub fn own_path(&self, path: String) -> String {
        let wrapped = self.resource.as_ref().and_then(|payload| payload.path.as_deref());
        match wrapped.and_then(|wrapped| path.strip_prefix(wrapped)) {
            Some(rest) => format!("{}{rest}", self.resource_type),
            None => path,
        }
    }

    /// The write whose rules count.
    #[must_use]
    pub const fn write(&self) -> Option<InteractionCode> {
        match self.mode {
            Some(Mode::Create) => Some(InteractionCode::Create),
            Some(Mode::Update) => Some(InteractionCode::Update),
            Some(Mode::Delete | Mode::Profile) | None => None,
        }
    }

    /// The answer. `stored` is what was read when that was needed, `rules` are those of the route.
    #[must_use]
    pub fn answer(&self, stored: Option<&[u8]>, rules: Option<&Plan>, validator: &Validator) -> Outcome {
        let bytes = match &self.resource {
            Some(payload) => payload.bytes(),
            None => stored.unwrap_or_default(),
        };
        if self.mode == Some(Mode::Delete) {
            return Outcome::default();
        }
        let of_route = rules.map(|rules| rules.profiles_for(self.resource_type, validator)).unwrap_or_default();
        let profiles: Vec<&str> = self.profile.as_deref().into_iter().chain(of_route).collect();
        let request = Request { expected: Some(self.resource_type), profiles: &profiles, ..Request::default() };
        let mut outcome = match validator.check(bytes, &request) {
            Ok(checked) => checked.doubts,
            Err(refused) => refused.outcome,
        };
        if let Some(payload) = &self.resource {
            payload.relocate(&mut outcome.0);
        }
        outcome.0.extend(self.identity(bytes));
        outcome
    }

    /// http.html#update: the id of an update is that of the URL.
    fn identity(&self, bytes: &[u8]) -> Option<Issue> {
        if self.mode == Some(Mode::Create) || self.mode == Some(Mode::Profile) || self.resource.is_none() {
            return None;
        }
        let mut nodes = Vec::new();
        scan(bytes, &mut nodes, Limits::default()).ok()?;
        let id = Document::new(bytes, &nodes).root()?.member("id").and_then(Value::text);
        let text = match (&self.id, self.mode) {
            (Some(wanted), _) if id.as_deref() != Some(wanted.as_str()) => "expected the id of the URL in the resource",
            (None, Some(Mode::Update)) if id.is_none() => "expected an `id`, as an update needs it",
            _ => return None,
        };
        Some(Issue::error(IssueType::Value, text).at(format!("{}.id", self.resource_type)))
    }
}

impl Mode {
    fn parse(code: &str) -> Result<Self, Failure> {
        match code {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "delete" => Ok(Self::Delete),
            "profile" => Ok(Self::Profile),
            _ => Err(bad(IssueType::CodeInvalid, "expected mode `create`, `update`, `delete` or `profile`")),
        }
    }
}

/// The first parameter of that name, and which of all it is.
fn parameter<'a>(root: Value<'a>, name: &str) -> Option<(usize, Value<'a>)> {
    let mut all = root.member("parameter")?.items().enumerate();
    all.find(|(_, item)| item.member("name").and_then(Value::text).is_some_and(|text| text == name))
}

/// Its value, of whatever type: R4 has `valueUri` where R5 has `valueCanonical`.
fn value(parameter: Value<'_>) -> Option<Cow<'_, str>> {
    parameter.children().find(|member| member.name().starts_with("value"))?.text()
}

fn bad(code: IssueType, text: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, code, text)
}

#[cfg(test)]
mod tests {
    use fhir::Query;

    use super::*;

    const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

    fn operation(level: Level, parameters: Parameters) -> Interaction {
        Interaction::Operation { name: NAME.to_owned(), level, parameters }
    }

    fn body(json: &str) -> Parameters {
        let of = if json.contains("Parameters") { ResourceType::PARAMETERS } else { ResourceType::PATIENT };
        Parameters::Body(Resource::new(of, Version::R4, json.to_owned()))
    }

    fn at_type(json: &str) -> Result<Question, Failure> {
        let interaction = operation(Level::Type(ResourceType::PATIENT), body(json));
        Question::of(&interaction, Version::R4).map(|question| question.expect("a question"))
    }

    fn answer(question: &Question) -> Outcome {
        question.answer(None, None, &Validator::new(Version::R4))
    }

    #[test]
    fn a_bare_resource_and_one_in_parameters_are_told_the_same_at_their_own_places() {
        let bare = answer(&at_type(r#"{"resourceType":"Patient","active":1}"#).unwrap());
        let body = "{\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":\n  \
                    {\"resourceType\":\"Patient\",\"active\":1}}]}";
        let wrapped = answer(&at_type(body).unwrap());
        assert_eq!(bare.0[0].expression, wrapped.0[0].expression);
        assert_eq!(bare.0[0].position, Some(Position { line: 1, column: 36 }));
        assert_eq!(wrapped.0[0].position, Some(Position { line: 2, column: 38 }));
    }

    #[test]
    fn a_profile_that_is_asked_for_counts() {
        let json = format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"profile","valueUri":"{US_CORE}"}},
                {{"name":"mode","valueCode":"profile"}},
                {{"name":"resource","resource":{{"resourceType":"Patient","active":true}}}}]}}"#
        );
        let question = at_type(&json).unwrap();
        assert_eq!(question.mode, Some(Mode::Profile));
        assert!(answer(&question).has_errors());
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let refused = |json: &str| at_type(json).unwrap_err().status;
        assert_eq!(refused(r#"{"resourceType":"Parameters"}"#), StatusCode::BAD_REQUEST);
        let mode = |mode: &str| {
            format!(
                r#"{{"resourceType":"Parameters","parameter":[{{"name":"mode","valueCode":"{mode}"}},
                    {{"name":"resource","resource":{{"resourceType":"Patient"}}}}]}}"#
            )
        };
        assert_eq!(refused(&mode("profile")), StatusCode::BAD_REQUEST);
        assert_eq!(refused(&mode("destroy")), StatusCode::BAD_REQUEST);
        assert_eq!(at_type(&mode("delete")).unwrap().mode, Some(Mode::Delete));
    }

    #[test]
    fn an_update_needs_the_id_of_the_url_and_the_type_is_the_urls() {
        let level = Level::Instance(ResourceType::PATIENT, "a".parse().unwrap());
        let of = |json: &str| {
            let question = Question::of(&operation(level.clone(), body(json)), Version::R4).unwrap().unwrap();
            answer(&question).0.into_iter().find(|issue| issue.text.contains("id of the URL"))
        };
        assert!(of(r#"{"resourceType":"Patient","id":"b","active":true}"#).is_some());
        assert!(of(r#"{"resourceType":"Patient","id":"a","active":true}"#).is_none());
        assert!(answer(&at_type(r#"{"resourceType":"Slot","status":"free"}"#).unwrap()).has_errors());
    }

    #[test]
    fn what_is_stored_is_meant_where_nothing_was_sent() {
        let mut query = Query::default();
        query.push("mode", "update");
        let level = Level::Instance(ResourceType::PATIENT, "a".parse().unwrap());
        let question =
            Question::of(&operation(level, Parameters::Query(query)), Version::R4).unwrap().expect("a question");
        assert!(question.is_about_stored());
        assert_eq!(question.write(), Some(InteractionCode::Update));
        let stored = br#"{"resourceType":"Patient","id":"a","active":1}"#;
        assert!(question.answer(Some(stored), None, &Validator::new(Version::R4)).has_errors());
    }

    #[test]
    fn other_operations_and_the_system_level_are_not_ours() {
        let query = || Parameters::Query(Query::default());
        let everything = Interaction::Operation {
            name: "everything".to_owned(),
            level: Level::Type(ResourceType::PATIENT),
            parameters: query(),
        };
        assert!(Question::of(&everything, Version::R4).unwrap().is_none());
        assert!(Question::of(&operation(Level::System, query()), Version::R4).unwrap().is_none());
    }
}
