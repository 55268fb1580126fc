//! What is asked, and what is said about it.
//!
//! Type level: `POST [type]/$validate` with a resource, bare or as the parameter `resource`. Instance level: `POST
//! [type]/[id]/$validate` with one, or, without one, GET or POST about what is stored. `mode` says what the client is about to
//! do, `profile` what the resource must follow beside the profiles that it claims. For `create` and `update` the rules of the
//! route that would take the write count too.

use std::borrow::Cow;

use fhir::interaction::{Level, Parameters};
use fhir::json::{Document, Limits, Value, scan};
use fhir::{Id, Interaction, InteractionCode, Issue, IssueType, Outcome, ResourceType, Version};
use http::StatusCode;
use profile::{Request, Validator};

use crate::failure::Failure;
use crate::operations::parameters::{Given, Part};
use crate::route::Plan;

/// What a client asks to be told.
#[derive(Debug)]
pub(super) struct Question {
    /// The type in the URL.
    pub(super) resource_type: ResourceType,
    /// The id in the URL.
    pub(super) id: Option<Id>,
    /// What the client is about to do.
    pub(super) mode: Option<Mode>,
    /// The release of the resource.
    pub(super) version: Version,
    profile: Option<String>,
    /// The resource in the request; without one the stored one is meant.
    resource: Option<Part>,
}

/// What a client is about to do (resource-validation-mode).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Create it.
    Create,
    /// Update what is stored.
    Update,
    /// Delete what is stored.
    Delete,
    /// Nothing: it wants to know whether the resource follows a profile.
    Profile,
}

impl Question {
    /// The question of the operation.
    ///
    /// # Errors
    /// 400 for parameters that mean nothing, or no resource where one is needed.
    pub(super) fn of(interaction: &Interaction, version: Version) -> Result<Self, Failure> {
        let (parameters, resource_type, id) = match interaction {
            Interaction::Operation { level: Level::Type(of), parameters, .. } => (parameters, *of, None),
            Interaction::Operation { level: Level::Instance(of, id), parameters, .. } => {
                (parameters, *of, Some(id.clone()))
            }
            _ => return Err(bad(IssueType::NotSupported, "expected a type or a resource to validate")),
        };
        let given = Given::read(parameters)?;
        let question = Self {
            resource_type,
            id,
            mode: given.first("mode").as_deref().map(Mode::parse).transpose()?,
            version: if let Parameters::Body(body) = parameters { body.version } else { version },
            profile: given.first("profile").map(Cow::into_owned),
            resource: given.resource("resource"),
        };
        question.check()?;
        Ok(question)
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
    pub(super) fn length(&self) -> usize {
        self.resource.as_ref().map_or(0, |part| part.bytes().len())
    }

    /// Whether the stored resource must be read.
    #[must_use]
    pub(super) const fn is_about_stored(&self) -> bool {
        self.resource.is_none()
    }

    /// The FHIRPath of something in the body, as that of something in the resource where it lies in it.
    #[must_use]
    pub(super) fn own_path(&self, path: String) -> String {
        match &self.resource {
            Some(part) => part.own_path(path, self.resource_type),
            None => path,
        }
    }

    /// The write whose rules count.
    #[must_use]
    pub(super) const fn write(&self) -> Option<InteractionCode> {
        match self.mode {
            Some(Mode::Create) => Some(InteractionCode::Create),
            Some(Mode::Update) => Some(InteractionCode::Update),
            Some(Mode::Delete | Mode::Profile) | None => None,
        }
    }

    /// The answer. `stored` is what was read when that was needed, `rules` are those of the route.
    #[must_use]
    pub(super) fn answer(&self, stored: Option<&[u8]>, rules: Option<&Plan>, validator: &Validator) -> Outcome {
        let bytes = match &self.resource {
            Some(part) => part.bytes(),
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
        if let Some(part) = &self.resource {
            part.relocate(&mut outcome.0);
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

fn bad(code: IssueType, text: &str) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, code, text)
}

#[cfg(test)]
mod tests {
    use fhir::outcome::Position;
    use fhir::{Query, Resource};

    use super::*;

    const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";

    fn operation(level: Level, parameters: Parameters) -> Interaction {
        Interaction::Operation { name: "validate".to_owned(), level, parameters }
    }

    fn body(json: &str) -> Parameters {
        let of = if json.contains("Parameters") { ResourceType::PARAMETERS } else { ResourceType::PATIENT };
        Parameters::Body(Resource::new(of, Version::R4, json.to_owned()))
    }

    fn at_type(json: &str) -> Result<Question, Failure> {
        let interaction = operation(Level::Type(ResourceType::PATIENT), body(json));
        Question::of(&interaction, Version::R4)
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
            let question = Question::of(&operation(level.clone(), body(json)), Version::R4).unwrap();
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
        let question = Question::of(&operation(level, Parameters::Query(query)), Version::R4).unwrap();
        assert!(question.is_about_stored());
        assert_eq!(question.write(), Some(InteractionCode::Update));
        let stored = br#"{"resourceType":"Patient","id":"a","active":1}"#;
        assert!(question.answer(Some(stored), None, &Validator::new(Version::R4)).has_errors());
    }
}
