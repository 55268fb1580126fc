//! Numbers (FHIRPath 5.7) and sums over collections.

use std::cmp::Ordering;

use super::Call;
use crate::Decimal;
use crate::evaluate::compare::order_values;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::{Collection, Item, Quantity};
use crate::syntax::ast::Operator;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn math(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        match function {
            F::Sum | F::Avg => self.sum(function, call.input),
            F::Min => self.extreme(call.input, "min", Ordering::is_lt),
            F::Max => self.extreme(call.input, "max", Ordering::is_gt),
            F::Abs | F::Round => self.keeping_the_type(function, call),
            F::Ceiling => self.whole(call, "ceiling", Decimal::ceiling),
            F::Floor => self.whole(call, "floor", Decimal::floor),
            F::Truncate => self.whole(call, "truncate", Decimal::truncated),
            F::Power => self.power(call),
            F::Log => {
                let (Some(value), Some(radix)) =
                    (self.number(call.input, "log")?, self.number(call.argument(0), "log")?)
                else {
                    return Ok(Collection::new());
                };
                Ok(real(value.to_f64().ln() / radix.to_f64().ln()))
            }
            F::Exp => self.real_function(call, "exp", f64::exp),
            F::Ln => self.real_function(call, "ln", f64::ln),
            _ => self.real_function(call, "sqrt", f64::sqrt),
        }
    }

    fn whole(&self, call: &Call<'_, 'a>, name: &'static str, operation: fn(Decimal) -> i128) -> Evaluated<'a> {
        let value = self.number(call.input, name)?.map(operation);
        Ok(value.and_then(|value| i64::try_from(value).ok()).map(Item::Integer).into_iter().collect())
    }

    fn real_function(&self, call: &Call<'_, 'a>, name: &'static str, operation: fn(f64) -> f64) -> Evaluated<'a> {
        Ok(self.number(call.input, name)?.map(|value| real(operation(value.to_f64()))).unwrap_or_default())
    }

    fn keeping_the_type(&self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let name = if function == F::Abs { "abs" } else { "round" };
        let Some(item) = self.single(call.input, name)? else { return Ok(Collection::new()) };
        let digits = self.whole_number(call.argument(0), name)?.unwrap_or(0);
        let digits = u32::try_from(digits)
            .map_err(|_| EvaluationError::WrongType { operation: name, expected: "a precision of 0 or more" })?;
        let apply = |value: Decimal| match function {
            F::Abs if value < Decimal::ZERO => value.negated(),
            F::Abs => Some(value),
            _ => Some(value.rounded(digits)),
        };
        let result = match item {
            Item::Integer(value) if function == F::Abs => value.checked_abs().map(Item::Integer),
            Item::Long(value) if function == F::Abs => value.checked_abs().map(Item::Long),
            Item::Integer(value) | Item::Long(value) => Some(Item::Decimal(value.into())),
            Item::Decimal(value) => apply(value).map(Item::Decimal),
            Item::Quantity(quantity) => {
                apply(quantity.value).map(|value| Item::Quantity(Box::new(Quantity { value, ..*quantity })))
            }
            _ => return Err(EvaluationError::WrongType { operation: name, expected: "a number or a quantity" }),
        };
        Ok(result.into_iter().collect())
    }

    fn power(&self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let (base, exponent) = (self.single(call.input, "power")?, self.single(call.argument(0), "power")?);
        let (Some(base), Some(exponent)) = (base, exponent) else { return Ok(Collection::new()) };
        if let (Item::Integer(base), Item::Integer(exponent)) = (&base, &exponent)
            && let Ok(exponent) = u32::try_from(*exponent)
        {
            let power = base.checked_pow(exponent).filter(|value| i32::try_from(*value).is_ok());
            return Ok(power.map(Item::Integer).into_iter().collect());
        }
        let (base, exponent) =
            (self.number(&[base], "power")?.unwrap_or(Decimal::ZERO), self.number(&[exponent], "power")?);
        Ok(real(base.to_f64().powf(exponent.unwrap_or(Decimal::ZERO).to_f64())))
    }

    fn sum(&mut self, function: F, input: &[Item<'a>]) -> Evaluated<'a> {
        let mut total: Collection<'a> = Collection::from(input.get(..1).unwrap_or_default());
        for item in input.get(1..).unwrap_or_default() {
            self.charge(1)?;
            total = self.arithmetic(Operator::Add, &total, std::slice::from_ref(item))?;
        }
        if function == F::Sum || input.is_empty() {
            return Ok(total);
        }
        self.arithmetic(Operator::Divide, &total, &[Item::Integer(input.len() as i64)])
    }

    fn extreme(&mut self, input: &[Item<'a>], name: &'static str, better: fn(Ordering) -> bool) -> Evaluated<'a> {
        let wrong = EvaluationError::WrongType { operation: name, expected: "items that have an order" };
        let mut best: Option<Item<'a>> = None;
        for item in input {
            self.charge(1)?;
            let value = self.to_system(item).ok_or_else(|| wrong.clone())?;
            let replace = match &best {
                None => true,
                Some(best) => match order_values(&value, best).ok_or_else(|| wrong.clone())? {
                    Some(order) => better(order),
                    None => return Ok(Collection::new()),
                },
            };
            if replace {
                best = Some(value);
            }
        }
        Ok(best.into_iter().collect())
    }
}

/// What is no real number is empty.
fn real<'a>(value: f64) -> Collection<'a> {
    Decimal::from_f64(value).map(Item::Decimal).into_iter().collect()
}
