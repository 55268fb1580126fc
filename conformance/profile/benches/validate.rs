//! How long a resource takes: ours, with every invariant and binding of the base specification, and what parsers need to build a tree of the same bytes.

use std::hint::black_box;

mod bundle;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use fhir::Version;
use fhir::json::{Limits, check_text};
use profile::{Bounds, Request, Scratch, Validator};

const US_CORE: &[u8] = include_bytes!("samples/us-core-patient.json");

const SAMPLES: [(&str, &[u8]); 2] =
    [("patient", include_bytes!("samples/patient.json")), ("appointment", include_bytes!("samples/appointment.json"))];

fn validate(criterion: &mut Criterion) {
    for (name, bytes) in SAMPLES {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let mut scratch = Scratch::default();
        assert!(profile::scan(bytes, Version::R4, None, Bounds::default(), &mut scratch), "the sample is valid");
        group.bench_function("typed scan with all rules", |bencher| {
            bencher.iter(|| profile::scan(black_box(bytes), Version::R4, None, Bounds::default(), &mut scratch));
        });
        let mut nodes = Vec::new();
        group.bench_function("untyped scan", |bencher| {
            bencher.iter(|| fhir::json::scan(black_box(bytes), &mut nodes, Limits::default()));
        });
        group.bench_function("utf-8 alone", |bencher| bencher.iter(|| check_text(black_box(bytes))));
        whole(&mut group, bytes);
        trees(&mut group, bytes);
        group.finish();
    }
}

/// A US Core Patient, and 200 of them in a Bundle, each by the profile that it claims.
fn profiles(criterion: &mut Criterion) {
    let bundle = bundle::of_patients(US_CORE, 200);
    for (name, bytes) in [("us-core-patient", US_CORE), ("bundle of 200 us-core-patients", bundle.as_slice())] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        whole(&mut group, bytes);
        trees(&mut group, bytes);
        group.finish();
    }
}

/// Everything that a validation does: structure, invariants, bindings, references, profiles.
fn whole(group: &mut BenchmarkGroup<'_, WallTime>, bytes: &[u8]) {
    let (validator, request) = (Validator::new(Version::R4), Request::default());
    let mut scratch = Scratch::default();
    assert!(validator.accepts(bytes, &request, &mut scratch), "{:?}", validator.validate(bytes, &request).0);
    group.bench_function("whole validation", |bencher| {
        bencher.iter(|| validator.accepts(black_box(bytes), &request, &mut scratch));
    });
}

/// What parsers need for a tree.
fn trees(group: &mut BenchmarkGroup<'_, WallTime>, bytes: &[u8]) {
    group.bench_function("serde_json Value", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(bytes)));
    });
    group.bench_function("sonic-rs Value", |bencher| {
        bencher.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(black_box(bytes)));
    });
}

criterion_group!(benches, validate, profiles);
criterion_main!(benches);
