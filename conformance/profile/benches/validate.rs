//! How long a resource takes: ours, with every invariant and binding of the base specification, and what parsers need to build a tree of the same bytes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fhir::Version;
use fhir::json::{Limits, check_text};
use profile::{Bounds, Scratch};

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
        group.bench_function("serde_json Value", |bencher| {
            bencher.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(bytes)));
        });
        group.bench_function("sonic-rs Value", |bencher| {
            bencher.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(black_box(bytes)));
        });
        group.finish();
    }
}

criterion_group!(benches, validate);
criterion_main!(benches);
