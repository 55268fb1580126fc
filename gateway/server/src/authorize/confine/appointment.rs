//! An Appointment of several patients, as one of them sees it.

use fhir::json::Value;
use fhir::{Compartment, ResourceType};
use search::names::{Names, element};

use super::bundle::rebuilt;

/// What says nothing of the other patients: when, where, for what kind of visit. Free text, narrative, extensions, reasons and
/// contained resources can.
const SHOWN: [&str; 15] = [
    "resourceType",
    "id",
    "meta",
    "status",
    "serviceCategory",
    "serviceType",
    "specialty",
    "appointmentType",
    "start",
    "end",
    "minutesDuration",
    "slot",
    "created",
    "participant",
    "requestedPeriod",
];

/// FHIR security labels: some of it was taken out.
const LABEL: &[u8] = br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"REDACTED"}"#;

/// The appointment without its other patients; `None` when there is no other one.
pub(super) fn redacted(root: Value<'_>, patient: &Compartment, base: &str) -> Option<Vec<u8>> {
    let names = |participant: Value<'_>| match participant.member("actor") {
        Some(actor) => element(actor, patient, base),
        None => Names::Thing(ResourceType::APPOINTMENT),
    };
    let participants = || root.member("participant").into_iter().flat_map(Value::items);
    if !participants().any(|participant| matches!(names(participant), Names::Other | Names::Unclear)) {
        return None;
    }
    let kept = participants().filter(|participant| match names(*participant) {
        Names::Ours => true,
        // Whose relative it is cannot be told.
        Names::Thing(of) => of.as_str() != "RelatedPerson",
        Names::Other | Names::Unclear => false,
    });
    let kept: Vec<&[u8]> = kept.map(Value::raw).collect();
    let has_meta = root.member("meta").is_some();
    let mut json = rebuilt(root.children().filter(|member| SHOWN.contains(&member.name())).map(|member| {
        let value = match member.name() {
            "participant" => [b"[".as_slice(), &kept.join(&b","[..]), b"]"].concat(),
            "meta" => labelled(member),
            _ => member.raw().to_vec(),
        };
        (member, Some(value))
    }));
    if !has_meta {
        json.truncate(json.len() - 1);
        json.extend_from_slice(&[br#","meta":{"security":["#.as_slice(), LABEL, b"]}}"].concat());
    }
    Some(json)
}

/// `meta` with the label beside those that it has.
fn labelled(meta: Value<'_>) -> Vec<u8> {
    let labels = meta.member("security").into_iter().flat_map(Value::items).map(Value::raw).chain([LABEL]);
    let labels = labels.collect::<Vec<_>>().join(&b","[..]);
    let mut json = rebuilt(
        meta.children()
            .filter(|member| matches!(member.name(), "versionId" | "lastUpdated" | "profile" | "source"))
            .map(|member| (member, Some(member.raw().to_vec()))),
    );
    json.truncate(json.len() - 1);
    if json.len() > 1 {
        json.push(b',');
    }
    json.extend_from_slice(&[br#""security":["#.as_slice(), &labels, b"]}"].concat());
    json
}
