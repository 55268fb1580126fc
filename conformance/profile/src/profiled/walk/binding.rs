//! Bindings of profiles.

use definitions::Strength;
use fhir::json::Value;

use super::super::items::Item;
use super::super::model::BindingRule;
use super::Walk;
use crate::binding::{Binding, Shape, check_bound};
use crate::report::Report;

impl<'a> Walk<'a, '_> {
    pub(super) fn binding(&mut self, item: Item<'a>, binding: &BindingRule) {
        let Some(value) = item.present() else { return };
        let element = self.definitions.element_of(value.node());
        let Some(shape) = element.and_then(|element| Shape::of_type(element.type_name())) else { return };
        if let Some(value_set) = &binding.value_set {
            self.bound_to(value, shape, &Binding { strength: binding.strength, value_set });
        }
        for additional in &binding.additional {
            let strength = match additional.purpose.as_str() {
                "required" | "maximum" => Strength::Required,
                "extensible" | "minimum" => Strength::Extensible,
                "preferred" | "current" => Strength::Preferred,
                _ => continue,
            };
            // Where it counts is for a reader to say when there is a context of use.
            if additional.usages.is_empty() {
                self.bound_to(value, shape, &Binding { strength, value_set: &additional.value_set });
            }
        }
    }

    fn bound_to(&mut self, value: Value<'a>, shape: Shape, binding: &Binding<'_>) {
        if !self.is_quiet {
            check_bound(&self.subject, value, shape, binding, self.report);
        } else if binding.strength == Strength::Required {
            let mut report = Report::new(1);
            check_bound(&self.subject, value, shape, binding, &mut report);
            self.is_broken |= report.has_errors();
        }
    }
}
