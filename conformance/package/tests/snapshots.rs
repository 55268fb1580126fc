//! Snapshots that are made from differentials, compared with the published ones in every fact that matters. The core packages
//! are not part of this repository: `FRONTDESK_PACKAGES` names folders (separated by `:`) with `NAME-VERSION.tgz` or, as npm
//! unpacks it, `NAME/`. Without it the test says so and passes; with `CI=true` it fails.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

use std::env;
use std::fs;
use std::path::Path;

use fhir::Version;
use package::draft::{self, ElementDraft, StructureDraft};
use package::{Archive, Bounds, Derivation, ElementDefinition, Package, Registry};

/// Profiles whose published snapshot says something else: in which releases, and why ours stands.
const DIFFERENT: [(&[Version], &str, &str); 10] = [
    (&[R4], "bmi", "a Quantity that must be there is a value that must be there: R4B and R5 say so"),
    (&[R4], "devicemetricobservation", "the same of its dateTime"),
    (&[R4, R4B, R5], "bp", "the short form, published once as a slice and once as the choice itself"),
    (&[R4], "elementdefinition-de", "walks into extensions, where nothing is said"),
    (
        &[R4, R4B, R5],
        "provenance-relevant-history",
        "what holds for every agent holds for the slice; the published slice forgot it",
    ),
    (&[R4, R4B, R5], "catalog", "the published snapshot lost Composition.date"),
    (&[R4, R4B], "familymemberhistory-genetic", "the published snapshot lost what follows an unordered differential"),
    (&[R4B], "clinicaldocument", "takes the most from the root of the extension, which says it of an extension alone"),
    (&[R5], "executablevalueset", "has the extension from a package that the core package does not hold"),
    (&[R5], "ebmrecommendation", "says `citeAs` for `citeAs[x]`, published as a slicing without slices"),
];

use Version::{R4, R4B, R5};

#[test]
fn a_snapshot_that_is_made_says_what_the_published_one_says() {
    let Some(folders) = env::var("FRONTDESK_PACKAGES").ok() else {
        assert!(env::var_os("CI").is_none_or(|ci| ci != "true"), "FRONTDESK_PACKAGES is not set");
        println!("SKIPPED: set FRONTDESK_PACKAGES to the folder of hl7.fhir.r4.core-4.0.1.tgz to compare snapshots");
        return;
    };
    let packages =
        [(R4, "hl7.fhir.r4.core", "4.0.1"), (R4B, "hl7.fhir.r4b.core", "4.3.0"), (R5, "hl7.fhir.r5.core", "5.0.0")];
    for (release, name, version) in packages {
        match folders.split(':').find_map(|folder| archive(Path::new(folder), name, version)) {
            Some(archive) => compare_all(release, archive),
            None => println!("SKIPPED: {name}-{version}.tgz is in no folder of FRONTDESK_PACKAGES"),
        }
    }
}

fn archive(folder: &Path, name: &str, version: &str) -> Option<Archive> {
    if let Ok(packed) = fs::read(folder.join(format!("{name}-{version}.tgz"))) {
        return Some(Archive::read(&packed, Bounds::default()).unwrap());
    }
    let files = fs::read_dir(folder.join(name)).ok()?.map(|entry| entry.unwrap().path());
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let read = |file: std::path::PathBuf| {
        (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&file).unwrap().into())
    };
    Some(Archive::from_files(files.map(read)).unwrap())
}

fn compare_all(release: Version, archive: Archive) {
    let published: Vec<StructureDraft> =
        archive.files.iter().filter_map(|(_, json)| draft::read(json).ok()).filter(is_profile).collect();
    let registry = Registry::built_in(release).with_packages([Package::of(archive).0]);
    let (mut equal, mut unexplained) = (0, Vec::new());
    for draft in &published {
        let differences = compare(&registry, draft);
        let name = draft.url.rsplit('/').next().unwrap();
        let is_explained = DIFFERENT.iter().any(|(releases, known, _)| releases.contains(&release) && *known == name);
        match differences.is_empty() {
            true => equal += 1,
            false if is_explained => {}
            false => unexplained.push((name.to_owned(), differences)),
        }
    }
    println!(
        "{release}: {equal} of {} snapshots are equal, {} differ for reasons that are known",
        published.len(),
        published.len() - equal - unexplained.len()
    );
    assert!(unexplained.is_empty(), "{release}: {unexplained:#?}");
    assert!(published.len() > 60, "{release}: {} profiles", published.len());
}

fn is_profile(draft: &StructureDraft) -> bool {
    draft.derivation == Derivation::Constraint && !draft.snapshot.is_empty() && !draft.differential.is_empty()
}

fn compare(registry: &Registry, draft: &StructureDraft) -> Vec<String> {
    let made = match registry.regenerate(draft) {
        Ok(made) => made,
        Err(error) => return vec![format!("error {error}")],
    };
    let mut differences = Vec::new();
    for published in &draft.snapshot {
        match made.element(&published.id) {
            None => differences.push(format!("missing {}", published.id)),
            Some(made) => differences.extend(element(made, published)),
        }
    }
    for element in &made.elements {
        if !draft.snapshot.iter().any(|published| published.id == element.id) {
            differences.push(format!("extra {}", element.id));
        }
    }
    differences
}

fn element(made: &ElementDefinition, published: &ElementDraft) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, made: String, published: String| {
        if made != published {
            differences.push(format!("{what} {made} instead of {published}"));
        }
    };
    let published = published.completed();
    let id = &published.id;
    check("min", format!("{id} {}", made.min), format!("{id} {}", published.min));
    check("max", format!("{id} {:?}", made.max), format!("{id} {:?}", published.max));
    check("types", format!("{id} {:?}", made.types), format!("{id} {:?}", published.types));
    check("content", format!("{id} {:?}", made.content), format!("{id} {:?}", published.content));
    check("fixed", format!("{id} {:?}", made.fixed), format!("{id} {:?}", published.fixed));
    check("pattern", format!("{id} {:?}", made.pattern), format!("{id} {:?}", published.pattern));
    check("slicing", format!("{id} {:?}", made.slicing), format!("{id} {:?}", published.slicing));
    check("slice", format!("{id} {:?}", made.slice_name), format!("{id} {:?}", published.slice_name));
    check("length", format!("{id} {:?}", made.max_length), format!("{id} {:?}", published.max_length));
    check("support", format!("{id} {:?}", made.must_support), format!("{id} {:?}", published.must_support));
    check("modifier", format!("{id} {:?}", made.is_modifier), format!("{id} {:?}", published.is_modifier));
    check("base", format!("{id} {:?}", made.base), format!("{id} {:?}", published.base));
    check("binding", format!("{id} {:?}", binding(made)), format!("{id} {:?}", binding(&published)));
    check("constraints", format!("{id} {:?}", keys(made)), format!("{id} {:?}", keys(&published)));
    differences
}

fn binding(element: &ElementDefinition) -> Option<(package::Strength, Option<&str>, usize)> {
    let binding = element.binding.as_ref()?;
    let value_set = binding.value_set.as_deref().map(|canonical| package::Canonical::of(canonical).url);
    Some((binding.strength, value_set, binding.additional.len()))
}

/// The keys of its rules but those of the root of SimpleQuantity, which three published snapshots repeat where the type is used.
fn keys(element: &ElementDefinition) -> Vec<&str> {
    let keys = element.constraints.iter().map(|rule| rule.key.as_str());
    let mut keys: Vec<_> = keys.filter(|key| !matches!(*key, "qty-3" | "sqty-1")).collect();
    keys.sort_unstable();
    keys
}
