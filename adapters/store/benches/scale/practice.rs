//! A practice of any size: patients with ten appointments each, spread over practitioners and the days of a year.

use std::fmt::Write as _;

use parking_lot::Mutex;
use time::macros::date;
use time::{Date, Duration};

/// Appointments of a patient.
pub(crate) const APPOINTMENTS: usize = 10;

/// So that a bundle has 99 resources.
pub(crate) const PATIENTS_PER_BUNDLE: usize = 9;

/// A practitioner has so many patients, whatever the size: the days stay as full.
const PATIENTS_PER_PRACTITIONER: usize = 500;

/// Appointments of a practitioner on one day.
const A_DAY: usize = 20;

const FIRST_DAY: Date = date!(2026 - 01 - 05);

const FAMILIES: [&str; 40] = [
    "Abara",
    "Baker",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kovács",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Pereira",
    "Quispe",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Usman",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Andersen",
    "Brown",
    "Chen",
    "Diaz",
    "Evans",
    "Flores",
    "Gupta",
    "Horváth",
    "Iqbal",
    "Jones",
    "Kumar",
    "Lopez",
    "Müller",
    "Novak",
];

const GIVEN: [&str; 25] = [
    "Ada", "Ben", "Carla", "Deniz", "Emil", "Fatima", "Gil", "Hana", "Ines", "Jonas", "Kofi", "Lea", "Milo", "Nora",
    "Omar", "Paula", "Quinn", "Rosa", "Sami", "Tara", "Uma", "Victor", "Wanda", "Yara", "Zoe",
];

/// What was taken in.
pub(crate) struct Practice {
    ids: Mutex<Vec<String>>,
}

impl Practice {
    pub(crate) fn new(patients: usize) -> Self {
        Self { ids: Mutex::new(vec![String::new(); patients]) }
    }

    pub(crate) fn patients(&self) -> usize {
        self.ids.lock().len()
    }

    /// The id that the store gave a patient.
    pub(crate) fn id(&self, patient: usize) -> String {
        self.ids.lock()[patient].clone()
    }

    pub(crate) fn practitioners(&self) -> usize {
        self.patients().div_ceil(PATIENTS_PER_PRACTITIONER)
    }

    /// A transaction of the patients from that one on, with their appointments.
    pub(crate) fn bundle(&self, first: usize) -> String {
        let mut bundle = String::from(r#"{"resourceType":"Bundle","type":"transaction","entry":["#);
        for number in first..self.patients().min(first + PATIENTS_PER_BUNDLE) {
            let mut entry = |resource_type: &str, name: &str, resource: &str| {
                if !bundle.ends_with('[') {
                    bundle.push(',');
                }
                write!(bundle, r#"{{"fullUrl":"{name}","resource":{resource},"request":{{"method":"POST","url":"{resource_type}"}}}}"#)
                    .unwrap();
            };
            entry("Patient", &format!("urn:x:{number}"), &patient(number));
            for visit in 0..APPOINTMENTS {
                entry("Appointment", &format!("urn:x:{number}-{visit}"), &appointment(number, visit));
            }
        }
        bundle + "]}"
    }

    /// Keeps the ids in the answer to [`Self::bundle`].
    pub(crate) fn note(&self, first: usize, answer: &[u8]) {
        let answer: serde_json::Value = serde_json::from_slice(answer).unwrap();
        let entries = answer["entry"].as_array().unwrap();
        let mut ids = self.ids.lock();
        for (number, entry) in entries.iter().step_by(1 + APPOINTMENTS).enumerate() {
            let location = entry["response"]["location"].as_str().unwrap();
            let id = location.split("Patient/").nth(1).unwrap().split('/').next().unwrap();
            id.clone_into(&mut ids[first + number]);
        }
    }
}

pub(crate) fn family(number: usize) -> String {
    format!("{}-{}", FAMILIES[number % FAMILIES.len()], FAMILIES[number / FAMILIES.len() % FAMILIES.len()])
}

pub(crate) fn given(number: usize) -> &'static str {
    GIVEN[number * 7 % GIVEN.len()]
}

pub(crate) fn birth_date(number: usize) -> Date {
    date!(1935 - 01 - 01) + Duration::days((number * 37 % 29_000) as i64)
}

/// The day of a practitioner's appointment of that number.
pub(crate) fn day(appointment: usize) -> Date {
    let workday = appointment / A_DAY;
    FIRST_DAY + Duration::days((workday / 5 * 7 + workday % 5) as i64)
}

fn patient(number: usize) -> String {
    let (family, given, birth_date) = (family(number), given(number), birth_date(number));
    format!(
        r#"{{"resourceType":"Patient","identifier":[{{"use":"usual","type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}}]}},"system":"urn:oid:1.2.36.146.595.217.0.1","value":"{number:07}"}}],"active":true,"name":[{{"use":"official","family":"{family}","given":["{given}"]}}],"telecom":[{{"system":"phone","value":"+1 555 {number:07}","use":"mobile"}},{{"system":"email","value":"patient{number}@example.org"}}],"gender":"{}","birthDate":"{birth_date}","address":[{{"use":"home","line":["{} Example Street"],"city":"Springfield","postalCode":"{:05}","country":"US"}}]}}"#,
        if number.is_multiple_of(2) { "female" } else { "male" },
        number % 900 + 1,
        number % 90_000 + 10_000,
    )
}

/// The visits of a practitioner's patients go round, so that those of one patient lie weeks apart.
fn appointment(patient: usize, visit: usize) -> String {
    let practitioner = patient / PATIENTS_PER_PRACTITIONER;
    let place = visit * PATIENTS_PER_PRACTITIONER + patient % PATIENTS_PER_PRACTITIONER;
    let minutes = place % A_DAY * 20;
    let time = |minutes: usize| format!("{}T{:02}:{:02}:00Z", day(place), 8 + minutes / 60, minutes % 60);
    let status = ["booked", "booked", "booked", "fulfilled", "cancelled"][place % 5];
    format!(
        r#"{{"resourceType":"Appointment","status":"{status}","serviceType":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/service-type","code":"124"}}]}}],"start":"{}","end":"{}","minutesDuration":20,"participant":[{{"actor":{{"reference":"urn:x:{patient}"}},"status":"accepted"}},{{"actor":{{"reference":"Practitioner/p{practitioner}"}},"status":"accepted"}},{{"actor":{{"reference":"Location/room-{}"}},"status":"accepted"}}]}}"#,
        time(minutes),
        time(minutes + 20),
        practitioner % 7 + 1,
    )
}
