//! `<`, `>`, `<=`, `>=`.

use std::cmp::Ordering;

use super::convert::as_decimal;
use super::{EvaluationError, Evaluator};
use crate::Decimal;
use crate::item::{Item, Quantity};
use crate::temporal::TemporalKind;
use crate::unit;

impl<'a> Evaluator<'_, 'a> {
    /// Order of two single items; `None` where one is missing or the precision leaves it open.
    pub(super) fn order(
        &self,
        left: &[Item<'a>],
        right: &[Item<'a>],
        operation: &'static str,
    ) -> Result<Option<Ordering>, EvaluationError> {
        let (left, right) = (self.single(left, operation)?, self.single(right, operation)?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        let order = order_values(&left, &right).ok_or(EvaluationError::WrongType {
            operation,
            expected: "two numbers, strings, quantities, or dates and times of one kind",
        })?;
        if order.is_none() {
            self.open.set(true);
        }
        Ok(order)
    }
}

/// Order of two values: `None` when the types have no order, `Some(None)` when it cannot be decided.
pub(super) fn order_values(left: &Item<'_>, right: &Item<'_>) -> Option<Option<Ordering>> {
    match (left, right) {
        (Item::Text(left), Item::Text(right)) => Some(Some(left.cmp(right))),
        (Item::Temporal(left), Item::Temporal(right)) => {
            ((left.kind == TemporalKind::Time) == (right.kind == TemporalKind::Time)).then(|| left.compare(right))
        }
        (Item::Quantity(left), Item::Quantity(right)) => Some(unit::compare(left, right)),
        (Item::Quantity(left), right) => Some(unit::compare(left, &plain(as_decimal(right)?))),
        (left, Item::Quantity(right)) => Some(unit::compare(&plain(as_decimal(left)?), right)),
        _ => Some(Some(as_decimal(left)?.cmp(&as_decimal(right)?))),
    }
}

/// A number is a quantity of unit `1` (FHIRPath 5.5, implicit conversion).
fn plain(value: Decimal) -> Quantity<'static> {
    Quantity { value, unit: "1".into(), calendar: false }
}
