//! What extraction costs on the create path: a Patient of 2 KB with a typed index, and the same with a plain one.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench: criterion makes its items, and a fault may stop it")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fhir::json::{Document, Limits, scan};
use fhir::{Query, ResourceType, Version};
use search::Handling;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"example","meta":{"versionId":"1","lastUpdated":"2024-05-17T09:30:00.123Z"},
"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>A table with the demographics of the patient stands here, of about the length that a generated narrative has as a rule, so that the document is as long as real ones are.</p><table><tbody><tr><td>Name</td><td>Peter James Chalmers (Jim)</td></tr><tr><td>Address</td><td>534 Erewhon, Pleasantville, Vic, 3999</td></tr><tr><td>Contacts</td><td>Home: unknown. Work: (03) 5555 6473</td></tr><tr><td>Id</td><td>MRN: 12345 (Acme Healthcare)</td></tr></tbody></table></div>"},
"identifier":[{"use":"usual","type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345","period":{"start":"2001-05-06"},"assigner":{"display":"Acme Healthcare"}}],
"active":true,"name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","given":["Jim"]},{"use":"maiden","family":"Windsor","given":["Peter","James"],"period":{"end":"2002"}}],
"telecom":[{"use":"home"},{"system":"phone","value":"(03) 5555 6473","use":"work","rank":1},{"system":"phone","value":"(03) 3410 5613","use":"mobile","rank":2},{"system":"email","value":"jim@example.org","use":"home"}],
"gender":"male","birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
"deceasedBoolean":false,"address":[{"use":"home","type":"both","text":"534 Erewhon St PeasantVille, Rainbow, Vic  3999","line":["534 Erewhon St"],"city":"PleasantVille","district":"Rainbow","state":"Vic","postalCode":"3999","period":{"start":"1974-12-25"}}],
"contact":[{"relationship":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0131","code":"N"}]}],"name":{"family":"du Marché","given":["Bénédicte"]},"telecom":[{"system":"phone","value":"+33 (237) 998327"}],"gender":"female","period":{"start":"2012"}}],
"managingOrganization":{"reference":"Organization/1"}}"#;

fn extraction(criterion: &mut Criterion) {
    let typed = profile::check(PATIENT.as_bytes(), Version::R4, None).unwrap();
    let mut plain = Vec::new();
    scan(PATIENT.as_bytes(), &mut plain, Limits::default()).unwrap();
    let mut count = 0;
    for (name, nodes) in [("typed", &typed[..]), ("plain", &plain[..])] {
        let document = Document::new(PATIENT.as_bytes(), nodes);
        criterion.bench_function(&format!("extract Patient of {} bytes, {name}", PATIENT.len()), |bencher| {
            bencher.iter(|| {
                search::extract(black_box(document), ResourceType::PATIENT, Version::R4, &mut |parameter, value| {
                    count += parameter.code.len();
                    black_box(value);
                });
            });
        });
    }
    black_box(count);
}

fn parsing(criterion: &mut Criterion) {
    let query = Query::parse(
        "patient=Patient/1&date=ge2024-05-01&date=lt2024-06-01&status=booked,arrived&_sort=date&_count=50",
    );
    criterion.bench_function("parse a query of four criteria", |bencher| {
        bencher
            .iter(|| search::parse(black_box(&query), Version::R4, Some(ResourceType::APPOINTMENT), Handling::Strict));
    });
}

criterion_group!(benches, extraction, parsing);
criterion_main!(benches);
