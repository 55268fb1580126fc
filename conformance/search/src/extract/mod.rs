//! From a document to the values that an index keeps.

mod number;
mod plan;
mod reference;
mod value;
mod walk;

use fhir::ResourceType;
use fhir::json::Document;

use crate::parameter::{self, Compiled};
use crate::{IndexValue, Parameter, Vocabulary};

pub(crate) use number::implicit_range;
pub(crate) use reference::parse as parse_reference;

use plan::Plan;

/// Calls `sink` with every value of every parameter of the resource type, in no particular order. The node index may be
/// typed (made by the validator) or plain (made by `fhir::json::scan`). What is malformed is passed over: extraction never
/// fails, because the validator has already said what is wrong.
pub fn extract<'a>(
    document: Document<'a>,
    resource_type: ResourceType,
    vocabulary: impl Into<Vocabulary>,
    sink: &mut dyn FnMut(&'static Parameter, IndexValue<'a>),
) {
    if let Some(compiled) = parameter::compiled(vocabulary.into(), resource_type) {
        walk::walk(document, compiled, sink);
    }
}

/// Whether the expressions of a parameter can be compiled.
pub(crate) fn check(
    definitions: &'static definitions::Definitions,
    resource_type: ResourceType,
    definition: &definitions::SearchParameter,
) -> Result<(), fhirpath::CompileError> {
    let Some(root) = definitions.type_of(resource_type).and_then(|known| known.root()) else { return Ok(()) };
    let expression = definition.expression.unwrap_or_default();
    Plan::new().add(definitions, &[root], expression, plan::Target::Value(0))?;
    let kinds = plan::kinds(definitions, root, expression);
    for component in &definition.components {
        Plan::new().add(definitions, &kinds, component.expression, plan::Target::Value(0))?;
    }
    Ok(())
}

/// What one resource type's extraction needs.
#[derive(Debug)]
pub(crate) struct Extraction {
    /// Leads to the values and to the occurrences of composites.
    plan: Plan,
    /// Of each composite, by its parameter's number, the plan of its parts from an occurrence.
    composites: Vec<(u16, Plan)>,
}

impl Extraction {
    /// Compiles the expressions of parameters. A part of a composite is told by its own number: `plan` of a composite has
    /// targets that count its components.
    pub(crate) fn compile(
        definitions: &'static definitions::Definitions,
        resource_type: ResourceType,
        parameters: &[(&Parameter, &definitions::SearchParameter)],
    ) -> Self {
        let mut extraction = Self { plan: Plan::new(), composites: Vec::new() };
        let Some(root) = definitions.type_of(resource_type).and_then(|known| known.root()) else { return extraction };
        for (number, (_, definition)) in (0u16..).zip(parameters) {
            let Some(expression) = definition.expression else { continue };
            let composite = definition.kind == definitions::ParameterKind::Composite;
            let target = if composite { plan::Target::Composite(number) } else { plan::Target::Value(number) };
            // A committed expression always compiles, a test walks all of them; what is added was checked.
            let _ = extraction.plan.add(definitions, &[root], expression, target);
            if composite {
                extraction.composites.push((number, parts(definitions, root, expression, definition)));
            }
        }
        extraction
    }

    fn parts(&self, number: u16) -> Option<&Plan> {
        self.composites.iter().find(|(known, _)| *known == number).map(|(_, plan)| plan)
    }
}

fn parts(
    definitions: &'static definitions::Definitions,
    root: definitions::ElementId,
    expression: &str,
    definition: &definitions::SearchParameter,
) -> Plan {
    let mut parts = Plan::new();
    let kinds = plan::kinds(definitions, root, expression);
    for (part, component) in (0u16..).zip(&definition.components) {
        let _ = parts.add(definitions, &kinds, component.expression, plan::Target::Value(part));
    }
    parts
}

impl Compiled {
    fn parameter(&'static self, number: u16) -> Option<&'static Parameter> {
        self.parameters.get(usize::from(number))
    }
}
