//! What every differential that is built in says holds in the snapshot that is made of it: for US Core there is no published one to
//! compare with.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::fs;
use std::path::Path;

use fhir::Version;
use package::draft::{ElementDraft, StructureDraft};
use package::{ElementDefinition, Registry, Structure, facts};

#[test]
fn what_a_differential_says_holds_in_the_snapshot() {
    let (mut elements, mut broken) = (0, Vec::new());
    for folder in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("facts")).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let registry = Registry::built_in(release(&name));
        for draft in drafts(&folder) {
            let canonical = format!("{}|{}", draft.url, draft.version.as_deref().unwrap_or_default());
            let made = registry.try_structure(&canonical).unwrap();
            for element in &draft.differential {
                elements += 1;
                broken.extend(differences(&made, element).map(|what| format!("{canonical} {}: {what}", element.id)));
            }
        }
    }
    println!("{elements} elements of differentials");
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(elements > 10_000, "{elements}");
}

fn release(package: &str) -> Version {
    match package {
        name if name.contains(".r4b.") => Version::R4B,
        name if name.contains(".r5") => Version::R5,
        _ => Version::R4,
    }
}

fn drafts(folder: &Path) -> Vec<StructureDraft> {
    let texts = ["profiles.txt", "extensions.txt"].map(|file| fs::read_to_string(folder.join(file)).unwrap());
    let parts = texts.iter().flat_map(|text| text.split("\nstructure ")).filter(|part| !part.trim().is_empty());
    let whole = |part: &str| format!("structure {}\n", part.strip_prefix("structure ").unwrap_or(part).trim_end());
    parts.map(|part| facts::parse(&whole(part)).unwrap()).collect()
}

fn differences<'a>(made: &'a Structure, said: &'a ElementDraft) -> impl Iterator<Item = String> + 'a {
    let found = made.elements.iter().find(|element| is_same(&said.id, &element.id));
    let missing = found.is_none().then(|| "it is nowhere".to_owned());
    missing.into_iter().chain(found.into_iter().flat_map(|found| contradictions(found, said)))
}

fn contradictions(found: &ElementDefinition, said: &ElementDraft) -> Vec<String> {
    let most = |max: Option<u32>| max.unwrap_or(u32::MAX);
    let codes = |types: &[package::TypeUse]| types.iter().map(|used| used.code.clone()).collect::<Vec<_>>();
    let keys: Vec<&str> = found.constraints.iter().map(|rule| rule.key.as_str()).collect();
    let checks = [
        ("min", said.min.is_none_or(|min| found.min >= min)),
        ("max", said.max.is_none_or(|max| most(found.max) <= most(max))),
        ("types", said.types.is_empty() || codes(&found.types) == codes(&said.types)),
        ("fixed", said.fixed.is_none() || found.fixed == said.fixed),
        ("pattern", said.pattern.is_none() || found.pattern == said.pattern),
        ("must support", said.must_support.is_none_or(|said| found.must_support == said)),
        ("modifier", said.is_modifier.is_none_or(|said| found.is_modifier == said)),
        ("constraints", said.constraints.iter().all(|rule| keys.contains(&rule.key.as_str()))),
        ("slicing", said.slicing.is_none() || found.slicing.is_some()),
        ("slice", said.slice_name.is_none() || found.slice_name.is_some()),
        (
            "binding",
            said.binding
                .as_ref()
                .is_none_or(|said| found.binding.as_ref().is_some_and(|b| b.strength == said.strength)),
        ),
    ];
    checks.into_iter().filter(|(_, holds)| !holds).map(|(what, _)| what.to_owned()).collect()
}

/// Whether two ids mean one element: `Observation.valueQuantity` is `Observation.value[x]:valueQuantity`.
fn is_same(said: &str, made: &str) -> bool {
    let (mut said, mut made) = (said.split('.'), made.split('.'));
    loop {
        match (said.next(), made.next()) {
            (None, None) => return true,
            (Some(said), Some(made)) if said == made || is_short(said, made) => {}
            _ => return false,
        }
    }
}

fn is_short(said: &str, made: &str) -> bool {
    let (name, slice) = made.split_once(':').unwrap_or((made, ""));
    let Some(stem) = name.strip_suffix("[x]") else { return false };
    let said = said.split_once(':').map_or(said, |(name, _)| name);
    said == stem || (!slice.is_empty() && said == slice && said.starts_with(stem))
}
