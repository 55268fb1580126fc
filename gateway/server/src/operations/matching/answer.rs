//! The Bundle that answers.

use bytes::Bytes;
use fhir::Outcome;

use super::Matches;
use crate::operations::bundle;

/// patient-operation-match.html#match-grade
const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

/// A searchset of the matches with score and grade, and what there is to say about it.
pub(super) fn bundle(base: &str, found: &Matches) -> Bytes {
    let mut entries: Vec<Bytes> = Vec::new();
    for one in &found.matches {
        let search = format!(
            r#"{{"extension":[{{"url":"{GRADE}","valueCode":"{}"}}],"mode":"match","score":{}}}"#,
            one.grade.code(),
            one.score.fraction()
        );
        entries.push(bundle::entry(&format!("{base}/Patient/{}", one.id), &one.patient, &search));
    }
    entries.extend(found.outcomes.iter().map(|outcome| bundle::outcome(outcome)));
    if !found.issues.is_empty() {
        entries.push(bundle::outcome(&Outcome(found.issues.clone()).to_json()));
    }
    bundle::searchset(Some(found.matches.len()), &[], &entries)
}
