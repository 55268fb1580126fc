//! Where the Questionnaire of a response is: contained in it, or among the validator's definitions.

use fhir::ResourceType;
use fhir::json::{Document, Limits, Value, scan};

use super::super::read;
use crate::validator::Subject;

/// Gives the Questionnaire to `use_it`, if there is one.
pub(super) fn with_questionnaire(response: Value<'_>, subject: &Subject<'_>, use_it: impl FnOnce(Value<'_>)) {
    let Some(canonical) = read::text(response, "questionnaire") else { return };
    if let Some(id) = canonical.strip_prefix('#') {
        if let Some(questionnaire) = read::contained(response, id) {
            use_it(questionnaire);
        }
        return;
    }
    let Ok(kind) = "Questionnaire".parse::<ResourceType>() else { return };
    let Some(json) = subject.validator.registry().json(kind, &canonical) else { return };
    let mut nodes = Vec::new();
    if scan(json, &mut nodes, Limits::default()).is_err() {
        return;
    }
    if let Some(questionnaire) = Document::new(json, &nodes).root() {
        use_it(questionnaire);
    }
}
