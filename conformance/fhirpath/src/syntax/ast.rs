//! The tree of an expression. Paths and unions are flat, so that a long one is not a deep one.

use crate::Decimal;
use crate::temporal::Temporal;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// `'text'`, `4.5 'mg'`, `{}`
    Literal(Literal),
    /// `head.step.step[0]`
    Path {
        /// Where it starts.
        head: Box<Expression>,
        /// What follows, at least one.
        steps: Vec<Step>,
    },
    /// A name or a function at the start of a path: applied to the context.
    Start(Step),
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    /// `%resource`, `%'vs-name'`
    Variable(String),
    /// `-x`, `+x`
    Sign {
        /// Whether it is `-`.
        negative: bool,
        /// Of what.
        operand: Box<Expression>,
    },
    /// `left operator right`
    Binary {
        /// The operator.
        operator: Operator,
        /// Left operand.
        left: Box<Expression>,
        /// Right operand.
        right: Box<Expression>,
    },
    /// `a | b | c`
    Union(Vec<Expression>),
    /// `x is Type`, `x as Type`
    Type {
        /// Whether it is `as`.
        cast: bool,
        /// Of what.
        operand: Box<Expression>,
        /// The type.
        name: TypeName,
    },
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.name`
    Member(String),
    /// `.name(arguments)`
    Function {
        /// Its name.
        name: String,
        /// Its arguments, not yet evaluated.
        arguments: Vec<Expression>,
        /// Where the name stands, for error texts.
        offset: usize,
    },
    /// `[index]`
    Indexer(Box<Expression>),
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `{}`
    Empty,
    /// `true`
    Boolean(bool),
    /// `42`
    Integer(i64),
    /// `42L`
    Long(i64),
    /// `4.20`
    Decimal(Decimal),
    /// `'text'`
    Text(String),
    /// `@2015-02-04`, `@T14:34`
    Temporal(Temporal),
    /// `4 'mg'`, `2 years`
    Quantity {
        /// How much.
        value: Decimal,
        /// `mg`, `year`
        unit: String,
        /// Whether the unit is a word of the calendar: `2 years` is not `2 'a'`.
        calendar: bool,
    },
}

/// `FHIR.Patient`, `System.String`, `Quantity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// `FHIR` or `System`, when it is given.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// A binary operator but `|`, `is` and `as`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Operator {
    Multiply,
    Divide,
    WholeDivide,
    Modulo,
    Add,
    Subtract,
    Concatenate,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Equal,
    Equivalent,
    NotEqual,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}
