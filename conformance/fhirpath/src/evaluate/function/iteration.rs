//! Functions that evaluate an argument for each item (FHIRPath 5.2, 5.5.1, 7).

use smallvec::smallvec;
use std::cmp::Ordering;

use crate::evaluate::convert::as_decimal;
use crate::evaluate::{Evaluated, EvaluationError, Evaluator, Frame};
use crate::item::{Collection, Item};
use crate::program::Op;

impl<'a> Evaluator<'_, 'a> {
    fn meets(
        &mut self,
        condition: &'a Op,
        item: &Item<'a>,
        index: usize,
        frame: &Frame<'_, 'a>,
        name: &'static str,
    ) -> Result<bool, EvaluationError> {
        let result = self.on_item(condition, item, index, frame)?;
        Ok(self.truth(&result, name)?.unwrap_or(false))
    }

    pub(super) fn filter(&mut self, input: Collection<'a>, condition: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let mut kept = Collection::new();
        for (index, item) in input.into_iter().enumerate() {
            if self.meets(condition, &item, index, frame, "where")? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    pub(super) fn any(&mut self, input: &[Item<'a>], condition: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        for (index, item) in input.iter().enumerate() {
            if self.meets(condition, item, index, frame, "exists")? {
                return Ok(smallvec![Item::Boolean(true)]);
            }
        }
        Ok(smallvec![Item::Boolean(false)])
    }

    pub(super) fn all(&mut self, input: &[Item<'a>], condition: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        for (index, item) in input.iter().enumerate() {
            if !self.meets(condition, item, index, frame, "all")? {
                return Ok(smallvec![Item::Boolean(false)]);
            }
        }
        Ok(smallvec![Item::Boolean(true)])
    }

    pub(super) fn select(&mut self, input: &[Item<'a>], projection: &'a Op, frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let mut found = Collection::new();
        for (index, item) in input.iter().enumerate() {
            found.extend(self.on_item(projection, item, index, frame)?);
        }
        Ok(found)
    }

    /// Until nothing new comes. `repeatAll` keeps what it has seen before and ends by the step limit.
    pub(super) fn repeat(
        &mut self,
        input: Collection<'a>,
        projection: &'a Op,
        frame: &Frame<'_, 'a>,
        distinct: bool,
    ) -> Evaluated<'a> {
        let mut found = Collection::new();
        let mut pending = input.into_iter().collect::<std::collections::VecDeque<_>>();
        let mut index = 0;
        while let Some(item) = pending.pop_front() {
            for next in self.on_item(projection, &item, index, frame)? {
                self.charge(1)?;
                if !distinct || !self.holds_item(&found, &next)? {
                    found.push(next.clone());
                    pending.push_back(next);
                }
            }
            index += 1;
        }
        Ok(found)
    }

    pub(super) fn iif(
        &mut self,
        input: &[Item<'a>],
        condition: &'a Op,
        branches: &'a [Op],
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        if input.len() > 1 {
            return Err(EvaluationError::NotSingle("iif"));
        }
        let inner = Frame { focus: input, index: frame.index, total: frame.total };
        let result = self.isolated(condition, &inner)?;
        let chosen = match result.as_slice() {
            [] => false,
            [item] => match self.to_system(item) {
                Some(Item::Boolean(value)) => value,
                _ => return Err(EvaluationError::WrongType { operation: "iif", expected: "a boolean" }),
            },
            _ => return Err(EvaluationError::NotSingle("iif")),
        };
        match branches.get(usize::from(!chosen)) {
            Some(branch) => self.isolated(branch, &inner),
            None => Ok(Collection::new()),
        }
    }

    pub(super) fn aggregate(
        &mut self,
        input: &[Item<'a>],
        aggregator: &'a Op,
        start: Option<&'a Op>,
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        let mut total = match start {
            Some(start) => self.isolated(start, frame)?,
            None => Collection::new(),
        };
        for (index, item) in input.iter().enumerate() {
            let inner = Frame { focus: std::slice::from_ref(item), index: Some(index), total: Some(&total) };
            total = self.isolated(aggregator, &inner)?;
        }
        Ok(total)
    }

    pub(super) fn coalesce(
        &mut self,
        input: &[Item<'a>],
        alternatives: &'a [Op],
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        let inner = Frame { focus: input, index: frame.index, total: frame.total };
        for alternative in alternatives {
            let result = self.isolated(alternative, &inner)?;
            if !result.is_empty() {
                return Ok(result);
            }
        }
        Ok(Collection::new())
    }

    /// Defines `%name` for what follows in the same path.
    pub(super) fn define_variable(
        &mut self,
        input: Collection<'a>,
        name: &'a Op,
        value: Option<&'a Op>,
        frame: &Frame<'_, 'a>,
    ) -> Evaluated<'a> {
        const OPERATION: &str = "defineVariable";
        let name = self.isolated(name, frame)?;
        let expected = EvaluationError::WrongType { operation: OPERATION, expected: "a new name" };
        let name = self.text(&name, OPERATION)?.ok_or_else(|| expected.clone())?.into_owned();
        let taken = ["context", "resource", "rootResource", "ucum", "sct", "loinc", "terminologies"]
            .contains(&name.as_str())
            || self.environment.variables.contains_key(&name)
            || self.variables.iter().any(|(known, _)| *known == name);
        if taken {
            return Err(expected);
        }
        let value = match value {
            Some(value) => {
                let inner = Frame { focus: &input, index: frame.index, total: frame.total };
                self.isolated(value, &inner)?
            }
            None => input.clone(),
        };
        self.variables.push((name, value));
        Ok(input)
    }

    /// By keys, each ascending or, with a `-` before it, descending; without keys by the items.
    pub(super) fn sort(&mut self, input: Collection<'a>, keys: &'a [Op], frame: &Frame<'_, 'a>) -> Evaluated<'a> {
        let mut keyed = Vec::with_capacity(input.len());
        for (index, item) in input.into_iter().enumerate() {
            self.charge(8)?;
            let mut values = Vec::with_capacity(keys.len().max(1));
            if keys.is_empty() {
                values.push((self.to_system(&item), false));
            }
            for key in keys {
                let (key, descending) = match key {
                    Op::Sign(true, operand) => (operand.as_ref(), true),
                    key => (key, false),
                };
                let value = self.on_item(key, &item, index, frame)?;
                values.push((self.single(&value, "sort")?, descending));
            }
            keyed.push((values, item));
        }
        keyed.sort_by(|(left, _), (right, _)| order_keys(left, right));
        Ok(keyed.into_iter().map(|(_, item)| item).collect())
    }
}

type Keys<'a> = [(Option<Item<'a>>, bool)];

/// What is missing comes first. A total order whatever the items are: a sort needs one.
fn order_keys(left: &Keys<'_>, right: &Keys<'_>) -> Ordering {
    for ((left, descending), (right, _)) in left.iter().zip(right) {
        let order = match (left, right) {
            (Some(left), Some(right)) => total_order(left, right),
            _ => left.is_some().cmp(&right.is_some()),
        };
        let order = if *descending { order.reverse() } else { order };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Numbers before strings before dates before quantities; dates by their first moment, quantities within a unit.
fn total_order(left: &Item<'_>, right: &Item<'_>) -> Ordering {
    match (left, right) {
        (Item::Text(left), Item::Text(right)) => left.cmp(right),
        (Item::Temporal(left), Item::Temporal(right)) => left.micros_utc().cmp(&right.micros_utc()),
        (Item::Quantity(left), Item::Quantity(right)) => left.unit.cmp(&right.unit).then(left.value.cmp(&right.value)),
        _ => match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

const fn rank(item: &Item<'_>) -> u8 {
    match item {
        Item::Boolean(_) => 0,
        Item::Integer(_) | Item::Long(_) | Item::Decimal(_) => 1,
        Item::Text(_) => 2,
        Item::Temporal(_) => 3,
        Item::Quantity(_) => 4,
        Item::Element(_) | Item::Type(..) | Item::Remote(_) | Item::Foreign(_) | Item::Terminologies => 5,
    }
}
