//! QuestionnaireResponses against their Questionnaire (questionnaireresponse.html).

mod answer;
mod bound;
mod condition;
mod item;
mod occurrence;
mod option;
mod source;
mod value_set;

use fhir::json::Value;

use super::read;
use crate::report::Report;
use crate::validator::Subject;
pub(super) use answer::types;

/// What the checks of one response share.
pub(super) struct Inquiry<'a> {
    pub(super) subject: &'a Subject<'a>,
    /// The response.
    pub(super) response: Value<'a>,
    /// The Questionnaire that it answers.
    pub(super) questionnaire: Value<'a>,
    /// Whether answers may still be missing.
    pub(super) is_unfinished: bool,
}

/// Nothing where the Questionnaire is not to be had.
pub(super) fn check(response: Value<'_>, subject: &Subject<'_>, report: &mut Report) {
    source::with_questionnaire(response, subject, |questionnaire| {
        let status = read::text(response, "status");
        // What was given up or entered in error need not be complete.
        let is_unfinished = !matches!(status.as_deref(), Some("completed" | "amended"));
        item::check(&Inquiry { subject, response, questionnaire, is_unfinished }, report);
    });
}
