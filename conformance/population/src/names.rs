//! The ids in use.

use crate::Choices;

/// What stands for the server's own FHIR base, until it is known.
pub const BASE: &str = "{base}";

/// What resources are called. The first id is the one that matters most: the patient whose token asks.
#[derive(Clone, Debug)]
pub struct Names {
    ids: &'static [&'static str],
    others: &'static [(&'static str, &'static [&'static str])],
}

impl Default for Names {
    fn default() -> Self {
        Self { ids: &["1", "2", "3"], others: &[] }
    }
}

impl Names {
    /// The ids `1` to `3`, but those given for some types.
    #[must_use]
    pub const fn with(others: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { ids: &["1", "2", "3"], others }
    }

    /// Every id of a type.
    #[must_use]
    pub fn all(&self, resource_type: &str) -> &'static [&'static str] {
        self.others.iter().find(|(of, _)| *of == resource_type).map_or(self.ids, |(_, ids)| ids)
    }

    /// One of them; the first as often as all others together.
    pub fn id(&self, resource_type: &str, choices: &mut Choices<'_>) -> &'static str {
        let all = self.all(resource_type);
        if choices.below(2) == 0 { all.first().copied().unwrap_or_default() } else { choices.of(all) }
    }
}
