//! Where the specification contradicts itself about profiles and extensions.

use fhir::Version;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Extensions, and elements that they stand on although their definition does not say so: the definitions that R4, R4B and R5
/// publish use them there (the resources of the core packages: StructureDefinition-string, ValueSet-languages, the
/// PlanDefinitions of R5 about opioids, …).
const CONTEXTS: [(&str, &str); 9] = [
    ("structuredefinition-fhir-type", "ElementDefinition.type"),
    ("structuredefinition-normative-version", "Resource"),
    ("structuredefinition-normative-version", "ElementDefinition"),
    ("elementdefinition-bindingName", "OperationDefinition.parameter.binding"),
    ("regex", "ElementDefinition.type"),
    ("valueset-concept-comments", "CodeSystem.concept"),
    ("codesystem-concept-comments", "ValueSet.compose.include.concept"),
    ("cqf-strengthOfRecommendation", "RelatedArtifact.document"),
    ("cqf-qualityOfEvidence", "RelatedArtifact.document"),
];

/// Extensions, and a release that uses them although their definition ends before it: the operations of R5
/// (OperationDefinition-CodeSystem-lookup, ConceptMap-translate) say the types of their parameters by it.
const RELEASES: [(&str, Version); 1] = [("operationdefinition-allowed-type", Version::R5)];

/// Elements that a profile demands and that the release's own resources, which claim the profile, lack by the dozen: 162 of the
/// code systems and value sets that R4B publishes have no publisher or no description.
const MINIMA: [(&str, Version, &str); 4] = [
    ("shareablecodesystem", Version::R4B, "CodeSystem.publisher"),
    ("shareablecodesystem", Version::R4B, "CodeSystem.description"),
    ("shareablevalueset", Version::R4B, "ValueSet.publisher"),
    ("shareablevalueset", Version::R4B, "ValueSet.description"),
];

/// Extensions whose binding the release does not keep: every questionnaire that R5 generates from a structure lists the types of a
/// reference in one code (`Patient, Group`).
const BINDINGS: [(&str, Version); 1] = [("questionnaire-referenceResource", Version::R5)];

/// Value sets that profiles of a release demand and the next release only proposes: R4 binds the units of vital signs' components
/// (StructureDefinition-vitalsigns) as required, R4B as extensible, since components are not all in the table of units.
const VALUE_SETS: [(&str, Version); 1] = [("http://hl7.org/fhir/ValueSet/ucum-vitals-common", Version::R4)];

/// Whether a value set that a profile demands is only proposed.
pub(super) fn is_only_proposed(value_set: &str, version: Version) -> bool {
    let url = value_set.split('|').next().unwrap_or_default();
    VALUE_SETS.contains(&(url, version))
}

/// Further contexts of an extension.
pub(super) fn contexts(url: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    let name = url.strip_prefix(CORE);
    CONTEXTS.iter().filter(move |(known, _)| Some(*known) == name).map(|(_, context)| *context)
}

/// Whether a release uses an extension that is not defined for it.
pub(super) fn is_used_in(url: &str, version: Version) -> bool {
    url.strip_prefix(CORE).is_some_and(|name| RELEASES.contains(&(name, version)))
}

/// Whether what a profile demands is a warning: the release itself does not keep it.
pub(super) fn is_doubtful_minimum(url: &str, version: Version, id: &str) -> bool {
    url.strip_prefix(CORE).is_some_and(|name| MINIMA.contains(&(name, version, id)))
}

/// Whether the binding of an extension is a warning: the release itself does not keep it.
pub(super) fn is_doubtful_binding(url: &str, version: Version) -> bool {
    url.strip_prefix(CORE).is_some_and(|name| BINDINGS.contains(&(name, version)))
}
