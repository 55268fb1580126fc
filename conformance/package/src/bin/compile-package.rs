//! Writes the facts of a package as text: `compile-package PACKAGE.tgz FACTS-DIR`.
//!
//! The text is committed under `conformance/package/facts`; a new release of a package is read as its difference. Of a core
//! package only profiles and extensions are written: its types are facts of `definitions`.

use std::error::Error;
use std::fs;
use std::path::Path;

use fhir::ResourceType;
use fhir::json::{Document, Kind, Limits, Value, scan};
use package::draft::{self, StructureDraft};
use package::{Archive, Artefact, Bounds, Derivation, Manifest, facts};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(archive), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("expected: compile-package PACKAGE.tgz FACTS-DIR".into());
    };
    let archive = Archive::read(&fs::read(archive)?, Bounds::default())?;
    let structures = structures(&archive);
    let folder = Path::new(&out).join(format!("{}-{}", archive.manifest.name, archive.manifest.version));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.txt"), manifest(&archive.manifest))?;
    let (extensions, profiles): (Vec<_>, Vec<_>) = structures.into_iter().partition(|draft| draft.type_ == "Extension");
    fs::write(folder.join("profiles.txt"), texts(&profiles))?;
    fs::write(folder.join("extensions.txt"), texts(&extensions))?;
    let resources = resources(&archive);
    if !resources.is_empty() {
        fs::write(folder.join("resources.ndjson"), resources)?;
    }
    Ok(())
}

/// What the package defines and `definitions` does not have, sorted by canonical, without published snapshots.
fn structures(archive: &Archive) -> Vec<StructureDraft> {
    let value_sets = value_sets(archive);
    let mut found: Vec<_> = archive
        .files
        .iter()
        .filter_map(|(_, json)| draft::read(json).ok())
        .filter(|draft| !draft.differential.is_empty() && draft.derivation == Derivation::Constraint)
        .map(|draft| prepared(draft, archive, &value_sets))
        .collect();
    found.sort_by(|left, right| left.url.cmp(&right.url));
    found
}

/// Definitions of search, operations and capabilities, and concept maps: a line each, sorted by canonical, without their prose. Those of
/// the core packages are facts of `definitions`.
fn resources(archive: &Archive) -> Vec<u8> {
    const OTHERS: [ResourceType; 4] = [
        ResourceType::SEARCH_PARAMETER,
        ResourceType::OPERATION_DEFINITION,
        ResourceType::CAPABILITY_STATEMENT,
        ResourceType::CONCEPT_MAP,
    ];
    if archive.manifest.is_core() {
        return Vec::new();
    }
    let artefacts = archive.files.iter().filter_map(|(_, json)| Artefact::from_json(json.clone()).ok());
    let mut found: Vec<Artefact> = artefacts.filter(|artefact| OTHERS.contains(&artefact.resource_type())).collect();
    found.sort_by(|left, right| left.url().cmp(right.url()));
    found.iter().filter_map(Artefact::json).flat_map(|json| [without_prose(json), b"\n".to_vec()].concat()).collect()
}

/// Members that say nothing to a program.
const PROSE: [&str; 18] = [
    "id",
    "meta",
    "text",
    "extension",
    "contact",
    "description",
    "documentation",
    "purpose",
    "copyright",
    "publisher",
    "date",
    "experimental",
    "jurisdiction",
    "xpath",
    "xpathUsage",
    "title",
    "useContext",
    "comment",
];

fn without_prose(json: &[u8]) -> Vec<u8> {
    let mut nodes = Vec::new();
    let mut out = Vec::new();
    if scan(json, &mut nodes, Limits::default()).is_ok() {
        Document::new(json, &nodes).root().iter().for_each(|root| write(*root, &mut out));
    }
    out
}

fn write(value: Value<'_>, out: &mut Vec<u8>) {
    let (open, close) = match value.kind() {
        Kind::Object => (b'{', b'}'),
        Kind::Array => (b'[', b']'),
        _ => return out.extend_from_slice(value.raw()),
    };
    let is_object = open == b'{';
    let is_kept =
        |member: &Value<'_>| !is_object || !(PROSE.contains(&member.name()) || member.name().starts_with('_'));
    out.push(open);
    for (number, child) in value.children().filter(is_kept).enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if is_object {
            out.extend_from_slice(format!("\"{}\":", child.name()).as_bytes());
        }
        write(child, out);
    }
    out.push(close);
}

/// The value sets under the package's own canonical.
fn value_sets(archive: &Archive) -> Vec<String> {
    let artefacts = archive.files.iter().filter_map(|(_, json)| Artefact::from_json(json.clone()).ok());
    let canonical = archive.manifest.canonical.as_deref().unwrap_or("-");
    artefacts
        .filter(|artefact| artefact.resource_type() == ResourceType::VALUE_SET && artefact.url().starts_with(canonical))
        .map(|artefact| artefact.url().to_owned())
        .collect()
}

/// An artefact of a guide has the guide's version, whatever an older file says, and means the guide's value sets.
fn prepared(mut draft: StructureDraft, archive: &Archive, value_sets: &[String]) -> StructureDraft {
    draft.identify();
    draft.snapshot.clear();
    if archive.manifest.is_core() {
        return draft;
    }
    let version = &archive.manifest.version;
    draft.header.version = Some(version.clone());
    for binding in draft.differential.iter_mut().filter_map(|element| element.binding.as_mut()) {
        let additional = binding.additional.iter_mut().map(|additional| &mut additional.value_set);
        for value_set in binding.value_set.iter_mut().chain(additional) {
            if value_sets.contains(value_set) {
                *value_set = format!("{value_set}|{version}");
            }
        }
    }
    draft
}

fn manifest(manifest: &Manifest) -> String {
    let mut text = format!("name {}\nversion {}\n", manifest.name, manifest.version);
    if let Some(canonical) = &manifest.canonical {
        text.push_str(&format!("canonical {canonical}\n"));
    }
    for release in &manifest.fhir_versions {
        text.push_str(&format!("release {release}\n"));
    }
    for (name, version) in &manifest.dependencies {
        text.push_str(&format!("needs {name} {version}\n"));
    }
    text
}

fn texts(structures: &[StructureDraft]) -> String {
    structures.iter().map(facts::print).collect()
}
