//! Stage 4: payload to [`Validated`].

mod check;

use std::sync::Arc;

use fhir::json::Node;
use fhir::{Interaction, Issue};
use http::StatusCode;

use crate::authorize::Permitted;
use crate::failure::Failure;
use crate::packages::Packages;
use crate::route::Plan;

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

/// A payload that follows its definitions, not joined to its request yet.
#[derive(Debug)]
pub struct Sound {
    /// None when the request has no payload.
    nodes: Option<Arc<[Node]>>,
    warnings: Vec<Issue>,
}

impl Sound {
    /// What the client should know although it was not refused.
    #[must_use]
    pub fn warnings(&self) -> &[Issue] {
        &self.warnings
    }
}

/// Checks the payload as the plan says. Whatever the mode, it is JSON or XML, of the type and with the id that the URL names.
///
/// # Errors
/// 400 for what is not FHIR, 422 for a broken rule, with every issue, by the lines of what the client sent.
pub fn request(permitted: &Permitted, plan: &Plan, packages: &Packages) -> Result<Sound, Failure> {
    let Some(markup) = &permitted.request().markup else { return checked(permitted, plan, packages) };
    let sound = checked(permitted, plan, packages).map_err(|failure| failure.in_markup(Some(markup)))?;
    let warnings = markup.told(sound.warnings);
    if markup.is_sound() {
        Ok(Sound { warnings, ..sound })
    } else {
        Err(Failure::from_issues(StatusCode::BAD_REQUEST, warnings))
    }
}

/// The request whose payload that is.
#[must_use]
pub fn conclude(mut permitted: Permitted, sound: Sound) -> Validated {
    if let Some(nodes) = sound.nodes {
        permitted.index_payload(nodes);
    }
    Validated { permitted, warnings: sound.warnings }
}

fn checked(permitted: &Permitted, plan: &Plan, packages: &Packages) -> Result<Sound, Failure> {
    let Some(resource) = permitted.request().interaction.resource() else {
        return Ok(Sound { nodes: None, warnings: Vec::new() });
    };
    let validator = packages.validator(&permitted.request().practice, resource.version);
    let checked = check::payload(resource, permitted.request().interaction.id(), plan, &validator)?;
    Ok(Sound { nodes: Some(checked.nodes), warnings: checked.doubts.0 })
}
