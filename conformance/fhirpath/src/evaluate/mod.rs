//! Running a program over a document.

mod arithmetic;
mod calendar;
mod compare;
mod convert;
mod equality;
mod foreign;
mod function;
mod navigate;
mod operator;
pub(crate) mod reference;

use smallvec::smallvec;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use fhir::Version;
use fhir::json::Document;

use crate::item::{Collection, Element, Item};
use crate::model::Model;
use crate::program::{Op, Program, Step};
use crate::services::{NoServices, Services};

/// Why an evaluation ends without a result. Missing data is no error: it gives an empty collection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A function or operator that takes one item was given several.
    #[error("expected at most one item for `{0}`")]
    NotSingle(&'static str),
    /// A function or operator was given an item of a type that it does not take.
    #[error("expected {expected} for `{operation}`")]
    WrongType {
        /// The function or operator.
        operation: &'static str,
        /// The types that it takes.
        expected: &'static str,
    },
    /// An external constant that nothing defines.
    #[error("unknown constant `%{0}`")]
    UnknownConstant(String),
    /// The work is more than is allowed.
    #[error("expected an evaluation of at most {0} steps")]
    TooCostly(u64),
    /// It needs something that was not given, such as a terminology.
    #[error("`{0}` cannot be decided here")]
    Undecidable(&'static str),
}

/// The surroundings of an evaluation.
pub struct Environment<'a> {
    /// The document that the program runs over.
    pub document: Document<'a>,
    /// `%resource`: the node of the resource that holds the context; the root as a rule.
    pub resource: u32,
    /// `%rootResource`: the node of the resource that contains that one; the same where none does.
    pub root: u32,
    /// The clock of `now()`: microseconds since 1970 UTC.
    pub now: i64,
    /// Steps that may be taken: nodes visited, items produced, comparisons made.
    pub step_limit: u64,
    /// `%name` beyond those that every evaluation has.
    pub variables: BTreeMap<String, Collection<'a>>,
    /// Terminology and profiles.
    pub services: &'a dyn Services,
}

impl<'a> Environment<'a> {
    /// An evaluation may take that many steps unless told otherwise.
    pub const STEP_LIMIT: u64 = 2_000_000;

    /// For a resource that is the whole document.
    #[must_use]
    pub fn new(document: Document<'a>) -> Self {
        Self {
            document,
            resource: 0,
            root: 0,
            now: 0,
            step_limit: Self::STEP_LIMIT,
            variables: BTreeMap::new(),
            services: &NoServices,
        }
    }
}

impl Program {
    /// Runs it on the resource of the environment.
    ///
    /// # Errors
    /// Misuse that the language calls an error, and work beyond the step limit.
    pub fn evaluate<'a>(&'a self, environment: &Environment<'a>) -> Result<Collection<'a>, EvaluationError> {
        let model = Model::of(self.version);
        let root = Element::new(environment.resource, model.resource(environment.document, environment.resource));
        self.evaluate_on(environment, Item::Element(root))
    }

    /// Runs it on one item, such as the element that an invariant belongs to.
    ///
    /// # Errors
    /// As [`Program::evaluate`].
    pub fn evaluate_on<'a>(
        &'a self,
        environment: &Environment<'a>,
        context: Item<'a>,
    ) -> Result<Collection<'a>, EvaluationError> {
        Evaluator::new(self.version, environment, context.clone(), false).operation(&self.root, &Frame::of(&[context]))
    }

    /// Runs it as the rule of an element (ElementDefinition.constraint), and says how many steps that took. A rule must be
    /// true: empty is broken, unless something was left open on the way (an order that the precision does not tell, a
    /// reference that leads out of the document). `startsWith` and its like are false on nothing, as the authors of FHIR's
    /// rules expect: ref-1 of R4 would be broken by each reference without a literal.
    ///
    /// # Errors
    /// As [`Program::evaluate`]; also a result of several items.
    pub fn check<'a>(
        &'a self,
        environment: &Environment<'a>,
        context: Item<'a>,
    ) -> (Result<Truth, EvaluationError>, u64) {
        let mut evaluator = Evaluator::new(self.version, environment, context.clone(), true);
        let result = evaluator.operation(&self.root, &Frame::of(&[context]));
        let truth = result.and_then(|result| evaluator.truth(&result, "rule"));
        let truth = truth.map(|truth| match truth {
            Some(true) => Truth::True,
            None if evaluator.open.get() => Truth::Open,
            Some(false) | None => Truth::False,
        });
        (truth, evaluator.steps)
    }

    /// Runs it as a condition: true where the result is `true` or one item that is no boolean.
    ///
    /// # Errors
    /// As [`Program::evaluate`]; also a result of several items.
    pub fn holds<'a>(&'a self, environment: &Environment<'a>, context: Item<'a>) -> Result<bool, EvaluationError> {
        let result = self.evaluate_on(environment, context)?;
        let model = Model::of(self.version);
        Ok(convert::truth(environment.document, model, &result, "condition")?.unwrap_or(false))
    }
}

/// What a rule says of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It is broken.
    False,
    /// The document alone does not say.
    Open,
}

/// What `$this`, `$index` and `$total` mean at one place.
pub(crate) struct Frame<'f, 'a> {
    pub(crate) focus: &'f [Item<'a>],
    pub(crate) index: Option<usize>,
    pub(crate) total: Option<&'f [Item<'a>]>,
}

impl<'f, 'a> Frame<'f, 'a> {
    const fn of(focus: &'f [Item<'a>]) -> Self {
        Self { focus, index: None, total: None }
    }
}

pub(crate) type Evaluated<'a> = Result<Collection<'a>, EvaluationError>;

pub(crate) struct Evaluator<'e, 'a> {
    pub(crate) model: Model,
    pub(crate) environment: &'e Environment<'a>,
    /// `%context`
    pub(crate) context: Item<'a>,
    /// What `defineVariable` has defined, innermost last.
    pub(crate) variables: Vec<(String, Collection<'a>)>,
    /// Whether the document's nodes know their elements.
    is_typed: bool,
    /// Whether a rule is evaluated: see [`Program::check`].
    pub(crate) is_rule: bool,
    /// Whether something was left open that more data would decide.
    pub(crate) open: Cell<bool>,
    steps: u64,
}

impl<'e, 'a> Evaluator<'e, 'a> {
    fn new(version: Version, environment: &'e Environment<'a>, context: Item<'a>, is_rule: bool) -> Self {
        let model = Model::of(version);
        let is_typed = environment.document.at(environment.resource).is_some_and(|root| root.node().element != 0);
        Self { model, is_typed, environment, context, variables: Vec::new(), is_rule, open: Cell::new(false), steps: 0 }
    }
}

impl<'a> Evaluator<'_, 'a> {
    pub(crate) fn operation(&mut self, op: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        self.charge(1)?;
        let items = self.result(op, frame)?;
        self.charge_items(&items)?;
        Ok(items)
    }

    fn result(&mut self, op: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        match op {
            // A literal lives in the program: its text is not copied.
            Op::Literal(Item::Text(text)) => Ok(smallvec![Item::Text(Cow::Borrowed(text))]),
            Op::Literal(item) => Ok(smallvec![item.clone()]),
            Op::Empty => Ok(Collection::new()),
            Op::This => Ok(Collection::from(frame.focus)),
            Op::Index => Ok(frame.index.map(|index| Item::Integer(index as i64)).into_iter().collect()),
            Op::Total => Ok(Collection::from(frame.total.unwrap_or_default())),
            Op::Variable(name) => self.variable(name),
            Op::Root(specifier, name) => self.root(specifier, name, frame),
            Op::Start(step) => {
                self.charge_items(frame.focus)?;
                self.step(step, Collection::from(frame.focus), frame)
            }
            Op::Path(head, steps) => self.path(head, steps, frame),
            Op::Sign(negative, operand) => {
                let operand = self.operation(operand, frame)?;
                self.sign(*negative, operand)
            }
            Op::Binary(operator, left, right) => self.binary(*operator, left, right, frame),
            Op::Union(all) => self.union(all, frame),
            Op::Is(operand, specifier) => {
                let operand = self.isolated(operand, frame)?;
                self.is(&operand, specifier)
            }
            Op::As(operand, specifier) => {
                let operand = self.isolated(operand, frame)?;
                self.cast(operand, specifier)
            }
        }
    }

    /// Evaluates an operand: what it defines does not reach its neighbours.
    pub(crate) fn isolated(&mut self, op: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let defined = self.variables.len();
        let result = self.operation(op, frame);
        self.variables.truncate(defined);
        result
    }

    fn path(&mut self, head: &'a Op, steps: &'a [Step], frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let mut items = self.operation(head, frame)?;
        for step in steps {
            items = self.step(step, items, frame)?;
            self.charge_items(&items)?;
        }
        Ok(items)
    }

    fn step(&mut self, step: &'a Step, input: Collection<'a>, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        self.charge(1)?;
        match step {
            Step::Member(name) => self.member(&input, name, usize::MAX),
            Step::FirstMember(name) => self.member(&input, name, 1),
            Step::Matches(pattern) => self.matches_pattern(pattern, &input),
            Step::Indexer(index) => {
                let index = self.isolated(index, frame)?;
                self.item_at(input, &index)
            }
            Step::Type(function, specifier) => self.type_function(*function, input, specifier),
            Step::Call(function, arguments) => self.call(*function, arguments, input, frame),
        }
    }

    fn item_at(&self, mut input: Collection<'a>, index: &[Item<'a>]) -> Evaluated<'a> {
        let Some(index) = self.whole_number(index, "[]")? else { return Ok(Collection::new()) };
        let Ok(index) = usize::try_from(index) else { return Ok(Collection::new()) };
        Ok(if index < input.len() { smallvec![input.swap_remove(index)] } else { Collection::new() })
    }

    fn union(&mut self, all: &'a [Op], frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let mut items = Collection::new();
        for op in all {
            items.extend(self.isolated(op, frame)?);
        }
        self.distinct(items)
    }

    fn variable(&mut self, name: &str) -> Evaluated<'a> {
        if let Some((_, value)) = self.variables.iter().rev().find(|(known, _)| known == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.environment.variables.get(name) {
            return Ok(value.clone());
        }
        Ok(smallvec![match name {
            "context" => self.context.clone(),
            "resource" => self.resource_at(self.environment.resource),
            "rootResource" => self.resource_at(self.environment.root),
            "ucum" => Item::text("http://unitsofmeasure.org"),
            "sct" => Item::text("http://snomed.info/sct"),
            "loinc" => Item::text("http://loinc.org"),
            "terminologies" => Item::Terminologies,
            _ => return self.canonical_constant(name),
        }])
    }

    /// FHIR fhirpath.html#variables: `%'vs-name'` and `%'ext-name'`.
    fn canonical_constant(&self, name: &str) -> Evaluated<'a> {
        let url = if let Some(value_set) = name.strip_prefix("vs-") {
            format!("http://hl7.org/fhir/ValueSet/{value_set}")
        } else if let Some(extension) = name.strip_prefix("ext-") {
            format!("http://hl7.org/fhir/StructureDefinition/{extension}")
        } else {
            return Err(EvaluationError::UnknownConstant(name.chars().take(64).collect()));
        };
        Ok(smallvec![Item::text(url)])
    }

    fn resource_at(&self, node: u32) -> Item<'a> {
        Item::Element(Element::new(node, self.model.resource(self.environment.document, node)))
    }

    /// Takes steps off what is left.
    pub(crate) fn charge(&mut self, steps: u64) -> Result<(), EvaluationError> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.environment.step_limit {
            return Err(EvaluationError::TooCostly(self.environment.step_limit));
        }
        Ok(())
    }

    /// Takes off what it costs to hold or copy items: texts of their own count by length.
    pub(crate) fn charge_items(&mut self, items: &[Item<'a>]) -> Result<(), EvaluationError> {
        self.charge(items.iter().map(Item::weight).sum())
    }

    /// Evaluates a lambda on one item of the input.
    pub(crate) fn on_item(
        &mut self,
        op: &'a Op,
        item: &Item<'a>,
        index: usize,
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        let inner = Frame { focus: std::slice::from_ref(item), index: Some(index), total: frame.total };
        self.isolated(op, &inner)
    }
}
