//! A valid resource costs no allocation once the scratch is warm.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::alloc::System;

use fhir::Version;
use fhir::json::Limits;
use profile::{Bounds, Scratch};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SAMPLES: [&[u8]; 2] =
    [include_bytes!("../benches/samples/patient.json"), include_bytes!("../benches/samples/appointment.json")];

// One test in this binary: another thread would allocate, too.
#[test]
fn a_warm_scan_of_a_valid_resource_allocates_nothing() {
    let mut scratch = Scratch::default();
    let mut nodes = Vec::new();
    for bytes in SAMPLES {
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), &mut scratch));
        fhir::json::scan(bytes, &mut nodes, Limits::default()).unwrap();
    }
    let region = Region::new(ALLOCATOR);
    for bytes in SAMPLES {
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), &mut scratch));
        fhir::json::scan(bytes, &mut nodes, Limits::default()).unwrap();
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations), (0, 0));
}
