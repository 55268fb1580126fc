//! Binary operators: logic, comparison, membership.

use smallvec::smallvec;
use std::cmp::Ordering;

use super::{Evaluated, EvaluationError, Evaluator, Frame};
use crate::item::{Collection, Item};
use crate::program::Op;
use crate::syntax::ast::Operator;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left: &'a Op,
        right: &'a Op,
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        let left = self.isolated(left, frame)?;
        if matches!(operator, Operator::And | Operator::Or | Operator::Xor | Operator::Implies) {
            return self.logic(operator, &left, right, frame).map(boolean);
        }
        if let (Operator::In, Op::Union(all)) = (operator, right)
            && all.iter().all(|op| matches!(op, Op::Literal(_)))
        {
            return self.is_one_of(&left, all, frame);
        }
        let right = self.isolated(right, frame)?;
        match operator {
            Operator::Equal => self.equal(&left, &right).map(boolean),
            Operator::NotEqual => Ok(boolean(self.equal(&left, &right)?.map(|equal| !equal))),
            Operator::Equivalent => Ok(boolean(Some(self.equivalent(&left, &right)?))),
            Operator::NotEquivalent => Ok(boolean(Some(!self.equivalent(&left, &right)?))),
            Operator::Less => self.ordered(&left, &right, "<", Ordering::is_lt),
            Operator::Greater => self.ordered(&left, &right, ">", Ordering::is_gt),
            Operator::LessOrEqual => self.ordered(&left, &right, "<=", Ordering::is_le),
            Operator::GreaterOrEqual => self.ordered(&left, &right, ">=", Ordering::is_ge),
            Operator::In => self.membership(&left, &right, "in"),
            Operator::Contains => self.membership(&right, &left, "contains"),
            Operator::Concatenate => self.concatenate(&left, &right),
            _ => self.arithmetic(operator, &left, &right),
        }
    }

    fn ordered(
        &self,
        left: &[Item<'a>],
        right: &[Item<'a>],
        name: &'static str,
        test: fn(Ordering) -> bool,
    ) -> Evaluated<'a> {
        Ok(boolean(self.order(left, right, name)?.map(test)))
    }

    /// Three-valued logic; the right side runs only where it can decide (FHIRPath 6.5).
    fn logic(
        &mut self,
        operator: Operator,
        left: &[Item<'a>],
        right: &'a Op,
        frame: &Frame<'_, 'a>,
    ) -> Result<Option<bool>, EvaluationError> {
        let name = match operator {
            Operator::And => "and",
            Operator::Or => "or",
            Operator::Xor => "xor",
            _ => "implies",
        };
        let left = self.truth(left, name)?;
        match (operator, left) {
            (Operator::And, Some(false)) => return Ok(Some(false)),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(Some(true)),
            _ => {}
        }
        let right = self.isolated(right, frame)?;
        let right = self.truth(&right, name)?;
        Ok(match (operator, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::And, Some(true), Some(true)) => Some(true),
            (Operator::Or | Operator::Implies, _, Some(true)) => Some(true),
            (Operator::Or, Some(false), Some(false)) | (Operator::Implies, Some(true), Some(false)) => Some(false),
            (Operator::Xor, Some(left), Some(right)) => Some(left != right),
            _ => None,
        })
    }

    /// `x in ('a' | 'b' | 'c')`, without making the collection.
    fn is_one_of(&mut self, item: &[Item<'a>], literals: &'a [Op], frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let item = match item {
            [] => return Ok(Collection::new()),
            [item] => item,
            _ => return Err(EvaluationError::NotSingle("in")),
        };
        for literal in literals {
            let literal = self.operation(literal, frame)?;
            if self.holds_item(&literal, item)? {
                return Ok(boolean(Some(true)));
            }
        }
        Ok(boolean(Some(false)))
    }

    fn membership(&mut self, item: &[Item<'a>], items: &[Item<'a>], name: &'static str) -> Evaluated<'a> {
        match item {
            [] => Ok(Collection::new()),
            [item] => Ok(boolean(Some(self.holds_item(items, item)?))),
            _ => Err(EvaluationError::NotSingle(name)),
        }
    }

    fn concatenate(&mut self, left: &[Item<'a>], right: &[Item<'a>]) -> Evaluated<'a> {
        let (left, right) = (self.text(left, "&")?, self.text(right, "&")?);
        let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
        self.made_text(format!("{left}{right}"))
    }

    /// A string that the evaluation made: its length counts as work.
    pub(super) fn made_text(&mut self, text: String) -> Evaluated<'a> {
        self.charge(1 + text.len() as u64 / 16)?;
        Ok(smallvec![Item::text(text)])
    }
}

/// A collection of one boolean, or the empty one.
pub(super) fn boolean<'a>(value: Option<bool>) -> Collection<'a> {
    value.map(Item::Boolean).into_iter().collect()
}
