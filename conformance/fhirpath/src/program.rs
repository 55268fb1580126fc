//! The tree compiled: functions and types resolved, arguments counted, literals ready.

use std::sync::OnceLock;

use definitions::Key;
use fhir::Version;
use regex::{Regex, RegexBuilder};

use crate::function::{self, Arguments, Function};
use crate::item::{Item, Quantity};
use crate::model::{self, TypeSpecifier};
use crate::syntax::ast::{Expression, Literal, Operator, Step as Parsed, TypeName};
use crate::syntax::{self, SyntaxError};

/// A compiled expression. Independent of the documents it runs on; share it freely.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) root: Op,
    pub(crate) version: Version,
}

/// Why an expression cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The text breaks the grammar.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A function that does not exist.
    #[error("unknown function `{name}` at offset {offset}")]
    UnknownFunction {
        /// What is written.
        name: String,
        /// In bytes from the start of the expression.
        offset: usize,
    },
    /// Too few or too many arguments.
    #[error("expected {least} to {most} arguments of `{name}` at offset {offset} and not {found}")]
    ArgumentCount {
        /// The function.
        name: String,
        /// In bytes from the start of the expression.
        offset: usize,
        /// Fewest.
        least: usize,
        /// Most.
        most: usize,
        /// What is written.
        found: usize,
    },
    /// A type that the release does not have.
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// An argument that must be the name of a type and is something else.
    #[error("expected the name of a type as the argument of `{0}`")]
    NotAType(String),
    /// A name that the type before it does not have.
    #[error("unknown element `{name}` of {of}")]
    UnknownElement {
        /// What is written.
        name: String,
        /// The element before it.
        of: String,
    },
    /// A place in a collection that has no order.
    #[error("expected a collection with an order, which `children()` and `descendants()` do not give")]
    NoOrder,
    /// An external constant that nothing defines.
    #[error("unknown constant `%{0}`")]
    UnknownConstant(String),
}

/// One operation of a program.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Literal(Item<'static>),
    Empty,
    This,
    Index,
    Total,
    Variable(Box<str>),
    /// A name at the start of a path that is spelled like a type: the context itself where it is of that type.
    Root(TypeSpecifier, Name),
    /// A function or a name on the context.
    Start(Box<Step>),
    Path(Box<Op>, Vec<Step>),
    Sign(bool, Box<Op>),
    Binary(Operator, Box<Op>, Box<Op>),
    Union(Vec<Op>),
    Is(Box<Op>, TypeSpecifier),
    As(Box<Op>, TypeSpecifier),
}

/// One part of a path.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Member(Name),
    /// A member of which only the first item is wanted.
    FirstMember(Name),
    Indexer(Op),
    /// `matches` or `matchesFull` with a literal pattern.
    Matches(Pattern),
    Type(Function, TypeSpecifier),
    Call(Function, Vec<Op>),
}

/// The name of a member, and its key.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: Box<str>,
    pub(crate) key: Key,
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self { text: text.into(), key: Key::of(text.as_bytes()) }
    }
}

/// A regular expression that is written in the expression: compiled when it is first needed.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Memory that a compiled pattern may take: patterns may come from configuration.
    pub(crate) const SIZE: usize = 1 << 20;

    /// FHIRPath wants a single-line mode: a point matches a line end too.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        let compile = || {
            let mut builder = RegexBuilder::new(&self.text);
            builder.dot_matches_new_line(true).size_limit(Self::SIZE).build().ok()
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

impl Program {
    /// Compiles an expression for the types of a release.
    ///
    /// # Errors
    /// The first fault that is found: in the grammar, an unknown function, constant or type, a wrong number of arguments.
    pub fn compile(text: &str, version: Version) -> Result<Self, CompileError> {
        Self::of(&syntax::parse(text)?, version)
    }

    /// Compiles a parsed expression.
    ///
    /// # Errors
    /// As [`Program::compile`].
    pub fn of(expression: &Expression, version: Version) -> Result<Self, CompileError> {
        Ok(Self { root: Compiler { version }.operation(expression)?, version })
    }

    /// The release whose types it knows.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }
}

struct Compiler {
    version: Version,
}

impl Compiler {
    fn operation(&self, expression: &Expression) -> Result<Op, CompileError> {
        Ok(match expression {
            Expression::Literal(literal) => constant(literal),
            Expression::Path { head, steps } => Op::Path(self.boxed(head)?, self.steps(steps)?),
            Expression::Start(step) => self.start(step)?,
            Expression::This => Op::This,
            Expression::Index => Op::Index,
            Expression::Total => Op::Total,
            Expression::Variable(name) => Op::Variable(name.as_str().into()),
            Expression::Sign { negative, operand } => Op::Sign(*negative, self.boxed(operand)?),
            Expression::Binary { operator, left, right } => {
                Op::Binary(*operator, self.boxed(left)?, self.boxed(right)?)
            }
            Expression::Union(all) => Op::Union(self.operations(all)?),
            Expression::Type { cast: false, operand, name } => Op::Is(self.boxed(operand)?, self.type_specifier(name)?),
            Expression::Type { cast: true, operand, name } => Op::As(self.boxed(operand)?, self.type_specifier(name)?),
        })
    }

    fn boxed(&self, expression: &Expression) -> Result<Box<Op>, CompileError> {
        self.operation(expression).map(Box::new)
    }

    fn operations(&self, expressions: &[Expression]) -> Result<Vec<Op>, CompileError> {
        expressions.iter().map(|expression| self.operation(expression)).collect()
    }

    fn start(&self, step: &Parsed) -> Result<Op, CompileError> {
        if let Parsed::Member(name) = step
            && name.starts_with(|first: char| first.is_ascii_uppercase())
            && let Some(specifier) = model::specifier(self.version, None, name)
        {
            return Ok(Op::Root(specifier, Name::from(name.as_str())));
        }
        Ok(Op::Start(Box::new(self.step(step)?)))
    }

    fn steps(&self, steps: &[Parsed]) -> Result<Vec<Step>, CompileError> {
        let mut compiled: Vec<Step> = Vec::with_capacity(steps.len());
        for step in steps {
            let step = self.step(step)?;
            // `a.first()` need not make all of `a`.
            let is_first = matches!(&step, Step::Call(Function::First, _));
            match compiled.last_mut() {
                Some(last @ Step::Member(_)) if is_first => {
                    if let Step::Member(name) = last {
                        *last = Step::FirstMember(name.clone());
                    }
                }
                _ => compiled.push(step),
            }
        }
        Ok(compiled)
    }

    fn step(&self, step: &Parsed) -> Result<Step, CompileError> {
        match step {
            Parsed::Member(name) => Ok(Step::Member(Name::from(name.as_str()))),
            Parsed::Indexer(index) => Ok(Step::Indexer(self.operation(index)?)),
            Parsed::Function { name, arguments, offset } => self.call(name, arguments, *offset),
        }
    }

    fn call(&self, name: &str, arguments: &[Expression], offset: usize) -> Result<Step, CompileError> {
        let Some((function, kind, range)) = function::find(name) else {
            return Err(CompileError::UnknownFunction { name: name.to_owned(), offset });
        };
        if !range.contains(&arguments.len()) {
            let (least, most, found) = (*range.start(), *range.end(), arguments.len());
            return Err(CompileError::ArgumentCount { name: name.to_owned(), offset, least, most, found });
        }
        match (kind, arguments) {
            (Arguments::TypeName, [argument]) => {
                let type_name = type_name(argument).ok_or_else(|| CompileError::NotAType(name.to_owned()))?;
                Ok(Step::Type(function, self.type_specifier(&type_name)?))
            }
            (_, [Expression::Literal(Literal::Text(pattern))]) if matches!(function, Function::Matches) => {
                Ok(Step::Matches(Pattern { text: pattern.as_str().into(), compiled: OnceLock::new() }))
            }
            _ => Ok(Step::Call(function, self.operations(arguments)?)),
        }
    }

    fn type_specifier(&self, name: &TypeName) -> Result<TypeSpecifier, CompileError> {
        model::specifier(self.version, name.namespace.as_deref(), &name.name).ok_or_else(|| {
            let text = match &name.namespace {
                Some(namespace) => format!("{namespace}.{}", name.name),
                None => name.name.clone(),
            };
            CompileError::UnknownType(text)
        })
    }
}

/// An argument read as the name of a type.
fn type_name(argument: &Expression) -> Option<TypeName> {
    match argument {
        Expression::Start(Parsed::Member(name)) => Some(TypeName { namespace: None, name: name.clone() }),
        Expression::Path { head, steps } => match (head.as_ref(), steps.as_slice()) {
            (Expression::Start(Parsed::Member(namespace)), [Parsed::Member(name)]) => {
                Some(TypeName { namespace: Some(namespace.clone()), name: name.clone() })
            }
            _ => None,
        },
        _ => None,
    }
}

fn constant(literal: &Literal) -> Op {
    Op::Literal(match literal {
        Literal::Empty => return Op::Empty,
        Literal::Boolean(value) => Item::Boolean(*value),
        Literal::Integer(value) => Item::Integer(*value),
        Literal::Long(value) => Item::Long(*value),
        Literal::Decimal(value) => Item::Decimal(*value),
        Literal::Text(text) => Item::text(text.clone()),
        Literal::Temporal(value) => Item::Temporal(*value),
        Literal::Quantity { value, unit, calendar } => {
            let unit = unit.clone().into();
            Item::Quantity(Box::new(Quantity { value: *value, unit, calendar: *calendar }))
        }
    })
}
