//! Code systems that only expansions list, and the time zones of the operating system.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::package::{Package, items, one_line, text};
use crate::{Block, Blocks};

/// Canonical, and whether the expansions have all its codes.
const SYSTEMS: [(&str, bool); 9] = [
    ("urn:iso:std:iso:3166", true),
    ("urn:iso:std:iso:3166:-2", false),
    ("urn:iso:std:iso:4217", true),
    ("http://unstats.un.org/unsd/methods/m49/m49.htm", false),
    ("http://nucc.org/provider-taxonomy", false),
    ("http://hl7.org/fhir/sid/cvx", false),
    ("urn:iso:std:iso:11073:10101", false),
    ("http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", false),
    ("http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem", false),
];
const ZONES: &str = "https://www.iana.org/time-zones";

pub(crate) fn add(
    blocks: &mut Blocks,
    packages: &[Package],
    expansions: &[Package],
    zones: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let mut found: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    let sets = expansions.iter().chain(packages).flat_map(|package| package.of_type("ValueSet"));
    sets.filter_map(|set| set.get("expansion")).for_each(|expansion| collect(items(expansion, "contains"), &mut found));
    if let Some(folder) = zones {
        let known = found.entry(ZONES).or_default();
        zone_names(Path::new(folder), "", known)?;
    }
    let wanted = SYSTEMS.iter().copied().chain([(ZONES, true)]);
    for (url, is_complete) in wanted.filter(|(url, _)| !blocks.contains_key(*url)).collect::<Vec<_>>() {
        let Some(codes) = found.get(url) else { continue };
        let mut body = if is_complete { String::new() } else { "@content fragment\n".to_owned() };
        codes.iter().for_each(|(code, display)| {
            let _ = writeln!(body, "\t{code}\t{display}");
        });
        let releases = vec![("tho".to_owned(), String::new())];
        crate::add(blocks, url, Block { releases, body, codes: BTreeSet::new() });
    }
    Ok(())
}

fn collect<'a>(contains: &'a [Value], found: &mut BTreeMap<&'a str, BTreeMap<String, String>>) {
    for entry in contains {
        let (system, code) = (text(entry, "system"), text(entry, "code"));
        if !code.is_empty() {
            found.entry(system).or_default().insert(code.to_owned(), one_line(text(entry, "display")));
        }
        collect(items(entry, "contains"), found);
    }
}

/// The names of a compiled time zone database: `Europe/Berlin`.
fn zone_names(folder: &Path, prefix: &str, names: &mut BTreeMap<String, String>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_zone = name.starts_with(|first: char| first.is_ascii_uppercase()) && !name.contains('.');
        if entry.path().is_dir() && !matches!(&*name, "posix" | "right") {
            zone_names(&entry.path(), &format!("{prefix}{name}/"), names)?;
        } else if is_zone && entry.path().is_file() {
            names.entry(format!("{prefix}{name}")).or_default();
        }
    }
    Ok(())
}
