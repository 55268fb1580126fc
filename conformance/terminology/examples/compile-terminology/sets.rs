//! ValueSets to text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::package::{Package, items, one_line, text};
use crate::{Block, Blocks, add, version};

/// More codes than this of a system whose codes are not here are no facts that a core profile needs.
const MAX_CODES: usize = 10_000;

pub(crate) fn blocks(packages: &[Package]) -> Blocks {
    let mut blocks = Blocks::new();
    for package in packages {
        for set in package.of_type("ValueSet").filter(|set| !text(set, "url").is_empty()) {
            let body = body(set);
            if body.lines().count() > MAX_CODES {
                continue;
            }
            let releases = vec![(package.name.clone(), version(package, set).to_owned())];
            add(&mut blocks, text(set, "url"), Block { releases, body, codes: BTreeSet::new() });
        }
    }
    blocks
}

fn body(set: &Value) -> String {
    let mut body = String::new();
    let Some(compose) = set.get("compose") else { return body };
    if compose.get("inactive").and_then(Value::as_bool) == Some(false) {
        body.push_str("@active-only\n");
    }
    for (keyword, clauses) in [("include", items(compose, "include")), ("exclude", items(compose, "exclude"))] {
        clauses.iter().for_each(|clause| write_clause(keyword, clause, &mut body));
    }
    body
}

fn write_clause(keyword: &str, clause: &Value, body: &mut String) {
    let version = text(clause, "version");
    let version = if version.is_empty() { String::new() } else { format!("|{version}") };
    let _ = writeln!(body, "\t{keyword} {}{version}", text(clause, "system"));
    for concept in items(clause, "concept") {
        let code = text(concept, "code");
        assert!(!code.starts_with(['~', '^']) && !code.contains(['\t', '\n']), "a code of one line: {code}");
        let _ = writeln!(body, "\t\t{code}");
    }
    for filter in items(clause, "filter") {
        let _ = writeln!(
            body,
            "\t\t~{}\t{}\t{}",
            text(filter, "property"),
            text(filter, "op"),
            one_line(text(filter, "value"))
        );
    }
    for import in items(clause, "valueSet").iter().filter_map(Value::as_str) {
        let _ = writeln!(body, "\t\t^{import}");
    }
}
