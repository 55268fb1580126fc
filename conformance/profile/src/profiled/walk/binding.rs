//! Bindings of profiles.

use definitions::Strength;
use fhir::json::Value;

use super::super::items::{Item, Items};
use super::super::model::{Additional, BindingRule, Usage};
use super::{At, Walk};
use crate::binding::{Binding, Shape, check_bound};
use crate::report::Report;

impl<'a> Walk<'a, '_> {
    pub(super) fn binding(&mut self, item: Item<'a>, binding: &BindingRule, at: At<'_>) {
        let Some((value, shape)) = self.coded(item) else { return };
        if let Some(value_set) = &binding.value_set {
            self.bound_to(value, shape, &Binding { strength: binding.strength, value_set });
        }
        for additional in binding.additional.iter().filter(|additional| !additional.is_any) {
            if self.counts(additional, at) {
                self.bound_to(value, shape, &additional.binding());
            }
        }
    }

    /// Bindings of which it is enough when one item follows them; the first item is told when none does.
    #[cold]
    pub(super) fn any_binding(&mut self, items: Items<'a>, binding: &BindingRule, at: At<'_>) {
        for additional in binding.additional.iter().filter(|additional| additional.is_any) {
            if !self.counts(additional, at) {
                continue;
            }
            let required = Binding { strength: Strength::Required, ..additional.binding() };
            let mut coded = items.iter().filter_map(|item| self.coded(item));
            let (is_met, first) =
                (coded.any(|(value, shape)| self.is_bound_to(value, shape, &required)), items.iter().next());
            if let Some((value, shape)) = first.filter(|_| !is_met).and_then(|item| self.coded(item)) {
                self.bound_to(value, shape, &additional.binding());
            }
        }
    }

    /// A value with codes.
    fn coded(&self, item: Item<'a>) -> Option<(Value<'a>, Shape)> {
        let value = item.present()?;
        let element = self.definitions.element_of(value.node())?;
        Some((value, Shape::of_type(element.type_name())?))
    }

    /// Whether a further binding counts for the resource: for each element that its contexts name, one of the values is there.
    fn counts(&self, additional: &Additional, at: At<'_>) -> bool {
        let Some(resource) = self.document.at(at.scope.resource) else { return false };
        let is_met =
            |usage: &Usage| usage.value.root().is_some_and(|wanted| self.has_coding(resource, &usage.path, wanted));
        let usages = &additional.usages;
        usages.iter().all(|usage| usages.iter().filter(|other| other.path == usage.path).any(is_met))
    }

    /// Whether a coding of a concept stands at a path.
    fn has_coding(&self, here: Value<'a>, path: &[Box<str>], wanted: Value<'_>) -> bool {
        let Some((step, rest)) = path.split_first() else { return is_coded_alike(here, wanted) };
        let items = self.named(here, step).flat_map(Items::iter);
        items.filter_map(Item::present).any(|value| self.has_coding(value, rest, wanted))
    }

    fn bound_to(&mut self, value: Value<'a>, shape: Shape, binding: &Binding<'_>) {
        if !self.is_quiet {
            check_bound(&self.subject, value, shape, binding, self.report);
        } else if binding.strength == Strength::Required {
            self.is_broken |= !self.is_bound_to(value, shape, binding);
        }
    }

    fn is_bound_to(&self, value: Value<'a>, shape: Shape, binding: &Binding<'_>) -> bool {
        let mut report = Report::new(1);
        check_bound(&self.subject, value, shape, binding, &mut report);
        !report.has_errors()
    }
}

/// Whether a code, Coding or CodeableConcept has one of the codes of a concept.
fn is_coded_alike(value: Value<'_>, concept: Value<'_>) -> bool {
    let text = |coding: Value<'_>, name| coding.member(name).and_then(Value::text).map(std::borrow::Cow::into_owned);
    let wanted = concept.member("coding").into_iter().flat_map(Value::children);
    wanted.map(|coding| (text(coding, "system"), text(coding, "code"))).any(|(system, code)| {
        let is_alike = |coding: Value<'_>| text(coding, "code") == code && text(coding, "system") == system;
        let is_code = code.is_some() && value.text().as_deref() == code.as_deref();
        is_code
            || code.is_some()
                && (value.member("coding").into_iter().flat_map(Value::children).any(is_alike) || is_alike(value))
    })
}
