//! Whether and how many (FHIRPath 5.1), and `not()`.

use super::Call;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator, operator::boolean};
use crate::function::Function as F;
use crate::item::{Collection, Item};
use smallvec::smallvec;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn existence(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let input = call.input;
        let result = match function {
            F::Empty => input.is_empty(),
            F::Count => return Ok(smallvec![Item::Integer(input.len() as i64)]),
            F::Not => return Ok(boolean(self.truth(input, "not")?.map(|value| !value))),
            F::AllTrue => self.booleans(input, "allTrue")?.all(|value| value),
            F::AnyTrue => self.booleans(input, "anyTrue")?.any(|value| value),
            F::AllFalse => self.booleans(input, "allFalse")?.all(|value| !value),
            F::AnyFalse => self.booleans(input, "anyFalse")?.any(|value| !value),
            F::SubsetOf => self.is_subset(input, call.argument(0))?,
            F::SupersetOf => self.is_subset(call.argument(0), input)?,
            F::Distinct => return self.distinct(Collection::from(input)),
            _ => self.distinct(Collection::from(input))?.len() == input.len(),
        };
        Ok(smallvec![Item::Boolean(result)])
    }

    fn booleans(
        &self,
        input: &[Item<'a>],
        operation: &'static str,
    ) -> Result<impl Iterator<Item = bool> + use<'a>, EvaluationError> {
        let booleans: Result<Vec<bool>, EvaluationError> = input
            .iter()
            .map(|item| match self.to_system(item) {
                Some(Item::Boolean(value)) => Ok(value),
                _ => Err(EvaluationError::WrongType { operation, expected: "booleans" }),
            })
            .collect();
        Ok(booleans?.into_iter())
    }

    fn is_subset(&mut self, part: &[Item<'a>], whole: &[Item<'a>]) -> Result<bool, EvaluationError> {
        for item in part {
            if !self.holds_item(whole, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
