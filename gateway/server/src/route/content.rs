//! Routes by content: `when`, a FHIRPath condition on what is written.

use std::collections::BTreeMap;

use config::{Config, Fault, Types};
use fhir::json::Document;
use fhir::{InteractionCode, IssueType, Resource, Version};
use fhirpath::{CompileError, Environment, Item, Program};
use http::StatusCode;
use profile::{Bounds, Scratch};

use crate::failure::Failure;

/// Steps of one condition: what a client sends must not hold a thread.
const STEPS: u64 = 200_000;

/// A condition, compiled for each release that it can be read in.
pub(super) struct When([Option<Program>; Version::ALL.len()]);

/// What a condition may ask beside the resource.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// `%client`: the id of the client that writes.
    pub client: &'a str,
    /// `%interaction`: its code.
    pub interaction: InteractionCode,
}

/// A resource with its index, for all conditions of a type.
pub(super) struct Content<'a> {
    resource: &'a Resource,
    scratch: Scratch,
    is_whole: bool,
}

impl When {
    /// # Errors
    /// It is no FHIRPath, or names what the types of R4 do not have.
    pub(super) fn compile(text: &str, types: &[Types]) -> Result<Self, CompileError> {
        let program = Program::compile(text, Version::R4)?;
        for of in types {
            if let Types::One(of) = of {
                program.check_names(of.as_str())?;
            }
        }
        Ok(Self(Version::ALL.map(|version| Program::compile(text, version).ok())))
    }

    /// Whether a resource meets it. What is no JSON meets nothing: validation says what is wrong with it.
    ///
    /// # Errors
    /// 422 when it cannot be decided, naming the route.
    pub(super) fn holds(&self, content: &Content<'_>, facts: Facts<'_>, route: &str) -> Result<bool, Failure> {
        let version = content.resource.version;
        let Some(program) = self.0.get(version as usize).and_then(Option::as_ref).filter(|_| content.is_whole) else {
            return Ok(false);
        };
        let document = Document::new(&content.resource.bytes, content.scratch.nodes());
        let variables = BTreeMap::from([
            ("client".to_owned(), std::iter::once(Item::text(facts.client)).collect()),
            ("interaction".to_owned(), std::iter::once(Item::text(facts.interaction.code())).collect()),
        ]);
        let environment = Environment { step_limit: STEPS, variables, ..Environment::new(document) };
        let truth = program.evaluate(&environment).map(|found| match found.as_slice() {
            [] => Some(false),
            [only] => Some(is_true(only, document)),
            _ => None,
        });
        match truth {
            Ok(Some(truth)) => Ok(truth),
            Ok(None) | Err(_) => {
                let text = format!("the condition of the route `{route}` cannot be decided on this resource");
                Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, IssueType::BusinessRule, text))
            }
        }
    }
}

/// One item is true unless it is the boolean that says otherwise.
fn is_true(item: &Item<'_>, document: Document<'_>) -> bool {
    match item {
        Item::Boolean(value) => *value,
        Item::Element(element) => document.at(element.node).is_none_or(|value| value.raw() != b"false"),
        _ => true,
    }
}

impl<'a> Content<'a> {
    pub(super) fn of(resource: &'a Resource) -> Self {
        let mut scratch = Scratch::default();
        // No rule is run, and no number of findings ends the scan.
        let bounds = Bounds { findings: 1 << 20, steps: 0, ..Bounds::default() };
        profile::scan(&resource.bytes, resource.version, Some(resource.resource_type), bounds, &mut scratch);
        let is_whole = scratch.is_whole();
        Self { resource, scratch, is_whole }
    }

    /// Whether it is JSON that can be read to its end.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// Conditions of the configuration that cannot be read.
pub fn faults(config: &Config) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, route) in config.routes.iter().enumerate() {
        let Some(text) = &route.when else { continue };
        let Err(error) = When::compile(text, &route.types).map(|_| ()) else { continue };
        let expected = "expected FHIRPath over a resource of the route's types";
        faults.push(config.fault(&["routes", &index.to_string(), "when"], error.to_string(), expected));
    }
    faults
}
