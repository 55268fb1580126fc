//! Makes the snapshots of a package's profiles from their differentials and compares them with the published ones:
//! `snapshots RELEASE PACKAGE.tgz [URL-PART]`.

use std::collections::BTreeMap;
use std::error::Error;

use package::draft::{self, ElementDraft, StructureDraft};
use package::{Archive, Bounds, Derivation, ElementDefinition, Registry};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(release), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("expected: snapshots RELEASE PACKAGE.tgz [URL-PART]".into());
    };
    let part = arguments.next().unwrap_or_default();
    let archive = Archive::read(&std::fs::read(file)?, Bounds::default())?;
    let published: Vec<StructureDraft> =
        archive.files.iter().filter_map(|(_, json)| draft::read(json).ok()).filter(is_profile).collect();
    let registry = Registry::built_in(release.parse()?).with_packages([archive]);
    let (mut equal, mut all) = (0, 0);
    let mut why: BTreeMap<String, u32> = BTreeMap::new();
    for draft in published.iter().filter(|draft| draft.url.contains(&part)) {
        all += 1;
        let differences = compare(&registry, draft);
        if differences.is_empty() {
            equal += 1;
        }
        for difference in differences {
            *why.entry(difference.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
            println!("{} {difference}", draft.url);
        }
    }
    println!("{equal} of {all} equal; {why:?}");
    Ok(())
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

fn keys(element: &ElementDefinition) -> Vec<&str> {
    let mut keys: Vec<_> = element.constraints.iter().map(|rule| rule.key.as_str()).collect();
    keys.sort_unstable();
    keys
}
