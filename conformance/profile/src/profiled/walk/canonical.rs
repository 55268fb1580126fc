//! What canonicals refer to (references.html#canonical).

use fhir::json::Value;
use fhir::{IssueType, ResourceType};

use super::super::model::TypeRule;
use super::{At, Walk};

/// Types of which packages have definitions.
const DEFINITIONS: [ResourceType; 8] = [
    ResourceType::STRUCTURE_DEFINITION,
    ResourceType::VALUE_SET,
    ResourceType::CODE_SYSTEM,
    ResourceType::SEARCH_PARAMETER,
    ResourceType::QUESTIONNAIRE,
    ResourceType::CONCEPT_MAP,
    ResourceType::OPERATION_DEFINITION,
    ResourceType::CAPABILITY_STATEMENT,
];

impl<'a> Walk<'a, '_> {
    /// A canonical against the types of what it may refer to; what no package has is not known to be wrong.
    pub(super) fn canonical<'t>(
        &mut self,
        value: Value<'a>,
        types: impl Iterator<Item = &'t TypeRule> + Clone,
        at: At<'_>,
    ) {
        if types.clone().any(|rule| rule.targets.is_empty()) {
            return;
        }
        let Some(text) = value.text() else { return };
        let targets = types.flat_map(|rule| &*rule.targets);
        let Some(found) = self.referred_by(&text, at) else { return };
        if targets.clone().any(|target| self.allows(target, found)) {
            return;
        }
        self.error(value.index(), IssueType::Structure, || {
            let names: Vec<_> = targets.map(|target| &*target.profile).collect();
            let profile = &at.profile.canonical;
            format!("expected the canonical of {}, found that of a {found} (profile {profile})", names.join(", "))
        });
    }

    /// The type of what a canonical refers to, where it is contained or a package has it.
    fn referred_by(&self, canonical: &str, at: At<'_>) -> Option<&'static str> {
        if canonical.starts_with('#') {
            let found = self.resolver.resolve(canonical, at.scope.root, at.scope.resource)?;
            return self.type_name(found.node);
        }
        let registry = self.engine.registry();
        let known = DEFINITIONS.into_iter().find(|of| registry.artefact(*of, canonical).is_some())?;
        Some(self.definitions.type_of(known)?.name())
    }
}
