//! Fields compiled: paths and expressions checked against the definitions.

use definitions::{Definitions, ElementId};
use fhir::Version;
use fhirpath::Program;

use super::convert::Conversion;
use super::path::ElementPath;
use super::settings::{Direction, Field};
use super::table::{Line, TableFault};
use super::tree::Tree;

/// Tables within tables.
const DEEPEST: usize = 4;

/// Makes lines of fields, for one release.
pub(super) struct Compiler {
    definitions: &'static Definitions,
    version: Version,
}

impl Compiler {
    pub(super) fn new(version: Version) -> Self {
        Self { definitions: definitions::of(version), version }
    }

    /// The lines of fields below an element; what is wrong with one goes to the faults.
    pub(super) fn lines(
        &self,
        fields: &[Field],
        parent: ElementId,
        place: &mut Vec<usize>,
        faults: &mut Vec<TableFault>,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        for (number, field) in fields.iter().enumerate() {
            place.push(number);
            match self.line(field, parent, place, faults) {
                Ok(line) => lines.push(line),
                Err(message) => faults.push(TableFault { place: place.clone(), message }),
            }
            place.pop();
        }
        lines
    }

    fn line(
        &self,
        field: &Field,
        parent: ElementId,
        place: &mut Vec<usize>,
        faults: &mut Vec<TableFault>,
    ) -> Result<Line, String> {
        shape(field)?;
        if place.len() > DEEPEST {
            return Err(format!("expected at most {DEEPEST} tables within each other"));
        }
        let path = field.fhir.as_deref().map(|text| ElementPath::read(text, parent, self.definitions)).transpose()?;
        let program = self.program(field, path.as_ref(), parent)?;
        let (primitive, element) =
            (path.as_ref().and_then(|path| path.primitive), path.as_ref().map(|path| path.element));
        if let (Some(path), None, None, true) = (&path, primitive, &field.constant, field.each.is_empty()) {
            return Err(format!("expected a single value or `each`: `{}` has members", path.expression));
        }
        let each = match element {
            Some(element) => self.lines(&field.each, element, place, faults),
            None => Vec::new(),
        };
        Ok(Line {
            conversion: Conversion::of_field(field, primitive)?,
            program,
            pointer: field.json.clone(),
            constant: field.constant.as_ref().map(Tree::of_setting),
            default: field.default.as_ref().map(Tree::of_setting),
            default_json: field.default_json.as_ref().map(Tree::of_setting),
            reads: field.direction != Direction::Write && path.is_some(),
            writes: field.direction != Direction::Read && field.json.is_some(),
            path,
            each,
        })
    }

    fn program(&self, field: &Field, path: Option<&ElementPath>, parent: ElementId) -> Result<Option<Program>, String> {
        let text = match (&field.expression, path) {
            (Some(text), _) => text.as_str(),
            (None, Some(path)) if field.json.is_some() => path.expression.as_str(),
            _ => return Ok(None),
        };
        let program = Program::compile(text, self.version).map_err(|error| format!("FHIRPath `{text}`: {error}"))?;
        program.check_names_on(None, Some(parent)).map_err(|error| format!("FHIRPath `{text}`: {error}"))?;
        Ok(Some(program))
    }

    /// What the type demands and no field fills: a resource without it is not valid.
    pub(super) fn required(&self, lines: &[Line], root: ElementId, faults: &mut Vec<TableFault>) {
        let Some(shape) = self.definitions.element(root).and_then(definitions::Element::shape) else { return };
        let filled = |name: &str| {
            lines.iter().filter(|line| line.reads).filter_map(|line| line.path.as_ref()).any(|path| path.top() == name)
        };
        for element in shape.elements().filter(|element| element.min() > 0) {
            let is_filled = if element.is_choice() {
                element.variants().any(|variant| filled(variant.name()))
            } else {
                filled(element.name())
            };
            if !is_filled {
                let message = format!("no field fills `{}`, which must be there", element.path());
                faults.push(TableFault { place: Vec::new(), message });
            }
        }
    }
}

/// Which members of a field go together.
fn shape(field: &Field) -> Result<(), String> {
    let wrong = |text: &str| Err(text.to_owned());
    match (&field.fhir, &field.json, &field.constant) {
        (None, None, _) => wrong("expected `fhir`, `json`, or both"),
        (Some(_), Some(_), Some(_)) => wrong("expected a constant of one side: with `fhir`, or with `json`"),
        (Some(_), None, None) => wrong("expected `json`, or a `constant`"),
        (None, Some(_), None) if field.expression.is_none() => wrong("expected `fhir`, `expression` or `constant`"),
        _ if !field.each.is_empty() && (field.fhir.is_none() || field.json.is_none()) => {
            wrong("expected `fhir` and `json` with `each`")
        }
        _ => Ok(()),
    }
}
