//! A valid resource costs no allocation once the scratch is warm.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::alloc::System;

use bytes::Bytes;
use fhir::Version;
use fhir::json::Limits;
use profile::{Bounds, Request, Scratch, Validator};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SAMPLES: [&[u8]; 4] = [
    include_bytes!("../benches/samples/patient.json"),
    include_bytes!("../benches/samples/appointment.json"),
    // Rules that run as programs: per-1, app-4, obs-7, age-1, cnt-3.
    br#"{"resourceType":"Appointment","status":"cancelled","cancelationReason":{"text":"x"},"participant":[{"type":[{"text":"x"}],"period":{"start":"2026-01-01","end":"2026-02"},"status":"accepted"}]}"#,
    br#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:x","code":"a"}]},"valueQuantity":{"value":1,"unit":"g","system":"http://unitsofmeasure.org","code":"g"},"component":[{"code":{"coding":[{"system":"urn:x","code":"b"}]},"valueString":"x"}],"extension":[{"url":"http://a.example","valueAge":{"value":1,"system":"http://unitsofmeasure.org","code":"a"}},{"url":"http://a.example","valueCount":{"value":1,"code":"1","system":"http://unitsofmeasure.org"}}]}"#,
];

const US_CORE: &[u8] = include_bytes!("../benches/samples/us-core-patient.json");

// One test in this binary: another thread would allocate, too.
#[test]
fn a_warm_scan_of_a_valid_resource_allocates_nothing() {
    let mut scratch = Scratch::default();
    let mut nodes = Vec::new();
    for bytes in SAMPLES {
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), &mut scratch));
        fhir::json::scan(bytes, &mut nodes, Limits::default()).unwrap();
    }
    for bytes in SAMPLES {
        let region = Region::new(ALLOCATOR);
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), &mut scratch));
        fhir::json::scan(bytes, &mut nodes, Limits::default()).unwrap();
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{}", String::from_utf8_lossy(bytes));
    }
    a_warm_validation_against_profiles_allocates_nothing(&mut scratch);
}

/// US Core Patient with its extensions, and resources without a profile.
fn a_warm_validation_against_profiles_allocates_nothing(scratch: &mut Scratch) {
    let validator = Validator::new(Version::R4).with(known_codes()).unwrap();
    let all = [SAMPLES[0], SAMPLES[1], US_CORE];
    for bytes in all {
        assert!(validator.accepts(bytes, &Request::default(), scratch), "{}", String::from_utf8_lossy(bytes));
    }
    for bytes in all {
        let region = Region::new(ALLOCATOR);
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), scratch));
        let scan = region.change();
        let region = Region::new(ALLOCATOR);
        assert!(validator.accepts(bytes, &Request::default(), scratch));
        let all = region.change();
        let passes = (all.allocations - scan.allocations, all.reallocations - scan.reallocations);
        assert_eq!(passes, (0, 0), "{}", String::from_utf8_lossy(bytes));
    }
}

/// Codes that are on no registry, so that nothing is doubtful about the samples.
fn known_codes() -> Vec<Bytes> {
    let system = |url: &str, codes: &[&str]| {
        let concepts: Vec<_> = codes.iter().map(|code| format!(r#"{{"code":"{code}"}}"#)).collect();
        let concepts = concepts.join(",");
        format!(r#"{{"resourceType":"CodeSystem","url":"{url}","content":"complete","concept":[{concepts}]}}"#)
    };
    let set = |id: &str, system: &str| {
        let url = format!("http://cts.nlm.nih.gov/fhir/ValueSet/{id}");
        format!(r#"{{"resourceType":"ValueSet","url":"{url}","compose":{{"include":[{{"system":"{system}"}}]}}}}"#)
    };
    let race = "urn:oid:2.16.840.1.113883.6.238";
    let gender = "http://terminology.hl7.org/CodeSystem/v3-AdministrativeGender";
    let all = [
        system("https://frontdesk.example/tags", &["demo"]),
        system(race, &["2106-3", "2186-5"]),
        set("2.16.840.1.114222.4.11.836", race),
        set("2.16.840.1.114222.4.11.837", race),
        set("2.16.840.1.113762.1.4.1", gender),
    ];
    all.into_iter().map(Bytes::from).collect()
}
