//! `start` and `end`: dates of care, not of records (patient-operation-everything.html).

use fhir::json::Document;
use fhir::{Handling, Query, ResourceType, Version};
use search::Criterion;

use super::asked::{Asked, bound};

/// When something happened or was meant to happen, by type: parameters of search. Types that are not here tell what holds until it is
/// changed (an allergy, a coverage, a problem), and are given whatever the dates are.
const DATES: &[(&str, &[&str])] = &[
    ("AdverseEvent", &["date"]),
    ("Appointment", &["date"]),
    ("CarePlan", &["date"]),
    ("CareTeam", &["date"]),
    ("ChargeItem", &["occurrence", "entered-date"]),
    ("Claim", &["created"]),
    ("ClaimResponse", &["created"]),
    ("ClinicalImpression", &["date"]),
    ("Communication", &["sent", "received"]),
    ("CommunicationRequest", &["occurrence", "authored"]),
    ("Composition", &["date", "period"]),
    ("CoverageEligibilityRequest", &["created"]),
    ("CoverageEligibilityResponse", &["created"]),
    ("DetectedIssue", &["identified"]),
    ("DeviceRequest", &["event-date", "authored-on"]),
    ("DiagnosticReport", &["date"]),
    ("DocumentManifest", &["created"]),
    ("DocumentReference", &["date", "period"]),
    ("Encounter", &["date"]),
    ("EpisodeOfCare", &["date"]),
    ("ExplanationOfBenefit", &["created"]),
    ("ImagingStudy", &["started"]),
    ("Immunization", &["date"]),
    ("ImmunizationEvaluation", &["date"]),
    ("ImmunizationRecommendation", &["date"]),
    ("Invoice", &["date"]),
    ("List", &["date"]),
    ("MeasureReport", &["date", "period"]),
    ("Media", &["created"]),
    ("MedicationAdministration", &["effective-time"]),
    ("MedicationDispense", &["whenhandedover", "whenprepared"]),
    ("MedicationRequest", &["authoredon", "date"]),
    ("MedicationStatement", &["effective"]),
    ("NutritionOrder", &["datetime"]),
    ("Observation", &["date"]),
    ("Procedure", &["date"]),
    ("QuestionnaireResponse", &["authored"]),
    ("RequestGroup", &["authored"]),
    ("RiskAssessment", &["date"]),
    ("ServiceRequest", &["occurrence", "authored"]),
    ("Specimen", &["collected"]),
    ("SupplyRequest", &["date"]),
    ("VisionPrescription", &["datewritten"]),
];

/// The dates that a type is held against.
pub(super) struct Care {
    /// For each of its parameters: within the bounds, and absent.
    dates: Vec<(Vec<Criterion>, Vec<Criterion>)>,
}

impl Care {
    /// What is asked of a type; nothing when no dates are.
    pub(super) fn of(asked: &Asked, of: ResourceType) -> Self {
        let (start, end) = &asked.care;
        if start.is_none() && end.is_none() {
            return Self { dates: Vec::new() };
        }
        let codes = DATES.iter().find(|(name, _)| *name == of.as_str()).map_or(&[][..], |(_, codes)| codes);
        let dates = codes.iter().filter_map(|code| {
            let mut within = Vec::new();
            for (prefix, date) in [("ge", start), ("le", end)] {
                if let Some(date) = date {
                    within.extend(bound(of, code, prefix, date, asked.version)?);
                }
            }
            Some((within, absent(of, code, asked.version)?))
        });
        Self { dates: dates.collect() }
    }

    /// Whether a resource is of that time: one of its dates is, or it has none.
    pub(super) fn holds(&self, document: Document<'_>) -> bool {
        self.dates.iter().any(|(within, _)| search::matches(document, within))
            || self.dates.iter().all(|(_, absent)| search::matches(document, absent))
    }
}

fn absent(of: ResourceType, code: &str, version: Version) -> Option<Vec<Criterion>> {
    let mut query = Query::default();
    query.push(format!("{code}:missing"), "true");
    Some(search::parse(&query, version, Some(of), Handling::Strict).ok()?.criteria)
}

#[cfg(test)]
mod tests {
    use fhir::json::{Limits, scan};

    use super::super::asked::tests::asked;
    use super::*;

    fn holds(query: &str, resource: &str) -> bool {
        let mut nodes = Vec::new();
        scan(resource.as_bytes(), &mut nodes, Limits::default()).unwrap();
        let document = Document::new(resource.as_bytes(), &nodes);
        let of = document.root().unwrap().member("resourceType").unwrap().text().unwrap().parse().unwrap();
        Care::of(&asked(query).unwrap(), of).holds(document)
    }

    #[test]
    fn every_date_is_a_parameter_of_its_type() {
        for (name, codes) in DATES {
            let of: ResourceType = name.parse().unwrap();
            for code in *codes {
                assert!(bound(of, code, "ge", "2020", Version::R4).is_some(), "{name} {code}");
            }
        }
    }

    #[test]
    fn what_happened_within_the_dates_is_given_and_what_has_no_date_too() {
        let seen = |when: &str| format!(r#"{{"resourceType":"Observation","effectiveDateTime":"{when}"}}"#);
        let year = "start=2024-01-01&end=2024-12-31";
        assert!(holds(year, &seen("2024-12-31T23:00:00Z")));
        assert!(!holds(year, &seen("2025-01-01")));
        assert!(!holds(year, &seen("2023-12-31")));
        assert!(holds("end=2023", &seen("2023-12-31")));
        assert!(holds(year, r#"{"resourceType":"Observation","status":"final"}"#));
        assert!(holds(year, r#"{"resourceType":"AllergyIntolerance","recordedDate":"1999-01-01"}"#));
        let stay = r#"{"resourceType":"Encounter","period":{"start":"2023-12-30","end":"2024-01-02"}}"#;
        assert!(holds(year, stay) && holds("", stay));
    }
}
