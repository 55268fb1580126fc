//! `=` and `~`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use fhir::json::{Kind as Json, Value};

use super::convert::as_decimal;
use super::{EvaluationError, Evaluator};
use crate::item::{Collection, Element, Item};
use crate::unit;

/// Beyond so many strings repeats are found by hashing: comparing each with each would be a way to keep us busy.
const MANY: usize = 16;

impl<'a> Evaluator<'_, 'a> {
    /// `=` of collections: `None` where one is empty or a pair cannot be decided (FHIRPath 6.1.1).
    pub(super) fn equal(&mut self, left: &[Item<'a>], right: &[Item<'a>]) -> Result<Option<bool>, EvaluationError> {
        if left.is_empty() || right.is_empty() {
            return Ok(None);
        }
        if left.len() != right.len() {
            return Ok(Some(false));
        }
        let mut open = false;
        for (left, right) in left.iter().zip(right) {
            match self.same(left, right)? {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => open = true,
            }
        }
        Ok((!open).then_some(true))
    }

    /// `~` of collections: in any order, two empty ones are equivalent (FHIRPath 6.1.2).
    pub(super) fn equivalent(&mut self, left: &[Item<'a>], right: &[Item<'a>]) -> Result<bool, EvaluationError> {
        if left.len() != right.len() {
            return Ok(false);
        }
        let mut open: Vec<&Item<'a>> = right.iter().collect();
        for item in left {
            let mut found = None;
            for (index, other) in open.iter().enumerate() {
                if self.alike(item, other)? {
                    found = Some(index);
                    break;
                }
            }
            match found {
                Some(index) => drop(open.swap_remove(index)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Equality of two items; `None` where it cannot be decided.
    pub(super) fn same(&mut self, left: &Item<'a>, right: &Item<'a>) -> Result<Option<bool>, EvaluationError> {
        self.charge(left.weight() + right.weight())?;
        let (Some(left_value), Some(right_value)) = (self.to_system(left), self.to_system(right)) else {
            return match (left, right) {
                (Item::Element(left), Item::Element(right)) => self.same_elements(*left, *right).map(Some),
                (Item::Foreign(left), Item::Foreign(right)) => match (left.value(), right.value()) {
                    (Some(left), Some(right)) => self.same_json(left, right).map(Some),
                    _ => Ok(Some(false)),
                },
                _ => Ok(Some(false)),
            };
        };
        let same = same_values(&left_value, &right_value);
        if same.is_none() {
            self.open.set(true);
        }
        Ok(same)
    }

    fn same_elements(&mut self, left: Element, right: Element) -> Result<bool, EvaluationError> {
        if left == right {
            return Ok(true);
        }
        let document = self.environment.document;
        let same_part = |evaluator: &mut Self, left: u32, right: u32| match (document.at(left), document.at(right)) {
            (Some(left), Some(right)) => evaluator.same_json(left, right),
            (None, None) => Ok(true),
            _ => Ok(false),
        };
        Ok(same_part(self, left.node, right.node)? && same_part(self, left.companion, right.companion)?)
    }

    /// Deep equality of JSON: members in any order, numbers by value. The scanner bounds the depth.
    fn same_json(&mut self, left: Value<'_>, right: Value<'_>) -> Result<bool, EvaluationError> {
        self.charge(1)?;
        match (left.kind(), right.kind()) {
            (Json::Object, Json::Object) => {
                let mut members = 0;
                for member in left.children() {
                    // The place of the other is work too: members may stand in any order.
                    let place = right.children().position(|other| other.name() == member.name());
                    let Some(place) = place else { return Ok(false) };
                    self.charge(place as u64)?;
                    let Some(other) = right.children().nth(place) else { return Ok(false) };
                    if !self.same_json(member, other)? {
                        return Ok(false);
                    }
                    members += 1;
                }
                Ok(right.children().count() == members)
            }
            (Json::Array, Json::Array) => {
                let (mut lefts, mut rights) = (left.children(), right.children());
                loop {
                    match (lefts.next(), rights.next()) {
                        (Some(left), Some(right)) if self.same_json(left, right)? => {}
                        (None, None) => return Ok(true),
                        _ => return Ok(false),
                    }
                }
            }
            (Json::Number, Json::Number) => Ok(same_numbers(left, right)),
            (left_kind, right_kind) => Ok(match left.text() {
                Some(text) => right.text().is_some_and(|other| other == text),
                None => left_kind == right_kind,
            }),
        }
    }

    /// Equivalence of two items.
    fn alike(&mut self, left: &Item<'a>, right: &Item<'a>) -> Result<bool, EvaluationError> {
        self.charge(left.weight() + right.weight())?;
        match (self.to_system(left), self.to_system(right)) {
            (Some(left), Some(right)) => Ok(alike_values(&left, &right)),
            (None, None) => {
                let (left, right) = (self.comparable_members(left)?, self.comparable_members(right)?);
                // Each level of the document is one level of this recursion.
                Ok(!left.is_empty() && self.equivalent(&left, &right)?)
            }
            _ => Ok(false),
        }
    }

    /// What equivalence of complex elements looks at: every member but `id` (FHIRPath 6.1.2, FHIR fhirpath.html).
    fn comparable_members(&mut self, item: &Item<'a>) -> Result<Collection<'a>, EvaluationError> {
        let mut members = self.children(std::slice::from_ref(item))?;
        let document = self.environment.document;
        members.retain(|member| match member {
            Item::Element(element) => document.at(element.any_node()).is_none_or(|value| value.name() != "id"),
            _ => true,
        });
        Ok(members)
    }

    /// Without repeats, first occurrences in order.
    pub(super) fn distinct(&mut self, items: Collection<'a>) -> Result<Collection<'a>, EvaluationError> {
        if items.len() > MANY
            && let Some(texts) = self.all_texts(&items)
        {
            self.charge(items.len() as u64)?;
            let mut known = HashSet::with_capacity(items.len());
            let is_first = texts.into_iter().map(|text| known.insert(text));
            return Ok(items.into_iter().zip(is_first).filter_map(|(item, first)| first.then_some(item)).collect());
        }
        let mut kept: Collection<'a> = Collection::with_capacity(items.len());
        for item in items {
            if !self.holds_item(&kept, &item)? {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    /// The texts of items that are all strings.
    fn all_texts(&self, items: &[Item<'a>]) -> Option<Vec<Cow<'a, str>>> {
        let text = |item| match self.to_system(item)? {
            Item::Text(text) => Some(text),
            _ => None,
        };
        items.iter().map(text).collect()
    }

    /// Whether a collection holds an equal item.
    pub(super) fn holds_item(&mut self, items: &[Item<'a>], item: &Item<'a>) -> Result<bool, EvaluationError> {
        for other in items {
            if self.same(other, item)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn same_numbers(left: Value<'_>, right: Value<'_>) -> bool {
    let (left, right) = (left.number().unwrap_or_default(), right.number().unwrap_or_default());
    left == right
        || match (left.parse::<crate::Decimal>(), right.parse::<crate::Decimal>()) {
            (Ok(left), Ok(right)) => left == right,
            _ => false,
        }
}

fn same_values(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match (left, right) {
        (Item::Temporal(left), Item::Temporal(right)) => {
            if (left.kind == crate::temporal::TemporalKind::Time) != (right.kind == crate::temporal::TemporalKind::Time)
            {
                return Some(false);
            }
            left.compare(right).map(|order| order == Ordering::Equal)
        }
        (Item::Quantity(left), Item::Quantity(right)) => {
            unit::compare(left, right).map(|order| order == Ordering::Equal)
        }
        // Two resources elsewhere of one type may be the same one.
        (Item::Remote(left), Item::Remote(right)) => (left != right).then_some(false),
        (Item::Quantity(quantity), number) | (number, Item::Quantity(quantity)) => {
            Some(as_decimal(number).is_some_and(|number| quantity.unit == "1" && quantity.value == number))
        }
        _ => Some(match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => left == right,
            (None, None) => left == right,
            _ => false,
        }),
    }
}

fn alike_values(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left, right) {
        (Item::Text(left), Item::Text(right)) => folded(left).eq(folded(right)),
        (Item::Quantity(left), Item::Quantity(right)) => unit::equivalent(left, right),
        (Item::Temporal(left), Item::Temporal(right)) => {
            left.kind == right.kind && left.compare(right) == Some(Ordering::Equal)
        }
        _ => match (as_decimal(left), as_decimal(right)) {
            (Some(left), Some(right)) => {
                let scale = left.normalized().scale().min(right.normalized().scale());
                left.rounded(scale) == right.rounded(scale)
            }
            _ => same_values(left, right) == Some(true),
        },
    }
}

/// Case and white space do not count.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.split_whitespace().flat_map(|word| word.chars().flat_map(char::to_lowercase).chain([' ']))
}
