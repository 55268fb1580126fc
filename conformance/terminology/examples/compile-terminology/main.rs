//! Writes the facts of code systems, value sets and concept maps as text:
//! `compile-terminology OUT-DIR NAME=PACKAGE.tgz… [lists=EXPANSIONS.tgz…]
//! [zones=FOLDER] [units=UNITS.json]`.
//!
//! NAME is the release that a package belongs to: `r4`, `r4b`, `r5` for core packages, `extensions-r4` and `extensions-r5` for the
//! extensions that are published apart (of these comes what neither the core nor HL7's terminology has), `tho` for the
//! terminology of all releases, `us-6.1.0` for a version of US Core. `lists` are packages of expansions: of them come code systems that no
//! package has as such. `zones` is a compiled time zone database, `units` a table with the atoms of UCUM. The text is committed under `facts`; a new release of a
//! package is read as its difference.

mod concepts;
mod lists;
mod maps;
mod package;
mod sets;
mod units;
mod vsac;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use package::{Package, text};

/// Blocks of one canonical: the same facts are written once, with the releases that have them.
pub(crate) type Blocks = BTreeMap<String, Vec<Block>>;

/// A code system or a value set as text.
#[derive(PartialEq, Eq)]
pub(crate) struct Block {
    /// Release and version.
    releases: Vec<(String, String)>,
    /// Everything but the canonical and the releases.
    body: String,
    /// The codes, to see whether another block has them all.
    codes: BTreeSet<String>,
}

/// Adds a block, or its release to one that says the same.
pub(crate) fn add(blocks: &mut Blocks, url: &str, block: Block) {
    let known = blocks.entry(url.to_owned()).or_default();
    match known.iter_mut().find(|known| known.body == block.body) {
        Some(known) => known.releases.extend(block.releases),
        None => known.push(block),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("expected OUT-DIR NAME=PACKAGE.tgz…")?;
    let mut packages = Vec::new();
    let (mut expansions, mut zones) = (Vec::new(), None);
    for argument in arguments {
        let (name, path) = argument.split_once('=').ok_or("expected NAME=PATH")?;
        match name {
            "zones" => zones = Some(path.to_owned()),
            "units" => units::write(path, &out)?,
            "lists" => expansions.push(Package::read(name, path)?),
            _ => packages.push(Package::read(name, path)?),
        }
    }
    let mut systems = concepts::blocks(&packages);
    lists::add(&mut systems, &packages, &expansions, zones.as_deref())?;
    drop_covered(&mut systems);
    vsac::add_system(&mut systems);
    let mut sets = sets::blocks(&packages);
    vsac::add_sets(&mut sets);
    drop_repeated(&mut systems);
    drop_repeated(&mut sets);
    write_all(&out, "code-systems", "codesystem", &systems)?;
    write_all(&out, "value-sets", "valueset", &sets)?;
    write_all(&out, "concept-maps", "conceptmap", &maps::blocks(&cores(packages)))
}

/// The packages of the specification itself: only of these the concept maps are facts.
fn cores(packages: Vec<Package>) -> Vec<Package> {
    packages.into_iter().filter(|package| matches!(&*package.name, "r4" | "r4b" | "r5")).collect()
}

/// Of a code system outside the core, an old edition that the terminology of all releases has whole is left out.
fn drop_covered(systems: &mut Blocks) {
    for blocks in systems.values_mut() {
        let Some(newest) = blocks.iter().position(|block| block.releases.iter().any(|(name, _)| name == "tho")) else {
            continue;
        };
        let codes = blocks[newest].codes.clone();
        let mut index = 0;
        blocks.retain(|block| {
            index += 1;
            index - 1 == newest || !block.codes.is_subset(&codes)
        });
    }
}

/// What the package of extensions repeats of the core of its release, or of the terminology of all releases.
fn drop_repeated(blocks: &mut Blocks) {
    for blocks in blocks.values_mut() {
        let has = |name: &str| blocks.iter().any(|block| block.releases.iter().any(|(release, _)| release == name));
        let is_known = ["r4", "r5"].map(|core| (core, has(core) || has("tho")));
        let is_repeated =
            |release: &str| is_known.iter().any(|(core, known)| *known && release == format!("extensions-{core}"));
        for block in &mut *blocks {
            block.releases.retain(|(release, _)| !is_repeated(release));
        }
        blocks.retain(|block| !block.releases.is_empty());
    }
    blocks.retain(|_, blocks| !blocks.is_empty());
}

fn write_all(out: &str, folder: &str, keyword: &str, blocks: &Blocks) -> Result<(), Box<dyn Error>> {
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (url, blocks) in blocks {
        let file = files.entry(group(url)).or_default();
        for block in blocks {
            let releases: Vec<_> = block.releases.iter().map(|(name, version)| format!("{name}={version}")).collect();
            write!(file, "{keyword} {url}\n@releases {}\n{}", releases.join(" "), block.body)?;
        }
    }
    let folder = Path::new(out).join(folder);
    std::fs::create_dir_all(&folder)?;
    for (name, text) in files {
        std::fs::write(folder.join(name).with_extension("txt"), text)?;
    }
    Ok(())
}

/// The file of a canonical.
fn group(url: &str) -> &'static str {
    const GROUPS: [(&str, &str); 11] = [
        ("http://terminology.hl7.org/CodeSystem/v2-", "v2"),
        ("http://terminology.hl7.org/ValueSet/v2-", "v2"),
        ("http://terminology.hl7.org/CodeSystem/v3-", "v3"),
        ("http://terminology.hl7.org/ValueSet/v3-", "v3"),
        ("http://terminology.hl7.org/CodeSystem/PHVS", "others"),
        ("http://terminology.hl7.org/", "hl7"),
        ("http://hl7.org/fhir/us/core/", "us-core"),
        ("http://cts.nlm.nih.gov/", "us-core"),
        ("urn:oid:2.16.840.1.113883.6.238", "us-core"),
        ("http://hl7.org/fhir/sid/", "others"),
        ("http://hl7.org/fhir/", "fhir"),
    ];
    GROUPS.iter().find(|(prefix, _)| url.starts_with(prefix)).map_or("others", |(_, name)| name)
}

/// The version of a resource within a package: US Core's resources have none of their own, or a stale one.
pub(crate) fn version<'a>(package: &'a Package, resource: &'a serde_json::Value) -> &'a str {
    match package.name.strip_prefix("us-") {
        Some(version) => version,
        None => text(resource, "version"),
    }
}
