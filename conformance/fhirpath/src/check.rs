//! The static check: names that the type before them does not have, and places in collections without an order. Where a type is
//! not known nothing is said (FHIRPath 10.2, strict evaluation).

use definitions::{Definitions, Element, ElementId, Family};

use crate::function::Function as F;
use crate::model::{Model, TypeSpecifier};
use crate::program::{CompileError, Op, Program, Step};

/// What an expression may give: elements of the definitions; none when that is not known.
type Types = Option<Vec<ElementId>>;

impl Program {
    /// Checks names against the definitions, for a context of that type.
    ///
    /// # Errors
    /// The first name that no element before it has, and the first use of an order that `children()` or `descendants()` do
    /// not have.
    pub fn check_names(&self, context: &str) -> Result<(), CompileError> {
        let root = definitions::of(self.version).type_named(context).and_then(definitions::Type::root);
        self.check_names_on(root, root)
    }

    /// The same for an element, such as the one that a rule belongs to. `resource`: the root of the type of `%resource`; none
    /// where it may be anything.
    ///
    /// # Errors
    /// As [`Program::check_names`].
    pub fn check_names_on(&self, resource: Option<ElementId>, context: Option<ElementId>) -> Result<(), CompileError> {
        let definitions = definitions::of(self.version);
        let checker = Checker { definitions, model: Model::of(self.version), resource, context };
        checker.operation(&self.root, &context.map(|context| vec![context])).map(|_| ())
    }
}

struct Checker {
    definitions: &'static Definitions,
    model: Model,
    resource: Option<ElementId>,
    context: Option<ElementId>,
}

impl Checker {
    fn operation(&self, op: &Op, focus: &Types) -> Result<Types, CompileError> {
        match op {
            Op::This => Ok(focus.clone()),
            Op::Variable(name) if &**name == "resource" => Ok(self.resource.map(|root| vec![root])),
            Op::Variable(name) if &**name == "context" => Ok(self.context.map(|context| vec![context])),
            Op::Literal(_) | Op::Empty | Op::Index | Op::Total | Op::Variable(_) => Ok(None),
            Op::Root(specifier, name) => self.root_name(specifier, &name.text, focus),
            Op::Start(step) => self.step(step, focus.clone(), focus),
            Op::Path(head, steps) => self.path(head, steps, focus),
            Op::Sign(_, operand) | Op::Is(operand, _) => self.operation(operand, focus).map(|_| None),
            Op::As(operand, specifier) => {
                self.operation(operand, focus)?;
                Ok(self.cast(specifier))
            }
            Op::Binary(_, left, right) => {
                self.operation(left, focus)?;
                self.operation(right, focus).map(|_| None)
            }
            Op::Union(all) => self.any_of(all, focus),
        }
    }

    /// What all of several expressions may give together.
    fn any_of(&self, all: &[Op], focus: &Types) -> Result<Types, CompileError> {
        let mut together = Some(Vec::new());
        for op in all {
            together = both(together, self.operation(op, focus)?);
        }
        Ok(together)
    }

    fn path(&self, head: &Op, steps: &[Step], focus: &Types) -> Result<Types, CompileError> {
        let mut types = self.operation(head, focus)?;
        let mut has_order = !matches!(head, Op::Start(step) if loses_order(step));
        for step in steps {
            if !has_order && needs_order(step) {
                return Err(CompileError::NoOrder);
            }
            has_order = match step {
                Step::Call(F::Where, _) | Step::Type(F::OfType, _) => has_order,
                step => !loses_order(step),
            };
            types = self.step(step, types, focus)?;
        }
        Ok(types)
    }

    /// A name that is spelled like a type: the context where it is of that type, otherwise a member.
    fn root_name(&self, specifier: &TypeSpecifier, name: &str, focus: &Types) -> Result<Types, CompileError> {
        let Some(known) = focus else { return Ok(None) };
        let mut same = known.clone();
        same.retain(|id| self.model.is_a((*id).into(), specifier));
        if same.is_empty() { self.member(focus.clone(), name) } else { Ok(Some(same)) }
    }

    fn step(&self, step: &Step, input: Types, focus: &Types) -> Result<Types, CompileError> {
        match step {
            Step::Member(name) | Step::FirstMember(name) => self.member(input, &name.text),
            Step::Indexer(index) => self.operation(index, focus).map(|_| input),
            Step::Matches(_) | Step::Type(F::Is, _) => Ok(None),
            Step::Type(_, specifier) => Ok(self.cast(specifier)),
            Step::Call(function, arguments) => self.call(*function, arguments, input, focus),
        }
    }

    fn call(&self, function: F, arguments: &[Op], input: Types, focus: &Types) -> Result<Types, CompileError> {
        match function {
            F::Where | F::Exists | F::All | F::Sort | F::Trace => {
                self.any_of(arguments, &input)?;
                Ok(input.filter(|_| !matches!(function, F::Exists | F::All)))
            }
            F::Select => self.any_of(arguments, &input),
            F::Iif => {
                let (condition, branches) = arguments.split_at_checked(1).unwrap_or_default();
                self.any_of(condition, &input)?;
                self.any_of(branches, &input)
            }
            // What they are evaluated on comes from themselves, or from variables.
            F::Repeat | F::RepeatAll | F::Aggregate | F::Coalesce => Ok(None),
            F::DefineVariable => Ok(input),
            F::Union | F::Combine => Ok(both(input, self.any_of(arguments, focus)?)),
            F::First | F::Last | F::Tail | F::Skip | F::Take | F::Single | F::Distinct | F::Intersect | F::Exclude => {
                self.any_of(arguments, focus)?;
                Ok(input)
            }
            F::Extension => Ok(self.definitions.type_named("Extension").and_then(|known| Some(vec![known.root()?]))),
            _ => self.any_of(arguments, focus).map(|_| None),
        }
    }

    fn cast(&self, specifier: &TypeSpecifier) -> Types {
        let known = self.definitions.type_named(specifier.fhir?)?;
        known.root().map(|root| vec![root])
    }

    fn member(&self, input: Types, name: &str) -> Result<Types, CompileError> {
        let Some(parents) = input.filter(|parents| !parents.is_empty()) else { return Ok(None) };
        let mut found = Vec::new();
        for parent in parents.iter().filter_map(|id| self.definitions.element(*id)) {
            match self.member_of(parent, name) {
                Member::Known(members) => found.extend(members),
                Member::Open => return Ok(None),
                Member::Missing => {}
            }
        }
        if found.is_empty() {
            let of = parents.iter().filter_map(|id| self.definitions.element(*id)).map(Element::path).next();
            return Err(CompileError::UnknownElement { name: name.to_owned(), of: of.unwrap_or_default() });
        }
        found.sort_unstable();
        found.dedup();
        Ok(Some(found))
    }

    fn member_of(&self, parent: Element<'static>, name: &str) -> Member {
        let is_any = parent.type_().is_some_and(|known| known.is_abstract() && known.family() == Family::Resource);
        // The value of a primitive is no element of the definitions.
        let is_value = name == "value" && parent.primitive().is_some();
        if is_any || is_value || parent.shape().is_none() {
            return Member::Open;
        }
        match self.definitions.child(parent.id(), name) {
            Some(child) if child.is_choice() => Member::Known(child.variants().map(Element::id).collect()),
            Some(child) if child.is_variant() || name.starts_with('_') => Member::Missing,
            Some(child) => Member::Known(vec![child.id()]),
            None => Member::Missing,
        }
    }
}

enum Member {
    Known(Vec<ElementId>),
    Open,
    Missing,
}

fn both(left: Types, right: Types) -> Types {
    let (mut left, right) = (left?, right?);
    left.extend(right);
    Some(left)
}

const fn loses_order(step: &Step) -> bool {
    matches!(step, Step::Call(F::Children | F::Descendants, _))
}

const fn needs_order(step: &Step) -> bool {
    matches!(step, Step::Indexer(_) | Step::Call(F::First | F::Last | F::Tail | F::Skip | F::Take, _))
}

#[cfg(test)]
mod tests {
    use fhir::Version;

    use super::*;

    fn checked(expression: &str) -> Result<(), CompileError> {
        Program::compile(expression, Version::R4)?.check_names("Patient")
    }

    #[test]
    fn names_that_a_type_does_not_have_are_refused() {
        let wrong = [
            "name.given1",
            "Encounter.name.given",
            "name.where(givn = 'a')",
            "deceasedBoolean",
            "(deceased as Period).start1",
            "contact.name.select(given | surname)",
            "extension('x').valu",
            "children().skip(1)",
        ];
        for expression in wrong {
            assert!(checked(expression).is_err(), "{expression}");
        }
        let error = checked("name.given1").unwrap_err().to_string();
        assert_eq!(error, "unknown element `given1` of Patient.name");
    }

    #[test]
    fn a_rule_of_an_element_is_checked_on_that_element() {
        let definitions = definitions::of(Version::R4);
        let patient = definitions.type_named("Patient").and_then(definitions::Type::root);
        let contact = definitions.child(patient.unwrap(), "contact").map(Element::id);
        let checked = |text: &str| Program::compile(text, Version::R4).unwrap().check_names_on(patient, contact);
        for right in ["name.exists() or telecom.exists()", "%resource.birthDate.exists()", "%context.gender.empty()"] {
            assert_eq!(checked(right), Ok(()), "{right}");
        }
        for wrong in ["birthDate.exists()", "%resource.relationship", "%context.birthDate"] {
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_may_be_there_is_accepted() {
        let right = [
            "Patient.name.given.first() + 'a'",
            "name.repeat(children()).given1",
            "managingOrganization.resolve().anything",
            "contained.anything",
            "birthDate.extension('x').value.ofType(dateTime)",
            "deceased.ofType(dateTime).value",
            "%resource.name.skip(1).given",
            "link.other.reference.substring(1)",
            "defineVariable('a', name).select(%a.anything)",
            "iif(active, name, contact.name).family",
        ];
        for expression in right {
            assert_eq!(checked(expression), Ok(()), "{expression}");
        }
    }
}
