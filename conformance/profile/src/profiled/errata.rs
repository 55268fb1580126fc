//! Where the specification contradicts itself about extensions.

/// Extensions, and elements that they stand on although their definition does not say so: the definitions that R4, R4B and R5
/// publish use them there (the resources of the core packages: StructureDefinition-string, ValueSet-languages, …).
const CONTEXTS: [(&str, &str); 7] = [
    ("http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type", "ElementDefinition.type"),
    ("http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version", "Resource"),
    ("http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version", "ElementDefinition"),
    ("http://hl7.org/fhir/StructureDefinition/elementdefinition-bindingName", "OperationDefinition.parameter.binding"),
    ("http://hl7.org/fhir/StructureDefinition/regex", "ElementDefinition.type"),
    ("http://hl7.org/fhir/StructureDefinition/valueset-concept-comments", "CodeSystem.concept"),
    ("http://hl7.org/fhir/StructureDefinition/codesystem-concept-comments", "ValueSet.compose.include.concept"),
];

/// Further contexts of an extension.
pub(super) fn contexts(url: &str) -> impl Iterator<Item = &'static str> + use<'_> {
    CONTEXTS.iter().filter(move |(known, _)| *known == url).map(|(_, context)| *context)
}
