//! ConceptMaps to text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::package::{Package, items, text};
use crate::{Block, Blocks, add, version};

pub(crate) fn blocks(packages: &[Package]) -> Blocks {
    let mut blocks = Blocks::new();
    for package in packages {
        for map in package.of_type("ConceptMap").filter(|map| !text(map, "url").is_empty()) {
            let releases = vec![(package.name.clone(), version(package, map).to_owned())];
            let body = body(map);
            if !body.is_empty() {
                add(&mut blocks, text(map, "url"), Block { releases, body, codes: BTreeSet::new() });
            }
        }
    }
    blocks
}

/// What says that nothing corresponds is left out.
fn body(map: &Value) -> String {
    let mut body = String::new();
    for group in items(map, "group") {
        let mut mappings = String::new();
        for element in items(group, "element") {
            for target in items(element, "target") {
                let words = [text(target, "relationship"), text(target, "equivalence")];
                let word = words.into_iter().find(|word| !word.is_empty()).unwrap_or("equivalent");
                let is_one = !matches!(word, "unmatched" | "disjoint" | "not-related-to");
                if is_one && !text(target, "code").is_empty() {
                    let _ = writeln!(mappings, "\t\t{}\t{}\t{word}", text(element, "code"), text(target, "code"));
                }
            }
        }
        if !mappings.is_empty() {
            let system = |name| text(group, name).split('|').next().unwrap_or_default();
            let _ = write!(body, "\tgroup\t{}\t{}\n{mappings}", system("source"), system("target"));
        }
    }
    body
}
