//! The official examples of R4. They are not part of this repository: `FRONTDESK_EXAMPLES` names the folder of the unpacked
//! npm package `hl7.fhir.r4.examples`. Without it the test says so and passes; with `CI=true` it fails.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::env;
use std::path::{Path, PathBuf};

use fhir::Version;

/// Examples that break the specification: where, and by which clause.
const REFUSED: [(&str, &str, &str); 37] = [
    ("ActivityDefinition-blood-tubes-supply", "ActivityDefinition.text.div", "txt-2: no text in the narrative"),
    ("ActivityDefinition-heart-valve-replacement", "ActivityDefinition.text.div", "txt-2: no text in the narrative"),
    ("DeviceMetric-example", "DeviceMetric.parent.reference", "refers to a DeviceDefinition, parent is a Device"),
    ("DeviceUseStatement-example", "DeviceUseStatement.reasonReference[0].reference", "a Procedure is no reason"),
    ("EventDefinition-example", "EventDefinition.text.div", "txt-2: no text in the narrative"),
    ("ImplementationGuide-fhir", "ImplementationGuide.name", "name is 1..1"),
    (
        "MedicationRequest-medrx0301",
        "MedicationRequest.dispenseRequest.performer.reference",
        "performer is an Organization",
    ),
    ("Observation-clinical-gender", "Observation.performer[0].reference", "an Encounter does not perform"),
    ("Questionnaire-qs1", "Questionnaire.item[0].item[0].linkId", "linkId is 1..1"),
    ("Questionnaire-zika-virus-exposure-assessment", "Questionnaire.text.div", "txt-2: no text in the narrative"),
    (
        "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject",
        "SearchParameter.id",
        "67 characters",
    ),
    ("ig-r4", "ImplementationGuide.name", "name is 1..1"),
    (
        "Bundle-10bb101f-a121-4264-a920-67be9cb82c74",
        "Bundle.entry[2].fullUrl",
        "bundle.html#bundle-unique: names another id",
    ),
    (
        "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe",
        "Bundle.entry[3].fullUrl",
        "bundle.html#bundle-unique: names another id",
    ),
    ("Bundle-dataelements", "Bundle", "bdl-7: a fullUrl twice"),
    ("Bundle-lri-example", "Bundle.entry[1].fullUrl", "bundle.html#bundle-unique: names another id"),
    (
        "Bundle-resources",
        "Bundle.entry[0].resource.rest[0].searchParam[5]",
        "a search parameter's type is not that of its definition",
    ),
    (
        "DiagnosticReport-example-pgx",
        "DiagnosticReport.presentedForm[0]",
        "datatypes.html#attachment: no hash of the data",
    ),
    ("Library-zika-virus-intervention-logic", "Library.dataRequirement[0].codeFilter[0].valueSet", "X.Y.Z is no OID"),
    ("Organization-2.16.840.1.113883.19.5", "Organization.identifier[0].value", "urn:ietf:rfc:3986: no URI"),
    (
        "PlanDefinition-example-cardiology-os",
        "PlanDefinition.contained[11].item[0].answerValueSet",
        "nothing contained has the id",
    ),
    (
        "StructureDefinition-Consent",
        "StructureDefinition.snapshot.element[9].example[0].value.value",
        "urn:ietf:rfc:3986: no URI",
    ),
    ("StructureDefinition-Definition", "StructureDefinition", "sdf-4: no baseDefinition"),
    ("StructureDefinition-Event", "StructureDefinition", "sdf-4: no baseDefinition"),
    ("StructureDefinition-FiveWs", "StructureDefinition", "sdf-4: no baseDefinition"),
    ("StructureDefinition-Request", "StructureDefinition", "sdf-4: no baseDefinition"),
    (
        "CapabilityStatement-knowledge-repository",
        "CapabilityStatement.rest[0].resource[0].searchParam[5]",
        "a search parameter's type is not that of its definition",
    ),
    (
        "CapabilityStatement-measure-processor",
        "CapabilityStatement.rest[0].resource[0].searchParam[2]",
        "a search parameter's type is not that of its definition",
    ),
    (
        "CapabilityStatement-terminology-server",
        "CapabilityStatement.rest[0].resource[0].searchParam[2]",
        "a search parameter's type is not that of its definition",
    ),
    ("CodeSystem-snomedct", "CodeSystem.property[3]", "codesystem.html: a property declared twice"),
    (
        "ValueSet-example-hierarchical",
        "ValueSet.compose.include[0]",
        "valueset.html: the system of an include is not absolute",
    ),
    (
        "ConceptMap-sc-clinicalimpression-status",
        "ConceptMap.group[0].element[1].code",
        "conceptmap.html: a code that the source does not have",
    ),
    (
        "CapabilityStatement-base",
        "CapabilityStatement.rest[0].searchParam[5]",
        "a search parameter's type is not that of its definition",
    ),
    ("Bundle-valuesets", "Bundle.entry[2].resource.property[3]", "codesystem.html: a property declared twice"),
    (
        "Basic-referral",
        "Basic.modifierExtension[0]",
        "extensibility.html#modifierExtension: nobody knows what it changes",
    ),
    ("Observation-example-genetics-brcapat", "Observation.extension[1]", "us-core-ethnicity outside its context"),
    (
        "Bundle-valueset-expansions",
        "Bundle.entry[47].resource.expansion.contains[16].extension[1]",
        "translation outside its context",
    ),
];

/// The SearchParameters of extensions have no base, which is 1..*.
fn is_without_base(stem: &str) -> bool {
    stem.starts_with("SearchParameter-codesystem-extensions-")
        || stem.starts_with("SearchParameter-valueset-extensions-")
}

#[test]
fn every_official_example_is_accepted_but_those_that_break_a_clause() {
    let Some(folder) = env::var_os("FRONTDESK_EXAMPLES").map(PathBuf::from) else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "FRONTDESK_EXAMPLES is not set");
        eprintln!(
            "SKIPPED: set FRONTDESK_EXAMPLES to the folder of hl7.fhir.r4.examples to check the official examples"
        );
        return;
    };
    let folder = if folder.join("package").is_dir() { folder.join("package") } else { folder };
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| is_example(file));
    assert!(files.len() > 1_000, "expected the examples in {}", folder.display());
    let wrong: Vec<String> = files.iter().filter_map(|file| surprise(file)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

fn is_example(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".json") && name != "package.json" && !name.starts_with('.')
}

/// What is said about an example that should not be, or is not said that should.
fn surprise(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy().into_owned();
    let bytes = std::fs::read(file).ok()?;
    let outcome = profile::validate(&bytes, Version::R4, None);
    let mut errors = outcome.0.iter().filter(|issue| issue.severity >= fhir::Severity::Error);
    let found = errors.next().map(|issue| issue.expression.clone().unwrap_or_default());
    let listed = REFUSED.iter().find(|(name, _, _)| *name == stem).map(|(_, expression, _)| (*expression).to_owned());
    let expected = listed.or_else(|| is_without_base(&stem).then(|| "SearchParameter.base".to_owned()));
    (found != expected).then(|| {
        format!("{stem}: expected {expected:?}, found {found:?}: {:?}", outcome.0.first().map(|issue| &issue.text))
    })
}
