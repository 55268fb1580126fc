//! The ids in use.

use crate::Choices;
use crate::resource::KINDS;

/// What stands for the server's own FHIR base, until it is known.
pub const BASE: &str = "{base}";

/// Which types there are, and what their resources are called. The first id is the one that matters most: the patient whose token asks.
#[derive(Clone, Debug)]
pub struct Names {
    ids: &'static [&'static str],
    others: &'static [(&'static str, &'static [&'static str])],
    kinds: Vec<&'static str>,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(&[])
    }
}

impl Names {
    /// All of [`KINDS`], with the ids `1` to `3`, but those given for some types.
    #[must_use]
    pub fn with(others: &'static [(&'static str, &'static [&'static str])]) -> Self {
        Self { ids: &["1", "2", "3"], others, kinds: KINDS.to_vec() }
    }

    /// A few types only, Patient among them: so that what refers to each other meets.
    #[must_use]
    pub fn few(&self, choices: &mut Choices<'_>) -> Self {
        let mut kinds = vec!["Patient"];
        let count = 3 + choices.below(5);
        kinds.extend((0..count).map(|_| choices.of(&KINDS)).filter(|kind| *kind != "Patient"));
        kinds.sort_unstable_by_key(|kind| KINDS.iter().position(|known| known == kind));
        kinds.dedup();
        Self { kinds, ..self.clone() }
    }

    /// The types.
    #[must_use]
    pub fn kinds(&self) -> &[&'static str] {
        &self.kinds
    }

    /// Those of these types that there are; all of these when there is none.
    pub(crate) fn known(&self, of: &[&'static str]) -> Vec<&'static str> {
        let known: Vec<&str> = of.iter().copied().filter(|kind| self.kinds.contains(kind)).collect();
        if known.is_empty() { of.to_vec() } else { known }
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
