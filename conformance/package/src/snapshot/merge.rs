//! Laying an element of a differential over what the base says.

use super::place::first_definition;
use crate::draft::ElementDraft;
use crate::structure::{Binding, Constraint, ElementDefinition, Slicing};

/// Lays what `draft` says over `element`. `url` is the canonical of the structure that says it.
pub(super) fn lay_over(element: &mut ElementDefinition, draft: &ElementDraft, url: &str) {
    element.min = draft.min.unwrap_or(element.min);
    element.max = draft.max.unwrap_or(element.max);
    if element.base.is_none() {
        element.base = Some(draft.base.clone().unwrap_or_else(|| first_definition(element, &draft.path)));
    }
    if !draft.types.is_empty() {
        element.types.clone_from(&draft.types);
    }
    take(&mut element.content, &draft.content);
    take(&mut element.fixed, &draft.fixed);
    take(&mut element.pattern, &draft.pattern);
    take(&mut element.min_value, &draft.min_value);
    take(&mut element.max_value, &draft.max_value);
    take(&mut element.max_length, &draft.max_length);
    element.must_have_value = draft.must_have_value.unwrap_or(element.must_have_value);
    element.must_support = draft.must_support.unwrap_or(element.must_support);
    element.is_modifier = draft.is_modifier.unwrap_or(element.is_modifier);
    if !draft.value_alternatives.is_empty() {
        element.value_alternatives.clone_from(&draft.value_alternatives);
    }
    if let Some(slicing) = &draft.slicing {
        element.slicing = Some(resliced(slicing, element.slicing.take()));
    }
    if let Some(binding) = &draft.binding {
        element.binding = Some(rebound(binding, element.binding.take()));
    }
    for constraint in &draft.constraints {
        constrain(&mut element.constraints, constraint, url);
    }
}

fn take<T: Clone>(slot: &mut Option<T>, said: &Option<T>) {
    if said.is_some() {
        slot.clone_from(said);
    }
}

/// A slicing that names no discriminators keeps those of the base.
fn resliced(said: &Slicing, known: Option<Slicing>) -> Slicing {
    let mut slicing = said.clone();
    if let Some(known) = known.filter(|_| said.discriminators.is_empty()) {
        slicing.discriminators = known.discriminators;
    }
    slicing
}

/// A binding that names no value set keeps that of the base; additional ones add up.
fn rebound(said: &Binding, known: Option<Binding>) -> Binding {
    let mut binding = said.clone();
    let Some(known) = known else { return binding };
    binding.value_set = binding.value_set.or(known.value_set);
    for additional in known.additional {
        if !binding.additional.contains(&additional) {
            binding.additional.push(additional);
        }
    }
    binding
}

/// Rules add up. One with the key of another replaces it.
fn constrain(constraints: &mut Vec<Constraint>, said: &Constraint, url: &str) {
    let mut constraint = said.clone();
    if constraint.source.is_none() {
        constraint.source = Some(url.to_owned());
    }
    match constraints.iter_mut().find(|known| known.key == said.key) {
        Some(known) => *known = constraint,
        None => constraints.push(constraint),
    }
}
