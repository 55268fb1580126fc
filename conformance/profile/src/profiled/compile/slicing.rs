//! Slices of an element.

use definitions::Element;
use package::{Discriminator, DiscriminatorType, ElementDefinition, Rules, Slicing as SlicingDefinition};

use super::super::model::{RuleIndex, Slice, Slicing, Test, Told};
use super::Compiler;
use super::discriminator::Spot;
use super::tree::Group;

/// The name of the slice for whatever is in no other (closed slicing).
const DEFAULT: &str = "@default";

impl Compiler<'_> {
    /// The slicing of a group; none where it has neither slices nor rules about what is in none.
    pub(super) fn slicing(
        &mut self,
        group: &Group,
        element: Element<'static>,
        head: &ElementDefinition,
    ) -> Option<Slicing> {
        let mut slices = group.slices.clone();
        if head.slice_name.is_some() {
            slices.insert(0, group.head);
        }
        let said = if head.slice_name.is_none() { head.slicing.as_ref() } else { None };
        let top: Vec<_> = slices.iter().copied().filter(|index| self.parent(*index, &slices).is_none()).collect();
        self.slices(said, None, &top, &slices, element)
    }

    /// The slice that a reslice `a/b` is a part of.
    fn parent(&self, index: usize, slices: &[usize]) -> Option<usize> {
        let mut name = self.definition(index)?.slice_name.as_deref()?;
        while let Some((parent, _)) = name.rsplit_once('/') {
            let is_parent =
                |other: &usize| self.definition(*other).is_some_and(|it| it.slice_name.as_deref() == Some(parent));
            if let Some(found) = slices.iter().copied().find(is_parent) {
                return Some(found);
            }
            name = parent;
        }
        None
    }

    fn slices(
        &mut self,
        said: Option<&SlicingDefinition>,
        outer: Option<&SlicingDefinition>,
        chosen: &[usize],
        all: &[usize],
        element: Element<'static>,
    ) -> Option<Slicing> {
        let rules = said.map_or(Rules::Open, |said| said.rules);
        if chosen.is_empty() && rules != Rules::Closed {
            return None;
        }
        let discriminators = discriminators(said, outer, element);
        let (mut slices, mut default) = (Vec::new(), None);
        for (place, index) in chosen.iter().enumerate() {
            let Some((rule, is_default)) = self.slice_rule(*index, all, said.or(outer), element) else { continue };
            if is_default {
                default = Some(rule);
                continue;
            }
            let told = self.told(*index, place, &discriminators, element);
            slices.push(Slice { rule, told });
        }
        let is_required =
            slices.iter().any(|slice| self.rules.get(slice.rule as usize).is_some_and(|rule| rule.min > 0));
        let is_ordered = said.is_some_and(|said| said.is_ordered);
        Some(Slicing { rules, is_ordered, slices: slices.into(), default, is_required })
    }

    /// The rule of a slice with its reslices, and whether it is the default.
    fn slice_rule(
        &mut self,
        index: usize,
        all: &[usize],
        outer: Option<&SlicingDefinition>,
        element: Element<'static>,
    ) -> Option<(RuleIndex, bool)> {
        let definition = self.definition(index)?;
        let mut rule = self.rule(index, element)?;
        let inner: Vec<_> = all.iter().copied().filter(|other| self.parent(*other, all) == Some(index)).collect();
        rule.slicing = self.slices(definition.slicing.as_ref(), outer, &inner, all, element);
        rule.slice = Some(definition.slice_name.as_deref().unwrap_or_else(|| definition.name()).into());
        Some((self.push(rule)?, definition.slice_name.as_deref() == Some(DEFAULT)))
    }

    fn told(&self, index: usize, place: usize, discriminators: &[Discriminator], element: Element<'static>) -> Told {
        if discriminators.is_empty() {
            return Told::Conforming;
        }
        let spot = Spot { structure: self.structure.clone(), index };
        let mut tests: Vec<Test> = Vec::new();
        for discriminator in discriminators {
            match self.tests(discriminator, &spot, place, element) {
                Ok(test) => tests.push(test),
                Err(why) => return Told::Unknown(why.into()),
            }
        }
        Told::By(tests.into())
    }
}

/// What tells slices apart: what is said, what is said of the slice that they are slices of, and what goes without saying
/// for choices (by type) and extensions (by url).
fn discriminators(
    said: Option<&SlicingDefinition>,
    outer: Option<&SlicingDefinition>,
    element: Element<'static>,
) -> Vec<Discriminator> {
    let said = said.map(|said| said.discriminators.as_slice()).filter(|said| !said.is_empty());
    let outer = outer.map(|outer| outer.discriminators.as_slice());
    if let Some(known) = said.or(outer).filter(|known| !known.is_empty()) {
        return known.to_vec();
    }
    if element.is_choice() || element.is_variant() {
        return vec![Discriminator { type_: DiscriminatorType::Type, path: "$this".to_owned() }];
    }
    if element.type_name() == "Extension" {
        return vec![Discriminator { type_: DiscriminatorType::Value, path: "url".to_owned() }];
    }
    Vec::new()
}
