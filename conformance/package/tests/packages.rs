//! Packages as they travel, as they are cached, and as a registry takes them.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::io::Write as _;

use fhir::{ResourceType, Version};
use package::{Archive, BadArchive, Bounds, NotUsable, Package, Registry};

const MANIFEST: &str = r#"{"name": "@example/clinic.guide", "version": "1.2.0", "canonical": "http://clinic.example/fhir",
    "fhirVersions": ["4.0.1"], "dependencies": {"hl7.fhir.r4.core": "4.0.1", "clinic.other": "1.0.x"}}"#;

const PROFILE: &str = r#"{"resourceType": "StructureDefinition", "url": "http://clinic.example/fhir/StructureDefinition/patient",
    "name": "ClinicPatient", "status": "active", "kind": "resource", "abstract": false, "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1,
        "constraint": [{"key": "c-1", "severity": "error", "human": "a name", "expression": "family.exists()"}]}]}}"#;

const CODES: &str = r#"{"resourceType": "CodeSystem", "url": "http://clinic.example/fhir/CodeSystem/rooms", "version": "3",
    "status": "active", "content": "complete", "concept": [{"code": "a"}]}"#;

fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        // The builder refuses paths that leave the archive: whoever means harm writes them all the same.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    gzipped(&tar.into_inner().unwrap())
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn clinic() -> Vec<u8> {
    packed(&[
        ("package/package.json", MANIFEST),
        ("package/.index.json", "{}"),
        ("package/StructureDefinition-patient.json", PROFILE),
        ("package/CodeSystem-rooms.json", CODES),
        ("package/Patient-example.json", r#"{"resourceType": "Patient", "id": "example"}"#),
        ("package/broken.json", "{"),
        ("package/other/StructureDefinition-deeper.json", PROFILE),
        ("../package/../../etc/passwd.json", PROFILE),
        ("package/../escaped.json", PROFILE),
    ])
}

fn read(bytes: &[u8]) -> Package {
    Package::of(Archive::read(bytes, Bounds::default()).unwrap()).0
}

#[test]
fn only_what_lies_directly_in_the_package_is_read() {
    let archive = Archive::read(&clinic(), Bounds::default()).unwrap();
    let mut names: Vec<_> = archive.files.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["CodeSystem-rooms.json", "Patient-example.json", "StructureDefinition-patient.json", "broken.json"]
    );
    assert_eq!(archive.manifest.name, "clinic.guide");
    assert_eq!(archive.manifest.fhir_versions, [Version::R4]);
    let (package, left_out) = Package::of(archive);
    assert_eq!(package.artefacts().len(), 2);
    assert_eq!(left_out.iter().map(|left| left.file.as_str()).collect::<Vec<_>>(), ["broken.json"]);
}

#[test]
fn an_archive_that_grows_beyond_its_bounds_is_refused() {
    let bomb = packed(&[("package/package.json", MANIFEST), ("package/zeros.json", &" ".repeat(4 << 20))]);
    assert!(bomb.len() < 64 << 10);
    let small = Bounds { unpacked: 1 << 20, ..Bounds::default() };
    assert!(matches!(Archive::read(&bomb, small), Err(BadArchive::TooLarge { of: "bytes unpacked", .. })));
    let small = Bounds { file: 1 << 20, ..Bounds::default() };
    assert!(matches!(Archive::read(&bomb, small), Err(BadArchive::TooLarge { of: "bytes in one file", .. })));
    let small = Bounds { entries: 1, ..Bounds::default() };
    assert!(matches!(Archive::read(&bomb, small), Err(BadArchive::TooLarge { of: "entries", .. })));
}

#[test]
fn what_is_no_package_is_refused() {
    for bytes in [&b"nothing"[..], b"", &clinic()[..40]] {
        assert!(matches!(Archive::read(bytes, Bounds::default()), Err(BadArchive::Unpack(_) | BadArchive::NoManifest)));
    }
    assert!(matches!(Archive::read(&packed(&[]), Bounds::default()), Err(BadArchive::NoManifest)));
    let nameless = packed(&[("package/package.json", r#"{"version": "1"}"#)]);
    assert!(matches!(Archive::read(&nameless, Bounds::default()), Err(BadArchive::Incomplete("name"))));
}

#[test]
fn an_archive_that_is_cut_short_or_changed_is_refused_wherever_that_is() {
    let whole = clinic();
    for cut in 0..whole.len() {
        assert!(Archive::read(&whole[..cut], Bounds::default()).is_err(), "cut at {cut}");
    }
    let files = Archive::read(&whole, Bounds::default()).unwrap().files;
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 0x04;
        // Some bits mean nothing: the time in the header, what fills the last byte.
        if let Ok(archive) = Archive::read(&changed, Bounds::default()) {
            assert!(archive.files == files, "byte {place}");
        }
    }
}

#[test]
fn a_manifest_that_is_no_json_is_refused_in_words() {
    let broken = packed(&[("package/package.json", "{\"name\": ")]);
    let error = Archive::read(&broken, Bounds::default()).err().unwrap().to_string();
    assert!(error.starts_with("expected JSON in `package/package.json`"), "{error}");
}

#[test]
fn links_and_devices_are_passed_over() {
    let mut tar = tar::Builder::new(Vec::new());
    for (number, kind) in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Char, tar::EntryType::Fifo]
        .into_iter()
        .enumerate()
    {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        tar.append_link(&mut header, format!("package/{number}.json"), "/etc/passwd").unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(MANIFEST.len() as u64);
    tar.append_data(&mut header, "package/package.json", MANIFEST.as_bytes()).unwrap();
    let archive = Archive::read(&gzipped(&tar.into_inner().unwrap()), Bounds::default()).unwrap();
    assert!(archive.files.is_empty());
}

#[test]
fn more_entries_than_any_package_has_are_refused() {
    let mut header = tar::Header::new_gnu();
    header.set_path("package/x").unwrap();
    header.set_size(0);
    header.set_cksum();
    let many = gzipped(&header.as_bytes().repeat(100_001));
    assert!(many.len() < 1 << 20);
    let error = Archive::read(&many, Bounds::default()).err().unwrap().to_string();
    assert_eq!(error, "expected a package of at most 100000 entries");
}

#[test]
fn what_a_package_brings_is_found_under_its_own_and_the_packages_version() {
    let registry = Registry::built_in(Version::R4).with_packages([read(&clinic())]);
    let url = "http://clinic.example/fhir/StructureDefinition/patient";
    let profile = registry.structure(url).unwrap();
    assert_eq!(profile.version.as_deref(), Some("1.2.0"));
    let name = profile.element("Patient.name").unwrap();
    assert_eq!((name.min, name.max, name.constraints[0].source.as_deref()), (1, None, Some(url)));
    let codes = "http://clinic.example/fhir/CodeSystem/rooms";
    for version in ["", "|3", "|1.2.0", "|1.2"] {
        assert!(registry.json(ResourceType::CODE_SYSTEM, &format!("{codes}{version}")).is_some(), "{version}");
    }
    assert!(registry.json(ResourceType::CODE_SYSTEM, &format!("{codes}|2")).is_none());
    assert!(Registry::built_in(Version::R4).structure(url).is_none());
}

#[test]
fn a_dependency_that_is_nowhere_is_named() {
    let package = read(&clinic());
    let missing = Registry::built_in(Version::R4).missing([package.manifest()]);
    let words: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["package clinic.guide#1.2.0 needs clinic.other#1.0.x, which is not here (add it first)"]);
    let other = packed(&[("package/package.json", r#"{"name": "clinic.other", "version": "1.0.7"}"#)]);
    let other = read(&other);
    assert!(Registry::built_in(Version::R4).missing([package.manifest(), other.manifest()]).is_empty());
}

#[test]
fn a_compiled_package_is_the_package() {
    let file = read(&clinic()).compiled("abc");
    let registry = Registry::built_in(Version::R4);
    let again = registry.with_packages([Package::from_compiled(&file, "abc").unwrap()]);
    let first = registry.with_packages([read(&clinic())]);
    let url = "http://clinic.example/fhir/StructureDefinition/patient|1.2.0";
    assert_eq!(again.structure(url), first.structure(url));
    let codes = "http://clinic.example/fhir/CodeSystem/rooms";
    assert_eq!(again.json(ResourceType::CODE_SYSTEM, codes).unwrap(), CODES.as_bytes());
    assert_eq!(again.missing([read(&clinic()).manifest()]).len(), 1);
}

#[test]
fn a_compiled_package_that_is_damaged_or_of_another_source_is_not_used() {
    let file = read(&clinic()).compiled("abc");
    let error = |file: &[u8], source| Package::from_compiled(file, source).err();
    assert_eq!(error(&file, "abd"), Some(NotUsable::Source));
    assert_eq!(error(b"frontdesk-package 0\nabc\n", "abc"), Some(NotUsable::Layout));
    for place in 0..file.len() {
        let mut damaged = file.clone();
        damaged[place] ^= 0x20;
        assert!(error(&damaged, "abc").is_some(), "byte {place}");
        assert!(error(&file[..place], "abc").is_some(), "cut at {place}");
    }
}

#[test]
fn resources_without_a_package_stand_alone_and_in_bundles_and_hide_what_packages_have() {
    let bundle = format!(
        r#"{{"resourceType": "Bundle", "entry": [{{"resource": {PROFILE}}}, {{"resource": {CODES}}},
        {{"resource": {{"resourceType": "Patient"}}}}]}}"#
    );
    let loose = Package::of_resources("own.json", [bundle.into()]).unwrap();
    assert_eq!(loose.artefacts().len(), 2);
    let newer = clinic_with(&PROFILE.replace("\"min\": 1", "\"min\": 2"), "9.0.0");
    let registry = Registry::built_in(Version::R4).with_packages([newer]).with_packages([loose]);
    let url = "http://clinic.example/fhir/StructureDefinition/patient";
    assert_eq!(registry.structure(url).unwrap().element("Patient.name").unwrap().min, 1);
    assert!(Package::of_resources("patient.json", [r#"{"resourceType": "Patient"}"#.into()]).is_err());
    assert!(Package::of_resources("broken.json", ["{".into()]).is_err());
}

fn clinic_with(profile: &str, version: &str) -> Package {
    let manifest = MANIFEST.replace("1.2.0", version);
    read(&packed(&[("package/package.json", &manifest), ("package/StructureDefinition-patient.json", profile)]))
}

#[test]
fn the_version_of_a_package_that_is_configured_is_meant_even_where_a_newer_one_was_added_later() {
    let url = "http://clinic.example/fhir/StructureDefinition/patient";
    let old = clinic_with(PROFILE, "1.0.0");
    let new = clinic_with(&PROFILE.replace("\"min\": 1", "\"min\": 2"), "2.0.0");
    let registry = Registry::built_in(Version::R4).with_packages([old]).with_packages([new]);
    let least = |registry: &Registry| registry.structure(url).unwrap().element("Patient.name").unwrap().min;
    assert_eq!(least(&registry), 2);
    assert_eq!(least(&registry.prefer("clinic.guide", "1.0.0")), 1);
    assert_eq!(least(&registry.prefer("clinic.guide", "3.0.0")), 2, "it is not here");
}
