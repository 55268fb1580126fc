//! The types that a profile allows.

use definitions::Element;
use package::{ElementDefinition, TypeUse, canonical};

use super::super::model::{Aggregation, Target, TypeRule};
use super::Compiler;

impl Compiler<'_> {
    /// The types, where the profile says more than the definitions.
    pub(super) fn types(&self, definition: &ElementDefinition, element: Element<'static>) -> Option<Box<[TypeRule]>> {
        if definition.types.is_empty() || definition.path == self.structure.type_ {
            return None;
        }
        let is_narrower = if element.is_choice() {
            element.variants().any(|variant| !has_type(definition, variant.type_name()))
        } else {
            // `Bundle.entry.resource` of type Patient.
            element.shape().is_none()
                && element.primitive().is_none()
                && !definition.types.iter().any(|used| used.code == "Resource")
        };
        let says_more = definition.types.iter().any(|used| self.says_more(used, element));
        (is_narrower || says_more).then(|| definition.types.iter().map(|used| self.type_rule(used)).collect())
    }

    fn says_more(&self, used: &TypeUse, element: Element<'static>) -> bool {
        let variant = element.variants().find(|variant| variant.type_name() == used.code).unwrap_or(element);
        !used.profiles.is_empty() || !used.aggregation.is_empty() || has_narrower_targets(used, variant)
    }

    pub(super) fn type_rule(&self, used: &TypeUse) -> TypeRule {
        TypeRule {
            code: used.code.as_str().into(),
            profiles: used.profiles.iter().map(|profile| profile.as_str().into()).collect(),
            targets: used.targets.iter().map(|target| self.target(target)).collect(),
            aggregation: Aggregation {
                contained: used.aggregation.iter().any(|mode| mode == "contained"),
                referenced: used.aggregation.iter().any(|mode| mode == "referenced"),
                bundled: used.aggregation.iter().any(|mode| mode == "bundled"),
            },
        }
    }

    fn target(&self, profile: &str) -> Target {
        let core = canonical::core_name(profile).filter(|name| self.definitions.type_named(name).is_some());
        let type_name = match core {
            Some(name) => Some(name.into()),
            None => self.registry.structure(profile).map(|structure| structure.type_.as_str().into()),
        };
        Target { profile: profile.into(), type_name, is_type: core.is_some() }
    }
}

fn has_type(definition: &ElementDefinition, name: &str) -> bool {
    definition.types.iter().any(|used| used.code == name)
}

/// Whether some of the targets that the definitions allow are not allowed any more, or only with a profile.
fn has_narrower_targets(used: &TypeUse, element: Element<'static>) -> bool {
    let allows = |name: &str| used.targets.iter().any(|target| canonical::core_name(target) == Some(name));
    if used.targets.is_empty() || allows("Resource") {
        return false;
    }
    element.may_target_any() || element.targets().any(|target| !allows(target.name()))
}
