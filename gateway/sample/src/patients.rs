//! Sixty patients. Given names from many languages, family names of birds: nobody is called so.

use fhir::ResourceType;
use fhir_model::Date;
use fhir_model::r4b::codes::{AddressUse, AdministrativeGender, ContactPointUse};
use fhir_model::r4b::resources::{Patient, PatientCommunication};
use fhir_model::r4b::types::{CodeableConcept, Reference};

use crate::parts::{address, concept, email, identifier, name, phone, reference};
use crate::staff::{STAFF, organization};
use crate::{Entry, SampleError, push};

pub(crate) const COUNT: usize = 60;

const WOMEN: [&str; 30] = [
    "Amara",
    "Beatriz",
    "Chiyo",
    "Dagny",
    "Esperanza",
    "Fatima",
    "Gwen",
    "Halina",
    "Ingrid",
    "Jasmin",
    "Keziah",
    "Leilani",
    "Mireille",
    "Noor",
    "Oluchi",
    "Priya",
    "Qing",
    "Rosalind",
    "Saoirse",
    "Tove",
    "Uma",
    "Valentina",
    "Wambui",
    "Xiomara",
    "Yuki",
    "Zahra",
    "Aylin",
    "Bronwen",
    "Carmen",
    "Đặng",
];
const MEN: [&str; 30] = [
    "Abdi", "Bao", "Cillian", "Dmitri", "Emre", "Farid", "Giorgos", "Hiroshi", "Ignacio", "Jabari", "Kofi", "Luca",
    "Mbali", "Nikolai", "Oisín", "Pavel", "Quentin", "Rohan", "Søren", "Tariq", "Ulrich", "Viktor", "Wojciech",
    "Xavier", "Yusuf", "Zoltán", "Arjun", "Björn", "Cheng", "Diego",
];
const FAMILIES: [&str; 20] = [
    "Kolibri",
    "Garza-Azul",
    "Tsubame",
    "Piumino",
    "Zaunkönig",
    "O'Heron",
    "Sarıkuş",
    "Pingüino",
    "Kestrel",
    "Lerche-Meise",
    "Kiwi",
    "Rödhake",
    "Świergotek",
    "Cigogne",
    "Drongo",
    "Ibis",
    "Čejka",
    "Hoopoe",
    "Weaverbird",
    "Albatros",
];
const STREETS: [&str; 6] =
    ["Example Street", "Sample Avenue", "Placeholder Lane", "Specimen Road", "Model Way", "Dummy Hill"];
const LANGUAGES: [(&str, &str); 6] =
    [("en", "English"), ("es", "Spanish"), ("de", "German"), ("fr", "French"), ("zh", "Chinese"), ("pt", "Portuguese")];

/// A patient by number, from 0.
pub(crate) fn id(number: usize) -> String {
    format!("patient-{:03}", number + 1)
}

pub(crate) fn patient(number: usize) -> Result<Reference, SampleError> {
    let (given, family, _) = person(number);
    reference(&format!("Patient/{}", id(number)), &format!("{given} {family}"))
}

pub(crate) fn add(start: time::Date, entries: &mut Vec<Entry>) -> Result<(), SampleError> {
    (0..COUNT).try_for_each(|number| {
        let patient = build(number, start)?;
        push(entries, ResourceType::PATIENT, &id(number), &patient)
    })
}

fn build(number: usize, start: time::Date) -> Result<Patient, SampleError> {
    let (given, family, gender) = person(number);
    let line = format!("{} {}", 3 + number * 7 % 190, STREETS[number % STREETS.len()]);
    let telecom = vec![
        Some(phone(20 + number, ContactPointUse::Mobile)?),
        Some(email(&format!("{}@mail.example", id(number)), ContactPointUse::Home)?),
    ];
    Ok(Patient::builder()
        .id(id(number))
        .identifier(vec![Some(identifier("patients", &format!("P-{}", 1001 + number))?)])
        .active(true)
        .name(vec![Some(name(None, given, family)?)])
        .telecom(telecom)
        .gender(gender)
        .birth_date(birth_date(number, start)?)
        .address(vec![Some(address(&line, "Exampleton", &format!("{:05}", 1 + number % 9), AddressUse::Home)?)])
        .communication(vec![Some(speaks(number)?)])
        .general_practitioner(vec![Some(STAFF[number % STAFF.len()].reference()?)])
        .managing_organization(organization()?)
        .build()?)
}

fn person(number: usize) -> (&'static str, &'static str, AdministrativeGender) {
    let family = FAMILIES[number * 7 % FAMILIES.len()];
    let index = number / 2 % WOMEN.len();
    match number {
        _ if number % 20 == 19 => (MEN[index], family, AdministrativeGender::Other),
        _ if number.is_multiple_of(2) => (WOMEN[index], family, AdministrativeGender::Female),
        _ => (MEN[index], family, AdministrativeGender::Male),
    }
}

/// From a few months to about ninety years before the first day.
fn birth_date(number: usize, start: time::Date) -> Result<Date, SampleError> {
    let days = 90 + (number as i64 * 7919) % 32_800;
    start.checked_sub(time::Duration::days(days)).map(Date::Date).ok_or(SampleError::Calendar)
}

fn speaks(number: usize) -> Result<PatientCommunication, SampleError> {
    let (code, display) = LANGUAGES[number * 5 % LANGUAGES.len()];
    let language: CodeableConcept = concept("urn:ietf:bcp:47", code, display)?;
    Ok(PatientCommunication::builder().language(language).preferred(true).build()?)
}
