//! Stage 4: payload to [`Validated`].

use fhir::{Interaction, Issue};

use crate::authorize::Permitted;

/// A request whose payload follows its definitions. Only this stage builds one.
#[derive(Debug)]
pub struct Validated {
    permitted: Permitted,
    warnings: Vec<Issue>,
}

impl Validated {
    /// What is asked, by whom.
    #[must_use]
    pub fn permitted(&self) -> &Permitted {
        &self.permitted
    }

    /// What to do.
    #[must_use]
    pub fn interaction(&self) -> &Interaction {
        &self.permitted.request().interaction
    }

    /// What the client should know although it was not refused.
    #[must_use]
    pub fn warnings(&self) -> &[Issue] {
        &self.warnings
    }
}
