//! The organization, its locations, its practitioners and their roles.

use fhir::ResourceType;
use fhir_model::Time;
use fhir_model::r4b::codes::{
    AddressUse, AdministrativeGender, ContactPointUse, DaysOfWeek, LocationMode, LocationStatus,
};
use fhir_model::r4b::resources::{
    Location, Organization, Practitioner, PractitionerQualification, PractitionerRole, PractitionerRoleAvailableTime,
};
use fhir_model::r4b::types::{CodeableConcept, Reference};

use crate::parts::{address, concept, email, identifier, name, phone, reference};
use crate::{Entry, SampleError, push};

/// A practitioner of the sample and where they see patients.
pub(crate) struct Staff {
    pub(crate) id: &'static str,
    pub(crate) given: &'static str,
    pub(crate) family: &'static str,
    gender: AdministrativeGender,
    /// SNOMED CT code and display of the specialty.
    pub(crate) specialty: (&'static str, &'static str),
    pub(crate) location: usize,
}

pub(crate) const STAFF: [Staff; 3] = [
    Staff {
        id: "practitioner-1",
        given: "Ngozi",
        family: "Okapi",
        gender: AdministrativeGender::Female,
        specialty: ("394814009", "General practice"),
        location: 0,
    },
    Staff {
        id: "practitioner-2",
        given: "Mateo",
        family: "Alcaraván",
        gender: AdministrativeGender::Male,
        specialty: ("394537008", "Pediatrics"),
        location: 0,
    },
    Staff {
        id: "practitioner-3",
        given: "Linnea",
        family: "Fjällräv",
        gender: AdministrativeGender::Female,
        specialty: ("394579002", "Cardiology"),
        location: 1,
    },
];

const LOCATIONS: [(&str, &str, &str); 2] =
    [("location-1", "Main Street Rooms", "1 Main Street"), ("location-2", "Harbour Rooms", "20 Harbour Road")];

const ORGANIZATION: (&str, &str) = ("organization-1", "Sample Practice");

/// What the practice is open for, in hours of the day: a morning and an afternoon.
pub(crate) const HOURS: [(u8, u8); 2] = [(8, 12), (13, 16)];

impl Staff {
    pub(crate) fn reference(&self) -> Result<Reference, SampleError> {
        reference(&format!("Practitioner/{}", self.id), &format!("Dr. {} {}", self.given, self.family))
    }

    pub(crate) fn location(&self) -> Result<Reference, SampleError> {
        let (id, title, _) = LOCATIONS[self.location];
        reference(&format!("Location/{id}"), title)
    }

    pub(crate) fn specialty(&self) -> Result<CodeableConcept, SampleError> {
        concept("http://snomed.info/sct", self.specialty.0, self.specialty.1)
    }
}

pub(crate) fn organization() -> Result<Reference, SampleError> {
    reference(&format!("Organization/{}", ORGANIZATION.0), ORGANIZATION.1)
}

pub(crate) fn add(entries: &mut Vec<Entry>) -> Result<(), SampleError> {
    add_organization(entries)?;
    for (number, (id, title, line)) in LOCATIONS.into_iter().enumerate() {
        add_location(entries, number, id, title, line)?;
    }
    for (number, staff) in STAFF.iter().enumerate() {
        add_practitioner(entries, number, staff)?;
        add_role(entries, number, staff)?;
    }
    Ok(())
}

fn add_organization(entries: &mut Vec<Entry>) -> Result<(), SampleError> {
    let (id, title) = ORGANIZATION;
    let kind = concept("http://terminology.hl7.org/CodeSystem/organization-type", "prov", "Healthcare Provider")?;
    let organization = Organization::builder()
        .id(id.to_owned())
        .identifier(vec![Some(identifier("organizations", "SP-1")?)])
        .active(true)
        .r#type(vec![Some(kind)])
        .name(title.to_owned())
        .telecom(vec![
            Some(phone(0, ContactPointUse::Work)?),
            Some(email("desk@sample-practice.example", ContactPointUse::Work)?),
        ])
        .address(vec![Some(address("1 Main Street", "Exampleton", "00001", AddressUse::Work)?)])
        .build()?;
    push(entries, ResourceType::ORGANIZATION, id, &organization)
}

fn add_location(entries: &mut Vec<Entry>, number: usize, id: &str, title: &str, line: &str) -> Result<(), SampleError> {
    let location = Location::builder()
        .id(id.to_owned())
        .identifier(vec![Some(identifier("locations", &format!("L-{}", number + 1))?)])
        .status(LocationStatus::Active)
        .name(title.to_owned())
        .mode(LocationMode::Instance)
        .telecom(vec![Some(phone(1 + number, ContactPointUse::Work)?)])
        .address(address(line, "Exampleton", "00001", AddressUse::Work)?)
        .managing_organization(organization()?)
        .build()?;
    push(entries, ResourceType::LOCATION, id, &location)
}

fn add_practitioner(entries: &mut Vec<Entry>, number: usize, staff: &Staff) -> Result<(), SampleError> {
    let degree = concept("http://terminology.hl7.org/CodeSystem/v2-0360", "MD", "Doctor of Medicine")?;
    let practitioner = Practitioner::builder()
        .id(staff.id.to_owned())
        .identifier(vec![Some(identifier("practitioners", &format!("D-{}", number + 1))?)])
        .active(true)
        .name(vec![Some(name(Some("Dr."), staff.given, staff.family)?)])
        .telecom(vec![Some(phone(10 + number, ContactPointUse::Work)?)])
        .gender(staff.gender)
        .qualification(vec![Some(PractitionerQualification::builder().code(degree).build()?)])
        .build()?;
    push(entries, ResourceType::PRACTITIONER, staff.id, &practitioner)
}

fn add_role(entries: &mut Vec<Entry>, number: usize, staff: &Staff) -> Result<(), SampleError> {
    let id = format!("role-{}", number + 1);
    let hours = HOURS.into_iter().map(available).collect::<Result<_, _>>()?;
    let code = concept("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor", "Doctor")?;
    let role = PractitionerRole::builder()
        .id(id.clone())
        .identifier(vec![Some(identifier("roles", &format!("R-{}", number + 1))?)])
        .active(true)
        .practitioner(staff.reference()?)
        .organization(organization()?)
        .code(vec![Some(code)])
        .specialty(vec![Some(staff.specialty()?)])
        .location(vec![Some(staff.location()?)])
        .telecom(vec![Some(phone(10 + number, ContactPointUse::Work)?)])
        .available_time(hours)
        .build()?;
    push(entries, ResourceType::PRACTITIONER_ROLE, &id, &role)
}

fn available((from, until): (u8, u8)) -> Result<Option<PractitionerRoleAvailableTime>, SampleError> {
    let days = [DaysOfWeek::Mon, DaysOfWeek::Tue, DaysOfWeek::Wed, DaysOfWeek::Thu, DaysOfWeek::Fri];
    let hour = |hour| time::Time::from_hms(hour, 0, 0).map(Time).map_err(|_| SampleError::Calendar);
    let available = PractitionerRoleAvailableTime::builder()
        .days_of_week(days.into_iter().map(Some).collect())
        .available_start_time(hour(from)?)
        .available_end_time(hour(until)?)
        .build()?;
    Ok(Some(available))
}
