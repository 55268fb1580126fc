//! The static check on the expressions that FHIR itself publishes: it must not refuse what is right.

use definitions::Family;
use fhir::Version;
use fhirpath::Program;

const RELEASES: [Version; 3] = [Version::R4, Version::R4B, Version::R5];

/// Where the specification itself is wrong: types without a `name`, and a string in double quotes.
const WRONG: [(&str, &str); 4] = [
    ("ChargeItemDefinition", "name"),
    ("Evidence", "name"),
    ("EvidenceReport", "name"),
    ("ElementDefinition", "type.code.contains(\":\")"),
];

fn refused(version: Version, context: &str, expression: &str) -> Option<String> {
    let program = Program::compile(expression, version).ok()?;
    let error = program.check_names(context).err()?;
    let is_listed = WRONG.iter().any(|(of, part)| *of == context && expression.contains(part));
    (!is_listed).then(|| format!("{version} {context}: {expression}: {error}"))
}

#[test]
fn the_rules_of_every_type_name_elements_that_are_there() {
    let mut wrong = Vec::new();
    for version in RELEASES {
        let definitions = definitions::of(version);
        for known in definitions.types().filter(|known| known.family() != Family::Primitive) {
            let root = known.root().and_then(|root| definitions.element(root));
            let rules = root.into_iter().flat_map(definitions::Element::invariants);
            wrong.extend(rules.filter_map(|rule| refused(version, known.name(), rule.expression())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn search_parameters_name_elements_that_are_there() {
    let mut wrong = Vec::new();
    for version in RELEASES {
        let definitions = definitions::of(version);
        for resource_type in fhir::ResourceType::all() {
            let start = format!("{resource_type}.");
            for parameter in definitions.search_parameters(resource_type) {
                // One expression serves several types: only the parts of this one are looked at.
                let parts = parameter.expression.into_iter().flat_map(|whole| whole.split('|')).map(str::trim);
                let own = parts.filter(|part| part.starts_with(&start));
                wrong.extend(own.filter_map(|part| refused(version, resource_type.as_str(), part)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
