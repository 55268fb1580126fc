//! Answers cost no allocation once a value set has been read.

use std::alloc::System;
use std::time::Instant;

use fhir::Version;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use terminology::{Coding, Lookup, Membership, Terminology};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A list, a hierarchy, a grammar and a whole system.
const ASKED: [(&str, &str, &str); 4] = [
    ("http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1", "http://hl7.org/fhir/administrative-gender", "female"),
    (
        "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "AMB",
    ),
    ("http://hl7.org/fhir/ValueSet/ucum-units", "http://unitsofmeasure.org", "mg/dL"),
    ("http://hl7.org/fhir/ValueSet/marital-status", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M"),
];

fn ask(terminology: &Terminology) {
    for (set, system, code) in ASKED {
        assert_eq!(terminology.member(set, Coding::of(system, code)), Membership::In, "{set}");
        assert!(matches!(terminology.code(system, None, code), Lookup::Known(_)));
    }
}

// One test in this binary: another thread would allocate, too.
#[test]
fn a_code_that_is_in_its_value_set_allocates_nothing() {
    let terminology = Terminology::of(Version::R4);
    let start = Instant::now();
    ask(&terminology);
    let first = start.elapsed();
    let region = Region::new(ALLOCATOR);
    let start = Instant::now();
    (0..1000).for_each(|_| ask(&terminology));
    let each = start.elapsed() / 8000;
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0));
    eprintln!("first questions {first:?}, each later one {each:?}");
}
