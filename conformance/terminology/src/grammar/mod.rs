//! Codes that cannot be listed and are told by their form.

mod identifier;
mod language;
mod media_type;

pub use identifier::{is_loinc_form, is_npi, is_oid, is_snomed_form, is_uri, is_uuid};
pub use language::is_language;
pub use media_type::is_media_type;

/// Whether a code is one of a system that has a grammar; none for other systems.
#[must_use]
pub fn holds(system: &str, code: &str) -> Option<bool> {
    match system {
        "urn:ietf:bcp:13" => Some(is_media_type(code)),
        "urn:ietf:bcp:47" => Some(is_language(code)),
        "http://unitsofmeasure.org" => Some(ucum::is_unit(code)),
        // The system of identifiers that are URIs; as a code whatever is one, relative ones included.
        "urn:ietf:rfc:3986" => Some(!code.contains(char::is_whitespace)),
        _ => None,
    }
}

/// Whether a code has the form that every code of its system has, check digit and all; none for systems whose codes have none,
/// and for expressions of several codes.
#[must_use]
pub fn is_well_formed(system: &str, code: &str) -> Option<bool> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match system {
        "http://loinc.org" => code.split_once('-').filter(|(digits, _)| is_number(digits)).map(|_| is_loinc_form(code)),
        "http://snomed.info/sct" => is_number(code).then(|| is_snomed_form(code)),
        _ => None,
    }
}

/// Code systems that everybody knows by name and nobody here may or can list.
const NAMED: [&str; 24] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/ndc",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/mvx",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://hl7.org/fhir/sid/icd-11",
    "http://id.who.int/icd/release/11/mms",
    "http://www.ama-assn.org/go/cpt",
    "http://www.ada.org/cdt",
    "http://www.cms.gov/Medicare/Coding/ICD10",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.nubc.org/CodeSystem/PatDischargeStatus",
    "https://www.usps.com/",
    "http://nucc.org/provider-taxonomy",
    "http://www.whocc.no/atc",
    "http://fdasis.nlm.nih.gov",
    "http://varnomen.hgvs.org",
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "urn:iso:std:iso:11073:10101",
];

/// Whether a code system is known by name, though its codes are not here.
#[must_use]
pub fn is_named(system: &str) -> bool {
    NAMED.contains(&system)
}
