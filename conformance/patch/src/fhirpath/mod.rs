//! FHIRPath Patch (fhirpatch.html): operations in a Parameters resource, whose targets FHIRPath finds.

mod list;
mod read;
mod spot;
mod value;

use ::fhirpath::{Element, Environment, EvaluationError, Item, Program};
use definitions::{Definitions, Element as Definition};
use fhir::json::{Document, Kind};

use crate::Context;
use crate::error::{Fault, PatchError, Reason, quoted};
use crate::text::{Step, Text};
use list::List;
use read::{Action, Operation};
use spot::{Spot, path_to};
use value::{Content, plain};

/// Performs a patch. Every operation is read before the first is done.
pub(crate) fn perform(text: &mut Text, patch: Document<'_>, context: &Context) -> Result<(), PatchError> {
    let operations = read::operations(patch, context)?;
    let steps = context.limits.steps / operations.len().max(10) as u64;
    let known = definitions::of(context.version);
    let performer = Performer { context, known, steps };
    for (number, operation) in operations.iter().enumerate() {
        performer.perform(text, operation).map_err(|reason| PatchError::from(reason).at(number))?;
    }
    Ok(())
}

struct Performer<'c> {
    context: &'c Context,
    known: &'static Definitions,
    /// Steps that the expression of one operation may take.
    steps: u64,
}

impl Performer<'_> {
    fn perform(&self, text: &mut Text, operation: &Operation<'_>) -> Result<(), Reason> {
        match &operation.action {
            Action::Add { name, value } => {
                let element = self.one(text, &operation.program, &operation.path)?;
                self.add(text, element, name, |definition| Content::read(*value, definition, self.known))
            }
            Action::Insert { index, value } => self.insert(text, operation, *index, *value),
            Action::Delete => match *self.elements(text, &operation.program)? {
                // fhirpatch.html: what is not there is deleted already.
                [] => Ok(()),
                [element] => Spot::of(text.document(), element)?.remove(text),
                _ => Err(several(&operation.path)),
            },
            Action::Replace { value } => {
                let element = self.one(text, &operation.program, &operation.path)?;
                self.replace(text, element, *value)
            }
            Action::Move { source, destination } => {
                let elements = self.elements(text, &operation.program)?;
                List::of(text, &elements)?.shift(text, *source, *destination)
            }
        }
    }

    fn add(
        &self,
        text: &mut Text,
        element: Element,
        name: &str,
        content: impl FnOnce(Option<Definition<'static>>) -> Result<Content, Reason>,
    ) -> Result<(), Reason> {
        let parent = element.kind.element().and_then(|id| self.known.element(id));
        let definition = value::child(self.known, parent, name)?;
        let content = content(definition)?;
        let member = content.member_name(definition, name)?;
        let object = self.object_of(text, element)?;
        let present = |member: &str| {
            let at = |name: String| text.find(&[object.as_slice(), &[Step::Name(name)]].concat());
            at(member.to_owned()).or_else(|| at(format!("_{member}")))
        };
        let is_list = match definition {
            Some(definition) => definition.is_list(),
            None => present(&member).is_some_and(|value| value.kind() == Kind::Array),
        };
        let taken = match definition.filter(|definition| definition.is_choice()) {
            Some(choice) => choice.variants().any(|variant| present(variant.name()).is_some()),
            None => present(&member).is_some(),
        };
        if is_list {
            let list = List { object, name: member };
            let end = list.length(text)?;
            return list.insert(text, end, &content);
        }
        if taken {
            let text = format!("expected {} to be absent or a list: `replace` changes it", quoted(name));
            return Err(Reason::unsuitable(text));
        }
        Spot { object, name: member, index: None }.put(text, &content)
    }

    /// The object that holds an element's members: of a primitive its companion, which is made where there is none.
    fn object_of(&self, text: &mut Text, element: Element) -> Result<Vec<Step>, Reason> {
        let is_object = |node: u32| text.document().at(node).is_some_and(|value| value.kind() == Kind::Object);
        if let Some(node) = [element.node, element.companion].into_iter().find(|node| is_object(*node)) {
            return path_to(text.document(), node).ok_or_else(beyond);
        }
        let spot = Spot::of(text.document(), element)?;
        spot.put_companion(text, Some(b"{}"))?;
        Ok(spot.companion_path())
    }

    fn insert(
        &self,
        text: &mut Text,
        operation: &Operation<'_>,
        index: usize,
        given: fhir::json::Value<'_>,
    ) -> Result<(), Reason> {
        let elements = self.elements(text, &operation.program)?;
        if elements.is_empty() && index == 0 {
            let (path, name) = operation.path.rsplit_once('.').unwrap_or_default();
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_name {
                return Err(nothing(&operation.path));
            }
            let program = read::program(path, self.context)?;
            let element = self.one(text, &program, path)?;
            return self.add(text, element, name, |definition| Content::read(given, definition, self.known));
        }
        let list = List::of(text, &elements)?;
        let definition = elements.first().and_then(|first| self.known.element(first.kind.element()?));
        let content = Content::read(given, definition, self.known)?;
        list.insert(text, index, &content)
    }

    fn replace(&self, text: &mut Text, element: Element, given: fhir::json::Value<'_>) -> Result<(), Reason> {
        let spot = Spot::of(text.document(), element)?;
        let definition = element.kind.element().and_then(|id| self.known.element(id));
        let choice = definition.and_then(Definition::choice).and_then(|id| self.known.element(id));
        let content = Content::read(given, definition, self.known)?;
        match choice.filter(|_| content.type_name.is_some()) {
            None => spot.put(text, &content),
            Some(choice) => {
                let name = content.member_name(Some(choice), plain(&spot.name))?;
                if name != spot.name {
                    spot.remove(text)?;
                }
                Spot { name, ..spot }.put(text, &content)
            }
        }
    }

    fn one(&self, text: &Text, program: &Program, path: &str) -> Result<Element, Reason> {
        match *self.elements(text, program)? {
            [element] => Ok(element),
            [] => Err(nothing(path)),
            _ => Err(several(path)),
        }
    }

    fn elements(&self, text: &Text, program: &Program) -> Result<Vec<Element>, Reason> {
        let step_limit = self.steps.min(Environment::STEP_LIMIT);
        let environment = Environment { now: self.context.now, step_limit, ..Environment::new(text.document()) };
        let found = program.evaluate(&environment).map_err(|error| match error {
            EvaluationError::TooCostly(_) => Reason(Fault::TooCostly, error.to_string()),
            error => Reason::unsuitable(error.to_string()),
        })?;
        let element = |item: &Item<'_>| match item {
            Item::Element(element) => Ok(*element),
            _ => {
                Err(Reason::unsuitable("expected a path to elements of the resource, and not to a value made of them"))
            }
        };
        found.iter().map(element).collect()
    }
}

fn nothing(path: &str) -> Reason {
    Reason::unsuitable(format!("expected an element at {}, found none", quoted(path)))
}

fn several(path: &str) -> Reason {
    Reason::unsuitable(format!("expected one element at {}, found several", quoted(path)))
}

fn beyond() -> Reason {
    Reason::unsuitable("expected an element inside of the resource")
}
