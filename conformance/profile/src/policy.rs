//! What a validator makes of what is no rule, and of what it cannot know.

use fhir::Severity;

/// Settings of a validator beyond what definitions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of recommendations of the specification (`elementdefinition-bestpractice`, such as dom-6: a narrative).
    pub best_practice: BestPractice,
    /// How bad it is that nobody has a profile that a resource claims: nothing was checked against it then.
    pub unknown_profile: Severity,
    /// Which unknown extensions may be there. An unknown modifier extension is always an error (extensibility.html#modifierExtension).
    pub extensions: UnknownExtensions,
}

/// What becomes of a recommendation that a resource does not follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BestPractice {
    /// It is not checked.
    #[default]
    Ignore,
    /// Information.
    Hint,
    /// A warning.
    Warning,
    /// An error: the resource is refused.
    Error,
}

/// Extensions that no package defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnknownExtensions {
    /// Each is a warning.
    #[default]
    Allowed,
    /// Those whose URL starts with one of these are a warning, others an error.
    From(Vec<String>),
}

impl Default for Policy {
    fn default() -> Self {
        let (best_practice, extensions) = (BestPractice::default(), UnknownExtensions::default());
        Self { best_practice, unknown_profile: Severity::Warning, extensions }
    }
}

impl BestPractice {
    pub(crate) const fn severity(self) -> Severity {
        match self {
            Self::Ignore | Self::Hint => Severity::Information,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

impl UnknownExtensions {
    pub(crate) fn severity(&self, url: &str) -> Severity {
        match self {
            Self::From(domains) if !domains.iter().any(|domain| url.starts_with(domain.as_str())) => Severity::Error,
            Self::Allowed | Self::From(_) => Severity::Warning,
        }
    }
}
