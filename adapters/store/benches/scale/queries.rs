//! What a booking portal, an office and a directory ask.

use fhir::ResourceType;
use time::Duration;

use crate::practice::{Practice, birth_date, day, family, given};

/// A search with values that follow from a number.
pub(crate) type Ask = fn(&Practice, usize) -> (ResourceType, String);

pub(crate) const ALL: [(&str, Ask); 12] = [
    ("Patient by identifier", |practice, seed| {
        let number = seed % practice.patients();
        (ResourceType::PATIENT, format!("identifier=urn:oid:1.2.36.146.595.217.0.1|{number:07}"))
    }),
    ("Patient by family and birth date", |practice, seed| {
        let number = seed % practice.patients();
        (ResourceType::PATIENT, format!("family={}&birthdate={}", family(number), birth_date(number)))
    }),
    ("Patient by beginning of a name, 20", |practice, seed| {
        let number = seed % practice.patients();
        (ResourceType::PATIENT, format!("name={}&_count=20", &given(number)[..2]))
    }),
    ("Patient by family:contains, 20", |practice, seed| {
        let family = family(seed % practice.patients());
        let part: String = family.chars().skip(2).take(6).collect();
        (ResourceType::PATIENT, format!("family:contains={part}&_count=20"))
    }),
    ("Appointments of a patient, latest first", |practice, seed| {
        let id = practice.id(seed % practice.patients());
        (ResourceType::APPOINTMENT, format!("patient=Patient/{id}&_sort=-date"))
    }),
    ("A practitioner's day, in order", |practice, seed| {
        (ResourceType::APPOINTMENT, format!("practitioner={}&{}&_sort=date", practitioner(practice, seed), on(seed)))
    }),
    ("Booked on a day in a room, 50", |_, seed| {
        let room = seed % 7 + 1;
        (ResourceType::APPOINTMENT, format!("location=Location/room-{room}&status=booked&{}&_count=50", on(seed)))
    }),
    ("A practitioner's day with its patients", |practice, seed| {
        let practitioner = practitioner(practice, seed);
        let query = format!("practitioner={practitioner}&{}&_include=Appointment:patient", on(seed));
        (ResourceType::APPOINTMENT, query)
    }),
    ("Appointments by the patient's identifier", |practice, seed| {
        let number = seed % practice.patients();
        let identifier = format!("urn:oid:1.2.36.146.595.217.0.1|{number:07}");
        (ResourceType::APPOINTMENT, format!("patient.identifier={identifier}"))
    }),
    ("Patients of a practitioner's day (_has)", |practice, seed| {
        let practitioner = practitioner(practice, seed);
        let query = format!("_has:Appointment:patient:practitioner={practitioner}&_count=20");
        (ResourceType::PATIENT, query)
    }),
    ("All booked on a day, counted", |_, seed| {
        (ResourceType::APPOINTMENT, format!("status=booked&{}&_summary=count", on(seed)))
    }),
    ("Changed last, 50", |_, _| (ResourceType::APPOINTMENT, "_sort=-_lastUpdated&_count=50".to_owned())),
];

fn practitioner(practice: &Practice, seed: usize) -> String {
    format!("Practitioner/p{}", seed / 1_000 % practice.practitioners())
}

/// One of the days.
fn on(seed: usize) -> String {
    let day = day(seed % 5_000);
    format!("date=ge{day}&date=lt{}", day + Duration::days(1))
}
