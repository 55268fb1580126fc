//! A value set from its FHIR resource, R4 to R5.

use serde_json::Value;

use super::{Clause, Codes, Filter, ValueSet};
use crate::code_system::Text;
use crate::json::{flag, items, owned, text};

/// Reads a ValueSet. Without a compose its expansion is the list.
pub(crate) fn read(resource: &Value) -> ValueSet {
    let compose = resource.get("compose");
    let clauses = |name| compose.map(|compose| items(compose, name).iter().map(clause).collect()).unwrap_or_default();
    let includes: Vec<_> = match (compose, resource.get("expansion")) {
        (None, Some(expansion)) => listed(expansion),
        _ => clauses("include"),
    };
    ValueSet {
        url: owned(resource, "url"),
        version: owned(resource, "version"),
        editions: 0,
        is_partial: false,
        includes,
        excludes: clauses("exclude"),
        is_active_only: compose.and_then(|compose| flag(compose, "inactive")) == Some(false),
    }
}

fn clause(clause: &Value) -> Clause {
    let concepts = items(clause, "concept");
    let filters: Vec<_> = items(clause, "filter").iter().map(filter).collect();
    Clause {
        system: owned(clause, "system"),
        version: owned(clause, "version"),
        codes: (!concepts.is_empty())
            .then(|| Codes::new(concepts.iter().map(|concept| owned(concept, "code")).collect())),
        filters,
        imports: items(clause, "valueSet")
            .iter()
            .filter_map(Value::as_str)
            .map(|url| Text::from(url.to_owned()))
            .collect(),
    }
}

fn filter(filter: &Value) -> Filter {
    Filter::new(owned(filter, "property"), text(filter, "op"), owned(filter, "value"))
}

/// Deepest nesting of an expansion that is read.
const MAX_NESTING: u32 = 60;

/// An expansion as lists of codes, one a system.
fn listed(expansion: &Value) -> Vec<Clause> {
    let mut systems: Vec<(&str, Vec<Text>)> = Vec::new();
    collect(items(expansion, "contains"), &mut systems, 0);
    let clause = |(system, codes): (&str, Vec<Text>)| Clause {
        system: Text::from(system.to_owned()),
        codes: Some(Codes::new(codes)),
        ..Clause::default()
    };
    systems.into_iter().map(clause).collect()
}

fn collect<'a>(contains: &'a [Value], systems: &mut Vec<(&'a str, Vec<Text>)>, nesting: u32) {
    if nesting > MAX_NESTING {
        return;
    }
    for entry in contains {
        let (system, code) = (text(entry, "system"), owned(entry, "code"));
        if !code.is_empty() && flag(entry, "abstract") != Some(true) {
            match systems.iter_mut().find(|(known, _)| *known == system) {
                Some((_, codes)) => codes.push(code),
                None => systems.push((system, vec![code])),
            }
        }
        collect(items(entry, "contains"), systems, nesting + 1);
    }
}
