//! `+ - * / div mod` and the signs.

use super::calendar;
use super::convert::as_decimal;
use super::{Evaluated, EvaluationError, Evaluator};
use crate::Decimal;
use crate::item::{Collection, Item, Quantity};
use crate::syntax::ast::Operator;
use crate::unit;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn sign(&mut self, negative: bool, operand: Collection<'a>) -> Evaluated<'a> {
        let name = if negative { "-" } else { "+" };
        let Some(item) = self.single(&operand, name)? else { return Ok(Collection::new()) };
        let result = match item {
            Item::Integer(value) if negative => value.checked_neg().map(Item::Integer),
            Item::Long(value) if negative => value.checked_neg().map(Item::Long),
            Item::Integer(_) | Item::Long(_) => Some(item),
            Item::Decimal(value) => signed(negative, value).map(Item::Decimal),
            Item::Quantity(quantity) => {
                signed(negative, quantity.value).map(|value| Item::Quantity(Box::new(Quantity { value, ..*quantity })))
            }
            _ => return Err(EvaluationError::WrongType { operation: name, expected: "a number or a quantity" }),
        };
        Ok(result.into_iter().collect())
    }

    pub(super) fn arithmetic(&mut self, operator: Operator, left: &[Item<'a>], right: &[Item<'a>]) -> Evaluated<'a> {
        let name = symbol(operator);
        let (left, right) = (self.single(left, name)?, self.single(right, name)?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(Collection::new()) };
        let result = match (&left, &right) {
            (Item::Text(left), Item::Text(right)) if operator == Operator::Add => {
                return self.made_text(format!("{left}{right}"));
            }
            (Item::Temporal(moment), Item::Quantity(span)) => {
                calendar::shift(*moment, span, operator)?.map(Item::Temporal)
            }
            (Item::Quantity(left), Item::Quantity(right)) => quantities(operator, left, right),
            (Item::Quantity(quantity), number) => {
                let number = as_decimal(number).ok_or_else(|| wrong(name))?;
                scaled(operator, quantity, number)
            }
            (number, Item::Quantity(quantity)) if operator == Operator::Multiply => {
                let number = as_decimal(number).ok_or_else(|| wrong(name))?;
                scaled(operator, quantity, number)
            }
            (Item::Integer(left), Item::Integer(right)) => {
                integers(operator, *left, *right, i64::from(i32::MIN)..=i64::from(i32::MAX), Item::Integer)
            }
            (Item::Integer(left) | Item::Long(left), Item::Integer(right) | Item::Long(right)) => {
                integers(operator, *left, *right, i64::MIN..=i64::MAX, Item::Long)
            }
            _ => {
                let operands = as_decimal(&left).zip(as_decimal(&right)).ok_or_else(|| wrong(name))?;
                decimals(operator, operands.0, operands.1)
            }
        };
        Ok(result.into_iter().collect())
    }
}

fn signed(negative: bool, value: Decimal) -> Option<Decimal> {
    if negative { value.negated() } else { Some(value) }
}

const fn wrong(operation: &'static str) -> EvaluationError {
    EvaluationError::WrongType { operation, expected: "two numbers, or types that can be calculated with" }
}

const fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::WholeDivide => "div",
        _ => "mod",
    }
}

/// What does not fit gives nothing (FHIRPath 6.6: overflow is empty).
fn integers<'a>(
    operator: Operator,
    left: i64,
    right: i64,
    range: std::ops::RangeInclusive<i64>,
    item: fn(i64) -> Item<'a>,
) -> Option<Item<'a>> {
    let value = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::WholeDivide => left.checked_div(right),
        Operator::Modulo => left.checked_rem(right),
        _ => return Decimal::from(left).checked_div(right.into()).map(Item::Decimal),
    };
    value.filter(|value| range.contains(value)).map(item)
}

fn decimals<'a>(operator: Operator, left: Decimal, right: Decimal) -> Option<Item<'a>> {
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => left.checked_div(right),
        Operator::WholeDivide => return left.checked_whole_div(right)?.try_into().ok().map(Item::Integer),
        _ => left.checked_rem(right),
    }
    .map(Item::Decimal)
}

fn scaled<'a>(operator: Operator, quantity: &Quantity<'a>, number: Decimal) -> Option<Item<'a>> {
    let value = match operator {
        Operator::Multiply => quantity.value.checked_mul(number)?,
        Operator::Divide => quantity.value.checked_div(number)?,
        _ => return None,
    };
    Some(Item::Quantity(Box::new(Quantity { value, ..quantity.clone() })))
}

fn quantities<'a>(operator: Operator, left: &Quantity<'a>, right: &Quantity<'a>) -> Option<Item<'a>> {
    let quantity = match operator {
        Operator::Add => unit::add(left, right)?,
        Operator::Subtract => {
            let negated = Quantity { value: right.value.negated()?, ..right.clone() };
            unit::add(left, &negated)?
        }
        Operator::Multiply => unit::multiply(left, right)?,
        Operator::Divide => unit::divide(left, right)?,
        _ => return None,
    };
    Some(Item::Quantity(Box::new(quantity)))
}
