//! Bindings, and further ones with where they count (elementdefinition.html#ElementDefinition.binding.additional).

use definitions::{Element, Strength};
use package::{AdditionalBinding, ElementDefinition};

use super::super::errata;
use super::super::model::{Additional, BindingRule, Literal, Usage};
use super::Compiler;

impl Compiler<'_> {
    /// The binding, where it is another one than that of the definitions.
    pub(super) fn binding(&self, definition: &ElementDefinition, element: Element<'static>) -> Option<BindingRule> {
        let binding = definition.binding.as_ref()?;
        let url = binding.value_set.as_deref();
        let is_known = element.binding().is_some_and(|known| {
            known.strength >= binding.strength
                && url.is_some_and(|url| url.split('|').next() == Some(known.url.split('|').next().unwrap_or_default()))
        });
        let additional: Box<[_]> = binding.additional.iter().filter_map(|said| self.additional(said)).collect();
        if (is_known || binding.strength == Strength::Example) && additional.is_empty() {
            return None;
        }
        // A binding that the release itself does not keep is a warning.
        let is_kept = !errata::is_doubtful_binding(&self.structure.url, self.version)
            && !url.is_some_and(|url| errata::is_only_proposed(url, self.version));
        Some(BindingRule {
            strength: if is_kept { binding.strength } else { binding.strength.min(Strength::Extensible) },
            value_set: url.filter(|_| !is_known).map(Into::into),
            additional,
        })
    }

    /// A further binding; none when it is only for people, or counts where nobody here can tell.
    fn additional(&self, said: &AdditionalBinding) -> Option<Additional> {
        let strength = strength(&said.purpose)?;
        let usages = said.usages.iter().map(|usage| self.usage(usage)).collect::<Option<_>>()?;
        Some(Additional { strength, value_set: said.value_set.as_str().into(), is_any: said.is_any, usages })
    }

    /// A context of use that the resource itself decides: its code is a path in a structure, which is its system.
    fn usage(&self, json: &[u8]) -> Option<Usage> {
        let context = Literal::of(json)?;
        let root = context.root()?;
        let (system, path) =
            (root.member("code")?.member("system")?.text()?, root.member("code")?.member("code")?.text()?);
        let is_own = system == self.structure.url.as_str();
        let is_of_type = || self.registry.structure(&system).is_some_and(|known| known.type_ == self.structure.type_);
        if !is_own && !is_of_type() {
            return None;
        }
        let steps = path.strip_prefix(self.structure.type_.as_str()).and_then(|rest| rest.strip_prefix('.'));
        let steps = steps.unwrap_or(&path).split('.').map(|step| step.strip_suffix("[x]").unwrap_or(step).into());
        let value = Literal::of(root.member("valueCodeableConcept")?.raw())?;
        Some(Usage { path: steps.collect(), value })
    }
}

/// How strict a purpose is; none when it says nothing of instances. The least set is what a system must know at least, and the
/// current one is for what is new: neither makes another code wrong.
fn strength(purpose: &str) -> Option<Strength> {
    match purpose {
        "required" | "maximum" => Some(Strength::Required),
        "extensible" => Some(Strength::Extensible),
        "preferred" | "current" | "minimum" => Some(Strength::Preferred),
        _ => None,
    }
}
