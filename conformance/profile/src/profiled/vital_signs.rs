//! Vital signs: an Observation with one of their codes follows their profile, whether it says so or not
//! (observation-vitalsigns.html: "any resource with one of these codes").

use fhir::json::Value;

const PROFILES: &str = "http://hl7.org/fhir/StructureDefinition/";

/// LOINC codes and the profiles that they call for.
const CODES: [(&str, &str); 10] = [
    ("85353-1", "vitalspanel"),
    ("9279-1", "resprate"),
    ("8867-4", "heartrate"),
    ("2708-6", "oxygensat"),
    ("8310-5", "bodytemp"),
    ("8302-2", "bodyheight"),
    ("9843-4", "headcircum"),
    ("29463-7", "bodyweight"),
    ("39156-5", "bmi"),
    ("85354-9", "bp"),
];

/// The profile that the code of an Observation calls for, unless it claims that itself.
pub(super) fn profile(observation: Value<'_>) -> Option<String> {
    let codings = observation.member("code").and_then(|code| code.member("coding"))?;
    let name = codings.children().find_map(called_for)?;
    let claims = observation.member("meta").and_then(|meta| meta.member("profile"));
    let mut claims = claims.into_iter().flat_map(Value::children).filter_map(Value::text);
    let is_it = |claim: &str| claim.split('|').next().and_then(|url| url.strip_prefix(PROFILES)) == Some(name);
    (!claims.any(|claim| is_it(&claim))).then(|| format!("{PROFILES}{name}"))
}

fn called_for(coding: Value<'_>) -> Option<&'static str> {
    if coding.member("system")?.raw() != b"\"http://loinc.org\"" {
        return None;
    }
    let code = coding.member("code")?.text()?;
    CODES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}
