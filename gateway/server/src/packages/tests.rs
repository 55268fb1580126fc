//! Packages from files and from a registry on loopback, into folders and out of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use adapter::Practice;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA512, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use config::Config;
use fhir::Version;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::*;

mod given;
mod practices;
mod reload;

/// The archive of a package with one profile, `http://NAME.example/p`.
fn archive(name: &str, version: &str, needs: &[(&str, &str)]) -> Vec<u8> {
    let needs: BTreeMap<_, _> = needs.iter().copied().collect();
    let manifest = json!({"name": name, "version": version, "canonical": format!("http://{name}.example"),
        "fhirVersions": ["4.0.1"], "dependencies": needs});
    let profile = json!({"resourceType": "StructureDefinition", "url": format!("http://{name}.example/p"), "name": "P",
        "status": "active", "kind": "resource", "abstract": false, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.active", "path": "Patient.active", "min": 1}]}});
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, content) in [("package/package.json", manifest), ("package/StructureDefinition-p.json", profile)] {
        let content = content.to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A registry of packages on loopback that ends with its test.
struct Registry {
    base: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    async fn of(packages: &[(&str, &str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let mut answers = BTreeMap::new();
        let mut listings: BTreeMap<String, serde_json::Value> = BTreeMap::new();
        for (name, version, archive) in packages {
            let hash = format!("sha512-{}", BASE64_STANDARD.encode(digest(&SHA512, archive)));
            let dist = json!({"tarball": format!("{base}-/{name}-{version}.tgz"), "integrity": hash});
            listings.entry(format!("/{name}")).or_insert_with(|| json!({"versions": {}}))["versions"][*version] =
                json!({"dist": dist});
            answers.insert(format!("/-/{name}-{version}.tgz"), archive.clone());
        }
        answers.extend(listings.into_iter().map(|(path, listing)| (path, listing.to_string().into_bytes())));
        let asked = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, answers, Arc::clone(&asked)));
        Self { base, asked }
    }
}

async fn serve(listener: TcpListener, answers: BTreeMap<String, Vec<u8>>, asked: Arc<Mutex<Vec<String>>>) {
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && socket.read_buf(&mut head).await.unwrap() > 0 {}
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let (status, body) = answers.get(&path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", body));
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        asked.lock().unwrap().push(path);
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(body).await.unwrap();
    }
}

fn adding(folder: &TempDir, registry: Option<&Registry>) -> Adding {
    let registry = registry.map(|registry| registry.base.clone());
    Adding { folder: Folder::at(folder.path()), shared: None, registry, with_dependencies: true }
}

fn file(folder: &TempDir, archive: &[u8]) -> String {
    let path = folder.path().join("some.tgz");
    std::fs::write(&path, archive).unwrap();
    path.to_str().unwrap().to_owned()
}

fn names(added: &[Added]) -> Vec<String> {
    added.iter().map(|added| added.name.to_string()).collect()
}

#[tokio::test]
async fn a_file_is_added_in_the_layout_that_others_share() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file =
        file(&from, &archive("clinic.guide", "1.0.0", &[("hl7.fhir.r4.core", "4.0.1"), ("hl7.fhir.us.core", "7.0.0")]));
    let added = adding(&to, None).add(&file).await.unwrap();
    assert_eq!(names(&added), ["clinic.guide#1.0.0"]);
    assert!(to.path().join("clinic.guide#1.0.0/package/package.json").is_file());
    assert!(to.path().join("clinic.guide#1.0.0/package/StructureDefinition-p.json").is_file());
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 1, "nothing half-written stays");
    assert!(adding(&to, None).add(&file).await.unwrap()[0].was_there);
}

#[test]
fn a_package_is_removed_unless_another_one_builds_on_it() {
    let to = tempfile::tempdir().unwrap();
    let folder = Folder::at(to.path());
    added(to.path(), "clinic.guide", "1.0.0", &[("clinic.base", "2.0.x")]);
    added(to.path(), "clinic.base", "2.0.1", &[]);
    added(to.path(), "clinic.base", "2.0.2", &[]);
    let remove = |name: &str| folder.remove(&name.parse().unwrap()).map_err(|error| error.to_string());
    let in_use = "clinic.guide#1.0.0 builds on clinic.base#2.0.2 (remove that first)";
    assert_eq!(remove("clinic.base#2.0.2"), Err(in_use.to_owned()));
    assert_eq!(remove("clinic.base#2.0.1"), Ok(()), "nobody means the older one");
    assert_eq!(remove("clinic.guide#1.0.0"), Ok(()));
    assert_eq!(remove("clinic.base#2.0.2"), Ok(()));
    assert!(remove("clinic.base#2.0.2").unwrap_err().contains("is in none of"));
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_package_builds_on_must_be_there_and_is_named() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = file(&from, &archive("clinic.guide", "1.0.0", &[("clinic.base", "2.0.x")]));
    let mut adding = adding(&to, None);
    let error = adding.add(&file).await.unwrap_err().to_string();
    assert_eq!(error, "package clinic.guide#1.0.0 needs clinic.base#2.0.x, which is not here (add it first)");
    assert_eq!(Folder::at(to.path()).names().unwrap(), []);
    adding.with_dependencies = false;
    assert_eq!(names(&adding.add(&file).await.unwrap()), ["clinic.guide#1.0.0"]);
}

#[tokio::test]
async fn a_package_is_fetched_with_all_that_it_builds_on() {
    let registry = Registry::of(&[
        ("clinic.guide", "1.0.0", archive("clinic.guide", "1.0.0", &[("clinic.base", "2.0.x")])),
        ("clinic.base", "2.0.1", archive("clinic.base", "2.0.1", &[("clinic.deep", "3.0.0")])),
        ("clinic.base", "2.0.10", archive("clinic.base", "2.0.10", &[("clinic.deep", "3.0.0")])),
        ("clinic.deep", "3.0.0", archive("clinic.deep", "3.0.0", &[("hl7.fhir.r4.core", "4.0.1")])),
    ])
    .await;
    let to = tempfile::tempdir().unwrap();
    let added = adding(&to, Some(&registry)).add("clinic.guide#1.0.0").await.unwrap();
    assert_eq!(names(&added), ["clinic.deep#3.0.0", "clinic.base#2.0.10", "clinic.guide#1.0.0"]);
    let count = registry.asked.lock().unwrap().len();
    assert!(adding(&to, Some(&registry)).add("clinic.guide#1.0.0").await.unwrap()[0].was_there);
    assert_eq!(registry.asked.lock().unwrap().len(), count, "what is there is not asked for");
}

#[tokio::test]
async fn a_registry_that_has_it_not_is_quoted() {
    let registry = Registry::of(&[("clinic.guide", "1.0.0", archive("clinic.guide", "1.0.0", &[]))]).await;
    let to = tempfile::tempdir().unwrap();
    let error = |what: &'static str| {
        let adding = adding(&to, Some(&registry));
        async move { adding.add(what).await.unwrap_err().to_string() }
    };
    assert_eq!(
        error("clinic.guide#2.0.0").await,
        format!("{} has no clinic.guide#2.0.0 (its newest: 1.0.0)", registry.base)
    );
    assert!(error("clinic.other#1.0.0").await.contains("found 404"));
    assert!(error("clinic.guide.tgz").await.contains("no such file or folder, and no NAME#VERSION"));
    let without = adding(&to, None).add("clinic.guide#1.0.0").await.unwrap_err().to_string();
    assert!(without.starts_with("no registry is set to fetch clinic.guide#1.0.0 from"), "{without}");
}

/// What comes of asking a registry that says `dist` of clinic.guide#1.0.0 and sends `archive`.
async fn fetched(archive: &[u8], dist: serde_json::Value) -> Result<(), String> {
    let registry = Registry::of(&[("clinic.guide", "1.0.0", archive.to_vec())]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let mut dist = dist;
    dist["tarball"] = format!("{}-/clinic.guide-1.0.0.tgz", registry.base).into();
    let listing = json!({"versions": {"1.0.0": {"dist": dist}}}).to_string().into_bytes();
    tokio::spawn(serve(listener, BTreeMap::from([("/clinic.guide".to_owned(), listing)]), Arc::default()));
    let to = tempfile::tempdir().unwrap();
    let adding = Adding { folder: Folder::at(to.path()), shared: None, registry: Some(base), with_dependencies: true };
    adding.add("clinic.guide#1.0.0").await.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_the_registry_sends_must_be_what_it_announced() {
    let archive = archive("clinic.guide", "1.0.0", &[]);
    let sha1: String =
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &archive).as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(fetched(&archive, json!({"shasum": sha1})).await, Ok(()));
    let error = |dist| async { fetched(&archive, dist).await.unwrap_err() };
    let wrong = error(json!({"integrity": "sha512-AAAA", "shasum": sha1})).await;
    assert!(wrong.starts_with("expected the archive that `dist.integrity` announces"), "{wrong}");
    let wrong = error(json!({"shasum": "00"})).await;
    assert!(wrong.starts_with("expected the archive that `dist.shasum` announces"), "{wrong}");
    let unsaid = error(json!({})).await;
    assert!(unsaid.starts_with("expected `dist.integrity` or `dist.shasum`"), "{unsaid}");
}

#[tokio::test]
async fn a_registry_that_sends_another_package_than_the_one_asked_for_is_refused() {
    let other = archive("hl7.fhir.us.core", "1.0.0", &[]);
    let hash = format!("sha512-{}", BASE64_STANDARD.encode(digest(&SHA512, &other)));
    let error = fetched(&other, json!({"integrity": hash})).await.unwrap_err();
    assert!(error.contains("found hl7.fhir.us.core#1.0.0"), "{error}");
}

#[tokio::test]
async fn the_build_of_the_day_is_refused_in_words() {
    let registry = Registry::of(&[("clinic.guide", "1.0.0", archive("clinic.guide", "1.0.0", &[]))]).await;
    let to = tempfile::tempdir().unwrap();
    let error = adding(&to, Some(&registry)).add("clinic.guide#current").await.unwrap_err().to_string();
    assert!(error.starts_with("clinic.guide#current is no published version"), "{error}");
}

fn configured(data: &Path, packages: &str) -> Config {
    let text = format!("[gateway]\ndata = \"{}\"\n[packages]\n{packages}", data.display());
    config::shape("frontdesk.toml", &text).unwrap()
}

fn added(folder: &Path, name: &str, version: &str, needs: &[(&str, &str)]) -> PathBuf {
    let archive = Archive::read(&archive(name, version, needs), Bounds::default()).unwrap();
    Folder::at(folder).add(&archive).unwrap();
    folder.join(format!("{name}#{version}"))
}

#[test]
fn all_that_lies_in_the_folder_is_loaded_and_what_is_named_from_the_cache_with_what_it_builds_on() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    added(&data.path().join("packages"), "clinic.own", "1.0.0", &[]);
    added(cache.path(), "clinic.guide", "1.0.0", &[("clinic.base", "2.0.0"), ("hl7.terminology.r4", "5.0.0")]);
    added(cache.path(), "clinic.base", "2.0.0", &[]);
    added(cache.path(), "clinic.unused", "1.0.0", &[]);
    let text = format!("cache = \"{}\"\nload = [\"clinic.guide#1.0.0\"]", cache.path().display());
    let packages = Packages::load(&configured(data.path(), &text)).unwrap();
    let r4 = packages.registry(&Practice::default(), Version::R4);
    for name in ["clinic.own", "clinic.guide", "clinic.base"] {
        let profile = r4.structure(&format!("http://{name}.example/p")).unwrap();
        assert_eq!(profile.element("Patient.active").unwrap().min, 1, "{name}");
    }
    assert!(r4.structure("http://clinic.unused.example/p").is_none());
    assert!(
        packages.registry(&Practice::default(), Version::R5).structure("http://clinic.own.example/p").is_none(),
        "it is for R4"
    );
}

#[test]
fn a_package_that_is_named_and_not_there_is_an_error_that_says_where_it_was_looked_for() {
    let data = tempfile::tempdir().unwrap();
    let error = Packages::load(&configured(data.path(), "load = [\"clinic.guide#1.0.0\"]")).err().unwrap().to_string();
    let folder = data.path().join("packages");
    assert_eq!(
        error,
        format!(
            "clinic.guide#1.0.0 is in none of {} (add it: frontdesk package add clinic.guide#1.0.0)",
            folder.display()
        )
    );
    added(&folder, "clinic.guide", "1.0.0", &[("clinic.base", "2.0.0")]);
    assert!(Packages::check(&configured(data.path(), ""))["default"].is_err());
    assert!(!data.path().join("compiled-packages").exists(), "a check writes nothing");
    let error = Packages::load(&configured(data.path(), "")).err().unwrap().to_string();
    assert_eq!(error, "package clinic.guide#1.0.0 needs clinic.base#2.0.0, which is not here (add it first)");
}

#[test]
fn a_reload_replaces_everything_at_once_and_an_error_nothing() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("packages");
    let packages = Packages::load(&configured(data.path(), "")).unwrap();
    let before = packages.registry(&Practice::default(), Version::R4);
    added(&folder, "clinic.own", "1.0.0", &[]);
    packages.reload().unwrap();
    let url = "http://clinic.own.example/p";
    assert!(packages.registry(&Practice::default(), Version::R4).structure(url).is_some());
    assert!(before.structure(url).is_none(), "who holds the old one keeps it");
    added(&folder, "clinic.broken", "1.0.0", &[("clinic.nowhere", "1.0.0")]);
    packages.reload().unwrap_err();
    assert!(packages.registry(&Practice::default(), Version::R4).structure(url).is_some());
}

#[test]
fn the_version_that_a_practice_configured_is_meant() {
    let data = tempfile::tempdir().unwrap();
    let patient = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
    let version = |text: &str| {
        let packages = Packages::load(&configured(data.path(), text)).unwrap();
        packages.registry(&Practice::default(), Version::R4).structure(patient).unwrap().version.clone()
    };
    assert_eq!(version("").as_deref(), Some("6.1.0"));
    assert_eq!(version("versions = { \"hl7.fhir.us.core\" = \"9.0.0\" }").as_deref(), Some("9.0.0"));
    assert_eq!(version("load = [\"hl7.fhir.us.core#7.0.0\"]").as_deref(), Some("7.0.0"), "it is built in");
    added(&data.path().join("packages"), "hl7.fhir.us.core", "8.0.0", &[]);
    assert_eq!(version("").as_deref(), Some("6.1.0"), "what another package brought along changes nothing");
    let unknown = "versions = { \"hl7.fhir.us.core\" = \"5.0.0\" }";
    let error = Packages::load(&configured(data.path(), unknown)).err().unwrap().to_string();
    assert_eq!(error, "`versions` names hl7.fhir.us.core#5.0.0, which is not here (here: 6.1.0, 7.0.0, 8.0.0, 9.0.0)");
}

#[test]
fn a_dependency_on_any_patch_is_taken_from_a_folder_in_the_newest_that_will_do() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    added(cache.path(), "clinic.guide", "1.0.0", &[("clinic.base", "2.0.x")]);
    for version in ["2.0.2", "2.0.10", "2.1.0"] {
        added(cache.path(), "clinic.base", version, &[("clinic.guide", "1.0.0")]);
    }
    let text = format!("cache = \"{}\"\nload = [\"clinic.guide#1.0.0\"]", cache.path().display());
    let packages =
        Packages::load(&configured(data.path(), &text)).unwrap().registry(&Practice::default(), Version::R4).packages();
    let loaded: Vec<_> = packages.iter().filter(|(name, _)| name.starts_with("clinic.")).collect();
    assert_eq!(loaded.len(), 2, "{loaded:?}");
    assert!(loaded.iter().any(|(name, version)| name == "clinic.base" && version == "2.0.10"));
}

#[test]
fn what_is_built_in_is_not_read_from_a_folder_as_well_and_a_daily_build_is_found_under_its_folders_name() {
    let (data, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    added(cache.path(), "clinic.guide", "1.0.0", &[("hl7.fhir.us.core", "7.0.0"), ("clinic.base", "current")]);
    added(cache.path(), "hl7.fhir.us.core", "7.0.0", &[]);
    let daily = added(cache.path(), "clinic.base", "2.0.0-cibuild", &[("clinic.guide", "current")]);
    std::fs::rename(daily, cache.path().join("clinic.base#current")).unwrap();
    let text = format!("cache = \"{}\"\nload = [\"clinic.guide#1.0.0\"]", cache.path().display());
    let r4 = Packages::load(&configured(data.path(), &text)).unwrap().registry(&Practice::default(), Version::R4);
    assert!(r4.structure("http://clinic.base.example/p").is_some());
    assert!(r4.structure("http://hl7.fhir.us.core.example/p").is_none());
}

#[test]
fn a_compiled_package_is_used_and_made_anew_when_it_is_damaged_or_the_package_changed() {
    let data = tempfile::tempdir().unwrap();
    let place = added(data.path(), "clinic.own", "1.0.0", &[]);
    let (folder, cache) = (Folder::at(data.path()), Cache::at(&data.path().join("compiled")));
    let name: PackageName = "clinic.own#1.0.0".parse().unwrap();
    let compiled = data.path().join("compiled/clinic.own#1.0.0.package");
    assert_eq!(cache.read(&folder, &name).unwrap().artefacts().len(), 1);
    let whole = std::fs::read(&compiled).unwrap();
    std::fs::write(&compiled, &whole[..whole.len() - 3]).unwrap();
    assert_eq!(cache.read(&folder, &name).unwrap().artefacts().len(), 1);
    assert_eq!(std::fs::read(&compiled).unwrap(), whole);
    let codes = json!({"resourceType": "CodeSystem", "url": "http://clinic.own.example/c"});
    let file = place.join("package/CodeSystem-c.json");
    std::fs::write(&file, codes.to_string()).unwrap();
    assert_eq!(cache.read(&folder, &name).unwrap().artefacts().len(), 2);
    // Content counts: neither the size nor the time of the file says that it is another one.
    let time = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::write(&file, codes.to_string().replace("/c\"", "/d\"")).unwrap();
    std::fs::File::open(&file).unwrap().set_modified(time).unwrap();
    let codes = fhir::ResourceType::CODE_SYSTEM;
    let again = cache.read(&folder, &name).unwrap();
    let found = again.artefacts().iter().find(|artefact| artefact.resource_type() == codes);
    assert_eq!(found.unwrap().url(), "http://clinic.own.example/d");
}
