//! Schedules, slots and appointments: a slot is busy exactly when an appointment stands in it.

use std::num::NonZeroU32;

use fhir::ResourceType;
use fhir_model::r4b::codes::{AppointmentStatus, ParticipantRequired, ParticipationStatus, SlotStatus};
use fhir_model::r4b::resources::{Appointment, AppointmentParticipant, Schedule, Slot};
use fhir_model::r4b::types::{CodeableConcept, Period, Reference};
use fhir_model::{DateTime, Instant};
use time::{Date, Duration, OffsetDateTime, Weekday};

use crate::parts::{concept, identifier, reference};
use crate::patients::{self, patient};
use crate::staff::{HOURS, STAFF, Staff};
use crate::{Entry, SampleError, push};

const DAYS: i64 = 14;
const MINUTES: NonZeroU32 = NonZeroU32::new(30).unwrap();
const VISITS_PER_PATIENT: usize = 2;
/// An appointment in every third slot, until they are used up.
const GAP: usize = 3;
/// One appointment in so many waits for the practitioner's answer.
const PENDING: usize = 10;

/// One slot of a practitioner, and whose visit it is.
struct Cell {
    id: String,
    start: OffsetDateTime,
    visit: Option<Visit>,
}

struct Visit {
    patient: usize,
    pending: bool,
}

pub(crate) fn add(start: Date, entries: &mut Vec<Entry>) -> Result<(), SampleError> {
    let mut number = 0;
    for (index, staff) in STAFF.iter().enumerate() {
        let cells = cells(index, start)?;
        let schedule = add_schedule(entries, index, staff, start)?;
        for cell in &cells {
            add_slot(entries, staff, &schedule, cell)?;
        }
        for cell in &cells {
            let Some(visit) = &cell.visit else { continue };
            number += 1;
            add_appointment(entries, number, staff, cell, visit, start)?;
        }
    }
    Ok(())
}

/// The slots of a practitioner with the visits in them.
fn cells(index: usize, start: Date) -> Result<Vec<Cell>, SampleError> {
    let mut cells = Vec::new();
    for offset in 0..DAYS {
        let day = start.checked_add(Duration::days(offset)).ok_or(SampleError::Calendar)?;
        if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            continue;
        }
        for start in times(day)? {
            let number = cells.len();
            let id = format!("slot-{}-{:03}", index + 1, number + 1);
            cells.push(Cell { id, start, visit: visit(index, number) });
        }
    }
    Ok(cells)
}

fn visit(index: usize, slot: usize) -> Option<Visit> {
    let per_practitioner = patients::COUNT / STAFF.len();
    let visit = slot / GAP;
    let used = slot.is_multiple_of(GAP) && visit < per_practitioner * VISITS_PER_PATIENT;
    used.then(|| Visit {
        patient: visit % per_practitioner * STAFF.len() + index,
        pending: visit % PENDING == PENDING - 1,
    })
}

fn times(day: Date) -> Result<Vec<OffsetDateTime>, SampleError> {
    let mut times = Vec::new();
    for (from, until) in HOURS {
        for half in u8::from(false)..(until - from) * 2 {
            let time = day.with_hms(from + half / 2, half % 2 * 30, 0).map_err(|_| SampleError::Calendar)?;
            times.push(time.assume_utc());
        }
    }
    Ok(times)
}

fn add_schedule(entries: &mut Vec<Entry>, index: usize, staff: &Staff, start: Date) -> Result<Reference, SampleError> {
    let id = format!("schedule-{}", index + 1);
    let midnight = start.midnight().assume_utc();
    let horizon = Period::builder()
        .start(DateTime::DateTime(Instant(midnight)))
        .end(DateTime::DateTime(Instant(midnight + Duration::days(DAYS))))
        .build()?;
    let schedule = Schedule::builder()
        .id(id.clone())
        .identifier(vec![Some(identifier("schedules", &format!("S-{}", index + 1))?)])
        .active(true)
        .service_type(vec![Some(consultation()?)])
        .specialty(vec![Some(staff.specialty()?)])
        .actor(vec![Some(staff.reference()?), Some(staff.location()?)])
        .planning_horizon(horizon)
        .build()?;
    push(entries, ResourceType::SCHEDULE, &id, &schedule)?;
    reference(&format!("Schedule/{id}"), &format!("Schedule of Dr. {}", staff.family))
}

fn add_slot(entries: &mut Vec<Entry>, staff: &Staff, schedule: &Reference, cell: &Cell) -> Result<(), SampleError> {
    let status = match &cell.visit {
        None => SlotStatus::Free,
        Some(Visit { pending: true, .. }) => SlotStatus::BusyTentative,
        Some(_) => SlotStatus::Busy,
    };
    let slot = Slot::builder()
        .id(cell.id.clone())
        .service_type(vec![Some(consultation()?)])
        .specialty(vec![Some(staff.specialty()?)])
        .schedule(schedule.clone())
        .status(status)
        .start(Instant(cell.start))
        .end(Instant(cell.end()))
        .build()?;
    push(entries, ResourceType::SLOT, &cell.id, &slot)
}

fn add_appointment(
    entries: &mut Vec<Entry>,
    number: usize,
    staff: &Staff,
    cell: &Cell,
    visit: &Visit,
    start: Date,
) -> Result<(), SampleError> {
    let id = format!("appointment-{number:03}");
    let (status, answer) = match visit.pending {
        true => (AppointmentStatus::Pending, ParticipationStatus::NeedsAction),
        false => (AppointmentStatus::Booked, ParticipationStatus::Accepted),
    };
    let appointment = Appointment::builder()
        .id(id.clone())
        .identifier(vec![Some(identifier("appointments", &format!("A-{}", 5000 + number))?)])
        .status(status)
        .service_type(vec![Some(consultation()?)])
        .specialty(vec![Some(staff.specialty()?)])
        .appointment_type(kind(number)?)
        .start(Instant(cell.start))
        .end(Instant(cell.end()))
        .minutes_duration(MINUTES)
        .slot(vec![Some(reference(&format!("Slot/{}", cell.id), "Half an hour")?)])
        .created(DateTime::DateTime(Instant(start.midnight().assume_utc() - Duration::days(3))))
        .participant(vec![
            Some(participant(patient(visit.patient)?, ParticipationStatus::Accepted)?),
            Some(participant(staff.reference()?, answer)?),
            Some(participant(staff.location()?, ParticipationStatus::Accepted)?),
        ])
        .build()?;
    push(entries, ResourceType::APPOINTMENT, &id, &appointment)
}

impl Cell {
    fn end(&self) -> OffsetDateTime {
        self.start + Duration::minutes(i64::from(MINUTES.get()))
    }
}

fn participant(actor: Reference, status: ParticipationStatus) -> Result<AppointmentParticipant, SampleError> {
    Ok(AppointmentParticipant::builder().actor(actor).required(ParticipantRequired::Required).status(status).build()?)
}

fn consultation() -> Result<CodeableConcept, SampleError> {
    concept("http://terminology.hl7.org/CodeSystem/service-type", "124", "General Practice")
}

fn kind(number: usize) -> Result<CodeableConcept, SampleError> {
    let (code, display) = match number % 3 {
        0 => ("CHECKUP", "A routine check-up, such as an annual physical"),
        1 => ("FOLLOWUP", "A follow up visit from a previous appointment"),
        _ => ("ROUTINE", "Routine appointment - default if not valued"),
    };
    concept("http://terminology.hl7.org/CodeSystem/v2-0276", code, display)
}
