//! Parts of collections and sums of them (FHIRPath 5.3, 5.4).

use super::Call;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator};
use crate::function::Function as F;
use crate::item::Collection;

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn subset(&mut self, function: F, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let input = call.input;
        let kept = match function {
            F::Single if input.len() > 1 => return Err(EvaluationError::NotSingle("single")),
            F::Single => input,
            F::First => input.get(..1).unwrap_or_default(),
            F::Last => input.get(input.len().saturating_sub(1)..).unwrap_or_default(),
            F::Tail => input.get(1..).unwrap_or_default(),
            F::Skip => input.get(self.amount(call, "skip")?..).unwrap_or_default(),
            F::Take => input.get(..self.amount(call, "take")?.min(input.len())).unwrap_or_default(),
            F::Intersect => return self.intersect(call),
            F::Exclude => return self.exclude(call),
            _ => {
                let all = input.iter().chain(call.argument(0)).cloned().collect();
                return if function == F::Union { self.distinct(all) } else { Ok(all) };
            }
        };
        Ok(Collection::from(kept))
    }

    fn amount(&self, call: &Call<'_, 'a>, operation: &'static str) -> Result<usize, EvaluationError> {
        let amount = self.whole_number(call.argument(0), operation)?.unwrap_or(0);
        Ok(usize::try_from(amount.max(0)).unwrap_or(usize::MAX))
    }

    fn intersect(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let mut kept = Collection::new();
        for item in self.distinct(Collection::from(call.input))? {
            if self.holds_item(call.argument(0), &item)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    fn exclude(&mut self, call: &Call<'_, 'a>) -> Evaluated<'a> {
        let mut kept = Collection::new();
        for item in call.input {
            if !self.holds_item(call.argument(0), item)? {
                kept.push(item.clone());
            }
        }
        Ok(kept)
    }
}
