//! Packages while somebody uses them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use adapter::Practice;
use fhir::Version;
use profile::Request;
use serde_json::json;

use super::{added, configured};
use crate::packages::{Cache, Folder, PackageName, Packages};

const URL: &str = "http://clinic.own.example/p";

/// Replaces the profile, which then demands `member`.
fn demand(package: &Path, member: &str) {
    let path = format!("Patient.{member}");
    let profile = json!({"resourceType": "StructureDefinition", "url": URL, "name": "P", "status": "active", "kind": "resource",
        "abstract": false, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": path, "path": path, "min": 1}]}});
    let partial = package.join("partial");
    std::fs::write(&partial, profile.to_string()).unwrap();
    std::fs::rename(partial, package.join("StructureDefinition-p.json")).unwrap();
}

#[test]
fn whoever_validates_during_a_reload_sees_the_old_or_the_new_and_never_an_error() {
    let data = tempfile::tempdir().unwrap();
    let package = added(&data.path().join("packages"), "clinic.own", "1.0.0", &[]).join("package");
    demand(&package, "active");
    let packages = Packages::load(&configured(data.path(), "")).unwrap();
    let (is_over, validations) = (AtomicBool::new(false), AtomicU32::new(0));
    let seen = std::thread::scope(|scope| {
        let validate = || {
            let mut seen = [0_u32; 2];
            while !is_over.load(Ordering::Relaxed) {
                let request = Request { expected: None, profiles: &[URL], ..Request::default() };
                let outcome = packages
                    .validator(&Practice::default(), Version::R4)
                    .validate(br#"{"resourceType": "Patient"}"#, &request);
                let text = String::from_utf8(outcome.to_json()).unwrap();
                let (old, new) = (text.contains("Patient.active"), text.contains("Patient.birthDate"));
                assert!(old != new, "{text}");
                seen[usize::from(new)] += 1;
                validations.fetch_add(1, Ordering::Relaxed);
            }
            seen
        };
        let threads = [scope.spawn(validate), scope.spawn(validate)];
        for turn in 0..20 {
            demand(&package, if turn % 2 == 0 { "birthDate" } else { "active" });
            packages.reload().unwrap();
            // Every state is seen, however the threads are given their turns: the first after a reload may have begun before it.
            let before = validations.load(Ordering::Relaxed);
            while validations.load(Ordering::Relaxed) < before + 3 && threads.iter().all(|thread| !thread.is_finished())
            {
                std::thread::yield_now();
            }
        }
        is_over.store(true, Ordering::Relaxed);
        threads.map(|thread| thread.join().unwrap())
    });
    let total = |index: usize| seen.iter().map(|seen| seen[index]).sum::<u32>();
    assert!(total(0) > 0 && total(1) > 0, "{seen:?}");
}

#[test]
fn a_cache_that_several_write_at_once_gives_each_the_whole_package() {
    let data = tempfile::tempdir().unwrap();
    added(data.path(), "clinic.own", "1.0.0", &[]);
    let (folder, compiled) = (Folder::at(data.path()), data.path().join("compiled"));
    let name: PackageName = "clinic.own#1.0.0".parse().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(Cache::at(&compiled).read(&folder, &name).unwrap().artefacts().len(), 1);
                    // As if another release of the program had written it.
                    std::fs::write(compiled.join("clinic.own#1.0.0.package"), b"frontdesk-package 0\n").unwrap();
                }
            });
        }
    });
    Cache::at(&compiled).read(&folder, &name).unwrap();
    let left: Vec<_> = std::fs::read_dir(&compiled).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["clinic.own#1.0.0.package"], "nothing half-written stays");
}
