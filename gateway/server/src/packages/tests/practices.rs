//! Each practice has its own packages.

use std::path::Path;

use adapter::Practice;
use config::Config;
use fhir::Version;

use super::added;
use crate::packages::Packages;

const OWN: &str = "http://clinic.own.example/p";
const GUIDE: &str = "http://clinic.guide.example/p";

fn configured(data: &Path, rest: &str) -> Config {
    let text = format!("[gateway]\ndata = \"{}\"\n{rest}", data.display());
    config::shape("frontdesk.toml", &text).unwrap()
}

fn knows(packages: &Packages, practice: &str, url: &str) -> bool {
    packages.registry(&Practice::new(practice), Version::R4).structure(url).is_some()
}

#[test]
fn a_practice_with_packages_of_its_own_knows_those_and_no_others() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    added(&data.path().join("packages"), "clinic.own", "1.0.0", &[]);
    added(cache.path(), "clinic.guide", "1.0.0", &[("clinic.base", "1.0.0")]);
    added(cache.path(), "clinic.base", "1.0.0", &[]);
    let text = format!(
        "[packages]\ncache = \"{}\"\n[practices.north.packages]\nload = [\"clinic.guide#1.0.0\"]\n\
         [practices.south]\n[practices.east.packages]\n",
        cache.path().display()
    );
    let packages = Packages::load(&configured(data.path(), &text)).unwrap();
    for (practice, own, guide) in [("default", true, false), ("south", true, false), ("north", false, true)] {
        assert_eq!((knows(&packages, practice, OWN), knows(&packages, practice, GUIDE)), (own, guide), "{practice}");
    }
    assert!(knows(&packages, "north", "http://clinic.base.example/p"), "what it builds on comes with it");
    assert!(!knows(&packages, "east", OWN) && !knows(&packages, "elsewhere", OWN));
    assert_eq!(packages.sets.len(), 3, "practices with the same packages share them");
}

#[test]
fn the_version_that_a_practice_names_is_meant_there_only() {
    let data = tempfile::tempdir().unwrap();
    let text = "[practices.north.packages]\nversions = { \"hl7.fhir.us.core\" = \"9.0.0\" }\n\
                [practices.south.packages]\nload = [\"hl7.fhir.us.core#7.0.0\"]\n";
    let packages = Packages::load(&configured(data.path(), text)).unwrap();
    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let version = |practice: &str| {
        let registry = packages.registry(&Practice::new(practice), Version::R4);
        registry.structure(patient).and_then(|structure| structure.version.clone())
    };
    let versions = ["default", "north", "south"].map(version);
    assert_eq!(versions.each_ref().map(Option::as_deref), [Some("6.1.0"), Some("9.0.0"), Some("7.0.0")]);
}

#[test]
fn what_is_wrong_with_the_packages_of_one_practice_keeps_no_other_from_a_reload() {
    let data = tempfile::tempdir().unwrap();
    let (own, norths) = (data.path().join("packages"), data.path().join("north"));
    let text = format!("[practices.north.packages]\nfolder = \"{}\"\n", norths.display());
    let config = configured(data.path(), &text);
    let packages = Packages::load(&config).unwrap();
    added(&norths, "clinic.guide", "1.0.0", &[]);
    packages.reload().unwrap();
    added(&norths, "clinic.broken", "1.0.0", &[("clinic.nowhere", "1.0.0")]);
    added(&own, "clinic.own", "1.0.0", &[]);
    let error = packages.reload().unwrap_err().to_string();
    assert!(error.starts_with("practice `north`: package clinic.broken#1.0.0 needs"), "{error}");
    assert!(knows(&packages, "default", OWN) && knows(&packages, "north", GUIDE) && !knows(&packages, "north", OWN));
    let checked = Packages::check(&config);
    assert!(checked["default"].is_ok() && checked["north"].is_err());
}
