//! What `--package` takes.

use fhir::Version;
use tempfile::TempDir;

use super::{added, archive};
use crate::packages::{Folder, Folders, Given};

const URL: &str = "http://own.example/p";

fn profile(url: &str, least: u32) -> String {
    format!(
        r#"{{"resourceType": "StructureDefinition", "url": "{url}", "name": "P", "status": "active", "kind": "resource",
        "abstract": false, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {{"element": [{{"id": "Patient.name", "path": "Patient.name", "min": {least}}}]}}}}"#
    )
}

/// How many names the profile demands; none when nobody has it.
fn least(given: &Given, url: &str) -> Option<u32> {
    let structure = given.registry(Version::R4)?.structure(url)?;
    structure.element("Patient.name").map(|name| name.min)
}

fn given(folder: &TempDir, named: &[&str]) -> Result<Given, String> {
    let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
    Given::read(&named, &Folders(vec![Folder::at(folder.path())])).map_err(|error| error.to_string())
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_archive_and_a_folder_in_either_layout_are_packages() {
    let folder = tempfile::tempdir().unwrap();
    let packed = file(&folder, "some.tgz", &archive("clinic.guide", "1.0.0", &[]));
    let unpacked = added(folder.path(), "clinic.guide", "1.0.0", &[]);
    let inner = unpacked.join("package");
    for what in [packed.as_str(), unpacked.to_str().unwrap(), inner.to_str().unwrap(), "clinic.guide#1.0.0"] {
        let given = given(&folder, &[what]).unwrap();
        assert_eq!(least(&given, "http://clinic.guide.example/p"), Some(0), "{what}");
    }
}

#[test]
fn a_file_with_one_resource_is_taken_in_json_ndjson_xml_and_as_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let json = profile(URL, 1);
    let one_line = json.replace('\n', " ");
    let lines = format!("{one_line}\n\n{}\n", profile("http://own.example/q", 2).replace('\n', " "));
    let bundle = format!(r#"{{"resourceType": "Bundle", "type": "collection", "entry": [{{"resource": {json}}}]}}"#);
    let limits = xml::Limits::default();
    let xml = xml::from_json(json.as_bytes(), Version::R4, limits).unwrap();
    for (name, content) in [
        ("p.json", json.as_bytes()),
        ("p.ndjson", lines.as_bytes()),
        ("bundle.json", bundle.as_bytes()),
        ("p.xml", &xml),
    ] {
        let path = file(&folder, name, content);
        assert_eq!(least(&given(&folder, &[&path]).unwrap(), URL), Some(1), "{name}");
    }
}

#[test]
fn a_file_hides_what_packages_have_whatever_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let own = file(&folder, "own.json", profile("http://clinic.guide.example/p", 3).as_bytes());
    added(folder.path(), "clinic.guide", "1.0.0", &[]);
    for order in [[own.as_str(), "clinic.guide#1.0.0"], ["clinic.guide#1.0.0", own.as_str()]] {
        assert_eq!(least(&given(&folder, &order).unwrap(), "http://clinic.guide.example/p"), Some(3));
    }
}

#[test]
fn a_built_in_package_that_is_named_is_the_one_that_canonicals_mean() {
    let folder = tempfile::tempdir().unwrap();
    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let given = given(&folder, &["hl7.fhir.us.core#9.0.0"]).unwrap();
    let structure = given.registry(Version::R4).unwrap().structure(patient).unwrap();
    assert_eq!(structure.version.as_deref(), Some("9.0.0"));
}

#[test]
fn what_a_package_builds_on_comes_from_the_folder_and_is_named_where_it_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let packed = file(&folder, "some.tgz", &archive("clinic.guide", "1.0.0", &[("clinic.base", "2.0.x")]));
    let error = given(&folder, &[&packed]).err().unwrap();
    assert_eq!(error, "package clinic.guide#1.0.0 needs clinic.base#2.0.x, which is not here (add it first)");
    added(folder.path(), "clinic.base", "2.0.4", &[]);
    assert_eq!(least(&given(&folder, &[&packed]).unwrap(), "http://clinic.base.example/p"), Some(0));
}

#[test]
fn what_is_no_package_is_refused_in_words_that_say_what_it_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let patient = file(&folder, "patient.json", br#"{"resourceType": "Patient"}"#);
    let broken = file(&folder, "broken.json", b"{");
    let text = file(&folder, "text.tgz", b"no archive");
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for (what, words) in [
        (patient.as_str(), "neither a package"),
        (broken.as_str(), "neither a package"),
        (text.as_str(), "expected a gzipped tar"),
        (empty.to_str().unwrap(), "package.json"),
        ("nowhere.tgz", "no such file or folder, and no NAME#VERSION"),
        ("clinic.none#1.0.0", "is in none of"),
    ] {
        let error = given(&folder, &[what]).err().unwrap();
        assert!(error.contains(words), "{what}: {error}");
    }
}
