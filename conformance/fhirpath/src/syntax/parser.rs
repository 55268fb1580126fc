//! Tokens to the tree, by precedence climbing.

use super::ast::{Expression, Literal, Operator, Step, TypeName};
use super::lexer;
use super::token::{Token, TokenKind};
use super::{MAX_DEPTH, SyntaxError};
use crate::Decimal;

/// Reads a whole expression.
///
/// # Errors
/// Where the text breaks the grammar, and what was expected there; also a text longer than [`super::MAX_LENGTH`] or
/// nested deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Expression, SyntaxError> {
    let mut parser = Parser { tokens: lexer::tokens(text)?, at: 0, depth: 0 };
    let expression = parser.expression(Level::Implies)?;
    match parser.peek() {
        TokenKind::End => Ok(expression),
        other => Err(parser.error(&format!("expected an operator or the end and not {}", other.describe()))),
    }
}

/// Words that are a name only in backquotes; `as`, `contains`, `in` and `is` are names where no operator can stand.
const RESERVED: [&str; 8] = ["and", "div", "false", "implies", "mod", "or", "true", "xor"];

/// Binding strength, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Implies,
    Or,
    And,
    Membership,
    Equality,
    Inequality,
    Union,
    Type,
    Additive,
    Multiplicative,
    Unary,
}

impl Level {
    const fn tighter(self) -> Self {
        match self {
            Self::Implies => Self::Or,
            Self::Or => Self::And,
            Self::And => Self::Membership,
            Self::Membership => Self::Equality,
            Self::Equality => Self::Inequality,
            Self::Inequality => Self::Union,
            Self::Union => Self::Type,
            Self::Type => Self::Additive,
            Self::Additive => Self::Multiplicative,
            Self::Multiplicative | Self::Unary => Self::Unary,
        }
    }
}

enum Infix {
    Binary(Operator),
    Union,
    Is,
    As,
}

/// The operator that a token is, and how strongly it binds.
fn infix(token: &TokenKind) -> Option<(Infix, Level)> {
    let text = match token {
        TokenKind::Word(word) => word.as_str(),
        TokenKind::Symbol(symbol) => symbol,
        _ => return None,
    };
    let binary = |operator, level| Some((Infix::Binary(operator), level));
    match text {
        "implies" => binary(Operator::Implies, Level::Implies),
        "or" => binary(Operator::Or, Level::Or),
        "xor" => binary(Operator::Xor, Level::Or),
        "and" => binary(Operator::And, Level::And),
        "in" => binary(Operator::In, Level::Membership),
        "contains" => binary(Operator::Contains, Level::Membership),
        "=" => binary(Operator::Equal, Level::Equality),
        "~" => binary(Operator::Equivalent, Level::Equality),
        "!=" => binary(Operator::NotEqual, Level::Equality),
        "!~" => binary(Operator::NotEquivalent, Level::Equality),
        "<" => binary(Operator::Less, Level::Inequality),
        ">" => binary(Operator::Greater, Level::Inequality),
        "<=" => binary(Operator::LessOrEqual, Level::Inequality),
        ">=" => binary(Operator::GreaterOrEqual, Level::Inequality),
        "|" => Some((Infix::Union, Level::Union)),
        "is" => Some((Infix::Is, Level::Type)),
        "as" => Some((Infix::As, Level::Type)),
        "+" => binary(Operator::Add, Level::Additive),
        "-" => binary(Operator::Subtract, Level::Additive),
        "&" => binary(Operator::Concatenate, Level::Additive),
        "*" => binary(Operator::Multiply, Level::Multiplicative),
        "/" => binary(Operator::Divide, Level::Multiplicative),
        "div" => binary(Operator::WholeDivide, Level::Multiplicative),
        "mod" => binary(Operator::Modulo, Level::Multiplicative),
        _ => None,
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn expression(&mut self, level: Level) -> Result<Expression, SyntaxError> {
        let outside = self.depth;
        self.deeper()?;
        let mut left = self.unary()?;
        while let Some((operator, strength)) = infix(self.peek()).filter(|(_, strength)| *strength >= level) {
            // Each operator of a run puts the left side one level down in the tree.
            self.deeper()?;
            self.advance();
            left = self.infix(left, operator, strength)?;
        }
        self.depth = outside;
        Ok(left)
    }

    fn infix(&mut self, left: Expression, operator: Infix, level: Level) -> Result<Expression, SyntaxError> {
        match operator {
            Infix::Is | Infix::As => {
                let cast = matches!(operator, Infix::As);
                Ok(Expression::Type { cast, operand: Box::new(left), name: self.type_name()? })
            }
            Infix::Union => {
                let right = self.expression(level.tighter())?;
                // A run of unions adds no depth: it is one flat list.
                self.depth -= 1;
                Ok(match left {
                    Expression::Union(mut all) => {
                        all.push(right);
                        Expression::Union(all)
                    }
                    first => Expression::Union(vec![first, right]),
                })
            }
            Infix::Binary(operator) => {
                let right = Box::new(self.expression(level.tighter())?);
                Ok(Expression::Binary { operator, left: Box::new(left), right })
            }
        }
    }

    fn unary(&mut self) -> Result<Expression, SyntaxError> {
        let negative = match self.peek() {
            TokenKind::Symbol("-") => true,
            TokenKind::Symbol("+") => false,
            _ => return self.path(),
        };
        self.deeper()?;
        self.advance();
        let operand = Box::new(self.unary()?);
        self.depth -= 1;
        Ok(Expression::Sign { negative, operand })
    }

    fn path(&mut self) -> Result<Expression, SyntaxError> {
        let head = self.term()?;
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                TokenKind::Symbol(".") => {
                    self.advance();
                    steps.push(self.member_or_function()?);
                }
                TokenKind::Symbol("[") => {
                    self.advance();
                    steps.push(Step::Indexer(Box::new(self.expression(Level::Implies)?)));
                    self.expect("]")?;
                }
                _ if steps.is_empty() => return Ok(head),
                _ => return Ok(Expression::Path { head: Box::new(head), steps }),
            }
        }
    }

    fn term(&mut self) -> Result<Expression, SyntaxError> {
        let kind = self.peek().clone();
        let literal = match kind {
            TokenKind::Symbol("(") => return self.parenthesised(),
            TokenKind::Symbol("{") => {
                self.advance();
                self.expect("}")?;
                return Ok(Expression::Literal(Literal::Empty));
            }
            TokenKind::Special(name) => {
                self.advance();
                return Ok(match name {
                    "$index" => Expression::Index,
                    "$total" => Expression::Total,
                    _ => Expression::This,
                });
            }
            TokenKind::Variable(name) => {
                self.advance();
                return Ok(Expression::Variable(name));
            }
            TokenKind::Word(word) if word == "true" || word == "false" => Literal::Boolean(word == "true"),
            TokenKind::Word(_) | TokenKind::Delimited(_) => return self.member_or_function().map(Expression::Start),
            TokenKind::Text(text) => Literal::Text(text),
            TokenKind::Temporal(value) => Literal::Temporal(value),
            TokenKind::Long(value) => Literal::Long(value),
            TokenKind::Integer(value) => return Ok(self.number(Literal::Integer(value), Decimal::from(value))),
            TokenKind::Decimal(value) => return Ok(self.number(Literal::Decimal(value), value)),
            TokenKind::Symbol(_) | TokenKind::End => {
                return Err(self.error(&format!("expected an expression and not {}", kind.describe())));
            }
        };
        self.advance();
        Ok(Expression::Literal(literal))
    }

    fn parenthesised(&mut self) -> Result<Expression, SyntaxError> {
        self.advance();
        let inner = self.expression(Level::Implies)?;
        self.expect(")")?;
        Ok(inner)
    }

    /// A number, or with a unit behind it a quantity.
    fn number(&mut self, plain: Literal, value: Decimal) -> Expression {
        self.advance();
        let (unit, calendar) = match self.peek() {
            TokenKind::Text(unit) => (unit.clone(), false),
            TokenKind::Word(word) => match calendar_unit(word) {
                Some(unit) => (unit.to_owned(), true),
                None => return Expression::Literal(plain),
            },
            _ => return Expression::Literal(plain),
        };
        self.advance();
        Expression::Literal(Literal::Quantity { value, unit, calendar })
    }

    fn member_or_function(&mut self) -> Result<Step, SyntaxError> {
        let offset = self.offset();
        if let TokenKind::Special(name) = self.peek() {
            let message = format!("expected a name and not `{name}`");
            return Err(self.error(&message));
        }
        let name = self.name()?;
        if *self.peek() != TokenKind::Symbol("(") {
            return Ok(Step::Member(name));
        }
        self.advance();
        let mut arguments = Vec::new();
        if *self.peek() != TokenKind::Symbol(")") {
            arguments.push(self.argument(&name)?);
            while *self.peek() == TokenKind::Symbol(",") {
                self.advance();
                arguments.push(self.argument(&name)?);
            }
        }
        self.expect(")")?;
        Ok(Step::Function { name, arguments, offset })
    }

    /// An argument; a key of `sort` may have its direction behind it (3.0 ballot). `-key` means the same as `key desc`.
    fn argument(&mut self, function: &str) -> Result<Expression, SyntaxError> {
        let argument = self.expression(Level::Implies)?;
        let direction = match self.peek() {
            TokenKind::Word(word) if function == "sort" => word.as_str(),
            _ => return Ok(argument),
        };
        let is_descending = direction == "desc";
        if !is_descending && direction != "asc" {
            return Ok(argument);
        }
        self.advance();
        let negated = |operand| Expression::Sign { negative: true, operand: Box::new(operand) };
        Ok(if is_descending { negated(argument) } else { argument })
    }

    fn type_name(&mut self) -> Result<TypeName, SyntaxError> {
        let first = self.name()?;
        if *self.peek() != TokenKind::Symbol(".") {
            return Ok(TypeName { namespace: None, name: first });
        }
        self.advance();
        Ok(TypeName { namespace: Some(first), name: self.name()? })
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek().clone() {
            TokenKind::Word(word) if RESERVED.contains(&word.as_str()) => {
                Err(self.error(&format!("expected a name and not the reserved word `{word}`")))
            }
            TokenKind::Word(name) | TokenKind::Delimited(name) => {
                self.advance();
                Ok(name)
            }
            other => Err(self.error(&format!("expected a name and not {}", other.describe()))),
        }
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), SyntaxError> {
        if *self.peek() == TokenKind::Symbol(symbol) {
            self.advance();
            return Ok(());
        }
        Err(self.error(&format!("expected `{symbol}` and not {}", self.peek().describe())))
    }

    fn deeper(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(&format!("expected at most {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    fn peek(&self) -> &TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    fn offset(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.offset)
    }

    fn advance(&mut self) {
        self.at += 1;
    }

    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError::new(self.offset(), message)
    }
}

/// The word of the calendar in the singular.
pub(crate) fn calendar_unit(word: &str) -> Option<&'static str> {
    Some(match word {
        "year" | "years" => "year",
        "month" | "months" => "month",
        "week" | "weeks" => "week",
        "day" | "days" => "day",
        "hour" | "hours" => "hour",
        "minute" | "minutes" => "minute",
        "second" | "seconds" => "second",
        "millisecond" | "milliseconds" => "millisecond",
        _ => return None,
    })
}
